"""Passes: tokens as `cwt` (an independent library) reads and writes them, status lists, keys, and giving passes out."""

import base64
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import base45 as peer45
import cbor2
import cwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.passes.actions import (
    Application,
    distrust_key,
    issue_passes,
    resume_passes,
    revoke_pass,
    rotate_key,
    suspend_passes,
    trust_key,
)
from tongchou.core.passes.models import IssuedPass, IssuerKey
from tongchou.core.passes.queries import status_lists, trusted_keys
from tongchou.core.passes.status_lists import LIST_BITS, MOST_BITS, BadStatusList, bits_of, decoded, encoded, is_set
from tongchou.core.passes.tokens import (
    LONGEST_TEXT,
    PREFIX,
    BadPass,
    Pass,
    SigningKey,
    TrustedKey,
    base45,
    from_base45,
    read_pass,
    write_pass,
)
from tongchou.core.people.rules import system_actor

KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(32))
TOWN = "310118106"
KEYS = {KEY.key_id: TrustedKey(KEY.public, TOWN)}
SAID = Pass(
    TOWN, "entry", 123_456_789_012, 42, 1_654_000_000, 1_654_259_200, {"sampled_at": 1_653_990_000, "doses": 3, "last_dose_on": 19_000}
)
SYSTEM = system_actor("test")


def fault(text: str) -> str:
    with pytest.raises(BadPass) as caught:
        read_pass(text, KEYS)
    return caught.value.fault


def wrapped(content: bytes) -> str:
    return PREFIX + base45(content)


def signed(payload: bytes, key: SigningKey = KEY, protected: bytes | None = None, unprotected: object = None) -> str:
    protected = cbor2.dumps({1: -8, 4: key.key_id}) if protected is None else protected
    signature = key.sign(cbor2.dumps(["Signature1", protected, b"", payload]))
    return wrapped(cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature])))


def test_a_pass_reads_back_as_written():
    text = write_pass(SAID, KEY)
    assert read_pass(text, KEYS) == SAID
    assert len(text) < 230, "longer makes the QR code too dense for a photographed phone"


def test_another_library_reads_our_pass_and_we_read_its():
    peer = cwt.COSEKey.new({1: 1, 2: KEY.key_id, 3: -8, -1: 6, -2: KEY.public, -4: KEY.seed})  # OKP, Ed25519
    claims = cwt.COSE.new().decode(peer45.b45decode(write_pass(SAID, KEY)[len(PREFIX) :]), peer)
    assert cbor2.loads(claims) == {
        1: TOWN,
        4: SAID.expires_at,
        6: SAID.issued_at,
        -65537: {1: 1, 2: SAID.holder, 3: 42, 4: {1: 1_653_990_000, 2: 3, 3: 19_000}},
    }
    theirs = cwt.COSE.new().encode_and_sign(claims, peer, protected={1: -8, 4: KEY.key_id})
    assert read_pass(wrapped(theirs), KEYS) == SAID


@given(st.binary(max_size=300))
def test_base45_is_that_of_the_reference_library(content: bytes):
    assert base45(content) == peer45.b45encode(content).decode()
    assert from_base45(base45(content)) == content


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a€", max_size=40))
def test_base45_refuses_what_the_reference_refuses(text: str):
    try:
        wanted = peer45.b45decode(text)
    except ValueError:
        with pytest.raises(BadPass):
            from_base45(text)
    else:
        assert from_base45(text) == wanted


@given(st.binary(max_size=200))
def test_noise_is_refused_by_name(noise: bytes):
    assert fault(wrapped(noise)) == "malformed"


@given(st.integers(0, 400), st.integers(1, 44))
def test_one_changed_sign_never_passes(place: int, step: int):
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    text = write_pass(SAID, KEY)
    place = len(PREFIX) + place % (len(text) - len(PREFIX))
    changed = text[:place] + signs[(signs.index(text[place]) + step) % 45] + text[place + 1 :]
    assert fault(changed) in {"malformed", "forged", "unknown_key"}


@pytest.mark.parametrize("cut", [1, 2, 3, 50, 150])
def test_a_truncated_pass_is_malformed(cut: int):
    assert fault(write_pass(SAID, KEY)[:-cut]) == "malformed"


def test_each_fault_has_its_name():
    good = write_pass(SAID, KEY)
    assert fault("https://example.org/") == "not_a_pass"
    assert fault("") == "not_a_pass"
    assert fault(good + "0" * LONGEST_TEXT) == "oversized"
    assert fault(write_pass(SAID, OTHER)) == "unknown_key"
    payload = cbor2.loads(from_base45(good[4:])).value[2]
    assert fault(signed(payload, OTHER, protected=cbor2.dumps({1: -8, 4: KEY.key_id}))) == "forged", "another key under our key's name"
    assert fault(signed(payload, protected=cbor2.dumps({1: -7, 4: KEY.key_id}))) == "malformed", "another algorithm"
    assert fault(signed(payload, unprotected={4: KEY.key_id})) == "malformed", "headers that nobody signed"
    assert fault(wrapped(from_base45(good[4:]) + b"\x00")) == "malformed", "bytes behind the token"


