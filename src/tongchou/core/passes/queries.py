"""What a door needs to check passes: the public keys it may trust, and the status lists of passes that have not expired."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import Min, Q

from tongchou.core.passes.models import IssuedPass, IssuerKey
from tongchou.core.passes.status_lists import LIST_BITS, bits_of
from tongchou.core.passes.tokens import Pass, SigningKey, TrustedKey, write_pass


def trusted_keys(at: datetime) -> dict[bytes, TrustedKey]:
    """Key id → key, of all that are trusted at an instant. One query."""
    rows = IssuerKey.objects.filter(Q(trusted_until_at=None) | Q(trusted_until_at__gt=at), from_at__lte=at).order_by("key_id")
    return {bytes.fromhex(row.key_id): TrustedKey(bytes(row.public), row.issuer) for row in rows}


def status_lists(at: datetime) -> dict[str, Mapping[int, bytes]]:
    """Purpose → number of the list → its bits, for every list that holds a pass not yet expired. Three queries over small indexes.

    A list without a single bit set is there too: a door must be able to tell "none revoked" from "not fetched".
    """
    ends = IssuedPass.objects.filter(expires_at__gt=at).aggregate(first=Min("pk"))
    last = IssuedPass.objects.order_by("-pk").values_list("pk", flat=True).first()
    if ends["first"] is None or last is None:
        return {"revocation": {}, "suspension": {}}
    wanted = range(ends["first"] // LIST_BITS, last // LIST_BITS + 1)
    rows = IssuedPass.objects.filter(pk__gte=wanted.start * LIST_BITS).order_by().values_list("pk", flat=True)
    return {
        "revocation": _laid_out(wanted, rows.filter(revoked_at__isnull=False)),
        "suspension": _laid_out(wanted, rows.filter(suspended_at__isnull=False, suspended_until_at__gt=at)),
    }


def standing_passes(holders: Collection[int], at: datetime) -> dict[int, IssuedPass]:
    """Holder → the pass that counts: a suspended one, even if it was revoked since; else the one given last that was not revoked, expired or not.

    Holders without one are left out. Of suspended ones, the one in the status lists for longest. One query.
    """
    counts = Q(revoked_at=None) | Q(suspended_until_at__gt=at)
    rows = list(IssuedPass.objects.select_related("key").filter(counts, holder__in=holders))
    rows.sort(key=lambda row: (True, row.expires_at, row.pk) if row.is_suspended(at) else (False, at, row.pk))
    return {row.holder: row for row in rows}


def signing_key(issuer: str) -> SigningKey | None:
    """The key by which a town signs now; None before the first. One query."""
    row = IssuerKey.objects.filter(issuer=issuer, signs_until_at=None, secret__isnull=False).first()
    return SigningKey(bytes.fromhex(row.secret)) if row is not None and row.secret else None


def text_again(issued: IssuedPass, facts: Mapping[str, int]) -> str | None:
    """The text of a pass given out before, sign by sign, from the same facts; None once its key signs no more. No query."""
    if issued.key.secret is None:
        return None
    span = (int(issued.issued_at.timestamp()), int(issued.expires_at.timestamp()))
    said = Pass(issued.key.issuer, issued.kind, issued.holder, issued.pk, *span, facts)
    return write_pass(said, SigningKey(bytes.fromhex(issued.key.secret)))


def _laid_out(wanted: Iterable[int], numbers: Iterable[int]) -> Mapping[int, bytes]:
    by_list: dict[int, list[int]] = {which: [] for which in wanted}
    for number in numbers:
        by_list[number // LIST_BITS].append(number % LIST_BITS)
    return {which: bits_of(indices) for which, indices in by_list.items()}
