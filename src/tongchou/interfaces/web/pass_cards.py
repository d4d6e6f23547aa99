"""Passes on paper: cards the size of a bank card, eight on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tongchou.core.wording import T
from tongchou.interfaces.web.typeset import codes, typeset

_DESIGN = r"""
#set page(paper: "a4", margin: (x: 15mm, y: 18mm))
#set text(size: 8.5pt)
#grid(columns: (86mm, 86mm), gutter: 6mm, ..data.enumerate().map(((n, card)) => block(
  width: 86mm, height: 54mm, stroke: (paint: luma(150), thickness: .4pt, dash: "dashed"), inset: 4mm, breakable: false,
  grid(columns: (40mm, 1fr), gutter: 3mm, image("qr" + str(n) + ".svg", width: 40mm), [
    #text(size: 11pt, weight: "bold")[#card.title] \
    #text(size: 7pt, fill: luma(90))[#card.title_en] \
    #v(1mm)
    #text(size: 13pt, weight: "bold")[#card.name]
    #v(1mm)
    #card.place \
    #text(fill: luma(60))[#card.label] \
    #strong(card.until)
    #v(1fr)
    #text(size: 6.5pt, fill: luma(60))[#card.foot]
  ])
)))
"""
_TITLE, _UNTIL = T("通行码", "Entry pass"), T("有效至", "valid until")
_FOOT = T("遗失请告知村居挂失", "Lost? Tell your village.")


@dataclass(frozen=True, slots=True)
class Card:
    """One pass on paper."""

    text: str
    name: str
    place: T
    until_at: datetime


def cards_pdf(cards: Sequence[Card]) -> bytes:
    """Cards on A4, to be cut out."""
    rows = [
        {
            "title": _TITLE.zh, "title_en": _TITLE.en, "name": card.name, "place": f"{card.place.zh} {card.place.en}",
            "label": f"{_UNTIL.zh} {_UNTIL.en}", "until": f"{card.until_at:%Y-%m-%d %H:%M}", "foot": f"{_FOOT.zh} {_FOOT.en}",
        }
        for card in cards
    ]  # fmt: skip
    return typeset(_DESIGN, rows, codes([card.text for card in cards]))