def test_a_key_signs_for_its_own_town_only():
    foreign = write_pass(replace(SAID, issuer="310118107"), KEY)
    assert fault(foreign) == "forged"
    with pytest.raises(BadPass) as caught:
        read_pass(write_pass(replace(SAID, issuer="310118107"), OTHER), KEYS)
    assert (caught.value.fault, caught.value.claims_issuer) == ("unknown_key", "310118107")


@pytest.mark.parametrize(
    "claims",
    [
        {}, [], 7, {1: TOWN}, {1: 5, 4: 2, 6: 1, -65537: {1: 1, 2: 3, 3: 4, 4: {}}}, {1: TOWN, 4: 2, 6: 1, -65537: {1: 9, 2: 3, 3: 4, 4: {}}},
        {1: TOWN, 4: 2, 6: 1, -65537: {1: 1, 2: -3, 3: 4, 4: {}}}, {1: TOWN, 4: 2, 6: 1, -65537: {1: 1, 2: 2**60, 3: 4, 4: {}}},
        {1: TOWN, 4: 2.5, 6: 1, -65537: {1: 1, 2: 3, 3: 4, 4: {}}}, {1: TOWN, 4: 2, 6: True, -65537: {1: 1, 2: 3, 3: 4, 4: {}}},
        {1: TOWN, 4: 2, 6: 1, -65537: {1: 1, 2: 3, 3: 4, 4: {1: "x"}}}, {1: TOWN, 4: 2, 6: 1, -65537: {1: [], 2: 3, 3: 4, 4: {}}},
    ],
)  # fmt: skip
def test_signed_nonsense_is_malformed_all_the_same(claims: object):
    assert fault(signed(cbor2.dumps(claims))) == "malformed"


def test_facts_of_a_later_version_are_passed_over():
    payload = cbor2.dumps({1: TOWN, 4: 2, 6: 1, -65537: {1: 1, 2: 3, 3: 4, 4: {2: 1, 9: 5}}}, canonical=True)
    assert read_pass(signed(payload), KEYS).facts == {"doses": 1}


def test_bits_stand_where_the_recommendation_puts_them():
    bits = bits_of([0, 9])
    assert (bits[0], bits[1], len(bits) * 8) == (0b1000_0000, 0b0100_0000, 131_072)
    assert decoded(encoded(bits)) == bits
    packed = encoded(bits)[1:]
    assert gzip.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))) == bits


def test_a_pass_is_looked_up_in_its_own_list():
    lists = {1: bits_of([5])}
    assert is_set(lists, LIST_BITS + 5)
    assert not is_set(lists, LIST_BITS + 6)
    assert not is_set(lists, 5), "list 0 is not at hand"


def bomb(size: int) -> str:
    return "u" + base64.urlsafe_b64encode(gzip.compress(bytes(size), mtime=0)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(MOST_BITS * 4), "unpacks to more"), (bomb(10), "fewer than"), (encoded(bits_of([]))[:-8], "cut short"), ("m" + encoded(bits_of([]))[1:], "begin with u"),
        ("u!!!!", "."), ("u" + base64.urlsafe_b64encode(gzip.compress(bytes(20_000), mtime=0) * 2).decode().rstrip("="), "followed by"),
    ],
)  # fmt: skip
def test_a_hostile_status_list_is_refused_without_unpacking_it(text: str, said: str):
    with pytest.raises(BadStatusList, match=said):
        decoded(text)


def application(town, place, holder=77, **facts):
    return Application(holder, facts, timedelta(hours=72), place)


def test_passes_need_a_key(small_town):
    with pytest.raises(Refusal, match="签发密钥"):
        issue_passes(issuer=small_town.town, applications=[application(small_town, small_town.villages[0])], by=small_town.lin, at=AT)
    assert not IssuedPass.objects.exists()


def test_the_next_key_signs_and_the_last_is_trusted_for_a_while(small_town):
    town = small_town.town
    rotate_key(town=town, seed=b"1" * 32, trusted_for=timedelta(days=3), by=SYSTEM, at=AT)
    (old,) = issue_passes(issuer=town, applications=[application(small_town, small_town.villages[0], doses=2)], by=small_town.lin, at=AT)
    later = AT + timedelta(days=1)
    rotate_key(town=town, seed=b"2" * 32, trusted_for=timedelta(days=3), by=SYSTEM, at=later)
    (new,) = issue_passes(issuer=town, applications=[application(small_town, small_town.villages[0])], by=small_town.lin, at=later)
    assert read_pass(old, trusted_keys(later)).facts == {"doses": 2}
    assert read_pass(new, trusted_keys(later)).status_index == read_pass(old, trusted_keys(later)).status_index + 1
    assert IssuerKey.objects.filter(secret__isnull=False).count() == 1, "the old secret is gone"
    with pytest.raises(BadPass):
        read_pass(old, trusted_keys(later + timedelta(days=3)))
    assert [e.action for e in Entry.objects.all()] == ["pass.rotate_key", "pass.issue", "pass.rotate_key", "pass.issue"]


