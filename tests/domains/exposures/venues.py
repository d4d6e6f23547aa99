"""Venues, doors and people with passes in the small town."""

from itertools import count

from tests.fixtures_town import AT, Town
from tongchou.core.secrecy import blind_index
from tongchou.domains.gate.models import Entrance, Holder, Scan
from tongchou.domains.gate.scan_log import Row, append
from tongchou.domains.registry.models import Venue

_numbers = count(1)


def venue(town: Town, code: str, name: str, venue_class: str) -> int:
    """A venue with one door; gives its row number in the register."""
    row = Venue.objects.create(code=code, name=name, near_key=name, venue_class=venue_class, place=town.villages[0], changed_at=AT)
    Entrance.objects.create(code=code, venue=row, place=town.villages[0], name_zh="正门", name_en="Main entrance")
    return int(row.pk)


def holder(town: Town, number: int, name: str, *, village: int = 0, id_number: str = "", phone: str = "") -> Holder:
    return Holder.objects.create(
        number=number,
        name=name,
        place=town.villages[village],
        id_number=id_number or None,
        id_index=blind_index(id_number) if id_number else None,
        phone=phone or None,
        phone_index=blind_index(phone) if phone else None,
    )


def scan(who: int, where: int, at_s: int, way: int = 0, verdict: int = 0) -> None:
    """One scan on disk, as the lane writes it."""
    seq = next(_numbers)
    assert append([Row(1, seq, where, where, who, at_s, at_s, way, verdict, 0, verdict, 0, seq)]) == set()
    assert Scan.objects.filter(device=1, seq=seq).exists()


def stay(who: int, where: int, from_s: int, to_s: int) -> None:
    scan(who, where, from_s)
    scan(who, where, to_s, way=1)
