"""Evidence files: kept in the installation's folder under their digest, so that a file is stored once and cannot be swapped."""

import os
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.wording import T

MAX_BYTES = 10 * 1024 * 1024
# Told by content, not by name: what a browser would run (HTML, SVG) is never taken.
_MAGIC = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
}


def media_type_of(content: bytes) -> str:
    """The media type by the first bytes. Raises Invalid for anything but pictures, PDF and office documents."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    for magic, media_type in _MAGIC.items():
        if content.startswith(magic):
            return media_type
    raise Invalid(
        [
            FieldProblem(
                "file",
                T("只收照片（JPEG、PNG、WebP）、PDF 和办公文档。", "Only pictures (JPEG, PNG, WebP), PDF and office documents are taken."),
            )
        ]
    )


def evidence_path(digest: str) -> Path:
    """Where the file with this SHA-256 (hex) lies."""
    return Path(settings.HOME) / "evidence" / digest[:2] / digest


def keep_file(content: bytes) -> tuple[str, str]:
    """Store a file; gives back its digest and media type. Written beside and renamed, so that a full disk leaves nothing half-written."""
    if not content or len(content) > MAX_BYTES:
        raise Invalid([FieldProblem("file", T("文件须大于 0 且不超过 10 MB。", "The file must not be empty nor exceed 10 MB."))])
    media_type, digest = media_type_of(content), sha256(content).hexdigest()
    path = evidence_path(digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{digest}.{os.getpid()}")
        try:
            with draft.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
    return digest, media_type
