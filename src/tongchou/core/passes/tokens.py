"""Passes as signed tokens: a CWT in a COSE_Sign1 (RFC 8392, RFC 9052), Ed25519, written in base45 (RFC 9285) so that a QR code stays small.

A pass holds a pseudonymous holder number, its validity and the facts a rule may ask for; nothing else. Whoever has the public keys can
check it without a network. Reading is strict: one form is valid, everything else is refused by name.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal

import cbor2
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import BadSignatureError

PREFIX = "TC1:"  # tells our codes from every other QR code, and the form from a later one
LONGEST_TEXT = 512
KEY_ID_BYTES, SIGNATURE_BYTES = 8, 64
HIGHEST_HOLDER = 2**53 - 1  # a browser counts no further
FACTS = ("sampled_at", "doses", "last_dose_on")  # wire numbers 1, 2, 3: seconds, count, day; never renumber
KINDS = {"entry": 1, "passage": 2}

_ALGORITHM, _KEY_ID, _EDDSA = 1, 4, -8  # RFC 9052
_ISSUER, _EXPIRES, _ISSUED, _OURS = 1, 4, 6, -65537  # RFC 8392; below -65536 is private use
_KIND, _HOLDER, _STATUS, _FACTS = 1, 2, 3, 4
_KIND_NAMES = {number: name for name, number in KINDS.items()}
_SIGN1_TAG = 18
_SIGNS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = bytes(_SIGNS.index(sign) if sign in _SIGNS else 255 for sign in range(256))

Fault = Literal["oversized", "not_a_pass", "malformed", "unknown_key", "forged"]


class BadPass(Exception):
    """A text that is no pass of ours; `fault` says why. `claims_issuer`: whose it says it is, when only its key is unknown."""

    def __init__(self, fault: Fault, claims_issuer: str = "") -> None:
        super().__init__(fault)
        self.fault: Fault = fault
        self.claims_issuer = claims_issuer


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key and the town whose passes it may sign."""

    public: bytes
    issuer: str


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass says. Instants are seconds since 1970 UTC; `facts` maps names in FACTS to whole numbers."""

    issuer: str  # code of the town
    kind: str
    holder: int
    status_index: int
    issued_at: int
    expires_at: int
    facts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key made from 32 random bytes. `key_id` is the start of the public key's SHA-256."""

    seed: bytes

    @property
    def public(self) -> bytes:
        return crypto_sign_seed_keypair(self.seed)[0]

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.public)

    def sign(self, message: bytes) -> bytes:
        return crypto_sign(message, crypto_sign_seed_keypair(self.seed)[1])[:SIGNATURE_BYTES]


def key_id_of(public: bytes) -> bytes:
    """The name of a public key: the first eight bytes of its SHA-256."""
    return sha256(public).digest()[:KEY_ID_BYTES]


def write_pass(said: Pass, key: SigningKey) -> str:
    """Sign a pass. About 120 bytes, 185 signs in the QR code."""
    if not 0 < said.holder <= HIGHEST_HOLDER or said.expires_at <= said.issued_at:
        raise ValueError("a pass needs a holder number below 2**53 and an end after its start")
    facts = {FACTS.index(name) + 1: value for name, value in said.facts.items()}
    ours = {_KIND: KINDS[said.kind], _HOLDER: said.holder, _STATUS: said.status_index, _FACTS: facts}
    payload = cbor2.dumps({_ISSUER: said.issuer, _EXPIRES: said.expires_at, _ISSUED: said.issued_at, _OURS: ours}, canonical=True)
    protected = _protected(key.key_id)
    signed = cbor2.dumps(cbor2.CBORTag(_SIGN1_TAG, [protected, {}, payload, key.sign(to_be_signed(protected, payload))]))
    return PREFIX + base45(signed)


