"""A report as one page of HTML and as PDF on A4, from the same blocks: headings, paragraphs, tables, figures."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from unicodedata import east_asian_width

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_parts import Spec
from tongchou.interfaces.web.charts import paper

WIDTH, HEIGHT, MARGIN = 595, 842, 42  # A4 in points
FONT = "Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, sans-serif"
FIGURE_PX = 700
STYLE = """body{font:15px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:#17212b;max-width:62rem;
margin:2rem auto;padding:0 1rem}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}p{max-width:50rem}figure{margin:1rem 0;overflow-x:auto}
svg{max-width:100%;height:auto}div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.86rem}
td,th{padding:.22rem .6rem;border-bottom:1px solid #dde3e9;text-align:right;white-space:nowrap}td:first-child,th:first-child{text-align:left}
th{background:#eef1f4;vertical-align:bottom}tr.lead td{font-weight:600}figcaption,caption{color:#56616f;font-size:.86rem;text-align:left}"""


@dataclass(frozen=True, slots=True)
class Heading:
    text: T


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: T


@dataclass(frozen=True, slots=True)
class Rows:
    """A table; rows whose first cell is in ``lead`` are set off."""

    caption: T
    columns: Sequence[T]
    cells: Sequence[Sequence[str]]
    lead: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Figure:
    caption: T
    spec: Spec


Block = Heading | Paragraph | Rows | Figure


def as_html(title: T, blocks: Iterable[Block]) -> str:
    """One file that needs nothing beside it."""
    name = escape(f"{title.en} · {title.zh}")
    body = "\n".join(_html(block) for block in blocks)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{name}</h1>\n{body}\n</body></html>\n'


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text.en)} · {escape(block.text.zh)}</h2>"
    if isinstance(block, Paragraph):
        return f'<p>{escape(block.text.en)}<br><span lang="zh">{escape(block.text.zh)}</span></p>'
    caption = f"{escape(block.caption.en)} {escape(block.caption.zh)}"
    if isinstance(block, Figure):
        return f"<figure>{drawn(block.spec)}<figcaption>{caption}</figcaption></figure>"
    heads = "".join(f"<th>{escape(c.en)}<br>{escape(c.zh)}</th>" for c in block.columns)
    rows = "".join(
        f"<tr{' class=lead' if row[0] in block.lead else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n"
        for row in block.cells
    )
    return f'<div class="wide"><table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>\n{rows}</tbody></table></div>'


