"""Texts that say the same: measured on labelled sentences (tests/data/difficulties), those it was chosen on and those it had not seen."""

import csv
from itertools import combinations
from pathlib import Path

import pytest

from tongchou.domains.difficulties.grouping import alike_texts

DATA = Path(__file__).parents[1] / "data/difficulties"
FARTHEST = 0.88


def pairs(name: str) -> tuple[float, float, int]:
    """Precision and recall of pairs put together, and how many pairs have one cause."""
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    same = {pair for pair in combinations(range(len(rows)), 2) if rows[pair[0]]["cause"] == rows[pair[1]]["cause"]}
    put = {pair for group in alike_texts([row["words"] for row in rows], FARTHEST) for pair in combinations(group.members, 2)}
    return len(put & same) / len(put), len(put & same) / len(same), len(same)


@pytest.mark.parametrize(("name", "precision", "recall", "count"), [("chosen_on", 0.81, 0.84, 102), ("held_out", 0.81, 0.85, 40)])
def test_pairs_are_found_as_the_method_page_says(name: str, precision: float, recall: float, count: int) -> None:
    found = pairs(name)
    assert (round(found[0], 2), round(found[1], 2), found[2]) == (precision, recall, count)


def test_order_changes_nothing_and_odd_texts_stand_alone() -> None:
    texts = ["采样点太远了", "货车下不了高速", "采样点太远", "", "12 ！？", "货车在高速下不了"]
    groups = [{texts[n] for n in group.members} for group in alike_texts(texts, FARTHEST)]
    assert groups == [{"采样点太远了", "采样点太远"}, {"货车下不了高速", "货车在高速下不了"}]
    turned = alike_texts(texts[::-1], FARTHEST)
    assert sorted(sorted(5 - n for n in group.members) for group in turned) == [[0, 2], [1, 5]]
    assert alike_texts(["只有一句"], FARTHEST) == [] == alike_texts([], FARTHEST)


def test_the_middle_is_the_one_nearest_to_all() -> None:
    (group,) = alike_texts(["采样点太远，走路要半小时", "采样点太远", "采样点太远，能不能设一个"], FARTHEST)
    assert group.members == (0, 1, 2) and group.middle == 1
