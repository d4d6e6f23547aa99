"""Spot checks for everybody: what was announced and when, and after the draw everything it takes to make it again. Nothing about a person."""

from collections.abc import Iterable, Iterator

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from tongchou.domains.spot_checks.models import SpotCheck
from tongchou.domains.spot_checks.queries import design_text, draw_rows, frame_rows, outcome_kept, published_check, published_checks
from tongchou.domains.spot_checks.rules import KINDS, outcome_in_words
from tongchou.interfaces.web.public_page import Visited, public_page
from tongchou.interfaces.web.story import state_of

KEPT_S, FILE_KEPT_S, ROWS = 60, 3600, 50


@public_page(for_s=KEPT_S)
def public_spot_checks(request: Visited) -> HttpResponse:
    """Announced checks, latest first."""
    rows = [{"check": c, "kind": KINDS[c.kind], "state": state_of(c.dossier), "said": _first_line(c)} for c in published_checks()[:ROWS]]
    return render(request, "public/spot_checks.html", {"town": request.town, "now": request.at, "rows": rows})


def _first_line(check: SpotCheck) -> object:
    outcome = outcome_kept(check)
    return outcome_in_words(outcome, check.kind)[0] if outcome else None


@public_page(for_s=KEPT_S)
def public_spot_check(request: Visited, number: str) -> HttpResponse:
    """One announced check."""
    check = published_check(number)
    outcome, strata = outcome_kept(check), list(check.strata.all())
    digests = [("frame", check.frame_digest), ("design", check.design_digest), ("secret", check.secret_digest)]
    command = "tongchou draw verify --frame frame.csv --design design.yaml --draw draw.csv " if check.drawn_at else ""
    context = {
        "town": request.town, "now": request.at, "check": check, "head": check.dossier, "kind": KINDS[check.kind], "state": state_of(check.dossier),
        "digests": digests, "people": sum(s.people for s in strata), "size": sum(s.size for s in strata), "strata": len(strata),
        "command": f"{command}--seed '{check.seed}' {' '.join(f'--published {k}={v}' for k, v in digests)}" if command else "",
        "lines": outcome_in_words(outcome, check.kind) if outcome else [],
    }  # fmt: skip
    return render(request, "public/spot_check.html", context)


@public_page(for_s=FILE_KEPT_S)
def public_frame(request: Visited, number: str) -> HttpResponse:
    """The frame by pseudonyms, once it was drawn from."""
    rows = frame_rows(published_check(number, drawn=True))
    return _file("frame.csv", _lines("unit,stratum,risk,share", (f"{u},{_cell(s)},{risk!r},{share!r}" for u, s, risk, share in rows)))


@public_page(for_s=FILE_KEPT_S)
def public_design(request: Visited, number: str) -> HttpResponse:
    """The design."""
    return _file("design.yaml", [design_text(published_check(number, drawn=True))])


@public_page(for_s=FILE_KEPT_S)
def public_draw(request: Visited, number: str) -> HttpResponse:
    """The draw: sample and reserve."""
    rows = draw_rows(published_check(number, drawn=True))
    heads = ("stratum", "role", "order", "unit", "probability", "is_certain")
    return _file("draw.csv", _lines(",".join(heads), (",".join(_cell(row[name]) for name in heads) for row in rows)))


def _cell(text: str) -> str:
    """A cell that a comma, a quotation mark or a line break of a stratum's name cannot tear apart."""
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\r\n') else text


def _lines(heading: str, rows: Iterable[str]) -> Iterator[str]:
    yield heading + "\n"
    yield from (row + "\n" for row in rows)


def _file(name: str, parts: Iterable[str]) -> HttpResponse:
    kind = "text/csv" if name.endswith(".csv") else "text/plain"
    return HttpResponse(parts, content_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})


urlpatterns = [
    path("public/spot-checks", public_spot_checks, name="public_spot_checks"),
    path("public/spot-checks/<str:number>", public_spot_check, name="public_spot_check"),
    path("public/spot-checks/<str:number>/frame.csv", public_frame, name="public_frame"),
    path("public/spot-checks/<str:number>/design.yaml", public_design, name="public_design"),
    path("public/spot-checks/<str:number>/draw.csv", public_draw, name="public_draw"),
]
