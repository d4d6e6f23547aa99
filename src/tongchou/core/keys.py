"""The keys of one installation: sessions, field encryption and the blind index. They lie in a file beside the database, never in it."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Keys:
    """Three independent 32-byte secrets."""

    session: bytes
    fields: bytes
    index: bytes


def load_keys(home: Path) -> Keys:
    """Read the keys of `home`, making them at the first start (mode 0600).

    Losing the file makes encrypted identity numbers unreadable for ever: back it up apart from the database.
    """
    path = home / "keys.json"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        fresh = {name: secrets.token_hex(32) for name in ("session", "fields", "index")}
        # A second process starting at the same instant must not overwrite the first one's keys: link() fails if the name is taken.
        draft = home / f".keys-{os.getpid()}-{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(fresh))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    try:
        read = json.loads(path.read_text("utf-8"))
        return Keys(*(bytes.fromhex(read[name]) for name in ("session", "fields", "index")))
    except (KeyError, TypeError, ValueError) as error:
        raise RuntimeError(f"{path}: not a key file ({error}); restore it from the key backup") from error
