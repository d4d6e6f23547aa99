"""Who stands in for whom: a post's steps delegated for a time, and given back by themselves."""

from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid, Stale, in_words
from tongchou.core.people.models import Post
from tongchou.core.people.rules import CAPABILITIES, Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.approvals.life import settle_hands, standing_at
from tongchou.domains.approvals.models import ApplicationStep, Delegation
from tongchou.domains.approvals.queries import live_steps_below
from tongchou.domains.approvals.rules import Standing, circle_with


@action("approval.delegate", place=lambda given: given["from_post"].place.path)
def delegate_post(
    *, from_post: Post, to_post: Post, from_at: datetime, to_at: datetime, reason: str, by: Actor, at: datetime
) -> Delegation:
    """Let another post stand in for one between two instants; steps that wait there go along when it begins.

    Raises Invalid for a circle (naming it), a second stand-in at one time, a post without the right to work there, or an end past or before its start.
    """
    said, problems = in_words("reason", reason, 4), []
    new, known = Standing(from_post.code, to_post.code, from_at, to_at), standing_at(at)
    if to_at <= max(from_at, at):
        problems.append(FieldProblem("to_at", T("结束须在将来，且晚于开始。", "It must end in the future, and after its start.")))
    if from_post.pk == to_post.pk:
        problems.append(FieldProblem("to_post", T("不能委托给自己。", "A post cannot stand in for itself.")))
    elif "approval.work" not in CAPABILITIES[to_post.kind] or not from_post.place.path.startswith(to_post.place.path):
        problems.append(FieldProblem("to_post", T("该岗位无权在此办理审批。", "That post may not work on approvals there.")))
    elif circle := circle_with(new, known):
        names = {post.code: post.name for post in Post.objects.filter(code__in=circle)}
        walk = T(" → ".join(names[code].zh for code in circle), " → ".join(names[code].en for code in circle))
        problems.append(FieldProblem("to_post", T(f"委托成环：{walk.zh}。", f"Delegated in a circle: {walk.en}.")))
    if any(one.from_post == from_post.code and one.from_at < to_at and from_at < one.to_at for one in known):
        problems.append(
            FieldProblem("from_post", T("这段时间已有委托，请先结束它。", "Somebody stands in at that time already; end that first."))
        )
    if problems:
        raise Invalid(problems)
    row = Delegation.objects.create(from_post=from_post, to_post=to_post, from_at=from_at, to_at=to_at, reason=said[:200])
    record("approval.delegate", row, reason=said, detail={"from": from_post.code, "to": to_post.code, "until": to_at.isoformat()})
    settle_hands(
        ApplicationStep.objects.filter(post=from_post, dossier__closed_at=None).select_related("post", "dossier__owner_post"), at=at
    )
    return row


@action("approval.delegate", on=Delegation)
def end_delegation(row: Delegation, *, by: Actor, at: datetime) -> Delegation:
    """End a delegation before its time; its steps go back. Raises Stale when it is over."""
    if row.to_at <= at:
        raise Stale(T("这项委托已结束。", "This delegation is over."))
    if row.from_at >= at:
        record("approval.undelegate", row, detail={"from": row.from_post.code, "to": row.to_post.code, "begun": False})
        row.delete()
        return row
    row.to_at = at
    row.save(update_fields=["to_at"])
    record("approval.undelegate", row, detail={"from": row.from_post.code, "to": row.to_post.code, "begun": True})
    settle_hands(live_steps_below(row.place_path), at=at)
    return row


@action("approval.keep", place=lambda given: given["place"].path)
def settle_delegations(*, place: Place, by: Actor, at: datetime) -> int:
    """Give steps to whoever stands in for their post now, and back when that is over. Gives how many moved."""
    moved = settle_hands(live_steps_below(place.path), at=at)
    record("approval.settle", place, detail={"moved": moved})
    return moved
