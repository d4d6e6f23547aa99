"""Paper: what typst sets. What venues and people are called reaches the typesetter as data, never as markup."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import typst

from tongchou.interfaces.web.qr import qr_file

_FONTS = '("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC")'


def typeset(design: str, data: Any, drawings: Mapping[str, bytes] | None = None) -> bytes:
    """A PDF. The design reads `data.json` and the drawings (SVG) by their names."""
    main = f'#set text(font: {_FONTS}, lang: "zh")\n#let data = json("data.json")\n{design}'
    files = {**(drawings or {}), "data.json": json.dumps(data).encode(), "main": main.encode()}
    return bytes(typst.compile(files, format="pdf"))  # type: ignore[call-overload]  # takes a dict of files, its stubs do not say so


def codes(texts: Sequence[str], *, error: str = "m", first: int = 0) -> dict[str, bytes]:
    """Drawings of QR codes: `qr0.svg`, `qr1.svg` … from the number `first` on; `error`: as in `qr_file`."""
    return {f"qr{n}.svg": qr_file(text, error=error) for n, text in enumerate(texts, first)}
