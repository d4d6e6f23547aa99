"""Sizes over strata, one of a household with its exact chance, what an outcome says in words."""

from collections import Counter

import pytest

from tongchou.core.wording import use_language
from tongchou.domains.spot_checks.framing import Candidate, make_frame, pack, place_of, science_frame, unit_code, unpack
from tongchou.domains.spot_checks.rules import REASONS, FirstDraw, outcome_in_words, outcome_of, percent, sizes_by_stratum
from tongchou.science import StratumDesign, draw_sample


def _frame(candidates: list[Candidate], secret: str = "x" * 16, **changes: object):
    given: dict[str, object] = {"by_risk": False, "resting": (), "rest_ends_at_risk": 3.0, "pseudonym": lambda text: text.encode()}
    return make_frame(candidates, secret=secret, **(given | changes))  # type: ignore[arg-type]


def test_sizes_follow_the_people_and_never_leave_a_stratum_with_fewer_than_two() -> None:
    assert sizes_by_stratum(20, {"a": 900, "b": 90, "c": 10}, {"a": 300, "b": 30, "c": 1}) == {"a": 17, "b": 2, "c": 1}
    assert sizes_by_stratum(10, {"a": 500, "b": 500}, {"a": 3, "b": 400}) == {"a": 3, "b": 7}


@pytest.mark.parametrize("total", [3, 11])
def test_sizes_that_do_not_fit_are_refused(total: int) -> None:
    with pytest.raises(ValueError):
        sizes_by_stratum(total, {"a": 9, "b": 9}, {"a": 5, "b": 5})


def test_one_of_a_household_stands_for_all_its_members() -> None:
    homes = [Candidate(n, "a", n // 3, 1.0) for n in range(30)]
    frame = _frame(homes)
    assert len(frame.subjects) == 10 and set(frame.risk) == {3.0} and frame.people == {"a": 30} and frame.units() == {"a": 10}
    assert set(frame.share) == {1 / 3}


def test_every_person_is_drawn_with_the_chance_that_is_kept_for_them() -> None:
    """Households of one to three, one member with twice the weight: over many seeds everybody is drawn as often as chance x share says."""
    people = [Candidate(n, "a", (n // 3) if n < 9 else None, 2.0 if n == 0 else 1.0) for n in range(12)]
    counts: Counter[object] = Counter()
    rounds = 4000
    for n in range(rounds):
        frame = _frame(people, secret=f"secret of round {n:08d}", by_risk=True)
        found = draw_sample(science_frame(frame), [StratumDesign("a", 3, 0, True, 0.01, 10_000.0)], f"public value {n:08d}")
        drawn = [frame.subjects[place_of(u.unit)] for u in found.units]
        assert len({people[int(s)].household or f"alone{s}" for s in drawn}) == 3 or 0 in {people[int(s)].household for s in drawn}
        counts.update(drawn)
    # All chances are 3 w / 13: nobody's household is certain (4 x 3 / 13 < 1).
    for one in people:
        expected = rounds * 3 * one.risk / 13
        assert abs(counts[one.subject] - expected) < 4.5 * expected**0.5, one


def test_household_checked_lately_rests_unless_a_member_s_risk_says_otherwise() -> None:
    people = [
        Candidate(0, "a", 1, 1.0),
        Candidate(1, "a", 1, 1.0),
        Candidate(2, "a", 2, 1.0),
        Candidate(3, "a", 3, 3.0),
        Candidate(4, "a", 3, 1.0),
    ]
    frame = _frame(people, resting={1, 3})
    assert frame.resting == 2 and frame.people == {"a": 3}
    assert {s for s in frame.subjects if s != 2} <= {3, 4} and len(frame.subjects) == 2


def test_stratum_that_rests_altogether_is_no_stratum() -> None:
    frame = _frame([Candidate(0, "a", 1, 1.0), Candidate(1, "b", 2, 1.0)], resting={1})
    assert frame.people == {"b": 1} and frame.resting == 1


def test_frame_is_kept_and_read_as_it_was() -> None:
    frame = _frame([Candidate("冻虾 A1", "冻品", None, 2.0), Candidate("冻虾 A2", "冻品", None, 1.0)], by_risk=True)
    kept = unpack(pack(frame))
    assert (kept.subjects, kept.strata, kept.risk, kept.share) == (frame.subjects, frame.strata, frame.risk, frame.share)
    assert [place_of(unit_code(n)) for n in (0, 199_999)] == [0, 199_999]


def _outcome(results: list[int | None], *, sensitivity: float = 1.0, tested: int | None = None, positive: int | None = None):
    first = [FirstDraw("a", 0.01, r) for r in results]
    known = [r for r in results if r is not None]
    return outcome_of(
        first, {"a": 100 * len(results)}, tested=len(known) if tested is None else tested, positive=sum(known) if positive is None else positive,
        wanted_prevalence=0.001, sensitivity=sensitivity,
    )  # fmt: skip


def test_nothing_found_says_what_it_excludes() -> None:
    outcome = _outcome([0] * 380)
    lines = [line.en for line in outcome_in_words(outcome, "people")]
    assert lines[0] == "Nothing found in 380 people: at most 0.8% with 95% confidence."
    assert lines[1].startswith("If one in 1,000 were positive") and "31.8%" in lines[1] and len(lines) == 2
    assert _outcome([0] * 380, sensitivity=0.8).most_if_none == pytest.approx(outcome.most_if_none / 0.8)


def test_positives_give_a_share_with_its_interval_and_nonresponse_its_bounds() -> None:
    outcome = _outcome([1, 1] + [0] * 97 + [None])
    assert outcome.estimate == pytest.approx(2 / 99) and outcome.least == pytest.approx(0.02) and outcome.most == pytest.approx(0.03)
    said = " ".join(line.en for line in outcome_in_words(outcome, "goods"))
    assert "2 found in 99 goods: an estimated 2.0%" in said and "1 of the 100 drawn first have no result" in said


def test_no_result_says_nothing_and_positives_among_stand_ins_say_so() -> None:
    assert "nothing can be said" in outcome_in_words(_outcome([None] * 5), "people")[0].en
    assert "all among those who stood in" in outcome_in_words(_outcome([0] * 50, tested=60, positive=1), "people")[0].en


def test_stratum_without_a_result_is_joined_with_the_others_and_says_so() -> None:
    first = [FirstDraw("a", 0.1, 0), FirstDraw("a", 0.1, 0), FirstDraw("b", 0.2, None)]
    outcome = outcome_of(first, {"a": 20, "b": 5}, tested=2, positive=0, wanted_prevalence=0.01, sensitivity=1.0)
    assert outcome.strata_joined and "counted as one" in outcome_in_words(outcome, "people")[-1].en


@pytest.mark.parametrize(("share", "said"), [(0, "0.0%"), (0.0079, "0.8%"), (0.00032, "0.032%"), (1, "100.0%")])
def test_small_shares_keep_two_digits_that_say_something(share: float, said: str) -> None:
    assert percent(share) == said


def test_an_upper_end_is_never_rounded_down() -> None:
    assert (percent(0.0081), percent(0.0081, up=True), percent(0.008, up=True)) == ("0.8%", "0.9%", "0.8%")


def test_while_results_are_awaited_nobody_is_called_lost() -> None:
    said = " ".join(line.en for line in outcome_in_words(_outcome([0] * 9 + [None]), "people", is_final=False))
    assert "1 of the 10 drawn first have no result yet" in said and "were they all" not in said


def test_every_reason_has_words_in_both_languages() -> None:
    with use_language("en"):
        assert all(str(words) and words.zh for words, _ in REASONS.values())
