"""A status list that another town's scanner can trust: a Token Status List as a CWT (IETF draft-ietf-oauth-status-list), signed like a pass.

Its bits count from the least of each byte, those of the W3C list from the greatest; otherwise they say the same.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import cbor2
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from tongchou.core.passes.status_lists import MOST_BITS, BadStatusList
from tongchou.core.passes.tokens import KEY_ID_BYTES, SIGNATURE_BYTES, SigningKey, TrustedKey, to_be_signed

MEDIA_TYPE = "application/statuslist+cwt"
LARGEST = 2**18  # bytes of a signed list; a list of LIST_BITS that compresses not at all is 16 KB

_ALGORITHM, _KEY_ID, _TYPE, _EDDSA, _SIGN1_TAG = 1, 4, 16, -8, 18
_ISSUER, _SUBJECT, _EXPIRES, _ISSUED, _LIST = 1, 2, 4, 6, 65533
_CLOCK_S = 300  # clocks agree within this; assumption
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class SignedList:
    """What a signed list says: whose it is, its address, instants in seconds since 1970 UTC, its bits as `status_lists` has them."""

    issuer: str
    address: str
    issued_at: int
    expires_at: int
    bits: bytes


def write_signed_list(said: SignedList, key: SigningKey) -> bytes:
    """Sign a list. The same list always gives the same bytes."""
    packed = zlib.compress(said.bits.translate(_MIRRORED), 9)
    claims = {_ISSUER: said.issuer, _SUBJECT: said.address, _EXPIRES: said.expires_at, _ISSUED: said.issued_at}
    payload = cbor2.dumps({**claims, _LIST: {"bits": 1, "lst": packed}}, canonical=True)
    protected = _protected(key.key_id)
    return cbor2.dumps(cbor2.CBORTag(_SIGN1_TAG, [protected, {}, payload, key.sign(to_be_signed(protected, payload))]))


def read_signed_list(content: bytes, keys: Mapping[bytes, TrustedKey], *, address: str, at_s: int) -> SignedList:
    """Check a signed list fetched from an address. Raises BadStatusList; nothing is unpacked before the signature is good, nor beyond MOST_BITS."""
    if len(content) > LARGEST:
        raise BadStatusList("is too large")
    try:
        tagged = cbor2.loads(content)
        if tagged.tag != _SIGN1_TAG:
            raise BadStatusList("is not of the form expected")
        protected, unprotected, payload, signature = tagged.value
        key_id = cbor2.loads(protected)[_KEY_ID]
        key = keys[key_id]
        if protected != _protected(key_id) or unprotected != {} or len(signature) != SIGNATURE_BYTES:
            raise BadStatusList("is not of the form expected")
        crypto_sign_open(signature + to_be_signed(protected, payload), key.public)
        claims = cbor2.loads(payload)
        said = SignedList(claims[_ISSUER], claims[_SUBJECT], claims[_ISSUED], claims[_EXPIRES], _unpacked(claims[_LIST]))
        if said.issuer != key.issuer or said.address != address:
            raise BadStatusList("is another's")
        if not said.issued_at - _CLOCK_S <= at_s < said.expires_at:
            raise BadStatusList("is not of this time")
    except BadStatusList:
        raise
    except BadSignatureError:
        raise BadStatusList("is not signed by the key it names") from None
    # The decoder's own complaints differ by version and by what is wrong: all mean that it cannot be read.
    except Exception as error:
        raise BadStatusList(f"cannot be read ({type(error).__name__})") from None
    return said


def _unpacked(listed: Mapping[str, object]) -> bytes:
    unpacking = zlib.decompressobj()
    bits = unpacking.decompress(bytes(listed["lst"]), MOST_BITS // 8 + 1)  # type: ignore[call-overload]
    if listed["bits"] != 1 or len(bits) > MOST_BITS // 8:
        raise BadStatusList(f"unpacks to more than {MOST_BITS} bits, or has several a pass")
    if not unpacking.eof or unpacking.unused_data:
        raise BadStatusList("is cut short or followed by something else")
    return bits.translate(_MIRRORED)


def _protected(key_id: bytes) -> bytes:
    if len(key_id) != KEY_ID_BYTES:
        raise BadStatusList("names no key of ours")
    return cbor2.dumps({_ALGORITHM: _EDDSA, _KEY_ID: key_id, _TYPE: MEDIA_TYPE})
