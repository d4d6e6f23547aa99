"""Making and trusting keys, giving out passes, taking them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Refusal, Stale
from tongchou.core.passes.models import IssuedPass, IssuerKey
from tongchou.core.passes.tokens import Pass, SigningKey, key_id_of, write_pass
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T

_BATCH = 500
LOST = T("遗失", "lost")
PLACE_HOLDER = "held"  # kind of a pass that nobody is given: it keeps a suspended person's place in the status lists


@dataclass(frozen=True, slots=True)
class Application:
    """One pass to be given out: for whom (a pseudonymous number), what it may say, how long it holds."""

    holder: int
    facts: Mapping[str, int]
    valid_for: timedelta
    place: Place
    kind: str = "entry"


@action("pass.keys", place=lambda given: given["town"].path)
def rotate_key(*, town: Place, seed: bytes, trusted_for: timedelta, by: Actor, at: datetime) -> IssuerKey:
    """Begin to sign with a new key made from 32 random bytes; the old one signs no more and is trusted for a while yet."""
    fresh = SigningKey(seed)
    old = IssuerKey.objects.select_for_update().filter(issuer=town.code, signs_until_at=None, secret__isnull=False).first()
    if old is not None:
        old.signs_until_at, old.trusted_until_at, old.secret = at, at + trusted_for, None
        old.save(update_fields=["signs_until_at", "trusted_until_at", "secret"])
    row = IssuerKey.objects.create(
        key_id=fresh.key_id.hex(), issuer=town.code, public=fresh.public, secret=seed.hex(), place=town, from_at=at
    )
    record("pass.rotate_key", row, detail={"key": row.key_id, "replaces": old.key_id if old else None})
    return row


@action("pass.keys", place=lambda given: given["town"].path)
def trust_key(*, town: Place, issuer: str, public: bytes, until_at: datetime, by: Actor, at: datetime) -> IssuerKey:
    """Recognise the passes that another town signs with this public key, until an instant."""
    problems = []
    if len(public) != 32:
        problems.append(FieldProblem("public", T("公钥应为32字节。", "A public key has 32 bytes.")))
    if issuer == town.code:
        problems.append(FieldProblem("issuer", T("本镇的密钥请用“更换密钥”。", "Keys of this town come by rotation.")))
    if until_at <= at:
        problems.append(FieldProblem("until_at", T("互认期限须在将来。", "The end must lie in the future.")))
    if problems:
        raise Invalid(problems)
    key_id = key_id_of(public).hex()
    known = IssuerKey.objects.filter(key_id=key_id).first()
    if known is not None and known.issuer != issuer:
        raise Invalid([FieldProblem("issuer", T(f"该公钥属于 {known.issuer}。", f"This key belongs to {known.issuer}."))])
    row, _ = IssuerKey.objects.update_or_create(
        key_id=key_id,
        defaults={"issuer": issuer, "public": public, "place": town, "trusted_until_at": until_at},
        create_defaults={"issuer": issuer, "public": public, "place": town, "from_at": at, "trusted_until_at": until_at},
    )
    record("pass.trust_key", row, detail={"key": key_id, "issuer": issuer, "until": until_at.isoformat()})
    return row


@action("pass.keys", on=IssuerKey)
def distrust_key(key: IssuerKey, *, reason: str, by: Actor, at: datetime) -> IssuerKey:
    """Trust a key no longer, from now on: every pass it signed fails at every door that has heard of it."""
    _reasoned(reason)
    key.trusted_until_at, key.secret = at, None
    key.signs_until_at = key.signs_until_at or at
    key.save(update_fields=["trusted_until_at", "signs_until_at", "secret"])
    record("pass.distrust_key", key, reason=reason, detail={"key": key.key_id})
    return key


@action("pass.issue")
def issue_passes(*, issuer: Place, applications: Sequence[Application], by: Actor, at: datetime) -> list[str]:
    """Sign one pass for each application and keep a row of each; gives the texts for the QR codes, in order. Raises Refusal without a key."""
    if any(not by.may("pass.issue", applied.place.path) for applied in applications):
        raise Invalid([FieldProblem("place", T("其中有不归您管的地方。", "Some of these places are not yours."))])
    row = _signing_key(issuer)
    key = SigningKey(bytes.fromhex(row.secret or ""))
    rows = IssuedPass.objects.bulk_create(
        [IssuedPass(kind=a.kind, holder=a.holder, key=row, place=a.place, issued_at=at, expires_at=at + a.valid_for) for a in applications],
        batch_size=_BATCH,
    )
    record("pass.issue", row, detail={"passes": len(rows), "first": rows[0].pk if rows else None, "last": rows[-1].pk if rows else None})
    start = int(at.timestamp())
    return [
        write_pass(Pass(issuer.code, a.kind, a.holder, kept.pk, start, start + int(a.valid_for.total_seconds()), a.facts), key)
        for a, kept in zip(applications, rows, strict=True)
    ]


@action("pass.revoke", on=IssuedPass)
def revoke_pass(issued: IssuedPass, *, reason: str, by: Actor, at: datetime) -> IssuedPass:
    """Take a pass back for good. Raises Stale when it already was."""
    _reasoned(reason)
    if issued.revoked_at is not None:
        raise Stale(T("这张通行码已作废。", "This pass is already revoked."))
    issued.revoked_at, issued.reason = at, reason
    issued.save(update_fields=["revoked_at", "reason"])
    record("pass.revoke", issued, reason=reason)
    return issued


@action("pass.issue", place=lambda given: given["place"].path)
def revoke_lost(*, holder: int, place: Place, by: Actor, at: datetime) -> int:
    """Take back every pass of a holder that is out, as one was lost or copied; gives how many. A new one may be given at once. `place`: the holder's.

    What is suspended stays so: reporting a loss is no way out of it.
    """
    not_suspended = Q(suspended_until_at=None) | Q(suspended_until_at__lte=at)
    rows = list(IssuedPass.objects.select_for_update().filter(not_suspended, holder=holder, revoked_at=None, expires_at__gt=at))
    reason = f"{LOST.zh} {LOST.en}"
    IssuedPass.objects.filter(pk__in=[row.pk for row in rows]).update(revoked_at=at, reason=reason)
    for row in rows:
        record("pass.revoke", row, reason=reason, place_path=place.path)
    if not rows:
        record("pass.none_out", place, reason=reason, detail={"holder": holder})
    return len(rows)


@action("pass.hold", place=lambda given: given["place"].path)
def suspend_passes(*, holder: int, issuer: Place, place: Place, until_at: datetime, reason: str, by: Actor, at: datetime) -> int:
    """Suspend every pass of a holder that is out, until an instant; again with another instant moves the end. Gives how many. `place`: the holder's.

    One more pass, which nobody is given, keeps their place in the status lists to the end: who has no pass, or whose passes expire before, is
    refused by identity card all the same. Raises Refusal without a signing key.
    """
    _reasoned(reason)
    kept = IssuedPass.objects.filter(holder=holder, kind=PLACE_HOLDER, revoked_at=None)
    if not kept.filter(expires_at__gte=until_at).exists():
        kept.update(revoked_at=at)
        key = _signing_key(issuer)
        IssuedPass.objects.create(kind=PLACE_HOLDER, holder=holder, key=key, place=place, issued_at=at, expires_at=until_at)
    rows = list(IssuedPass.objects.select_for_update().filter(holder=holder, expires_at__gt=at))
    IssuedPass.objects.filter(pk__in=[row.pk for row in rows]).update(suspended_at=at, suspended_until_at=until_at, reason=reason[:200])
    for row in rows:
        record("pass.suspend", row, reason=reason, place_path=place.path, detail={"until": until_at.isoformat()})
    return len(rows)


@action("pass.hold", place=lambda given: given["place"].path)
def resume_passes(*, holder: int, place: Place, reason: str, by: Actor, at: datetime) -> int:
    """Let every suspended pass of a holder hold again; gives how many. What was revoked meanwhile stays revoked."""
    rows = list(IssuedPass.objects.select_for_update().filter(holder=holder, suspended_at__isnull=False))
    numbers = [row.pk for row in rows]
    IssuedPass.objects.filter(pk__in=numbers, kind=PLACE_HOLDER, revoked_at=None).update(revoked_at=at)
    IssuedPass.objects.filter(pk__in=numbers).update(suspended_at=None, suspended_until_at=None)
    for row in rows:
        record("pass.resume", row, reason=reason, place_path=place.path)
    if not rows:
        record("pass.resume", place, reason=reason, detail={"holder": holder, "passes": 0})
    return len(rows)


def _signing_key(issuer: Place) -> IssuerKey:
    """The key by which a town signs now. Raises Refusal before the first."""
    row = IssuerKey.objects.filter(issuer=issuer.code, signs_until_at=None, secret__isnull=False).first()
    if row is None or row.secret is None:
        raise Refusal(
            T("本镇还没有签发密钥。", "This town has no signing key."),
            T("首个密钥由后台一分钟内自动生成，请稍后再试。", "The worker makes the first within a minute; try again then."),
        )
    return row


def _reasoned(reason: str) -> None:
    if len(reason.strip()) < 4:
        raise Invalid([FieldProblem("reason", T("请写明理由（至少四个字）。", "Give the reason (at least four characters)."))])
