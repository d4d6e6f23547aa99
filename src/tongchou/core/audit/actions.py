"""Sealing the log is an act too."""

from datetime import date, datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.audit.chain import merkle_root
from tongchou.core.audit.models import DailyRoot, Entry
from tongchou.core.people.rules import Actor


@action("audit.read")
def seal_day(*, day: date, by: Actor, at: datetime) -> DailyRoot:
    """Keep the Merkle root of every entry since the last seal. A day already sealed keeps its root."""
    sealed = DailyRoot.objects.filter(day=day).first()
    if sealed is None:
        last = DailyRoot.objects.order_by("-last_seq").first()
        first_seq = (last.last_seq if last else 0) + 1
        rows = list(Entry.objects.filter(seq__gte=first_seq).order_by("seq").values_list("seq", "digest"))
        sealed = DailyRoot.objects.create(
            day=day, first_seq=first_seq, last_seq=rows[-1][0] if rows else first_seq - 1, root=merkle_root([digest for _, digest in rows])
        )
    record("audit.seal", sealed, detail={"root": sealed.root, "last_seq": sealed.last_seq})
    return sealed
