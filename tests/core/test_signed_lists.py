"""Status lists for other towns: signed and read back; hostile ones refused before they are unpacked."""

import zlib

import cbor2
import pytest

from tongchou.core.passes.signed_lists import LARGEST, MEDIA_TYPE, SignedList, read_signed_list, write_signed_list
from tongchou.core.passes.status_lists import BadStatusList, bits_of, is_set
from tongchou.core.passes.tokens import SigningKey, TrustedKey, to_be_signed

KEY, OTHER = SigningKey(b"\1" * 32), SigningKey(b"\2" * 32)
KEYS = {KEY.key_id: TrustedKey(KEY.public, "T1"), OTHER.key_id: TrustedKey(OTHER.public, "T2")}
ADDRESS, NOW = "https://t1.example/status/revocation/0", 1_654_167_600
SAID = SignedList("T1", ADDRESS, NOW - 60, NOW + 3600, bits_of([0, 9, 131_071]))


def read(content: bytes, address: str = ADDRESS, at_s: int = NOW) -> SignedList:
    return read_signed_list(content, KEYS, address=address, at_s=at_s)


def signed(listed: object, key: SigningKey = KEY) -> bytes:
    protected = cbor2.dumps({1: -8, 4: key.key_id, 16: MEDIA_TYPE})
    payload = cbor2.dumps({1: "T1", 2: ADDRESS, 4: NOW + 60, 6: NOW, 65533: listed})
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, key.sign(to_be_signed(protected, payload))]))


def test_a_list_reads_back_as_signed() -> None:
    content = write_signed_list(SAID, KEY)
    assert read(content) == SAID and write_signed_list(SAID, KEY) == content and len(content) < 300
    assert [n for n in (0, 1, 8, 9, 131_071) if is_set({0: read(content).bits}, n)] == [0, 9, 131_071]


def test_bits_lie_where_the_token_status_list_puts_them() -> None:
    """Section 4.1 of the draft: statuses 1,0,0,1,1,1,0,1 and 1,1,0,0,0,1,0,1 are the bytes b9 a3."""
    ones = [n for n, bit in enumerate("1001110111000101") if bit == "1"]
    claims = cbor2.loads(cbor2.loads(write_signed_list(SignedList("T1", ADDRESS, NOW, NOW + 9, bits_of(ones)), KEY)).value[2])
    assert zlib.decompress(claims[65533]["lst"])[:2].hex() == "b9a3"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (signed({"bits": 1, "lst": zlib.compress(b"\0" * 2**24)}), "unpacks to more"),
        (signed({"bits": 1, "lst": zlib.compress(b"\0" * 99)[:-3]}), "cut short"),
        (signed({"bits": 2, "lst": zlib.compress(b"\0" * 99)}), "several"),
        (signed({"bits": 1, "lst": zlib.compress(b"\0" * 99)}, OTHER), "another's"),
        (signed(None), "cannot be read"), (b"", "cannot be read"), (b"\xff" * 40, "cannot be read"), (b"\0" * (LARGEST + 1), "too large"),
        (write_signed_list(SAID, SigningKey(b"\3" * 32)), "cannot be read"), (write_signed_list(SAID, KEY)[:-1] + b"\0", "not signed"),
    ],
)  # fmt: skip
def test_a_hostile_list_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BadStatusList, match=said):
        read(content)


def test_a_list_of_another_address_or_time_is_refused() -> None:
    content = write_signed_list(SAID, KEY)
    for address, at_s in ((ADDRESS.replace("revocation", "suspension"), NOW), (ADDRESS, NOW + 3600), (ADDRESS, NOW - 3600)):
        with pytest.raises(BadStatusList):
            read(content, address, at_s)
