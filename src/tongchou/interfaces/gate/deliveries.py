"""What a scanner sends and what it is told: the form of a delivery, and how it becomes rows of the log. No network, no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from tongchou.core.passes.tokens import BadPass
from tongchou.domains.gate.checking import Book, Door, SeenPasses, judge, scan_digest
from tongchou.domains.gate.rules import FLAGS, REASON_CODES, VERDICTS, WAYS, Decision, Verdict
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


read_delivery = msgspec.json.Decoder(Delivery).decode


def judged(delivery: Delivery, door: Door, book: Book, seen: SeenPasses, received_s: int) -> Judged:
    """Decide every scan anew by the house's own book: a device may be stolen, old or wrong.

    A device whose clock is off is corrected by how far; a time that still cannot be is replaced by that of receipt. Both are marked.
    """
    offset_s = received_s - delivery.sent_at // 1000
    off = FLAGS["clock"] if abs(offset_s) > CLOCK_OFF_S else 0
    rows, decisions = [], []
    for scan in delivery.scans:
        at_s, flags = scan.at // 1000 + (offset_s if off else 0), off
        if not received_s - IMPLAUSIBLE_S <= at_s <= received_s + CLOCK_OFF_S:
            at_s, flags = received_s, flags | FLAGS["implausible_time"]
        shown = seen.read(scan.text, book.keys)
        decision = judge(shown, door, book, at_s)
        flags |= (FLAGS["late"] if received_s - at_s > LATE_S else 0) | (FLAGS["differs"] if scan.told != decision.verdict else 0)
        rows.append(
            Row(
                device=door.device,
                seq=scan.seq,
                entrance=door.entrance,
                venue=door.venue,
                holder=None if isinstance(shown, BadPass) else shown.holder,
                at_s=at_s,
                received_s=received_s,
                way=WAYS.index(scan.way),
                verdict=_OF_VERDICT[decision.verdict],
                reason=_OF_REASON[decision.reason],
                told=_OF_VERDICT[scan.told],
                flags=flags,
                digest=scan_digest(scan.at, scan.text, scan.told, scan.way),
            )
        )
        decisions.append(decision)
    return Judged(rows, decisions)


def answer(judgement: Judged, clashes: set[tuple[int, int]]) -> bytes:
    """What the device is told: for each number the verdict and the code of its reason, and the numbers that clash."""
    answers = [
        {"seq": row.seq, "verdict": decision.verdict, "reason": decision.reason}
        for row, decision in zip(judgement.rows, judgement.decisions, strict=True)
        if not clashes or (row.device, row.seq) not in clashes
    ]
    mine = [row.seq for row in judgement.rows if (row.device, row.seq) in clashes] if clashes else []
    return msgspec.json.encode({"answers": answers, "clashes": mine})
