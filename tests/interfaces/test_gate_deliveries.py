"""What a device sends and what becomes of it: decided anew by the house, clocks corrected, copies noticed. No network, no database."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from tongchou.core.passes.status_lists import bits_of
from tongchou.core.passes.tokens import Pass, SigningKey, TrustedKey, write_pass
from tongchou.core.passes.verdicts import VERDICTS
from tongchou.core.secrecy import token_digest
from tongchou.core.wording import T
from tongchou.domains.gate.checking import Book, Door, SeenPasses
from tongchou.domains.gate.rules import FLAGS, REASON_CODES, EntryRule
from tongchou.domains.gate.scan_log import Row
from tongchou.interfaces.gate.deliveries import CLOCK_OFF_S, IMPLAUSIBLE_S, LATE_S, MOST_SCANS, answer, cards_in, judged, read_delivery

TOWN, NOW = "310118106", 1_654_167_600
KEY = SigningKey(b"\1" * 32)
RULE = EntryRule(("all",), date(2022, 1, 1), None, 72, True, T("测试", "test"))
MARKET, SCHOOL = Door(1, 11, 101, RULE), Door(2, 12, 102, RULE)
BOOK = Book(
    TOWN, datetime.fromtimestamp(NOW, UTC), {token_digest("t"): MARKET}, {KEY.key_id: TrustedKey(KEY.public, TOWN)}, {0: bits_of([7])}, {}
)
CARD = "310118199001011234"


def pass_of(holder: int, status_index: int = 1) -> Pass:
    return Pass(TOWN, "entry", holder, status_index, NOW - 60, NOW + 86400, {"sampled_at": NOW - 3600})


def text_of(holder: int, status_index: int = 1) -> str:
    return write_pass(pass_of(holder, status_index), KEY)


def body(*scans: Mapping[str, Any], sent_s: int = NOW) -> bytes:
    return json.dumps({"sent_at": sent_s * 1000, "scans": list(scans)}).encode()


def scan(text: str, seq: int = 1, at_s: int = NOW, **more: str) -> dict[str, Any]:
    return {"seq": seq, "at": at_s * 1000, "text": text, **more}


def kept(
    sent: bytes, door: Door = MARKET, seen: SeenPasses | None = None, cards: Mapping[str, Pass] | None = None, at_s: int = NOW
) -> list[Row]:
    return list(judged(read_delivery(sent), door, BOOK, seen or SeenPasses(), cards or {}, at_s).rows)


def said(row: Row) -> tuple[str, str]:
    return VERDICTS[row.verdict], REASON_CODES[row.reason]


def test_what_the_device_told_does_not_count() -> None:
    (row,) = kept(body(scan(text_of(5, status_index=7), told="admit")))
    assert said(row) == ("refuse", "revoked") and row.told == VERDICTS.index("admit") and row.flags == FLAGS["differs"]
    assert (row.device, row.entrance, row.venue, row.holder) == (1, 11, 101, 5)


@pytest.mark.parametrize("off_s", [-7 * 3600, -CLOCK_OFF_S - 1, CLOCK_OFF_S + 1, 5 * 3600])
def test_a_clock_that_is_off_is_corrected_and_marked(off_s: int) -> None:
    (row,) = kept(body(scan(text_of(5), at_s=NOW + off_s - 60), sent_s=NOW + off_s))
    assert row.at_s == NOW - 60 and row.flags == FLAGS["clock"] and said(row) == ("admit", "ok")


def test_a_clock_within_two_minutes_is_believed() -> None:
    (row,) = kept(body(scan(text_of(5), at_s=NOW + 60), sent_s=NOW + 60))
    assert row.at_s == NOW + 60 and row.flags == 0


@pytest.mark.parametrize("at_s", [NOW + CLOCK_OFF_S + 1, NOW - IMPLAUSIBLE_S - 1])
def test_a_time_that_cannot_be_becomes_that_of_receipt(at_s: int) -> None:
    (row,) = kept(body(scan(text_of(5), at_s=at_s)))
    assert row.at_s == NOW and row.flags == FLAGS["implausible_time"]


def test_what_waited_offline_keeps_its_time_and_is_judged_by_it() -> None:
    (row,) = kept(body(scan(text_of(5), at_s=NOW - LATE_S - 1, told="refuse")))
    assert row.at_s == NOW - LATE_S - 1 and row.flags == FLAGS["late"]
    assert said(row) == ("refuse", "not_yet_valid")  # the pass was issued a minute ago


def test_a_pass_at_two_venues_at_once_is_noticed() -> None:
    seen = SeenPasses()
    for door, at_s, expected in (
        (MARKET, NOW, ("admit", "ok")), (SCHOOL, NOW + 30, ("notice", "seen_elsewhere")),
        (SCHOOL, NOW + 40, ("admit", "ok")), (MARKET, NOW + 300, ("admit", "ok")),
    ):  # fmt: skip
        (row,) = kept(body(scan(text_of(5), at_s=at_s), sent_s=at_s), door, seen, at_s=at_s)
        assert said(row) == expected


def test_leaving_is_no_visit_elsewhere() -> None:
    seen = SeenPasses()
    kept(body(scan(text_of(5), way="out")), MARKET, seen)
    assert said(kept(body(scan(text_of(5))), SCHOOL, seen)[0]) == ("admit", "ok")


def test_a_card_is_judged_by_what_the_house_knows() -> None:
    sent = body(scan(f"ID:{CARD}", told="notice"), scan("ID:310118199001015678", 2, told="notice"))
    assert cards_in(read_delivery(sent)) == [CARD, "310118199001015678"]
    known, unknown = kept(sent, cards={CARD: pass_of(9, -1)})
    assert said(known) == ("admit", "ok") and known.holder == 9 and known.flags == FLAGS["by_card"]
    assert said(unknown) == ("refuse", "unknown_person") and unknown.holder is None and unknown.flags == FLAGS["by_card"]


@pytest.mark.parametrize("text", ["ID:123", "ID:3101181990010112345", "id:310118199001011234", "ID:31011819900101123x", CARD])
def test_what_only_looks_like_a_card_is_no_card(text: str) -> None:
    sent = body(scan(text))
    assert cards_in(read_delivery(sent)) == [] and said(kept(sent)[0]) == ("refuse", "not_a_pass")


def test_the_digest_tells_deliveries_apart_but_not_the_number_of_a_card(settings: Any) -> None:
    def digest(text: str, **more: str) -> int:
        return kept(body(scan(text, **more)))[0].digest

    assert digest("a") == digest("a")
    assert len({digest("a"), digest("b"), digest("a", told="refuse"), digest("a", way="out")}) == 4
    before = digest(f"ID:{CARD}")
    settings.KEYS = type(settings.KEYS)(**{**vars_of(settings.KEYS), "index": b"another key" * 3})
    assert digest(f"ID:{CARD}") != before  # without the house's key nobody can try numbers


def vars_of(keys: Any) -> dict[str, Any]:
    return {name: getattr(keys, name) for name in type(keys).__dataclass_fields__}


@pytest.mark.parametrize(
    "sent",
    [
        b"", b"[]", b'{"sent_at": 1}', b'{"sent_at": 1, "scans": []}', b'{"sent_at": -1, "scans": [{"seq": 1, "at": 1, "text": ""}]}',
        body({**scan("a"), "venue": 101}), body({**scan("a"), "seq": 0}), body({**scan("a"), "at": 1.5}), body({**scan("a"), "told": "maybe"}),
        body(scan("a" * 4097)), body(*[scan("a", n) for n in range(1, MOST_SCANS + 2)]), b'{"sent_at": 1, "scans": [{"seq": 1, "at": 1, "text": "\xff"}]}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_of_the_form_is_refused(sent: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError)) as refused:
        read_delivery(sent)
    assert not isinstance(refused.value, RecursionError)


def test_the_answer_names_only_its_own_clashes() -> None:
    judgement = judged(read_delivery(body(scan(text_of(5)), scan("x", 2))), MARKET, BOOK, SeenPasses(), {}, NOW)
    status, content = answer(judgement, {(1, 2), (9, 1)})
    assert status == 409 and json.loads(content) == {"answers": [{"seq": 1, "verdict": "admit", "reason": "ok"}], "clashes": [2]}
    assert answer(judgement, {(9, 1)})[0] == 200
