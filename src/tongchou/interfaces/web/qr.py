"""QR codes, black on white whatever the theme, as a scanner must read them: on a page, in a typesetter's file, as bits that a script draws."""

from base64 import b64encode
from io import BytesIO

import segno
from django.utils.safestring import SafeString, mark_safe

_QUIET = 4  # modules of white around a code, ISO/IEC 18004
_MASK = 4  # always the same: trying all eight takes five times as long, and a blurred code is read no oftener for it


def qr_inline(text: str) -> SafeString:
    """For a page: SVG that fills what it stands in."""
    return mark_safe(_made(text).svg_inline(scale=4, border=_QUIET, light="#fff", omitsize=True))


def qr_file(text: str, *, error: str = "m") -> bytes:
    """For paper: an SVG file. `error`: how much of it may be torn, l m q h."""
    drawn = BytesIO()
    _made(text, error=error).save(drawn, kind="svg", border=_QUIET, light="#fff")
    return drawn.getvalue()


def qr_bits(text: str) -> dict[str, int | str]:
    """For a script: `size` modules a side, and row by row a bit for each, black is one, in base64."""
    rows = _made(text).matrix
    bits = "".join(str(int(module)) for row in rows for module in row)
    padded = bits.ljust(-(-len(bits) // 8) * 8, "0")
    return {"size": len(rows), "bits": b64encode(int(padded, 2).to_bytes(len(padded) // 8)).decode()}


def _made(text: str, *, error: str = "m") -> segno.QRCode:
    return segno.make_qr(text, error=error, mask=_MASK)
