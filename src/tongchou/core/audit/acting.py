"""`@action`: permission, row lock, work, at least one entry, commit, in one transaction. The only way the world changes."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from django.db import models, transaction

from tongchou.core.audit.chain import canonical, entry_digest
from tongchou.core.audit.models import PERSONAL_READ, ChainHead, Entry
from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.importing.bulk import insert_columns
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T

P = ParamSpec("P")
R = TypeVar("R")


class HasPlace(Protocol):
    """Whatever permission can be asked about: every model that is the subject of an action says where it belongs."""

    @property
    def place_path(self) -> str: ...


@dataclass(slots=True)
class _Acting:
    """The outermost action under way in this thread: who, when, and what it has recorded so far (an actor with each draft)."""

    by: Actor
    at: datetime
    drafts: list[dict[str, Any]] = field(default_factory=list)


_acting: ContextVar[_Acting | None] = ContextVar("acting", default=None)


def action(
    needs: str, *, on: type[models.Model] | None = None, place: Callable[[Mapping[str, Any]], str | None] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function an action.

    `on`: the model of its first argument, which is locked and read afresh; its `place_path` decides the permission.
    `place`: for actions without a subject, the place path computed from the keyword arguments (None: any place will do).
    Refused (Unseen) when `by` lacks `needs` there. An action inside an action joins its transaction and its entries.
    """

    def decorate(work: Callable[P, R]) -> Callable[P, R]:
        @wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            by, at = cast(Actor, kwargs["by"]), cast(datetime, kwargs["at"])
            if at.tzinfo is None:
                raise ValueError(f"{work.__name__}: `at` must carry a time zone")
            outer = _acting.get()
            frame = outer or _Acting(by, at)
            token = _acting.set(frame)
            recorded_before = len(frame.drafts)
            try:
                with transaction.atomic():
                    fresh = _admit(work.__name__, needs, on, place, by, args, kwargs)
                    result = work(*fresh, **kwargs)  # type: ignore[arg-type]
                    if len(frame.drafts) == recorded_before:
                        raise RuntimeError(f"{work.__name__}: an action must record at least one entry")
                    if outer is None:
                        _write_entries(frame)
            except BaseException:
                del frame.drafts[recorded_before:]
                raise
            finally:
                _acting.reset(token)
            return result

        run.needs = needs  # type: ignore[attr-defined]
        return cast(Callable[P, R], run)

    return decorate


def _admit(
    name: str,
    needs: str,
    on: type[models.Model] | None,
    place: Callable[[Mapping[str, Any]], str | None] | None,
    by: Actor,
    args: tuple[object, ...],
    kwargs: Mapping[str, Any],
) -> tuple[object, ...]:
    """Lock the subject and check the permission; gives back the arguments with the fresh row in front."""
    if on is None:
        if not by.may(needs, place(kwargs) if place else None):
            raise Unseen(name)
        return args
    asked = cast(models.Model, args[0])
    row = on._default_manager.select_for_update(of=("self",)).filter(pk=asked.pk).first()
    if row is None or not by.may(needs, cast(HasPlace, row).place_path):
        raise Unseen(name)
    return (row, *args[1:])


def record(
    act: str,
    subject: models.Model,
    *,
    reason: str = "",
    place_path: str | None = None,
    detail: Mapping[str, object] | None = None,
    by: Actor | None = None,
) -> None:
    """Put one entry beside the work in hand. Written, chained and committed when the outermost action ends.

    `by`: whose act it was, where one action does those of several people; none: the action's own actor.
    """
    frame = _acting.get()
    if frame is None:
        raise RuntimeError(f"record({act!r}) outside an action")
    frame.drafts.append(
        {
            "action": act,
            "subject_kind": subject._meta.model_name or "",
            "subject_id": str(subject.pk),
            "place_path": cast(HasPlace, subject).place_path if place_path is None else place_path,
            "reason": reason,
            "detail": canonical(detail or {}),
            "by": by or frame.by,
        }
    )


def record_access(subject: models.Model, *, fields: Sequence[str], purpose: str) -> None:
    """Put one `Access` beside a reading of personal data. Raises Invalid without a purpose in words."""
    if len(purpose.strip()) < 4:
        raise Invalid(
            [FieldProblem("purpose", T("请写明查看目的（至少四个字）。", "Say what you need it for (at least four characters)."))]
        )
    record(PERSONAL_READ, subject, reason=purpose.strip(), detail={"fields": sorted(fields)})


def _write_entries(frame: _Acting) -> None:
    head = ChainHead.objects.select_for_update().get(pk=1)
    rows = []
    for draft in frame.drafts:
        by: Actor = draft.pop("by")
        posts = ",".join(held.code for held in by.posts)[:400]
        head.seq += 1
        previous, seq = head.digest, head.seq
        head.digest = entry_digest(previous, seq, frame.at, by.user_id, by.label, posts, **draft)
        rows.append({
            "seq": seq, "at": frame.at, "actor_id": by.user_id, "actor_label": by.label, "posts": posts, "previous": previous, "digest": head.digest,
            **draft,
        })  # fmt: skip
    if rows:
        insert_columns(Entry, {name: [row[name] for row in rows] for name in rows[0]})
    head.save(update_fields=["seq", "digest"])
