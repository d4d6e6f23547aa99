"""Saying why somebody is not sampled; handing out the roll to a crew's phone."""

from collections.abc import Sequence
from datetime import datetime

from tongchou.core.audit.acting import action, record, record_access
from tongchou.core.casework.models import Dossier
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.people.models import Post
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.testing import roll
from tongchou.domains.testing.models import Account, Round, Site
from tongchou.domains.testing.rules import REASONS, SAMPLING_STATES

_BATCH = 400


@action("testing.sample")
def account_for(
    *, testing_round: Round, people: Sequence[int], reason: str, note: str = "", to_post: Post | None = None, by: Actor, at: datetime
) -> int:
    """Say why people on the roll are not sampled; a missing person is handed on to a post. A later word replaces it. Gives how many rows are new.

    Raises Invalid for people who are not on the roll, not the actor's, or sampled already.
    """
    _require_sampling(testing_round)
    wanted = list(dict.fromkeys(people))
    problems = []
    if reason not in REASONS:
        problems.append(FieldProblem("reason", T("请选择原因。", "Choose a reason.")))
    elif REASONS[reason][0] == "handed_on" and to_post is None:
        problems.append(FieldProblem("to_post", T("失联须移交岗位。", "A missing person is handed on to a post.")))
    standing = roll.standing_of(testing_round.pk, wanted)
    paths = Place.objects.filter(pk__in={found.place for found in standing.values()}).values_list("path", flat=True)
    if not wanted or len(standing) != len(wanted) or not all(by.may("testing.sample", path) for path in paths):
        problems.append(FieldProblem("people", T("其中有人不在本轮名册上或不归您管。", "Some are not on the roll, or not yours.")))
    if any(found.tube is not None for found in standing.values()):
        problems.append(FieldProblem("people", T("其中有人已采样。", "Some have been sampled already.")))
    if problems:
        raise Invalid(problems)
    said = {"reason": reason, "note": note.strip()[:200], "to_post": to_post}
    same = set(Account.objects.filter(round=testing_round, person__in=wanted, replaced_at=None, **said).values_list("person_id", flat=True))
    changed = [who for who in wanted if who not in same]
    roll.replace_accounts(testing_round.pk, changed, at)
    given = {"round": testing_round, "at": at, "by_id": by.user_id, **said}
    Account.objects.bulk_create([Account(person_id=who, place_id=standing[who].place, **given) for who in changed], batch_size=_BATCH)
    detail = {"reason": reason, "people": len(changed), "to": to_post.code if to_post else None}
    record("round.account_for", testing_round, reason=note.strip(), detail=detail)
    return len(changed)


@action("testing.sample")
def withdraw_account(*, testing_round: Round, person: int, by: Actor, at: datetime) -> int:
    """Put a person back on the missing list: what was said of them was wrong. Gives 1, or 0 when nothing was said."""
    _require_sampling(testing_round)
    place = testing_round.roll.filter(person=person).select_related("place").first()
    if place is None or not by.may("testing.sample", place.place.path):
        raise Invalid([FieldProblem("people", T("不在本轮名册上或不归您管。", "Not on the roll, or not yours."))])
    count = roll.replace_accounts(testing_round.pk, [person], at)
    record("round.withdraw_account", testing_round, detail={"withdrawn": count})
    return count


def _require_sampling(testing_round: Round) -> None:
    state = Dossier.objects.values_list("state", flat=True).get(pk=testing_round.pk)
    if state not in SAMPLING_STATES:
        raise Stale(T("本轮未在采样。", "The round is not sampling."), T("请核对轮次，或由检测组长开始采样。", "Check the round, or ask the head of testing to start it."))  # fmt: skip


@action("testing.sample", on=Site)
def hand_out_roll(site: Site, *, testing_round: Round, people: int, by: Actor, at: datetime) -> None:
    """Note that a crew's phone takes along the roll of a site's area, names masked, to work without a network: an Access."""
    number = testing_round.dossier.number
    record_access(site, fields=["household", "name"], purpose=f"{number} 断网采样 {people} 人 sampling without a network, {people} people")