def drawn(spec: Spec) -> str:
    """A chart as SVG; numbers to two decimals, which no eye can tell from more and which halves the file."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(paper(spec, width_px=FIGURE_PX - 90))
    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number.group()):.2f}", svg)


def as_pdf(title: T, blocks: Iterable[Block]) -> bytes:
    """The blocks on pages of A4: drawn on one long sheet, of which every page of the file shows its part."""
    import vl_convert

    sheet = Sheet()
    for text, size in ((title.en, 17), (title.zh, 15)):
        sheet.write(text, size, bold=True)
    for block in blocks:
        _lay(sheet, block)
    return paged(vl_convert.svg_to_pdf(sheet.svg()), sheet.pages)


class Sheet:
    """A long sheet, filled from the top; nothing is laid across the edge of a page."""

    def __init__(self) -> None:
        self.y: float = MARGIN
        self.parts: list[str] = []

    @property
    def pages(self) -> int:
        return int(self.y // HEIGHT) + 1

    def room(self, height: float) -> float:
        """The top of a free strip of this height, on the next page if this one has no room for it."""
        self.keep_together(height)
        top = self.y
        self.y += height
        return top

    def keep_together(self, height: float) -> None:
        """Go to the next page if this one has no room for so much, and a page has."""
        if self.y % HEIGHT + height > HEIGHT - MARGIN and height < HEIGHT - 2 * MARGIN:
            self.y = (self.y // HEIGHT + 1) * HEIGHT + MARGIN

    def write(self, text: str, size: float, *, bold: bool = False, colour: str = "#17212b") -> None:
        for line in wrapped(text, (WIDTH - 2 * MARGIN) / size):
            top = self.room(size * 1.5)
            self.put(MARGIN, top + size * 1.1, line, size, bold=bold, colour=colour)

    def put(
        self, x: float, y: float, text: str, size: float, *, bold: bool = False, colour: str = "#17212b", anchor: str = "start"
    ) -> None:
        weight = ' font-weight="700"' if bold else ""
        look = f'font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"{weight}'
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>')

    def svg(self) -> str:
        size = f'width="{WIDTH}" height="{self.pages * HEIGHT}" viewBox="0 0 {WIDTH} {self.pages * HEIGHT}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}">{"".join(self.parts)}</svg>'


def _lay(sheet: Sheet, block: Block) -> None:
    if isinstance(block, Heading):
        sheet.keep_together(HEIGHT / 2)  # with the beginning of what it heads
        sheet.room(8)
        sheet.write(f"{block.text.en} · {block.text.zh}", 12, bold=True)
    elif isinstance(block, Paragraph):
        sheet.write(block.text.en, 8.5)
        sheet.write(block.text.zh, 8.5)
        sheet.room(4)
    elif isinstance(block, Figure):
        _lay_figure(sheet, block)
    else:
        _lay_table(sheet, block)


def _lay_figure(sheet: Sheet, figure: Figure) -> None:
    svg = drawn(figure.spec)
    found = re.search(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"', svg)
    width, height = (float(part) for part in found.groups()) if found else (FIGURE_PX, FIGURE_PX / 2)
    scale = min(1.0, (WIDTH - 2 * MARGIN) / width)
    sheet.keep_together(height * scale + 50)
    top = sheet.room(height * scale + 6)
    place = f'x="{MARGIN}" y="{top:.1f}" width="{width * scale:.1f}" height="{height * scale:.1f}"'
    inner = re.sub(r' (?:width|height)="[\d.]+"', "", svg[: svg.index(">")], count=2) + svg[svg.index(">") :]
    sheet.parts.append(inner.replace("<svg", f"<svg {place}", 1))
    for text in (figure.caption.en, figure.caption.zh):
        sheet.write(text, 7.5, colour="#56616f")


def _lay_table(sheet: Sheet, table: Rows) -> None:
    lines = [[c.en for c in table.columns], [c.zh for c in table.columns], *table.cells]
    needed = [max(width_of(row[k]) for row in lines) + 1.2 for k in range(len(table.columns))]
    size = min(7.5, (WIDTH - 2 * MARGIN) / sum(needed))
    sheet.keep_together(size * 1.7 * len(lines) + 50)
    for text in (table.caption.en, table.caption.zh):
        sheet.write(text, 7.5, colour="#56616f")
    for number, row in enumerate(lines):
        top, is_head, x = sheet.room(size * 1.7), number < 2, float(MARGIN)
        if is_head:
            sheet.parts.append(
                f'<rect x="{MARGIN}" y="{top:.1f}" width="{sum(needed) * size:.1f}" height="{size * 1.7:.1f}" fill="#eef1f4"/>'
            )
        for k, cell in enumerate(row):
            right = x + needed[k] * size
            anchor, at = ("start", x) if k == 0 else ("end", right)
            sheet.put(at, top + size * 1.2, cell, size, bold=is_head or row[0] in table.lead, anchor=anchor)
            x = right
    sheet.room(8)


def width_of(text: str) -> float:
    """Width of a text in ems, roughly: an East Asian sign is one em, a Latin one a bit over half."""
    return sum(1.0 if east_asian_width(sign) in "WF" else 0.55 for sign in text)


def wrapped(text: str, ems: float) -> list[str]:
    """Lines of at most this width; Chinese breaks between any two signs, English between words."""
    lines, line = [], ""
    for piece in re.findall(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+", text):
        if line and width_of(line + piece.rstrip()) > ems:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def paged(pdf: bytes, pages: int) -> bytes:
    """The one page of a file shown as several of equal height, from the top down: the same contents, a window each.

    Written as an incremental update (ISO 32000-1, 7.5.6): new page objects and a new page tree after the old end of the file.
    """
    number = re.search(rb"/Kids \[(\d+) 0 R\]", pdf)
    size = re.search(rb"/Size (\d+)", pdf)
    root = re.search(rb"/Root (\d+ 0 R)", pdf)
    tree = re.search(rb"(\d+) 0 obj\s*<<\s*/Type /Pages", pdf)
    start = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", pdf)
    found = number and re.search(rb"\n%s 0 obj\s*(<<.*?\n>>)\s*endobj" % number[1], pdf, re.DOTALL)
    if not (size and root and tree and start and found):
        raise ValueError("paged: no file of one page as the drawing library writes it")
    first = int(size[1])
    new = {int(tree[1]): b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, b" ".join(b"%d 0 R" % (first + k) for k in range(pages)))}
    for k in range(pages):
        box = b"/MediaBox [0 %d %d %d]" % (HEIGHT * (pages - k - 1), WIDTH, HEIGHT * (pages - k))
        new[first + k] = re.sub(rb"/MediaBox \[[^\]]*\]", box, found[1])
    out, table = pdf, b"xref\n"
    for key, value in sorted(new.items()):
        table += b"%d 1\n%010d 00000 n \n" % (key, len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (key, value)
    trailer = b"trailer\n<< /Size %d /Root %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n" % (first + pages, root[1], start[1], len(out))
    return out + table + trailer