def read_pass(text: str, keys: Mapping[bytes, TrustedKey]) -> Pass:
    """Check a text against the public keys by key id and give what it says. Raises BadPass.

    Whether it is still valid, revoked or enough for a door is not asked here.
    """
    if len(text) > LONGEST_TEXT:
        raise BadPass("oversized")
    if not text.startswith(PREFIX):
        raise BadPass("not_a_pass")
    protected, payload, signature = _parts(from_base45(text[len(PREFIX) :]))
    key_id = protected[-KEY_ID_BYTES:]
    if protected != _protected(key_id):
        raise BadPass("malformed")
    key = keys.get(key_id)
    if key is None:
        raise BadPass("unknown_key", _said(_decoded(payload)).issuer)
    try:
        crypto_sign_open(signature + to_be_signed(protected, payload), key.public)
    except BadSignatureError:
        raise BadPass("forged") from None
    said = _said(_decoded(payload))
    if said.issuer != key.issuer:
        raise BadPass("forged")
    return said


@lru_cache(maxsize=64)
def _protected(key_id: bytes) -> bytes:
    return cbor2.dumps({_ALGORITHM: _EDDSA, _KEY_ID: key_id})


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """What the signature of a COSE_Sign1 covers (RFC 9052, 4.4)."""
    return cbor2.dumps(["Signature1", protected, b"", payload])


def _decoded(content: bytes) -> Any:
    """One CBOR item that fills its bytes. The decoder's own complaints differ by version and by what is wrong: all mean malformed."""
    try:
        found = cbor2.loads(content)
        rewritten = cbor2.dumps(found)
    except Exception:
        raise BadPass("malformed") from None
    # Bytes behind the item, or a second spelling of it, would be content that nobody signed or nobody reads.
    if len(rewritten) != len(content):
        raise BadPass("malformed")
    return found


def _parts(content: bytes) -> tuple[bytes, bytes, bytes]:
    found = _decoded(content)
    parts = found.value if isinstance(found, cbor2.CBORTag) and found.tag == _SIGN1_TAG else None
    if not isinstance(parts, Sequence) or len(parts) != 4 or parts[1] != {}:
        raise BadPass("malformed")
    protected, _, payload, signature = parts
    if not all(isinstance(part, bytes) for part in (protected, payload, signature)) or len(signature) != SIGNATURE_BYTES:
        raise BadPass("malformed")
    return protected, payload, signature


def _said(claims: Any) -> Pass:
    try:
        ours = claims[_OURS]
        issuer, holder, status, issued_at, expires_at = claims[_ISSUER], ours[_HOLDER], ours[_STATUS], claims[_ISSUED], claims[_EXPIRES]
        numbers = (holder, status, issued_at, expires_at, *ours[_FACTS].values())
        if not all(type(number) is int and 0 <= number <= HIGHEST_HOLDER for number in numbers) or type(issuer) is not str:
            raise BadPass("malformed")
        facts = MappingProxyType({FACTS[number - 1]: value for number, value in ours[_FACTS].items() if 0 < number <= len(FACTS)})
        kind = _KIND_NAMES[ours[_KIND]]
    except (KeyError, TypeError, AttributeError, IndexError):
        raise BadPass("malformed") from None
    return Pass(issuer, kind, holder, status, issued_at, expires_at, facts)


def base45(content: bytes) -> str:
    """RFC 9285: two bytes as three signs, a last single byte as two."""
    pairs = len(content) // 2
    signs = bytearray()
    for value in struct.unpack(f">{pairs}H", content[: 2 * pairs]):
        signs += bytes((_SIGNS[value % 45], _SIGNS[value // 45 % 45], _SIGNS[value // 2025]))
    if len(content) % 2:
        signs += bytes((_SIGNS[content[-1] % 45], _SIGNS[content[-1] // 45]))
    return signs.decode()


def from_base45(text: str) -> bytes:
    """What `base45` wrote. Raises BadPass for anything it could not have written."""
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise BadPass("malformed") from None
    if 255 in values or len(values) % 3 == 1:
        raise BadPass("malformed")
    whole = len(values) // 3 * 3
    pairs = [a + 45 * b + 2025 * c for a, b, c in zip(values[0:whole:3], values[1:whole:3], values[2:whole:3], strict=True)]
    last = [values[-2] + 45 * values[-1]] if whole < len(values) else []
    try:
        return struct.pack(f">{len(pairs)}H", *pairs) + bytes(last)
    except (struct.error, ValueError):
        raise BadPass("malformed") from None
