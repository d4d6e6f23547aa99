"""Laying a town's offices: units, and the posts in them with their chain of command."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.packs.contents import PostSpec, UnitSpec
from tongchou.core.people.models import Post, Unit
from tongchou.core.people.rules import CAPABILITIES, Actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T

_BATCH = 500


@action("post.write")
def lay_offices(
    *, units: Sequence[UnitSpec], posts: Sequence[PostSpec], places: Mapping[str, Place], root: Place, by: Actor, at: datetime
) -> dict[str, Post]:
    """Put a pack's units and posts in place; gives back the posts by code. Raises Invalid for a kind of post that has no capabilities here."""
    unknown = sorted({p.kind for p in posts} - set(CAPABILITIES))
    if unknown:
        raise Invalid([FieldProblem("kind", T(f"未知岗位类别：{'、'.join(unknown)}", f"Unknown kind of post: {', '.join(unknown)}"))])
    unit_rows = [Unit(code=u.code, kind=u.kind, name_zh=u.name.zh, name_en=u.name.en, place=places[u.place]) for u in units]
    Unit.objects.bulk_create(
        unit_rows, batch_size=_BATCH, update_conflicts=True, unique_fields=["code"], update_fields=["kind", "name_zh", "name_en", "place"]
    )
    known_units = {u.code: u for u in Unit.objects.all()}
    post_rows = [
        Post(code=p.code, kind=p.kind, unit=known_units[p.unit], place=places[p.place], name_zh=p.name.zh, name_en=p.name.en) for p in posts
    ]
    Post.objects.bulk_create(
        post_rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["kind", "unit", "place", "name_zh", "name_en"],
    )
    found = {p.code: p for p in Post.objects.select_related("place", "unit")}
    for spec in posts:
        found[spec.code].reports_to = found[spec.reports_to] if spec.reports_to else None
    Post.objects.bulk_update([found[p.code] for p in posts], ["reports_to"], batch_size=_BATCH)
    record("office.lay", root, detail={"units": len(units), "posts": len(posts)})
    return found
