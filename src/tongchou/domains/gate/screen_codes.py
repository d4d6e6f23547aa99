"""The venue code on a screen: an address whose sign changes every half minute, so that a photograph of it is known as one. Pure.

The step is that of RFC 6238 (section 5.2: 30 seconds; one step before and after is accepted, for the way to the phone and for clocks). The
sign is 80 bits of HMAC-SHA-256, the least that RFC 2104 (section 5) leaves a truncated one: nobody counts the tries at a public page, so
the six digits of RFC 4226 would be guessed.
"""

import hmac
from base64 import b32encode

STEP_S = 30
_SIGN_BYTES = 10


def sign(secret: str, entrance: str, step: int) -> str:
    """What an entrance's code carries in the half minute that begins `step` × 30 s after 1970 UTC: sixteen letters and digits."""
    return b32encode(hmac.digest(secret.encode(), step.to_bytes(8) + entrance.encode(), "sha256")[:_SIGN_BYTES]).decode()


def seconds_old(shown: str, secret: str, entrance: str, at_s: int) -> int | None:
    """How long before `at_s` (seconds since 1970 UTC) a screen of the entrance began to show this sign; None: it is no sign of now."""
    now = at_s // STEP_S
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(shown.encode(), sign(secret, entrance, step).encode()):
            return max(0, at_s - step * STEP_S)
    return None
