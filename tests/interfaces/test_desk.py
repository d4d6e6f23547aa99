"""The desk: what waits, three lines side by side, every number with its way to the cause, and nothing for Zhao."""

import re
from datetime import date, datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from tests import packs_once
from tests.domains.response.plans import activated
from tests.domains.sentinels.conftest import sentinel, stream
from tests.fixtures_town import AT, Town
from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.models import User
from tongchou.core.people.rules import system_actor
from tongchou.core.places.models import Installation, Place
from tongchou.core.runs.models import Run
from tongchou.domains.registry.models import ConstructionSite, Firm, School
from tongchou.domains.sentinels.models import Observation, Stream
from tongchou.domains.warning.models import Alarm, AlarmShare, PlaceEvidence, Signal
from tongchou.interfaces import clock
from tongchou.interfaces.web.desk_queries import alarms_since, curve_of, economy_of, open_incidents

TODAY = date(2022, 6, 2)
HALF_IN = TODAY - timedelta(days=1)  # on this day one of the two clinics has not reported yet


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(clock, "now", lambda: AT)
    Installation.objects.update(targets=[{"code": "covid19", "zh": "新冠病毒感染", "en": "COVID-19"}])
    return installed_town


@pytest.fixture
def full_town(town: Town) -> Town:
    """Two clinics that count, an open alarm in the first village and a decided one, four firms, a site and a school."""
    first, second, _ = town.villages
    first.outline = {"type": "Polygon", "coordinates": [[[121.2, 31.1], [121.3, 31.1], [121.3, 31.2], [121.2, 31.1]]]}
    first.save()
    fever = [
        stream(
            f"fever-{n}", sentinel(f"clinic-{n}", "monitoring", "fever_clinic", village, {village: 0.5}), "fever_visits", is_specific=True
        )
        for n, village in enumerate((first, second), start=1)
    ]
    run = Run.objects.create(function="test", version="1", parameters={}, input_digest="0", as_known_at=AT, recorded_at=AT, result={})
    for row in fever:
        for back in range(30):
            day = TODAY - timedelta(days=back)
            if back == 0 or (day == HALF_IN and row is fever[1]):
                continue
            Observation.objects.create(stream=row, day=day, reported_at=_evening(day), value=10 if back < 8 else 4)
    Signal.objects.create(stream=fever[0], day=TODAY, as_known_at=AT, observed_on=HALF_IN, expected=4, statistic=7, threshold=5, method="m", version="1", run=run)  # fmt: skip
    PlaceEvidence.objects.create(
        place=first, target="covid19", day=TODAY, as_known_at=AT, log_evidence=7, probability=0.995, grade="orange", run=run
    )
    PlaceEvidence.objects.create(place=second, target="covid19", day=TODAY, as_known_at=AT, log_evidence=0, probability=0.01, run=run)
    alarm = _alarm(town, run, "YJ-2022-0002", TODAY, "orange", due_at=AT + timedelta(minutes=30))
    AlarmShare.objects.create(alarm=alarm, kind="fever_visits", stream=fever[0], share=0.8, statistic=7, threshold=5)
    _alarm(town, run, "YJ-2022-0001", TODAY - timedelta(days=20), "blue", closed_at=AT - timedelta(days=19))
    for n, (village, state, section) in enumerate(
        ((first, "closed", "C"), (first, "full", "C"), (second, "resumed", "H"), (second, "closed", "H"))
    ):
        Firm.objects.create(
            place=village, name=f"企业{n}", near_key=f"{n}", credit_code=f"91310118MA1TEST{n:03}", industry="13", section=section,
            size_class="small", resumption=state, resumed_on=None if state == "closed" else TODAY - timedelta(days=n), changed_at=AT,
        )  # fmt: skip
    ConstructionSite.objects.create(place=first, name="工地", near_key="s", code="S1", is_major=True, state="working", changed_at=AT)
    School.objects.create(place=second, name="小学", near_key="x", code="X1", stage="primary", changed_at=AT)
    return town


def _evening(day: date) -> datetime:
    return AT.replace(year=day.year, month=day.month, day=day.day, hour=10)


