"""A report as one page of HTML and as PDF on A4, from the same blocks: headings, paragraphs, tables, figures."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_parts import Spec
from tongchou.interfaces.web.charts import paper
from tongchou.interfaces.web.typeset import typeset

FIGURE_PX = 610  # with axes and legend about as wide as the page's text
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
    return _drawn(json.dumps(paper(spec, width_px=FIGURE_PX)))


@lru_cache(maxsize=32)  # HTML and PDF show the same charts
def _drawn(spec: str) -> str:
    import vl_convert

    return re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number.group()):.2f}", vl_convert.vegalite_to_svg(spec))


_DESIGN = """#set page(paper: "a4", margin: 42pt, footer: context align(center, text(size: 7pt, counter(page).display("1 / 1", both: true))))
#set text(size: 8.5pt, fill: rgb("#17212b"))
#let quiet(said) = text(size: 7.5pt, fill: rgb("#56616f"))[#said.en #linebreak() #said.zh]
#let rows(said, size) = {
  set text(size: size)
  let bold(row, cell) = if row.lead { strong(cell) } else { cell }
  table(
    columns: said.columns.len(), stroke: none, inset: (x: .6em, y: .35em),
    align: (x, y) => if x == 0 { left } else { right }, fill: (x, y) => if y == 0 { rgb("#eef1f4") },
    table.header(..said.columns.map(name => strong[#name.en #linebreak() #name.zh])),
    ..said.rows.map(row => row.cells.map(cell => bold(row, cell))).flatten(),
  )
}
#text(size: 17pt, weight: "bold", data.title.en)
#linebreak()
#text(size: 15pt, weight: "bold", data.title.zh)
#for said in data.blocks {
  if said.kind == "heading" { heading(text(size: 12pt)[#said.en · #said.zh]) }
  if said.kind == "paragraph" { par(said.en); par(said.zh) }
  if said.kind == "figure" { block(breakable: false, width: 100%)[#image(said.file, width: 100%) #quiet(said)] }
  if said.kind == "rows" {
    // A table wider than the page is set smaller; a long one may go over to the next page, where its head is repeated.
    block(breakable: said.rows.len() > 40, width: 100%)[
      #quiet(said)
      #layout(room => rows(said, 7.5pt * calc.min(1, room.width / measure(rows(said, 7.5pt)).width)))
    ]
  }
}
"""


def as_pdf(title: T, blocks: Iterable[Block]) -> bytes:
    """The blocks on pages of A4."""
    blocks = list(blocks)
    figures = {f"figure{n}.svg": drawn(block.spec).encode() for n, block in enumerate(blocks) if isinstance(block, Figure)}
    return typeset(_DESIGN, {"title": _both(title), "blocks": [_laid(n, block) for n, block in enumerate(blocks)]}, figures)


def _laid(number: int, block: Block) -> dict[str, Any]:
    if isinstance(block, Heading | Paragraph):
        return {"kind": type(block).__name__.lower(), **_both(block.text)}
    if isinstance(block, Figure):
        return {"kind": "figure", "file": f"figure{number}.svg", **_both(block.caption)}
    rows = [{"cells": list(row), "lead": row[0] in block.lead} for row in block.cells]
    return {"kind": "rows", "columns": [_both(name) for name in block.columns], "rows": rows, **_both(block.caption)}


def _both(said: T) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}
