"""Venue-code posters as PDF: one door a page, A4 or a badge, set by typst with the QR code as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import segno
import typst

from tongchou.core.wording import T

SIZES = {"a4": T("打印A4海报", "Print A4 posters"), "badge": T("打印胸牌", "Print badges")}
CODE, KEEPER = T("场所码", "Venue code"), T("负责人", "Responsible")
ASK = T("进门请扫码，没有手机可刷身份证或登记", "Please scan on entry; without a phone show your identity card or register")
# Width and height of the page, the code and the type, in millimetres and points.
_LOOKS = {"a4": ("210mm", "297mm", "120mm", 34, 15), "badge": ("85mm", "120mm", "52mm", 13, 7)}
_HEAD = """#set page(width: {w}, height: {h}, margin: 8%)
#set text(font: ("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC"), lang: "zh", size: {small}pt)
#let poster(town, name, door, code, ask, keeper, svg) = align(center + horizon)[
  #text(size: {small}pt)[#town]
  #v(2%)
  #text(size: {big}pt, weight: "bold")[#name]
  #linebreak()
  #text(size: {small}pt)[#door]
  #v(2%)
  #image(bytes(svg), format: "svg", width: {qr})
  #text(size: {small}pt, weight: "bold")[#code]
  #v(1%)
  #for line in ask [#text(size: {small}pt)[#line] #linebreak()]
  #v(1%)
  #text(size: {small}pt)[#keeper]
]
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


def posters_pdf(posters: Sequence[Poster], size: str) -> bytes:
    """A PDF with a page for each poster. `size`: one of SIZES."""
    width, height, qr, big, small = _LOOKS[size]
    source = [_HEAD.format(w=width, h=height, qr=qr, big=big, small=small)]
    for poster in posters:
        code, keeper = f"{CODE.zh} {CODE.en} {poster.code}", f"{KEEPER.zh} {KEEPER.en}: {poster.keeper}" if poster.keeper else ""
        town, venue, door, code, keeper, svg = map(_quoted, (poster.town, poster.venue, poster.door, code, keeper, _svg(poster.address)))
        source.append(f"#poster({town}, {venue}, {door}, {code}, ({_quoted(ASK.zh)}, {_quoted(ASK.en)}), {keeper}, {svg})")
    pdf = typst.compile("\n#pagebreak()\n".join([source[0] + source[1], *source[2:]]).encode(), format="pdf")
    if not isinstance(pdf, bytes):
        raise TypeError("typst gave several documents")
    return pdf


def qr_image(text: str) -> str:
    """A QR code as an address that an image element can show."""
    return segno.make(text, error="m").svg_data_uri(scale=6, border=2)


def _svg(text: str) -> str:
    drawn = BytesIO()
    segno.make(text, error="q").save(drawn, kind="svg", scale=4, border=1, xmldecl=False)
    return drawn.getvalue().decode()


def _quoted(text: str) -> str:
    """A typst string: whatever a venue is called, it is text and never markup."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