def _alarm(
    town: Town, run: Run, number: str, day: date, grade: str, *, due_at: datetime | None = None, closed_at: datetime | None = None
) -> Alarm:
    dossier = Dossier.objects.create(
        kind="alarm", number=number, title_zh="徐泾居委会：新冠上升预警", title_en="Xujing: rise of COVID-19", place=town.villages[0],
        state="confirmed" if closed_at else "proposed", grade=grade, opened_at=_evening(day), closed_at=closed_at, owner_post=town.posts["duty-officer"],
    )  # fmt: skip
    if due_at:
        Deadline.objects.create(dossier=dossier, key="alarm.decide_within", minutes=120, started_at=AT, due_at=due_at, escalate_at=due_at)
    return Alarm.objects.create(
        dossier=dossier, area=town.town, target="covid19", target_zh="新冠", target_en="COVID-19", day=day, as_known_at=AT, last_seen_on=day,
        raised_by="fusion", log_evidence=7, threshold=4, probability=0.995, prior_onsets_per_year=2, growth_per_day=0.1, run=run,
        expected=[{"kind": "fever_visits", "place": None, "horizon_days": 14, "median": 60, "lower": 40, "upper": 90}],
    )  # fmt: skip


def _as(username: str, lang: str = "zh") -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = lang
    return client


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", re.sub(r"<script.*?</script>", "", html, flags=re.S))))


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("橙色预警", ">99%", "须决定", "确认启动", "疫情要防住", "经济要稳住", "发展要安全", "复工率", "无人看见的居民")),
        (
            "en",
            ("Orange alarm", ">99%", "Decide", "Confirm and activate", "Keep it out", "Keep it steady", "Keep it safe", "Firms at work"),
        ),
    ],
)
def test_the_desk_opens_in_both_languages_within_its_query_budget(
    full_town: Town, lang: str, words: tuple[str, ...], django_assert_max_num_queries: object
) -> None:
    client = _as("lin", lang)
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        answer = client.get("/")
    text = _text(answer.content.decode())
    assert answer.status_code == 200
    assert [word for word in words if word not in text] == []


def test_the_banner_names_the_worst_alarm_and_only_who_may_decide_is_asked(full_town: Town) -> None:
    run = Run.objects.get()
    _alarm(full_town, run, "YJ-2022-0003", TODAY, "yellow", due_at=AT + timedelta(minutes=5))
    lin, chen = (_as(name).get("/?fragment=banner").content.decode() for name in ("lin", "chen"))
    assert 'href="/alarms/YJ-2022-0002"' in lin and "另有 1 条待决" in lin and "预计 60（40–90）" in lin
    assert "确认启动" in lin and "确认启动" not in chen


def test_a_town_without_anything_still_has_a_desk(town: Town) -> None:
    text = _text(_as("lin").get("/").content.decode())
    assert "没有待决的预警" in text and "没有等您办的事" in text and "没有按日或按周计数的数据流" in text


def test_zhao_of_another_town_is_refused(full_town: Town) -> None:
    assert _as("zhao").get("/").status_code == 404
    assert _as("zhao").get("/", {"place": "310118106001"}).status_code == 404


def test_a_village_secretary_sees_her_village_only(full_town: Town) -> None:
    own = _as("wu").get("/")
    assert "徐泾居委会" in own.content.decode() and own.context["economy"].whole.count == 2
    assert _as("wu").get("/", {"place": "310118106202"}).status_code == 404


@pytest.mark.parametrize(("code", "status"), [("310118106202", 200), ("310118107", 404), ("no-such", 404)])
def test_the_desk_narrows_to_a_village_of_this_town(full_town: Town, code: str, status: int) -> None:
    answer = _as("lin").get("/", {"place": code})
    assert answer.status_code == status
    if status == 200:
        assert answer.context["alarm"] is None and answer.context["economy"].whole.count == 2


def test_a_firm_figure_leads_to_exactly_the_firms_it_counts(full_town: Town) -> None:
    client = _as("lin")
    row = next(r for r in client.get("/?fragment=economy").context["sectors"] if r["group"].key == "C")
    assert row["group"].resumed_share == 0.5 and row["group"].firms["closed"] == 1
    listed = client.get(row["closed_url"])
    assert [item["row"].name for item in listed.context["rows"]] == ["企业0"]


def test_every_link_of_the_desk_opens(full_town: Town) -> None:
    specs = [
        s for s in packs_once.pack("xujing").parameters if s.key.startswith(("difficulty.", "call.", "policy.", "approval.", "resumption."))
    ]
    define_parameters(specs=specs, places={}, root=full_town.town, by=system_actor("test"), at=AT)
    client = _as("fang")
    found = set(re.findall(r'href="([/?][^"#]*)', client.get("/").content.decode())) - {"/"}
    assert len(found) > 15
    assert {
        link: code for link in found if (code := client.get(link.replace("&amp;", "&")).status_code) != 200 and "/static/" not in link
    } == {}


