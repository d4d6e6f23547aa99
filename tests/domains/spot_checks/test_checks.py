"""A check from plan to end: announced before drawn, drawn as the command draws it, taken, replaced, resulted, closed."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.domains.spot_checks.checks import BEACON, LATER, SECRET, VALUE, drawn, lay_numbers, people, planned, venues, waiting, wish
from tests.fixtures_town import AT, Town
from tongchou.core.audit.queries import history_of
from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.domains.registry.models import Household, Resident
from tongchou.domains.spot_checks.actions import announce_check, cancel_check, close_check, draw_check
from tongchou.domains.spot_checks.actions_taking import Finding, keep_results, miss_units, take_units
from tongchou.domains.spot_checks.imports import read_findings, read_goods
from tongchou.domains.spot_checks.models import SpotCheck, Unit
from tongchou.domains.spot_checks.queries import (
    checks_seen,
    crew_units,
    design_text,
    draw_rows,
    frame_rows,
    outcome_kept,
    pools_of,
    published_check,
    published_checks,
    reasons_of,
    seen_check,
    standings,
)
from tongchou.domains.spot_checks.rules import outcome_in_words
from tongchou.interfaces.cli.drawing import app
from tongchou.workflows.spot_checking import plan, take_results


@pytest.fixture
def town(small_town: Town) -> Town:
    lay_numbers()
    people(small_town)
    return small_town


def _write(check: SpotCheck, folder: Path) -> list[str]:
    """The published files, as anybody takes them."""
    frame = "".join(f"{unit},{stratum},{risk!r},{share!r}\n" for unit, stratum, risk, share in frame_rows(check))
    (folder / "frame.csv").write_text("unit,stratum,risk,share\n" + frame, "utf-8")
    (folder / "design.yaml").write_text(design_text(check), "utf-8")
    rows = list(draw_rows(check))
    (folder / "draw.csv").write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n", "utf-8")
    return ["--frame", str(folder / "frame.csv"), "--design", str(folder / "design.yaml"), "--seed", check.seed]


@pytest.mark.parametrize("by_risk", [False, True])
def test_draw_is_made_again_with_the_command_from_what_is_published(town: Town, tmp_path: Path, by_risk: bool) -> None:
    check = drawn(town, by_risk=by_risk)
    asked = _write(check, tmp_path)
    published = [f"frame={check.frame_digest}", f"design={check.design_digest}", f"secret={check.secret_digest}"]
    told = CliRunner().invoke(
        app, ["verify", *asked, "--draw", str(tmp_path / "draw.csv"), *(a for p in published for a in ("--published", p))]
    )
    assert told.exit_code == 0, told.output
    made = CliRunner().invoke(app, asked)
    assert made.exit_code == 0 and made.output.splitlines()[1:] == [",".join(row.values()) for row in draw_rows(check)]
    other = [*asked[:-1], f"{SECRET}:3195.47"]
    assert CliRunner().invoke(app, ["verify", *other, "--draw", str(tmp_path / "draw.csv")]).exit_code != 0
    forged = CliRunner().invoke(app, ["verify", *asked, "--draw", str(tmp_path / "draw.csv"), "--published", f"secret={'0' * 64}"])
    assert forged.exit_code != 0


def test_nothing_published_names_anybody(town: Town, tmp_path: Path) -> None:
    check = drawn(town)
    _write(check, tmp_path)
    written = "".join((tmp_path / name).read_text("utf-8") for name in ("frame.csv", "design.yaml", "draw.csv"))
    assert "居民" not in written and not any(home.code + "," in written for home in Household.objects.all())
    assert len(list(frame_rows(check))) == 40  # one of each household


def test_nobody_of_a_household_is_drawn_twice_and_it_rests_afterwards(town: Town) -> None:
    check = drawn(town, size=16)
    first = waiting(check)
    assert len({u.household_id for u in first}) == len(first) == 16
    take_units(check=check, units=[u.code for u in first[:6]][:1], tube="TUBE0001", by=town.gao, at=LATER)
    taken = Unit.objects.get(state="taken")
    again = planned(town, at=AT + timedelta(days=10))
    assert again.resting == taken.household.members.count() and len(list(frame_rows(again))) == 39
    assert planned(town, at=AT + timedelta(days=40)).resting == 0


def test_size_follows_from_what_is_to_be_found(town: Town) -> None:
    check = planned(town, size=None, chance=0.8, prevalence=0.05)
    assert sum(s.size for s in check.strata.all()) == 27  # 5 positives among 100: none in 27 with chance 0.1995, in 26 with 0.214
    with pytest.raises(Invalid, match="cannot be drawn"):
        planned(town, size=None, chance=0.999, prevalence=0.001)


def test_plan_is_refused_by_post_by_place_and_for_what_does_not_fit(town: Town) -> None:
    for person in (town.wu, town.chen, town.zhao):
        with pytest.raises(Unseen):
            plan(wish(town), secret=SECRET, by=person, at=AT)
    for changes, word in (
        ({"size": 2}, "at least 2 each"), ({"size": 400}, "cannot be drawn"), ({"kind": "pets"}, "kind"), ({"pool_size": 3}, "pool_size"),
        ({"size": None}, "how surely"), ({"kind": "venues"}, "Nothing to draw"), ({"prevalence": 0.9}, "prevalence"),
    ):  # fmt: skip
        with pytest.raises(Invalid, match=word):
            planned(town, **changes)
    assert not SpotCheck.objects.exists()


def test_plan_without_its_numbers_says_which_is_missing(small_town: Town) -> None:
    people(small_town, 4)
    with pytest.raises(Refusal, match=r"spot_check\.household_rest"):
        planned(small_town)


def test_draw_waits_for_the_public_value(town: Town) -> None:
    check = planned(town)
    with pytest.raises(Stale):
        draw_check(check, beacon_value=VALUE, by=town.gao, at=AT)
    for wrong in (AT, AT + timedelta(days=8)):
        with pytest.raises(Invalid):
            announce_check(check, beacon=BEACON, beacon_at=wrong, by=town.gao, at=AT)
    announce_check(check, beacon=BEACON, beacon_at=AT + timedelta(hours=1), by=town.gao, at=AT)
    check = SpotCheck.objects.get()
    assert len(check.frame_digest) == 64 and published_check(check.dossier.number) == check
    with pytest.raises(Unseen):
        published_check(check.dossier.number, drawn=True)
    with pytest.raises(Stale):
        draw_check(check, beacon_value=VALUE, by=town.gao, at=AT + timedelta(minutes=30))
    with pytest.raises(Invalid):
        draw_check(check, beacon_value=" ", by=town.gao, at=LATER)
    draw_check(check, beacon_value=VALUE, by=town.gao, at=LATER)
    clocks = {d.key: d.stopped_at for d in Deadline.objects.filter(dossier=check.pk)}
    assert clocks == {"spot_check.draw_within": LATER, "spot_check.finish_within": None}
    with pytest.raises(Stale):
        draw_check(check, beacon_value="1", by=town.gao, at=LATER)


def test_who_is_absent_is_replaced_by_the_next_of_the_stratum(town: Town) -> None:
    check = drawn(town)
    gone = waiting(check)[0]
    (instead,) = miss_units(check=check, units=[gone.code], reason="absent", note="出差", by=town.gao, at=LATER)
    assert (instead.stratum_id, instead.is_reserve, instead.order, instead.stands_for_id) == (gone.stratum_id, True, 1, gone.pk)
    (second,) = miss_units(check=check, units=[instead.code], reason="refused", by=town.gao, at=LATER)
    assert second.order == 2 and miss_units(check=check, units=[second.code], reason="lost", by=town.gao, at=LATER) == []
    with pytest.raises(Invalid):
        miss_units(check=check, units=[gone.code], reason="absent", by=town.gao, at=LATER)
    with pytest.raises(Invalid):
        miss_units(check=check, units=[waiting(check)[0].code], reason="lazy", by=town.gao, at=LATER)
    assert reasons_of(check) == {"absent": 1, "refused": 1, "lost": 1}
    # Whoever comes back after all is taken, and counts as drawn first.
    take_units(check=check, units=[gone.code], tube="TUBE0001", by=town.gao, at=LATER)
    assert Unit.objects.get(pk=gone.pk).reason == ""


def test_reserve_that_is_used_up_leaves_nobody_to_stand_in(town: Town) -> None:
    check = drawn(town)
    left = waiting(check)
    for _ in range(10):
        if not left:
            break
        miss_units(check=check, units=[u.code for u in left], reason="moved", by=town.gao, at=LATER)
        left = waiting(check)
    assert not left and not Unit.objects.filter(state="reserve").exists()


def test_units_are_taken_by_their_own_village_and_never_in_reserve(town: Town) -> None:
    check = drawn(town)
    own, others = waiting(check, town.wu), [u for u in waiting(check) if u.place_id != town.villages[0].pk]
    assert own and others and set(crew_units(check, town.wu)) == set(own)
    take_units(check=check, units=[own[0].code], tube="TUBE0001", by=town.wu, at=LATER)
    for units in ([others[0].code], [Unit.objects.filter(state="reserve").first().code], ["U999999"]):
        with pytest.raises(Unseen):
            take_units(check=check, units=units, tube="TUBE0002", by=town.wu, at=LATER)
    with pytest.raises(Unseen):
        take_units(check=check, units=[own[1].code], tube="TUBE0002", by=town.zhao, at=LATER)
    for tube, units in (("TUBE0001", [own[1].code]), ("管", [own[1].code]), ("TUBE0002", [own[0].code]), ("TUBE0002", [])):
        with pytest.raises(Invalid):
            take_units(check=check, units=units, tube=tube, by=town.wu, at=LATER)
    assert Unit.objects.filter(state="taken").count() == 1


def test_positive_pool_is_called_back_and_a_positive_alone_is_told(town: Town) -> None:
    check = drawn(town, pool_size=5)
    units = waiting(check)
    take_units(check=check, units=[u.code for u in units[:5]], tube="POOL0001", by=town.gao, at=LATER)
    take_units(check=check, units=[u.code for u in units[5:10]], tube="POOL0002", by=town.gao, at=LATER)
    found = take_results(check, [Finding("POOL0001", "positive"), Finding("POOL0002", "negative")], source="page", by=town.chen, at=LATER)
    assert found.new == 2 and len(found.called_back) == 5 and not found.positive
    assert Unit.objects.filter(state="negative").count() == 5 and (pools_of(check).pools, pools_of(check).positive) == (2, 1)
    assert Notice.objects.filter(user=town.wu.user_id).count() == 1 and not Notice.objects.filter(user=town.lin.user_id).exists()
    back = [u.code for u in units[:5]]
    with pytest.raises(Invalid, match="alone"):
        take_units(check=check, units=back[:2], tube="ONE00001", by=town.gao, at=LATER)
    with pytest.raises(Invalid, match="called back"):
        take_results(check, [Finding("POOL0001", "negative", "复核")], source="page", by=town.chen, at=LATER)
    for n, code in enumerate(back):
        take_units(check=check, units=[code], tube=f"ONE0000{n}", by=town.gao, at=LATER)
    found = take_results(
        check, [Finding(f"ONE0000{n}", "positive" if n == 0 else "negative") for n in range(5)], source="page", by=town.chen, at=LATER
    )
    assert [u.code for u in found.positive] == back[:1]
    told = Notice.objects.get(user=town.lin.user_id)
    assert not any(p.name in told.text_zh for p in Resident.objects.all()) and check.dossier.number in told.text_zh


def test_positive_pool_whose_people_refuse_the_retest_is_never_nothing_found(town: Town) -> None:
    check = drawn(town, pool_size=5)
    units = [u.code for u in waiting(check)]
    take_units(check=check, units=units[:5], tube="POOL0001", by=town.gao, at=LATER)
    take_units(check=check, units=units[5:10], tube="POOL0002", by=town.gao, at=LATER)
    take_results(check, [Finding("POOL0001", "positive"), Finding("POOL0002", "negative")], source="page", by=town.chen, at=LATER)
    miss_units(check=check, units=units[:5], reason="refused", by=town.gao, at=LATER)
    miss_units(check=check, units=[u.code for u in waiting(check)], reason="not_reached", by=town.gao, at=LATER)
    outcome = outcome_kept(close_check(check, by=town.gao, at=LATER))
    assert outcome and outcome.unresolved == 5 and outcome.positive == 0
    said = outcome_in_words(outcome, "people")[0].en
    assert said.startswith("5 people of a positive pool have not been tested alone") and "Nothing found" not in said


def test_results_are_all_or_none_and_a_correction_needs_its_reason(town: Town) -> None:
    check = drawn(town)
    for n, unit in enumerate(waiting(check)[:3]):
        take_units(check=check, units=[unit.code], tube=f"TUBE000{n}", by=town.gao, at=LATER)
    with pytest.raises(Invalid) as told:
        keep_results(
            check,
            findings=[Finding("TUBE0000", "negative"), Finding("NONE", "negative"), Finding("TUBE0001", "maybe")],
            source="p",
            by=town.chen,
            at=LATER,
        )
    assert [p.field for p in told.value.problems] == ["results[2].tube", "results[3].value"] and not Unit.objects.filter(
        state="negative"
    ).exists()
    with pytest.raises(Invalid):
        keep_results(check, findings=[], source="p", by=town.chen, at=LATER)
    with pytest.raises(Unseen):
        keep_results(check, findings=[Finding("TUBE0000", "negative")], source="p", by=town.wu, at=LATER)
    keep_results(check, findings=[Finding("TUBE0000", "positive"), Finding("TUBE0001", "unclear")], source="p", by=town.chen, at=LATER)
    assert keep_results(check, findings=[Finding("TUBE0000", "positive")], source="p", by=town.chen, at=LATER).new == 0
    with pytest.raises(Invalid, match="reason"):
        keep_results(check, findings=[Finding("TUBE0000", "negative")], source="p", by=town.chen, at=LATER)
    keep_results(check, findings=[Finding("TUBE0000", "negative", "录入错误")], source="p", by=town.chen, at=LATER)
    states = list(Unit.objects.filter(check_of=check, is_reserve=False).values_list("state", flat=True))
    assert (states.count("negative"), states.count("taken"), states.count("waiting")) == (1, 1, 10)


def test_check_closes_when_every_unit_has_a_result_or_a_reason_and_keeps_what_it_says(town: Town) -> None:
    check = drawn(town)
    units = waiting(check)
    for n, unit in enumerate(units[:-1]):
        take_units(check=check, units=[unit.code], tube=f"TUBE{n:04d}", by=town.gao, at=LATER)
    with pytest.raises(Invalid, match="12 units"):
        close_check(check, by=town.gao, at=LATER)
    keep_results(check, findings=[Finding(f"TUBE{n:04d}", "negative") for n in range(11)], source="p", by=town.chen, at=LATER)
    miss_units(check=check, units=[units[-1].code], reason="not_reached", by=town.gao, at=LATER)
    close_check(check, by=town.gao, at=LATER)
    kept = SpotCheck.objects.get()
    outcome = outcome_kept(kept)
    assert outcome and (outcome.drawn, outcome.answered, outcome.tested, outcome.positive) == (12, 11, 11, 0)
    assert kept.dossier.state == "closed" and [e.action for e in history_of(kept.dossier)][-1] == "spot_check.close"
    assert sum(s.negative for s in standings(kept)) == 11
    for act in (
        lambda: take_units(check=kept, units=[units[0].code], tube="LATE0001", by=town.gao, at=LATER),
        lambda: keep_results(kept, findings=[Finding("TUBE0000", "positive", "late")], source="p", by=town.chen, at=LATER),
        lambda: cancel_check(kept, reason="太晚了", by=town.gao, at=LATER),
    ):
        with pytest.raises(Stale):
            act()


def test_every_living_state_can_be_given_up_and_what_was_published_stays(town: Town) -> None:
    for make in (lambda: planned(town), lambda: drawn(town)):
        check = make()
        with pytest.raises(Invalid):
            cancel_check(check, reason=" ", by=town.gao, at=LATER)
        cancel_check(check, reason="方案有误", by=town.gao, at=LATER)
    assert [c.dossier.state for c in published_checks()] == ["cancelled"]


def test_venues_and_goods_are_drawn_too(town: Town, tmp_path: Path) -> None:
    shops = venues(town)
    check = drawn(town, kind="venues", size=6, by_risk=True, by_village=False)
    assert {u.venue_id for u in waiting(check)} <= {v.pk for v in shops} and check.resting == 0
    rows = "名称,类别,风险\n" + "".join(f"冻虾批次{n},{'冻品' if n < 10 else '鲜品'},{1 + n % 3}\n" for n in range(20))
    goods = drawn(town, kind="goods", size=8, by_risk=True, goods=read_goods(rows.encode()))
    assert {s.name for s in goods.strata.all()} == {"冻品", "鲜品"} and all(u.lot.startswith("冻虾批次") for u in waiting(goods))
    asked = _write(goods, tmp_path)
    assert CliRunner().invoke(app, ["verify", *asked, "--draw", str(tmp_path / "draw.csv")]).exit_code == 0


@pytest.mark.parametrize(
    ("table", "word"), [("名称\n虾\n虾\n", "twice"), ("名称,风险\n虾,高\n", "risk is a number"), ("风险\n1\n", "Columns missing"), ("名称\n", "no rows")]
)  # fmt: skip
def test_list_of_goods_with_a_wrong_cell_is_refused_by_its_name(table: str, word: str) -> None:
    with pytest.raises(Refusal) as told:
        read_goods(table.encode())
    assert word in str([p.what.en for p in getattr(told.value, "problems", ())]) + told.value.said.en


def test_results_are_read_from_a_file() -> None:
    assert read_findings("管码,结果\nA1B2,阴性\nA1B3,阳性\n".encode()) == [Finding("A1B2", "negative"), Finding("A1B3", "positive")]


def test_checks_are_seen_in_their_town_alone(town: Town) -> None:
    number = planned(town).dossier.number
    for person in (town.lin, town.wu, town.chen):
        assert seen_check(number, person)
    assert not checks_seen(town.zhao).exists()
    with pytest.raises(Unseen):
        seen_check(number, town.zhao)
