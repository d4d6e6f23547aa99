"""Venue-code posters as PDF: one door a page, A4 or a badge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tongchou.core.wording import T
from tongchou.interfaces.web.typeset import codes, typeset

NAMES = {"a4": T("A4海报", "A4 posters"), "badge": T("胸牌", "Badges")}
SIZES = {"a4": T("打印A4海报", "Print A4 posters"), "badge": T("打印胸牌", "Print badges")}
CODE, KEEPER = T("场所码", "Venue code"), T("负责人", "Responsible")
ASK = T("进门请扫码，没有手机可刷身份证或登记", "Please scan on entry; without a phone show your identity card or register")
# Width and height of the page, the code and the type, in millimetres and points.
_LOOKS = {"a4": ("210mm", "297mm", "120mm", 34, 15), "badge": ("85mm", "120mm", "52mm", 13, 7)}
_DESIGN = """#set page(width: {width}, height: {height}, margin: 8%)
#set text(size: {small}pt)
#for (n, row) in data.enumerate() {{
  if n > 0 {{ pagebreak() }}
  align(center + horizon)[
    #row.town
    #v(2%)
    #text(size: {big}pt, weight: "bold")[#row.venue]
    #linebreak()
    #row.door
    #v(2%)
    #image("qr" + str(n) + ".svg", width: {qr})
    #strong(row.code)
    #v(1%)
    #for line in row.ask [#line #linebreak()]
    #v(1%)
    #row.keeper
  ]
}}
"""


@dataclass(frozen=True, slots=True)
class Poster:
    """What one poster says; `address` is what its code holds."""

    town: str
    venue: str
    door: str
    code: str
    keeper: str
    address: str


def posters_pdf(posters: Sequence[Poster], size: str, *, part: int = 250, told: Callable[[int], object] = lambda made: None) -> bytes:
    """A PDF with a page for each poster. `size`: one of SIZES; `told` hears after every `part` codes how many are drawn, which takes most of the time."""
    width, height, qr, big, small = _LOOKS[size]
    design = _DESIGN.format(width=width, height=height, qr=qr, big=big, small=small)
    rows = [
        {
            "town": poster.town, "venue": poster.venue, "door": poster.door, "code": f"{CODE.zh} {CODE.en} {poster.code}", "ask": [ASK.zh, ASK.en],
            "keeper": f"{KEEPER.zh} {KEEPER.en}: {poster.keeper}" if poster.keeper else "",
        }
        for poster in posters
    ]  # fmt: skip
    drawings: dict[str, bytes] = {}
    for start in range(0, len(posters), part):
        drawings |= codes([poster.address for poster in posters[start : start + part]], error="q", first=start)
        told(len(drawings))
    return typeset(design, rows, drawings)
