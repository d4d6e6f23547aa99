"""Laying the tree of places and saying which town this is. What is already there and the same stays as it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import Refusal
from tongchou.core.packs.contents import PlaceSpec
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation, Place
from tongchou.core.wording import T

_BATCH = 500
_FIELDS = ("kind", "parent", "path", "name_zh", "name_en", "population", "point", "outline", "valid_to", "is_generated")


@action("place.write")
def lay_places(*, specs: Sequence[PlaceSpec], root: str, by: Actor, at: datetime) -> dict[str, Place]:
    """Put a pack's places into the tree, parents first; gives back the row now open for each code. Known ones take the pack's names and numbers."""
    known = {(p.code, p.valid_from): p for p in Place.objects.filter(code__in=[s.code for s in specs])}
    by_code: dict[str, Place] = {}
    new, changed = 0, []
    for level in _levels(specs):
        fresh = []
        for spec in level:
            fields = _fields(spec, by_code)
            row = known.get((spec.code, spec.valid_from))
            if row is None:
                row = Place(code=spec.code, valid_from=spec.valid_from, **fields)
                fresh.append(row)
            elif any(getattr(row, name) != value for name, value in fields.items()):
                for name, value in fields.items():
                    setattr(row, name, value)
                changed.append(row)
            if spec.valid_to is None or spec.code not in by_code:
                by_code[spec.code] = row
        # A child needs its parent's key, so one insert per level.
        Place.objects.bulk_create(fresh, batch_size=_BATCH)
        new += len(fresh)
    Place.objects.bulk_update(changed, _FIELDS, batch_size=_BATCH)
    record("place.lay", by_code[root], detail={"new": new, "changed": len(changed), "places": len(specs)})
    return by_code


def _levels(specs: Sequence[PlaceSpec]) -> list[list[PlaceSpec]]:
    """Places in layers, each after the one of their parents."""
    parents = {spec.code: spec.parent for spec in specs}

    def depth(code: str) -> int:
        parent = parents[code]
        return 0 if parent is None else 1 + depth(parent)

    layers: dict[int, list[PlaceSpec]] = {}
    for spec in specs:
        layers.setdefault(depth(spec.code), []).append(spec)
    return [layers[level] for level in sorted(layers)]


def _fields(spec: PlaceSpec, laid: Mapping[str, Place]) -> dict[str, Any]:
    parent = laid[spec.parent] if spec.parent else None
    return {
        "kind": spec.kind,
        "parent": parent,
        "path": f"{parent.path if parent else '/'}{spec.code}/",
        "name_zh": spec.name.zh,
        "name_en": spec.name.en,
        "population": spec.population,
        "point": None if spec.lon is None or spec.lat is None else [spec.lon, spec.lat],
        "outline": dict(spec.outline) if spec.outline else None,
        "valid_to": spec.valid_to,
        "is_generated": spec.generated,
    }


@action("place.write")
def found_installation(*, place: Place, pack: str, by: Actor, at: datetime, **fields: Any) -> Installation:
    """Say which town this installation is; the same pack again renews what the pack says. Raises Refusal when it is another town's."""
    known = Installation.objects.select_related("place").first()
    if known is not None and known.pack != pack:
        raise Refusal(
            T(f"此处已安装 {known.pack}，不能再装 {pack}。", f"{known.pack} is installed here; {pack} cannot be added to it."),
            T("请用 --home 另选目录。", "Choose another folder with --home."),
        )
    row = known or Installation(pack=pack, installed_at=at)
    row.place = place
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    record("town.found" if known is None else "town.renew", place, detail={"pack": pack, "digest": row.pack_digest, "seed": row.seed})
    return row
