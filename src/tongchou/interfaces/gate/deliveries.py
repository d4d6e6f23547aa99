"""What a scanner sends and what it is told: the form of a delivery, and how it becomes rows of the log. No network, no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from tongchou.core.passes.tokens import BadPass, Pass
from tongchou.core.passes.verdicts import VERDICTS, Verdict
from tongchou.core.secrecy import blind_index
from tongchou.domains.gate.checking import Book, Door, SeenPasses, card_number, judge, scan_digest
from tongchou.domains.gate.rules import FLAGS, REASON_CODES, WAYS, Decision
from tongchou.domains.gate.scan_log import Row

MOST_SCANS, MOST_BYTES = 1000, 1_500_000
CLOCK_OFF_S, LATE_S, IMPLAUSIBLE_S = 120, 600, 30 * 86400
_OF_VERDICT, _OF_REASON = ({code: n for n, code in enumerate(codes)} for codes in (VERDICTS, REASON_CODES))
_HIGHEST = 2**53 - 1
Millis = Annotated[int, msgspec.Meta(ge=0, le=_HIGHEST)]


class ScanIn(msgspec.Struct, forbid_unknown_fields=True):
    """One scan: the number the device gave it, when (device clock, ms), the text it read, the way, and what it told the person."""

    seq: Annotated[int, msgspec.Meta(ge=1, le=_HIGHEST)]
    at: Millis
    text: Annotated[str, msgspec.Meta(max_length=4096)]
    told: Verdict = "admit"
    way: Literal["in", "out"] = "in"


class Delivery(msgspec.Struct, forbid_unknown_fields=True):
    """Scans in the order they were made, and the device's clock on sending."""

    sent_at: Millis
    scans: Annotated[list[ScanIn], msgspec.Meta(min_length=1, max_length=MOST_SCANS)]


@dataclass(frozen=True, slots=True)
class Judged:
    """A delivery as rows to be kept, and the decision on each scan in the same order."""

    rows: Sequence[Row]
    decisions: Sequence[Decision]


read_delivery, _write = msgspec.json.Decoder(Delivery).decode, msgspec.json.Encoder().encode


def cards_in(delivery: Delivery) -> list[str]:
    """The numbers of the identity cards in a delivery."""
    return [number for scan in delivery.scans if (number := card_number(scan.text))]


def judged(delivery: Delivery, door: Door, book: Book, seen: SeenPasses, cards: Mapping[str, Pass], received_s: int) -> Judged:
    """Decide every scan anew by the house's own book: a device may be stolen, old or wrong. `cards`: what is known of those shown.

    A device whose clock is off is corrected by how far; a time that still cannot be is replaced by that of receipt. Both are marked.
    """
    offset_s = received_s - delivery.sent_at // 1000
    off = FLAGS["clock"] if abs(offset_s) > CLOCK_OFF_S else 0
    rows, decisions = [], []
    for scan in delivery.scans:
        at_s, flags, text = scan.at // 1000 + (offset_s if off else 0), off, scan.text
        if not received_s - IMPLAUSIBLE_S <= at_s <= received_s + CLOCK_OFF_S:
            at_s, flags = received_s, flags | FLAGS["implausible_time"]
        shown: Pass | BadPass | None
        if card := card_number(text):
            # A plain digest of the number could be tried out; and the device could not have known the answer.
            shown, text, flags = cards.get(card), blind_index(card).hex(), flags | FLAGS["by_card"]
        else:
            shown = seen.read(text, book.keys)
        decision = judge(shown, door, book, seen, at_s, scan.way)
        if scan.told != decision.verdict and not card:
            flags |= FLAGS["differs"]
        if received_s - at_s > LATE_S:
            flags |= FLAGS["late"]
        rows.append(
            Row(
                door.device, scan.seq, door.entrance, door.venue, shown.holder if isinstance(shown, Pass) else None, at_s, received_s,
                WAYS.index(scan.way), _OF_VERDICT[decision.verdict], _OF_REASON[decision.reason], _OF_VERDICT[scan.told], flags,
                scan_digest(scan.at, text, scan.told, scan.way),
            )
        )  # fmt: skip
        decisions.append(decision)
    return Judged(rows, decisions)


def answer(judgement: Judged, clashes: set[tuple[int, int]]) -> tuple[int, bytes]:
    """Status and body of what the device is told: for each number the verdict and the code of its reason; 409 with the numbers that clash."""
    mine = [row.seq for row in judgement.rows if (row.device, row.seq) in clashes] if clashes else []
    answers = [
        {"seq": row.seq, "verdict": decision.verdict, "reason": decision.reason}
        for row, decision in zip(judgement.rows, judgement.decisions, strict=True)
        if row.seq not in mine
    ]
    return (409 if mine else 200), _write({"answers": answers, "clashes": mine})
