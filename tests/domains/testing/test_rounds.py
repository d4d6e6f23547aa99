"""Sites set up and changed; rounds planned, started, wound up, closed only when everybody is accounted for."""

from datetime import date, timedelta

import pytest

from tests.domains.testing.samplers import parameter, people_of, scene, spec
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import history_of
from tongchou.core.casework.models import Assignment, Deadline
from tongchou.core.errors import Invalid, Stale, Unseen
from tongchou.core.wording import T
from tongchou.domains.testing.actions import (
    add_people,
    cancel_round,
    close_round,
    close_site,
    edit_site,
    enlist_key_workers,
    open_site,
    plan_round,
    report_queue,
    resume_round,
    start_round,
    wind_up_round,
)
from tongchou.domains.testing.actions_sampling import account_for
from tongchou.domains.testing.models import KeyWorker, Round, Site
from tongchou.domains.testing.queries import (
    missing,
    missing_count,
    rounds_seen,
    seen_round,
    shares_by_place,
    sites_seen,
    together,
)
from tongchou.workflows.regular_testing import key_workers_due


def test_site_is_set_up_changed_closed_and_opened_again(small_town: Town) -> None:
    site = open_site(code="S1", spec=spec(), place=small_town.villages[0], by=small_town.gao, at=AT)
    edit_site(site, spec=spec(booths=4), reason="扩容", by=small_town.gao, at=AT)
    report_queue(site, queue=30, by=small_town.wu, at=AT)
    close_site(site, closed=True, reason="雨停采", by=small_town.gao, at=AT)
    with pytest.raises(Stale):
        close_site(site, closed=True, reason="再关", by=small_town.gao, at=AT)
    close_site(site, closed=False, reason="恢复", by=small_town.gao, at=AT)
    kept = Site.objects.get()
    assert (kept.booths, kept.queue, kept.queue_at, kept.closed_at) == (4, 30, AT, None)
    assert [e.action for e in history_of(kept)] == ["site.open", "site.edit", "site.queue", "site.close", "site.reopen"]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("hours", {"hours": [{"weekdays": [0], "from": "08:00", "to": "20:00"}]}),
        ("hours", {"hours": [{"weekdays": [1], "from": "20:00", "to": "08:00"}]}),
        ("hours", {"hours": "always"}),
        ("booths", {"booths": 0}),
        ("name", {"name": T("", "")}),
        ("point", {"point": (200.0, 31.0)}),
        ("staff", {"staff": -1}),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_site_with_a_wrong_field_is_refused_by_its_name(small_town: Town, field: str, changes: dict[str, object]) -> None:
    with pytest.raises(Invalid) as told:
        open_site(code="S1", spec=spec(**changes), place=small_town.villages[0], by=small_town.gao, at=AT)
    assert [p.field for p in told.value.problems] == [field]
    assert not Site.objects.exists() and not Entry.objects.exists()


def test_site_and_round_are_refused_by_post_and_by_place(small_town: Town) -> None:
    for person in (small_town.wu, small_town.chen, small_town.zhao):
        with pytest.raises(Unseen):
            open_site(code="S1", spec=spec(), place=small_town.villages[0], by=person, at=AT)
        with pytest.raises(Unseen):
            plan_round(title=T("一", "one"), place=small_town.town, by=person, at=AT)


def test_round_draws_its_roll_from_the_register_and_starts_its_clock(small_town: Town) -> None:
    made = scene(small_town)
    head = made.round.dossier
    assert (head.number, head.state) == ("HS-2022-0001", "open")
    assert Deadline.objects.get(dossier=head).due_at == AT + timedelta(hours=24)
    assert Assignment.objects.get(dossier=head).user.username == "gao"  # type: ignore[union-attr]
    assert together(shares_by_place(made.round).values()).people == 6 == missing_count(made.round) == missing(made.round).count()
    assert [e.action for e in history_of(head)] == ["round.open", "round.start"]


def test_round_with_nobody_on_its_roll_does_not_start(small_town: Town) -> None:
    parameter("testing.area_round_within", "hour", 24)
    planned = plan_round(title=T("空", "empty"), place=small_town.town, by=small_town.gao, at=AT)
    with pytest.raises(Invalid, match="Nobody is on the roll"):
        start_round(planned, by=small_town.gao, at=AT)
    planned.dossier.refresh_from_db()
    assert planned.dossier.state == "planned"
    cancel_round(planned, reason="不做了", by=small_town.gao, at=AT)
    assert Round.objects.get().dossier.state == "cancelled"


