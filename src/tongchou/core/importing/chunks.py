"""Rows of a batch between preview and apply, and what undoing needs: JSON, compressed, encrypted, a few thousand rows to a chunk."""

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tongchou.core.importing.models import ImportBatch, ImportChunk
from tongchou.core.secrecy import seal, unseal

ROWS_PER_CHUNK = 5000


def chunks_of(batch: ImportBatch, part: str, rows: Sequence[Any]) -> Iterator[ImportChunk]:
    """Chunk rows, not yet saved."""
    for number, start in enumerate(range(0, len(rows), ROWS_PER_CHUNK)):
        body = json.dumps(rows[start : start + ROWS_PER_CHUNK], ensure_ascii=False, separators=(",", ":"), default=_written)
        packed = base64.b64encode(zlib.compress(body.encode(), 1)).decode()
        yield ImportChunk(batch=batch, part=part, number=number, sealed=seal(packed))


def rows_in(chunks: Iterable[ImportChunk]) -> Iterator[Any]:
    """The rows of chunks in order, days and bytes as they were."""
    for chunk in chunks:
        yield from json.loads(zlib.decompress(base64.b64decode(unseal(bytes(chunk.sealed)))), object_hook=_read)


def _written(value: object) -> object:
    if isinstance(value, (bytes, memoryview)):
        return {"=bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime):
        return {"=instant": value.isoformat()}
    if isinstance(value, date):
        return {"=day": value.isoformat()}
    if isinstance(value, Decimal):
        return {"=decimal": str(value)}
    raise TypeError(f"cannot keep {type(value).__name__}")


def _read(value: dict[str, Any]) -> Any:
    if len(value) != 1:
        return value
    if "=bytes" in value:
        return base64.b64decode(value["=bytes"])
    if "=instant" in value:
        return datetime.fromisoformat(value["=instant"])
    if "=day" in value:
        return date.fromisoformat(value["=day"])
    return Decimal(value["=decimal"]) if "=decimal" in value else value
