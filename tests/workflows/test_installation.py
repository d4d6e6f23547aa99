"""From a pack to a working installation: complete, twice the same, and no other town's home."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests import packs_once
from tests.fixtures_town import AT
from tongchou.core.audit.queries import verify_chain
from tongchou.core.errors import Invalid, Refusal
from tongchou.core.packs.contents import Pack
from tongchou.core.parameters.actions import set_parameter
from tongchou.core.parameters.models import ParameterValue
from tongchou.core.parameters.queries import duration, value
from tongchou.core.people.models import Post, Posting, User
from tongchou.core.people.queries import actor_for
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation, Place
from tongchou.core.wording import T
from tongchou.domains.gate.models import EntryRules
from tongchou.domains.gate.queries import rules_in_force
from tongchou.domains.gate.rules import FREE, rule_for
from tongchou.domains.registry.rules import VENUE_CLASSES
from tongchou.domains.response.queries import plans_in_force
from tongchou.domains.sentinels.models import Catchment, Observation, Sentinel, Stream
from tongchou.workflows.installation import install_pack
from tongchou.workflows.watched_town import town_on

SYSTEM = system_actor("init")
KNOWN_UNTIL = AT - timedelta(days=500)


@pytest.fixture(scope="module")
def xujing() -> Pack:
    return packs_once.pack("xujing")


@pytest.fixture
def installed(db: None, xujing: Pack) -> Pack:
    install_pack(xujing, with_registers=False, known_until=KNOWN_UNTIL, by=SYSTEM, at=AT)
    return xujing


def _counts() -> dict[str, int]:
    models = (Installation, Place, Post, User, Posting, ParameterValue, Sentinel, Catchment, Stream, Observation)
    return {m.__name__: m.objects.count() for m in models}


def test_the_town_stands_with_everything_the_pack_says(installed: Pack) -> None:
    town = Installation.objects.select_related("place").get()
    assert (town.pack, town.zone, town.place.code, town.is_demo) == ("xujing", "Asia/Shanghai", installed.identity.place, True)
    assert town.targets == [{"code": t.code, "zh": t.name.zh, "en": t.name.en} for t in installed.targets]
    assert len(town.attributions) == len(installed.attribution)
    assert Place.objects.count() == len(installed.places)
    village = Place.objects.get(code=installed.villages[0].code)
    assert village.path == f"{town.place.path}{village.code}/" and village.outline is not None
    assert Stream.objects.count() == sum(len(s.streams) for s in installed.sentinels)
    assert plans_in_force(AT.date(), town.place.path)[0].code == installed.plans[0].code
    assert verify_chain().problems == ()


def test_what_doors_ask_for_is_what_was_ordered(installed: Pack) -> None:
    rules = rules_in_force()
    asked = {name: rule_for(rules, name, AT.date()) for name in VENUE_CLASSES}
    assert {asked[name].test_hours for name in VENUE_CLASSES if name != "compound"} == {72} and asked["compound"].test_hours is None
    assert [name for name in VENUE_CLASSES if not asked[name].may_refuse] == ["clinic"]
    assert rule_for(rules, "shop", date(2022, 5, 31)).test_hours == 48 and rule_for(rules, "shop", date(2022, 12, 6)) is FREE
    install_pack(installed, with_registers=False, known_until=KNOWN_UNTIL, by=SYSTEM, at=AT)
    assert EntryRules.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_hours": 24}, "office from 2022-06-01: asks for 24 h, ordered was 72 h"),
        ({"venue_classes": ("castle",)}, "no class of venue castle"),
    ],
)
def test_a_town_that_piles_on_is_not_installed(db: None, xujing: Pack, change: dict[str, Any], said: str) -> None:
    harsh = replace(xujing.entry_rules[1], **({"venue_classes": ("office",)} | change))
    with pytest.raises(Invalid) as refused:
        install_pack(replace(xujing, entry_rules=(harsh,)), with_registers=False, known_until=KNOWN_UNTIL, by=SYSTEM, at=AT)
    assert any(said in problem.said.en for problem in refused.value.problems)
    assert not Installation.objects.exists()


def test_the_watch_sees_the_installed_town(installed: Pack) -> None:
    town = town_on(date(2022, 6, 2))
    assert len(town.areas) == 1 and len(town.areas[0].parts) == len(installed.villages)
    assert town.repeat_days == 7
    assert town.params.grades.red_infections == 200
    assert {s.code for s in town.streams} == {
        s.code for sentinel in installed.sentinels if sentinel.state == "live" for s in sentinel.streams if s.targets
    }


def test_durations_of_the_pack_can_be_looked_up(installed: Pack) -> None:
    assert duration("task.escalate_every", on=AT.date()) > timedelta(0)
    assert value("alarm.repeat_window", on=AT.date()).unit == "day"


def test_accounts_hold_their_posts_from_before_the_first_day(installed: Pack) -> None:
    begins = installed.identity.demo_from
    assert begins is not None
    lin = actor_for(User.objects.get(username="lin"), begins)
    assert lin.holds("duty-officer") and lin.may("alarm.confirm", Installation.objects.get().place.path)
    assert not User.objects.get(username="lin").has_usable_password()


def test_nothing_reported_later_than_asked_is_kept(installed: Pack) -> None:
    assert Observation.objects.exists()
    assert not Observation.objects.filter(reported_at__gt=KNOWN_UNTIL).exists()


def test_installing_twice_changes_nothing_and_keeps_what_the_office_set(installed: Pack) -> None:
    set_parameter(key="alarm.repeat_window", value=10, valid_from=AT.date(), source=T("值班会议", "Duty meeting"), by=SYSTEM, at=AT)
    before = _counts()
    done = install_pack(installed, with_registers=False, known_until=KNOWN_UNTIL, by=SYSTEM, at=AT)
    assert (done.is_new, done.accounts_added, _counts()) == (False, 0, before)
    assert value("alarm.repeat_window", on=AT.date()).value == 10


def test_another_town_is_refused_and_nothing_is_added(installed: Pack) -> None:
    before = _counts()
    with pytest.raises(Refusal, match="已安装 xujing"):
        install_pack(packs_once.pack("germany"), by=SYSTEM, at=AT)
    assert _counts() == before


def test_without_people_no_account_is_made(db: None, xujing: Pack) -> None:
    install_pack(xujing, with_people=False, with_registers=False, known_until=KNOWN_UNTIL, by=SYSTEM, at=AT)
    assert not User.objects.exists() and Post.objects.exists()