def test_round_closes_only_when_everybody_is_accounted_for(small_town: Town) -> None:
    made = scene(small_town)
    made.sample([0, 1, 2, 3], "TUBE0001")
    with pytest.raises(Stale):
        close_round(made.round, by=small_town.gao, at=AT)
    wind_up_round(made.round, by=small_town.gao, at=AT)
    with pytest.raises(Invalid, match="2 people are not accounted for"):
        close_round(made.round, by=small_town.gao, at=AT)
    account_for(testing_round=made.round, people=[made.people[4].pk], reason="hospital", by=small_town.wu, at=AT)
    account_for(
        testing_round=made.round, people=[made.people[5].pk], reason="no_answer", to_post=small_town.posts["duty-officer"], by=small_town.gao, at=AT
    )  # fmt: skip
    close_round(made.round, by=small_town.gao, at=AT)
    share = together(shares_by_place(made.round).values())
    assert (share.sampled, share.away, share.handed_on, share.missing) == (4, 1, 1, 0)
    made.round.dossier.refresh_from_db()
    assert made.round.dossier.closed_at == AT and not Deadline.objects.filter(stopped_at=None).exists()
    with pytest.raises(Stale):
        made.sample([4], "TUBE0002")


def test_round_goes_back_to_sampling_with_a_reason(small_town: Town) -> None:
    made = scene(small_town)
    wind_up_round(made.round, by=small_town.gao, at=AT)
    with pytest.raises(Invalid):
        resume_round(made.round, reason="", by=small_town.gao, at=AT)
    resume_round(made.round, reason="又来一批人", by=small_town.gao, at=AT)
    assert Round.objects.get().dossier.state == "open"


def test_list_round_takes_people_of_ones_own_places_only(small_town: Town) -> None:
    parameter("testing.area_round_within", "hour", 24)
    people = people_of(small_town)
    planned = plan_round(title=T("名单", "list"), place=small_town.town, kind="list", pool_size=1, by=small_town.gao, at=AT)
    assert add_people(testing_round=planned, people=[p.pk for p in people[:3]], by=small_town.wu, at=AT) == 3
    assert add_people(testing_round=planned, people=[p.pk for p in people[:4]], by=small_town.wu, at=AT) == 1
    for person, who in ((small_town.wu, people[5].pk), (small_town.zhao, people[0].pk), (small_town.gao, 999_999)):
        with pytest.raises(Unseen):
            add_people(testing_round=planned, people=[who], by=person, at=AT)
    start_round(planned, by=small_town.gao, at=AT)
    assert missing_count(planned) == 4


def test_whoever_has_a_place_in_a_round_sees_it_and_nobody_else(small_town: Town) -> None:
    made = scene(small_town)
    for person in (small_town.gao, small_town.wu, small_town.lin):
        assert seen_round(made.round.dossier.number, person).pk == made.round.pk
    assert not rounds_seen(small_town.zhao).exists() and not sites_seen(small_town.zhao).exists()
    with pytest.raises(Unseen):
        seen_round(made.round.dossier.number, small_town.zhao)


def test_key_workers_are_due_by_the_strictest_of_their_groups(small_town: Town) -> None:
    made = scene(small_town)
    parameter("testing.regular_every", "hour", {"courier": 48, "cold_chain": 24})
    both, courier = made.people[0].pk, made.people[1].pk
    since = date(2022, 5, 1)
    given = {"place": small_town.town, "from_on": since, "by": small_town.gao, "at": AT}
    assert enlist_key_workers(people={both: "courier", courier: "courier"}, **given) == 2  # type: ignore[arg-type]
    assert enlist_key_workers(people={both: "cold_chain", courier: "courier"}, **given) == 1  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="no such group"):
        enlist_key_workers(people={both: "resident"}, **given)  # type: ignore[arg-type]
    made.sample([0, 1], "TUBE0001")
    path = small_town.town.path
    assert key_workers_due(path, AT, AT + timedelta(hours=23)) == []
    assert [(n.person, n.due.group) for n in key_workers_due(path, AT, AT + timedelta(hours=24))] == [(both, "cold_chain")]
    assert [n.person for n in key_workers_due(path, AT, AT + timedelta(hours=48))] == [both, courier]
    assert KeyWorker.objects.count() == 3
