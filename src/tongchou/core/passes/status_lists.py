"""Which passes are revoked or suspended: a W3C Bitstring Status List (Recommendation, 2025), one bit a pass, compressed, checked offline.

Passes are numbered through; each list holds LIST_BITS of them, so that the lists of passes long expired need not be fetched. Bit 0 is the
leftmost of the first byte. The encoded form is "u" (multibase base64url) of the gzipped bits.
"""

import base64
import binascii
import gzip
import zlib
from collections.abc import Iterable, Mapping

LIST_BITS = 131_072  # the Recommendation's least, so that a short list does not tell whose bit it is
MOST_BITS = 2**20  # of somebody else's list; what unpacks to more is refused unread
PURPOSES = ("revocation", "suspension")


class BadStatusList(Exception):
    """A list that cannot be read; the message says why."""


def bits_of(indices: Iterable[int]) -> bytes:
    """The bits of one list: ones at `indices`, counted from the list's own start."""
    bits = bytearray(LIST_BITS // 8)
    for index in indices:
        bits[index >> 3] |= 128 >> (index & 7)
    return bytes(bits)


def is_set(lists: Mapping[int, bytes], number: int) -> bool:
    """Whether the bit of the pass of this number is set. A pass whose list is not at hand is newer than the lists, or long expired: not set."""
    which, index = divmod(number, LIST_BITS)
    bits = lists.get(which)
    return bits is not None and bool(bits[index >> 3] & 128 >> (index & 7))


def encoded(bits: bytes) -> str:
    """The `encodedList` of the Recommendation. The same bits always give the same text."""
    return "u" + base64.urlsafe_b64encode(gzip.compress(bits, mtime=0)).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """The bits behind an `encodedList`. Raises BadStatusList; what unpacks to more than MOST_BITS is not unpacked."""
    if not text.startswith("u"):
        raise BadStatusList("does not begin with u (base64url)")
    try:
        packed = base64.b64decode(text[1:] + "=" * (-(len(text) - 1) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj(wbits=31)
        bits = unpacking.decompress(packed, MOST_BITS // 8 + 1)
    except (binascii.Error, zlib.error) as error:
        raise BadStatusList(str(error)) from None
    if len(bits) > MOST_BITS // 8:
        raise BadStatusList(f"unpacks to more than {MOST_BITS} bits")
    if not unpacking.eof or unpacking.unused_data:
        raise BadStatusList("is cut short or followed by something else")
    if len(bits) * 8 < LIST_BITS:
        raise BadStatusList(f"has fewer than {LIST_BITS} bits")
    return bits
