"""Paper: rows and their QR codes set by typst. What venues and people are called reaches the typesetter as data, never as markup."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import typst

from tongchou.interfaces.web.qr import qr_file

_FONTS = '("Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Microsoft YaHei", "PingFang SC")'


def typeset(design: str, rows: Sequence[Mapping[str, Any]], codes: Sequence[str], *, error: str = "m") -> bytes:
    """A PDF. The design reads `rows.json` and, for each row by its number, `qr0.svg`, `qr1.svg` … of these codes; `error`: as in `qr_file`."""
    files = {f"qr{n}.svg": qr_file(code, error=error) for n, code in enumerate(codes)}
    files |= {"rows.json": json.dumps(rows).encode(), "main": f'#set text(font: {_FONTS}, lang: "zh")\n{design}'.encode()}
    return bytes(typst.compile(files, format="pdf"))  # type: ignore[call-overload]  # takes a dict of files, its stubs do not say so
