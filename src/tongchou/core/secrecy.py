"""Identity numbers and phones: encrypted in the database, searchable by a keyed blind index, never stored in clear."""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

_NONCE_BYTES = 12


def seal(text: str) -> bytes:
    """Encrypt with AES-256-GCM under the installation's field key: nonce, then ciphertext and tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(settings.KEYS.fields).encrypt(nonce, text.encode(), None)


def unseal(sealed: bytes) -> str:
    """Decrypt what `seal` made. Raises RuntimeError when the key is not the one it was sealed with."""
    sealed = bytes(sealed)
    try:
        return AESGCM(settings.KEYS.fields).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
    except InvalidTag as error:
        raise RuntimeError("sealed field: wrong key; restore keys.json from the key backup") from error


def token_digest(token: str) -> str:
    """How the secret of an address or a device is kept: 256 random bits need no salt."""
    return sha256(token.encode()).hexdigest()


def blind_index(text: str) -> bytes:
    """A 16-byte keyed digest for equality search (HMAC-SHA256, cut): without the key it tells nothing of the small number space."""
    return hmac.digest(settings.KEYS.index, text.encode(), sha256)[:16]


class SealedTextField(models.BinaryField):  # type: ignore[type-arg]
    """Text that the database holds only encrypted. Search through a `blind_index` column beside it."""

    def from_db_value(self, value: bytes | None, expression: object, connection: object) -> str | None:
        return None if value is None else unseal(value)

    def get_prep_value(self, value: object) -> bytes | None:
        if value is None or isinstance(value, (bytes, memoryview)):
            return None if value is None else bytes(value)
        return seal(str(value))

    def to_python(self, value: object) -> object:
        return value