def test_a_secretary_gives_passes_in_her_own_village_only(small_town):
    rotate_key(town=small_town.town, seed=b"1" * 32, trusted_for=timedelta(days=3), by=SYSTEM, at=AT)
    own, other = (application(small_town, village) for village in small_town.villages[:2])
    assert len(issue_passes(issuer=small_town.town, applications=[own], by=small_town.wu, at=AT)) == 1
    with pytest.raises(Invalid):
        issue_passes(issuer=small_town.town, applications=[own, other], by=small_town.wu, at=AT)
    with pytest.raises(Invalid):
        issue_passes(issuer=small_town.town, applications=[own], by=small_town.zhao, at=AT)
    with pytest.raises(Unseen):
        issue_passes(issuer=small_town.town, applications=[own], by=small_town.gao, at=AT)
    assert IssuedPass.objects.count() == 1


def test_revoked_and_suspended_stand_in_the_lists_until_the_pass_has_expired(small_town):
    rotate_key(town=small_town.town, seed=b"1" * 32, trusted_for=timedelta(days=3), by=SYSTEM, at=AT)
    issue_passes(
        issuer=small_town.town,
        applications=[application(small_town, small_town.villages[0], holder=n) for n in (1, 2, 3)],
        by=small_town.lin,
        at=AT,
    )
    first, second, third = IssuedPass.objects.all()
    revoke_pass(first, reason="手机遗失", by=small_town.lin, at=AT)
    who = {"holder": 2, "place": small_town.villages[0], "reason": "TX-2022-0001", "by": SYSTEM, "at": AT}
    assert suspend_passes(issuer=small_town.town, until_at=AT + timedelta(hours=9), **who) == 2, "hers, and one that keeps her place"
    lists = status_lists(AT)
    assert [is_set(lists["revocation"], row.pk) for row in (first, second, third)] == [True, False, False]
    assert [is_set(lists["suspension"], row.pk) for row in (first, second, third)] == [False, True, False]
    assert not is_set(status_lists(AT + timedelta(hours=9))["suspension"], second.pk), "the end comes although nobody does anything"
    with pytest.raises(Unseen):
        suspend_passes(issuer=small_town.town, until_at=AT + timedelta(days=1), **who | {"by": small_town.lin})
    assert resume_passes(**who) == 2
    assert not is_set(status_lists(AT)["suspension"], second.pk)
    with pytest.raises(Stale):
        revoke_pass(first, reason="手机遗失", by=small_town.lin, at=AT)
    with pytest.raises(Invalid):
        revoke_pass(third, reason=" ", by=small_town.lin, at=AT)
    with pytest.raises(Unseen):
        revoke_pass(third, reason="不相干的人", by=small_town.zhao, at=AT)
    assert status_lists(AT + timedelta(hours=73)) == {"revocation": {}, "suspension": {}}


def test_another_towns_key_is_recognised_until_it_is_not(small_town):
    town = small_town.town
    row = trust_key(town=town, issuer="310118107", public=OTHER.public, until_at=AT + timedelta(days=9), by=SYSTEM, at=AT)
    text = write_pass(replace(SAID, issuer="310118107"), OTHER)
    assert read_pass(text, trusted_keys(AT)).issuer == "310118107"
    with pytest.raises(BadPass):
        read_pass(write_pass(SAID, OTHER), trusted_keys(AT))
    distrust_key(row, reason="对方密钥泄露", by=SYSTEM, at=AT)
    assert trusted_keys(AT + timedelta(seconds=1)) == {}
    for wrong in ({"public": b"short"}, {"issuer": town.code}, {"until_at": AT}):
        given = {"issuer": "310118107", "public": OTHER.public, "until_at": AT + timedelta(days=1)} | wrong
        with pytest.raises(Invalid):
            trust_key(town=town, **given, by=SYSTEM, at=AT)


def test_only_the_administrator_makes_keys(small_town):
    for actor in (small_town.lin, small_town.fang, small_town.wu, small_town.zhao):
        with pytest.raises(Unseen):
            rotate_key(town=small_town.town, seed=b"1" * 32, trusted_for=timedelta(days=3), by=actor, at=AT)


def test_times_are_whole_seconds_of_utc(small_town):
    rotate_key(town=small_town.town, seed=b"1" * 32, trusted_for=timedelta(days=3), by=SYSTEM, at=AT)
    (text,) = issue_passes(issuer=small_town.town, applications=[application(small_town, small_town.villages[0])], by=small_town.lin, at=AT)
    said = read_pass(text, trusted_keys(AT))
    assert datetime.fromtimestamp(said.issued_at, UTC) == AT
    assert said.expires_at - said.issued_at == 72 * 3600
