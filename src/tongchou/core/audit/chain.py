"""The arithmetic of the chain: canonical text, digests, Merkle roots. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

GENESIS = "0" * 64


def canonical(value: Mapping[str, object]) -> str:
    """JSON with sorted keys and no spaces: the same facts always give the same bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def entry_digest(
    previous: str,
    seq: int,
    at: datetime,
    actor_id: int | None,
    actor_label: str,
    posts: str,
    action: str,
    subject_kind: str,
    subject_id: str,
    place_path: str,
    reason: str,
    detail: str,
) -> str:
    """SHA-256 over the previous digest and every field of an entry."""
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = (previous, seq, when, actor_id, actor_label, posts, action, subject_kind, subject_id, place_path, reason, detail)
    return sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def merkle_root(digests: Sequence[str]) -> str:
    """Root of the binary hash tree over hex digests; an odd one out rises unpaired. Prefixes tell leaves from nodes (RFC 6962)."""
    if not digests:
        return sha256(b"").hexdigest()
    level = [sha256(b"\x00" + bytes.fromhex(d)).digest() for d in digests]
    while len(level) > 1:
        pairs = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0].hex()
