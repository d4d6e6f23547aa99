"""Commit and reveal: what is published before a draw, and the numbers that anybody can make again from the seed afterwards."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from tongchou.science.sampling.model import Floats, Frame, StratumDesign

LEAST_SEED_LENGTH = 16  # assumption: a shorter text could be found by trying, and the draw be known before its day


def frame_digest(frame: Frame) -> str:
    """SHA-256 of the frame: one JSON line [unit, stratum, risk] per unit, in the order of the units; the order of the rows does not matter.

    Examples
    --------
    >>> from tongchou.science import Frame
    >>> frame_digest(Frame(("a", "b"), ("x", "x"), (1.0, 2.0))) == frame_digest(Frame(("b", "a"), ("x", "x"), (2.0, 1.0)))
    True
    """
    return _digest(sorted([u, s, float(r)] for u, s, r in zip(frame.units, frame.strata, frame.risk, strict=True)))


def design_digest(design: Sequence[StratumDesign]) -> str:
    """SHA-256 of the design: one JSON line per stratum, in the order of their names.

    Examples
    --------
    >>> from tongchou.science import StratumDesign
    >>> len(design_digest([StratumDesign("x", 2)]))
    64
    """
    return _digest(sorted([d.name, d.size, d.reserve, d.by_risk, float(d.floor), float(d.cap)] for d in design))


def seed_commitment(seed: str) -> str:
    """SHA-256 of the seed text (UTF-8), published before the draw; ValueError when the seed is shorter than 16 signs.

    Examples
    --------
    >>> seed_commitment("a seed of 16 signs or more")[:8]
    '97f115b9'
    """
    if len(seed) < LEAST_SEED_LENGTH:
        raise ValueError(f"the seed has {len(seed)} signs; it needs {LEAST_SEED_LENGTH} or more, or it could be found by trying")
    return hashlib.sha256(seed.encode()).hexdigest()


def uniforms(seed: str, purpose: Sequence[str], count: int) -> Floats:
    """Numbers in [0, 1) from Philox4x64-10; key = first 16 bytes, little-endian, of SHA-256 of the JSON text of [seed, *purpose].

    The raw 64-bit words of the generator are used (their upper 53 bits), not a library's own way to make decimals: other programs can make them too.
    """
    key = hashlib.sha256(_line([seed, *purpose])).digest()[:16]
    words = np.random.Philox(key=int.from_bytes(key, "little")).random_raw(count)
    return np.asarray((words >> np.uint64(11)) * 2.0**-53)


def _digest(rows: Sequence[Sequence[object]]) -> str:
    return hashlib.sha256(b"".join(_line(row) + b"\n" for row in rows)).hexdigest()


def _line(row: Sequence[object]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
