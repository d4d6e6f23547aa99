"""The packs of this repository, read once in a process: they are frozen, and reading one takes a third of a second."""

from functools import cache
from pathlib import Path

from tongchou.core.packs.contents import Pack
from tongchou.core.packs.loading import load_pack

PACKS = Path(__file__).parents[1] / "packs"


@cache
def pack(name: str) -> Pack:
    return load_pack(PACKS / name)
