"""Counts as a page shows them where small ones are hidden."""

from tongchou.core.wording import T
from tongchou.domains.footfall.models import ClassFigure, DoorFigure

WITHHELD = "–"
LEGEND = T(
    "<{k}：少于{k}人。–：一并隐去，否则可由合计推算出小数。",
    "<{k}: fewer than {k} people. –: hidden as well, since the sum would give them away.",
)


def legend(k: int) -> T:
    """What the signs in a table of figures mean."""
    return T(LEGEND.zh.format(k=k), LEGEND.en.format(k=k))


def figure_text(figure: ClassFigure | DoorFigure | None, k: int) -> str:
    """A released count of entries: a number, "<k" or the sign of one that is withheld; nothing of a class that was not there."""
    if figure is None:
        return ""
    return f"{figure.entries:,}" if figure.entries is not None else small(k) if figure.mark == "small" else WITHHELD


def acts_text(count: int | None, k: int) -> str:
    """A released count that is in no sum."""
    return small(k) if count is None else f"{count:,}"


def small(k: int) -> str:
    return f"<{k}"
