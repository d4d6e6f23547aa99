"""Who read what is kept of a person, told to that person.

1. Everything that is about the person: their row in the register and their household's, their pass, lists they were on, themselves as a case, themselves as a contact.
2. Every `Access` to one of these: when, by which post, what, what for.

A telephone number is no proof of who somebody is (a household shares one), so cases and contacts are found by identity number only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import models
from django.db.models import Q

from tongchou.core.audit.models import Access
from tongchou.core.audit.queries import accesses_to
from tongchou.core.casework.models import Dossier
from tongchou.core.identity import check_resident_id
from tongchou.core.people.models import Post
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.exposures.models import ExposureRequest
from tongchou.domains.gate.models import Holder
from tongchou.domains.registry.models import Household, Resident
from tongchou.domains.tracing.models import Case, Contact

AT_MOST = 100
ABOUT = {
    "resident": T("底数登记", "the register"), "household": T("住户登记", "the household's record"), "holder": T("通行码", "the pass"),
    "exposure": T("同时段人员查询", "a request for exposed people"), "case": T("病例调查", "the investigation of a case"), "contact": T("接触者随访", "follow-up as a contact"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """One reading: its number in the log, when, by which posts (none: the machine), about what, which fields, what for."""

    number: int
    at: datetime
    posts: tuple[T, ...]
    about: T
    fields: tuple[str, ...]
    purpose: str


def looks_at(holders: Sequence[Holder], *, id_index: bytes | memoryview | None = None) -> list[Look]:
    """Readings of what is kept of one person, the latest hundred: of all pass numbers they have, and by identity number (its index) where it is known."""
    residents = list(Resident.objects.filter(reduce(or_, _residents(holders, id_index), Q(pk__in=()))).defer("id_number", "phone"))
    known = {bytes(found) for found in (id_index, *(h.id_index for h in holders), *(r.id_index for r in residents)) if found}
    subjects: dict[models.Model, str] = {
        **dict.fromkeys(residents, "resident"),
        **dict.fromkeys(Household.objects.filter(members__in=residents).distinct(), "household"),
        **dict.fromkeys(holders, "holder"),
        **dict.fromkeys(Dossier.objects.filter(pk__in=_requests(holders)), "exposure"),
        **dict.fromkeys(Dossier.objects.filter(pk__in=Case.objects.filter(id_index__in=known).values("pk")), "case"),
        **dict.fromkeys(Contact.objects.filter(id_index__in=known).only("pk"), "contact"),
    }
    if not subjects:
        return []
    about = {(subject._meta.model_name, str(subject.pk)): ABOUT[what] for subject, what in subjects.items()}
    rows = list(accesses_to(*subjects)[:AT_MOST])
    posts = _posts(rows)
    return [
        Look(
            row.seq, row.at, tuple(posts[code] for code in row.posts.split(",") if code in posts), about[row.subject_kind, row.subject_id],
            tuple(row.details.get("fields", ())), row.reason,
        )
        for row in rows
    ]  # fmt: skip


def looks_by_number(id_number: str) -> list[Look]:
    """The same for whoever shows this identity card; nobody known gives an empty list. Raises Refusal for a wrong number.

    Whoever calls has noted that it was asked: `exposing.own_accesses`.
    """
    index = blind_index(check_resident_id(id_number))
    return looks_at(list(Holder.objects.filter(Q(id_index=index) | Q(resident__id_index=index))), id_index=index)


def _residents(holders: Sequence[Holder], id_index: bytes | memoryview | None) -> list[Q]:
    ways = [Q(pk__in=[h.resident_id for h in holders if h.resident_id])]
    return [*ways, Q(id_index=id_index)] if id_index else ways


def _requests(holders: Sequence[Holder]) -> models.QuerySet[ExposureRequest, int]:
    return ExposureRequest.objects.filter(lists__people__holder__in=[h.number for h in holders]).values_list("pk", flat=True)


def _posts(rows: Sequence[Access]) -> dict[str, T]:
    codes = {code for row in rows for code in row.posts.split(",") if code}
    return {
        post.code: T(f"{post.unit.name.zh} {post.name.zh}", f"{post.unit.name.en}, {post.name.en}")
        for post in Post.objects.filter(code__in=codes).select_related("unit")
    }