@pytest.mark.parametrize("fragment", ["banner", "kpis", "now", "epidemic", "economy", "safety"])
def test_a_part_answers_alone(full_town: Town, fragment: str) -> None:
    answer = _as("lin").get("/", {"fragment": fragment}).content.decode()
    assert answer.strip() and "<html" not in answer


class TestCurve:
    def test_a_day_that_is_half_in_is_marked_and_today_is_awaited(self, full_town: Town) -> None:
        answer = _as("lin").get("/?fragment=epidemic")
        curve = answer.context["curve"]
        assert [day for day, still in zip(curve.days, curve.completed.incomplete, strict=True) if still] == [HALF_IN]
        assert answer.context["awaited"] == [TODAY]
        assert re.search(r"6月1日已报 10（到数约 [45]\d%），报齐后预计 (19|20)（1\d–", _text(answer.content.decode()))
        ground = next(la for la in answer.context["figure"].spec["layer"] if la.get("transform") == [{"filter": "datum.partial"}])
        assert ground["mark"]["type"] == "bar"

    def test_the_week_ends_on_the_last_day_of_which_it_is_known_what_it_will_be(self, full_town: Town) -> None:
        kpi = _as("lin").get("/?fragment=kpis").context["kpis"][0]
        # Six days at 20, and 1 June with 10 of about 20; the week before had 8 a day.
        assert kpi["tone"] == "bad" and kpi["value"] == "≈140" and kpi["note"].en == "up from 56 the week before; 10 of it nowcast"

    def test_the_expected_level_stands_for_streams_not_yet_judged_too(self, full_town: Town) -> None:
        streams = list(Stream.objects.filter(kind="fever_visits").select_related("sentinel__place"))
        curve = curve_of("fever_visits", streams, 10, TODAY, AT, "test")
        assert curve is not None and curve.expected[-2] == 8 and curve.counts[-1] is None and curve.counts[-2] == 10

    def test_another_kind_may_be_chosen_but_only_one_that_stands_here(self, full_town: Town) -> None:
        clinic = Stream.objects.get(code="fever-1").sentinel
        stream("tested-1", clinic, "fever_tested")
        client = _as("lin")
        assert client.get("/?fragment=epidemic&curve=fever_tested").context["curve"].kind == "fever_tested"
        assert client.get("/?fragment=epidemic&curve=none").context["curve"].kind == "fever_visits"


def test_alarms_come_open_and_first_due_first(full_town: Town) -> None:
    run = Run.objects.get()
    _alarm(full_town, run, "YJ-2022-0004", TODAY, "yellow", due_at=AT + timedelta(minutes=5))
    found = alarms_since(full_town.town.path, TODAY - timedelta(days=60))
    assert [a.dossier.number[-1] for a in found] == ["4", "2", "1"]
    assert alarms_since(full_town.villages[1].path, TODAY) == []


def test_of_decided_alarms_the_latest_is_shown(full_town: Town) -> None:
    run = Run.objects.get()
    _alarm(full_town, run, "YJ-2022-0005", TODAY - timedelta(days=3), "yellow", closed_at=AT - timedelta(days=2))
    assert [row["alarm"].dossier.number for row in _as("lin").get("/?fragment=now").context["decided"]] == ["YJ-2022-0005"]


def test_incidents_tell_tasks_done_open_and_late(town: Town) -> None:
    tasks = activated(town)
    late = AT + timedelta(days=400)
    before, after = open_incidents(town.town.path, AT).get(), open_incidents(town.town.path, late).get()
    assert (before.tasks_all, before.tasks_open, before.tasks_late) == (len(tasks), len(tasks), 0)
    assert before.next_due_at is not None and (after.tasks_late, after.next_due_at) == (len(tasks), None)
    text = _text(_as("fang").get("/?fragment=now").content.decode())
    assert f"已办 0/{len(tasks)}" in text


def test_the_economy_counts_states_of_the_register_alone(full_town: Town) -> None:
    economy = economy_of(full_town.town.path)
    assert dict(economy.whole.firms) == {"closed": 2, "full": 1, "resumed": 1}
    assert economy.resumed_by == ((TODAY - timedelta(days=2), 1), (TODAY - timedelta(days=1), 2))
    assert economy.as_of == TODAY
    assert economy_of(Place.objects.get(code="310118107").path).whole.count == 0
