"""Texts that say the same in other words. Pure: texts in, groups out; the same texts give the same groups."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

_NO_WORD = re.compile(r"[\W\d_]+")
_LENGTHS = (1, 2)  # signs and pairs of signs: Chinese is not written with spaces, and a word has mostly two


@dataclass(frozen=True, slots=True)
class Alike:
    """Texts (their places in the list given) that belong together; `middle` is the one nearest to all others."""

    members: tuple[int, ...]
    middle: int


def alike_texts(texts: Sequence[str], farthest: float) -> list[Alike]:
    """Group texts whose average cosine distance is at most `farthest` (0 to 1); the largest group first, texts that stand alone left out.

    Runs of one and two signs weighted by TF-IDF, average linkage. Memory grows with the square of their number: meant for at most some thousand.
    """
    if len(texts) < 2:
        return []
    rows = _weighted(texts)
    # A text without a single sign lies at distance 1 from everything.
    apart = np.nan_to_num(pdist(rows, "cosine"), nan=1.0).clip(0.0, 1.0)
    labels = fcluster(linkage(apart, "average"), farthest, "distance")
    groups: dict[int, list[int]] = {}
    for n, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(n)
    found = [Alike(tuple(members), _middle(rows, members)) for members in groups.values() if len(members) > 1]
    return sorted(found, key=lambda group: (-len(group.members), group.members))


def _weighted(texts: Sequence[str]) -> NDArray[np.float64]:
    """(texts, runs) sublinear term frequency times smoothed inverse document frequency."""
    counted = [_runs(text) for text in texts]
    seen = Counter(run for one in counted for run in one)
    column = {run: n for n, run in enumerate(sorted(seen))}
    rows = np.zeros((len(texts), len(column)))
    for n, one in enumerate(counted):
        for run, count in one.items():
            rows[n, column[run]] = (1 + np.log(count)) * (1 + np.log((1 + len(texts)) / (1 + seen[run])))
    return rows


def _runs(text: str) -> Counter[str]:
    parts = _NO_WORD.split(text)
    return Counter(part[start : start + length] for part in parts for length in _LENGTHS for start in range(len(part) - length + 1))


def _middle(rows: NDArray[np.float64], members: Sequence[int]) -> int:
    norms = np.linalg.norm(rows[list(members)], axis=1, keepdims=True)
    unit = rows[list(members)] / np.where(norms, norms, 1)
    return members[int(np.argmax((unit @ unit.T).sum(axis=1)))]
