"""The sentinel matrix as a heat map village × kind, its blind spots, and the list of sentinels behind every cell."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from tongchou.core.errors import Unseen
from tongchou.core.places.queries import place_by_code
from tongchou.core.wording import T
from tongchou.domains.sentinels.coverage import BlindSpot, Cell, Matrix, blind_spots, matrix_at, watches_of
from tongchou.domains.sentinels.models import Sentinel
from tongchou.domains.sentinels.rules import KIND_NAMES, ORDER, STATE_NAMES
from tongchou.domains.warning.queries import failed_methods
from tongchou.interfaces.web.intake_fields import SETTINGS
from tongchou.interfaces.web.page import Asked, page

ROWS = 50
FRESHNESS = {
    "fresh": T("及时", "fresh"),
    "due": T("待报", "due"),
    "late": T("迟报", "late"),
    "silent": T("失联", "silent"),
}
LEVELS = (0.2, 0.4, 0.6, 0.8)  # covered shares at which a cell of the heat map gets a darker step


def readable_path(request: Asked) -> str:
    """The widest part of this town whose sentinels the person may read. Raises Unseen."""
    town = request.town.place.path
    if request.actor.may("sentinel.read", town):
        return town
    inside = [scope for scope in request.actor.scopes("sentinel.read") if scope.startswith(town)]
    if not inside:
        raise Unseen("matrix")
    return min(inside, key=len)


@page("sentinel.read")
def matrix(request: Asked) -> HttpResponse:
    """Who watches whom now: the heat map, freshness, and residents whom nobody sees."""
    found = matrix_at(request.at, readable_path(request))
    spots = blind_spots(found)
    states = Counter(stream.freshness.state for watch in found.sentinels() for stream in watch.streams if watch.sentinel.state == "live")
    context = {
        "grid": _grid(found),
        "kpis": _kpis(found, spots.unseen, spots.population),
        "chips": [{"state": s, "label": FRESHNESS[s], "count": states[s], "url": _list_url(freshness=s)} for s in reversed(ORDER)],
        "kinds": [{"label": KIND_NAMES[kind], "unseen": spots.unseen_by_kind[kind]} for kind in Sentinel.KINDS],
        "spots": [_spot(spot, found) for spot in spots.villages if spot.unseen],
        "population": spots.population,
        "unseen": spots.unseen,
        "seen_from": found.seen_from,
        "failed": failed_methods(readable_path(request)),
        "may_write": request.actor.may("sentinel.write"),
        "may_report": request.actor.may("stream.report"),
    }
    return render(request, "sentinels/matrix.html", context)


def _list_url(**asked: str) -> str:
    return f"{reverse('sentinels')}?{urlencode(asked)}"


def _kpis(found: Matrix, unseen: int, population: int) -> list[dict[str, Any]]:
    watches = found.sentinels()
    watching = sum(watch.is_watching for watch in watches)
    blind = sum(found.share(place) < found.seen_from for place in found.places)
    return [
        {"label": T("在岗哨点", "Watching"), "value": watching, "unit": T(f"/ {len(watches)} 个", f"of {len(watches)}"), "url": reverse("sentinels")},
        {"label": T("被哨点看见的居民", "Residents seen"), "value": f"{(population - unseen) / population:.1%}" if population else "–",
         "note": T(f"共 {population:,} 人", f"of {population:,}")},
        {"label": T("无人看见", "Seen by nobody"), "value": f"{unseen:,}", "unit": T("人", "people"), "url": "#blind", "tone": "bad" if unseen else "good"},
        {"label": T("盲区村居", "Blind villages"), "value": blind, "unit": T(f"/ {len(found.places)} 个", f"of {len(found.places)}"),
         "note": T(f"覆盖不足 {found.seen_from:.0%}", f"under {found.seen_from:.0%} seen"), "tone": "bad" if blind else "good"},
    ]  # fmt: skip


def _grid(found: Matrix) -> dict[str, Any]:
    return {
        "corner": T("村居", "Village"),
        "columns": [{"label": KIND_NAMES[kind], "url": _list_url(kind=kind)} for kind in Sentinel.KINDS],
        "rows": [
            {
                "label": place.name,
                "url": _list_url(place=place.code),
                "cells": [_cell(found.cells[place.pk][kind], place.code, kind, place.name) for kind in Sentinel.KINDS],
            }
            for place in found.places
        ],
    }


def _cell(cell: Cell, place: str, kind: str, name: T) -> dict[str, Any]:
    if not cell.live:
        asleep = len(cell.watches)
        more = T(f" · {asleep} 未在岗", f" · {asleep} asleep") if asleep else None
        title = T(f"{name.zh}：没有在岗的{KIND_NAMES[kind].zh}", f"{name.en}: no {KIND_NAMES[kind].en.lower()} sentinel watches")
        return {"text": T("盲", "blind"), "more": more, "level": None, "title": title, "url": _list_url(place=place, kind=kind)}
    worst = FRESHNESS[cell.worst or "silent"]
    return {
        "lead": f"{cell.live} · ",
        "text": f"{cell.share:.0%}",
        "sign": {"late": "▲", "silent": "✕"}.get(cell.worst or "silent"),
        "level": sum(cell.share >= level for level in LEVELS),
        "title": T(
            f"{name.zh}：{cell.live} 个在岗，看见 {cell.share:.0%} 居民，最差：{worst.zh}",
            f"{name.en}: {cell.live} watching, {cell.share:.0%} of residents seen, worst: {worst.en}",
        ),
        "url": _list_url(place=place, kind=kind),
    }


def _spot(spot: BlindSpot, found: Matrix) -> dict[str, Any]:
    missing = [KIND_NAMES[kind] for kind in Sentinel.KINDS if not found.cells[spot.place.pk][kind].live]
    best = spot.remedies[0] if spot.remedies else None
    gain = round(spot.place.population * (best.share_after - spot.share)) if best else 0
    return {
        "place": spot.place,
        "url": _list_url(place=spot.place.code),
        "unseen": spot.unseen,
        "share": spot.share,
        "is_blind": spot.is_blind,
        "missing": T("、".join(name.zh for name in missing) or "–", ", ".join(name.en for name in missing) or "–"),
        "lacks": bool(missing),
        "remedy": best and gain and {
            "sentinel": best.sentinel,
            "do": T("恢复上报", "get it reporting") if best.sentinel.state == "live" else T("启用", "open it"),
            "gain": gain,
        },
    }  # fmt: skip


@page("sentinel.read")
def sentinels(request: Asked) -> HttpResponse:
    """Every sentinel the person may read, with the freshness of its streams; by village, kind, setting, state, freshness or words."""
    asked = {name: request.GET.get(name, "") for name in ("place", "kind", "setting", "state", "freshness", "q")}
    rows = list(_asked_for(readable_path(request), asked).select_related("place").order_by("code"))
    watches = watches_of(rows, request.at, request.town.place.path)
    shown = [watches[row.pk] for row in rows if not asked["freshness"] or watches[row.pk].worst == asked["freshness"]]
    context = {
        "page_obj": Paginator([{"watch": w, "freshness": w.worst and FRESHNESS[w.worst], "kind": KIND_NAMES[w.sentinel.kind],
                                "setting": setting_name(w.sentinel.setting), "state": STATE_NAMES[w.sentinel.state]} for w in shown], ROWS
                              ).get_page(request.GET.get("page")),
        "asked": asked,
        "place": place_by_code(asked["place"]) if asked["place"] else None,
        "choices": _choices(asked),
        "may_write": request.actor.may("sentinel.write"),
    }  # fmt: skip
    return render(request, "sentinels/list.html", context)


def _asked_for(readable: str, asked: dict[str, str]) -> QuerySet[Sentinel]:
    """Sentinels inside what may be read; asked by village, also those elsewhere in it whose catchment holds the village."""
    rows = Sentinel.objects.filter(place__path__startswith=readable)
    if asked["place"]:
        village = place_by_code(asked["place"]).path
        above = [village[: k + 1] for k, sign in enumerate(village) if sign == "/"]
        rows = rows.filter(Q(place__path__startswith=village) | Q(catchments__place__path__in=above)).distinct()
    for name in ("kind", "setting", "state"):
        if asked[name]:
            rows = rows.filter(**{name: asked[name]})
    if words := asked["q"].strip():
        rows = rows.filter(Q(code__icontains=words) | Q(name_zh__icontains=words) | Q(name_en__icontains=words))
    return rows


def _choices(asked: dict[str, str]) -> Sequence[dict[str, Any]]:
    tables = (("kind", T("类别", "Kind"), KIND_NAMES), ("setting", T("场景", "Setting"), SETTINGS), ("state", T("状态", "State"), STATE_NAMES),
              ("freshness", T("时效", "Freshness"), FRESHNESS))  # fmt: skip
    return [
        {"name": name, "label": label, "options": [{"value": v, "label": t, "chosen": asked[name] == v} for v, t in words.items()]}
        for name, label, words in tables
    ]


def setting_name(setting: str) -> T:
    """The setting in words; one a later pack invents is shown as its code."""
    return SETTINGS.get(setting, T(setting, setting))


urlpatterns = [
    path("matrix/", matrix, name="matrix"),
    path("sentinels/", sentinels, name="sentinels"),
]
