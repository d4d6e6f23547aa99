"""Random numbers, as `clock` is the time: drawn by the interfaces, given to the floors below as arguments."""

import secrets

from tongchou.core.passes.tokens import HIGHEST_HOLDER

_TYPED = "abcdefghjkmnpqrstuvwxyz23456789"


def random_holder() -> int:
    """A number for a holder of passes that tells nothing of who it is, nor how many there are."""
    return secrets.randbelow(HIGHEST_HOLDER) + 1


def random_token() -> str:
    """256 random bits as text for an address: not to be guessed, however often somebody tries."""
    return secrets.token_urlsafe(32)


def random_typed_code() -> str:
    """49 random bits to be typed with a remote control: ten small letters and digits that nobody takes for one another."""
    return "".join(secrets.choice(_TYPED) for _ in range(10))


def random_seed() -> bytes:
    """32 bytes for a signing key."""
    return secrets.token_bytes(32)


def random_share() -> float:
    """A number uniform on [0, 1): whether a sampled check hits somebody."""
    return secrets.randbelow(1 << 53) / (1 << 53)
