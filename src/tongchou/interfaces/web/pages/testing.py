"""Testing for the office: rounds, one round's progress, who is missing, sampling sites."""

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from tongchou.core.audit.queries import history_of
from tongchou.core.casework.queries import running_clocks
from tongchou.core.errors import FieldProblem, Invalid
from tongchou.core.people.models import Post
from tongchou.core.people.queries import post_by_code
from tongchou.core.places.models import Place
from tongchou.core.places.queries import place_by_code, places_below
from tongchou.core.wording import T
from tongchou.domains.registry.models import Household, Resident
from tongchou.domains.testing import actions, actions_sampling
from tongchou.domains.testing.imports import read_people
from tongchou.domains.testing.models import RollEntry, Round, Site
from tongchou.domains.testing.queries import (  # fmt: skip
    accounts_standing,
    missing,
    rounds_seen,
    seen_round,
    shares_by_place,
    shares_by_round,
    sites_seen,
    together,
    tubes_of,
    turnaround,
)
from tongchou.domains.testing.rules import OUTCOMES, REASONS, ROUND, SAMPLING_STATES, TUBE_SIZES
from tongchou.interfaces.web.page import Asked, came_from, page
from tongchou.interfaces.web.pages.causes import walk_from
from tongchou.interfaces.web.story import state_of, story_of
from tongchou.workflows import testing_rounds

ROWS, HOUSEHOLDS = 50, 20


@page("testing.read")
def testing(request: Asked) -> HttpResponse:
    """Rounds of one's places, open ones first, with how far each is; sites beside them."""
    page_obj = Paginator(rounds_seen(request.actor), ROWS).get_page(request.GET.get("page"))
    clocks = running_clocks([r.pk for r in page_obj if r.dossier.closed_at is None])
    shares = shares_by_round(r for r in page_obj if r.dossier.closed_at is None)
    rows = []
    for row in page_obj:
        share = shares.get(row.pk)
        rows.append({"round": row, "head": row.dossier, "state": state_of(row.dossier), "share": share, "clock": clocks.get(row.pk)})
    places = [p for p in places_below(request.town.place.path) if request.actor.may("testing.run", p.path)]
    context = {
        "rows": rows, "page_obj": page_obj, "places": places, "may_run": bool(places), "sizes": TUBE_SIZES, "sites": list(sites_seen(request.actor)),
        "may_lab": request.actor.may("testing.laboratory"),
    }  # fmt: skip
    return render(request, "testing/list.html", context)


@page("testing.run", methods=("POST",))
def round_plan(request: Asked) -> HttpResponse:
    """Plan a round; its page comes next."""
    given = request.POST
    title = given.get("title", "").strip()
    owner = (
        Post.objects.filter(unit__code="testing", kind="group_leader").first()
        or Post.objects.filter(code=request.actor.posts[0].code).first()
    )
    size = given.get("pool_size", "")
    row = actions.plan_round(
        title=T(title[:200], (given.get("title_en", "").strip() or title)[:240]), place=place_by_code(given.get("place", "")),
        kind=given.get("kind", "area"), pool_size=int(size) if size.isdecimal() and len(size) < 4 else 0, owner=owner, by=request.actor, at=request.at,
    )  # fmt: skip
    return redirect("round", row.dossier.number)


@page("testing.read")
def round_page(request: Asked, number: str) -> HttpResponse:
    """The picture of one round: progress by village, tubes, turn-around, steps."""
    found = seen_round(number, request.actor)
    head = found.dossier
    shares = shares_by_place(found)
    names = {p.pk: p for p in Place.objects.filter(pk__in=shares)}
    allowed = {s.name for s in ROUND.allowed(head.state)} if request.actor.may("testing.run", found.place_path) else set()
    context = {
        "round": found, "head": head, "state": state_of(head), "total": together(shares.values()),
        "places": [{"place": names[pk], "share": share} for pk, share in sorted(shares.items(), key=lambda i: (-i[1].missing, names[i[0]].path))],
        "tubes": tubes_of(found), "stretches": [s for s in turnaround(found) if s.tubes], "clock": running_clocks([found.pk]).get(found.pk),
        "allowed": allowed, "may_sample": request.actor.may("testing.sample") and head.state in SAMPLING_STATES, "sites": _sites_of(found, request),
        "may_add": head.closed_at is None and found.kind != "retest" and request.actor.may("testing.sample"),
        "retests": Round.objects.filter(retests__round=found).select_related("dossier", "retests__site").order_by("-pk")[:ROWS],
        "steps": walk_from(head), "timeline": story_of(history_of(head).order_by("-seq")[:12], {head.pk: head}, head),
    }  # fmt: skip
    return render(request, "testing/round.html", context)


def _sites_of(found: Round, request: Asked) -> list[Site]:
    """Working sites of the round's own area, or any of the actor's when it has none."""
    open_sites = list(sites_seen(request.actor).filter(closed_at=None))
    return [s for s in open_sites if s.place.path.startswith(found.place_path)] or open_sites


STEPS: Mapping[str, tuple[Callable[..., object], T]] = {
    "start": (lambda r, reason, **who: actions.start_round(r, **who), T("已开始采样。", "Sampling has begun.")),
    "wind-up": (lambda r, reason, **who: actions.wind_up_round(r, reason=reason, **who), T("已转入清零。", "Now accounting for the rest.")),
    "resume": (lambda r, reason, **who: actions.resume_round(r, reason=reason, **who), T("已恢复采样。", "Sampling again.")),
    "close": (lambda r, reason, **who: actions.close_round(r, **who), T("本轮已结束，人人有着落。", "Closed: everybody is accounted for.")),
    "cancel": (lambda r, reason, **who: actions.cancel_round(r, reason=reason, **who), T("已取消。", "Cancelled.")),
}


@page("testing.run", methods=("POST",))
def round_step(request: Asked, number: str, step: str) -> HttpResponse:
    """One step of a round's life."""
    do, said = STEPS[step]
    do(seen_round(number, request.actor), request.POST.get("reason", ""), by=request.actor, at=request.at)
    messages.success(request, f"{number} {said}")
    return redirect("round", number)


@page("testing.sample", methods=("POST",))
def round_people(request: Asked, number: str) -> HttpResponse:
    """Put a list of identity numbers on the roll."""
    found = seen_round(number, request.actor)
    upload = request.FILES.get("file")
    listed = testing_rounds.listed_people(read_people(upload.read() if upload else b""))
    new = actions.add_people(testing_round=found, people=list(listed), by=request.actor, at=request.at)
    messages.success(request, str(T(f"名册新增 {new} 人。", f"{new} people put on the roll.")))
    return redirect("round", number)


@page("testing.read", methods=("GET", "POST"))
def round_missing(request: Asked, number: str) -> HttpResponse:
    """The missing list by household, of the actor's places; a reason for those picked, and a call with one tap."""
    found = seen_round(number, request.actor)
    if request.method == "POST":
        return _account(request, found)
    own = list(Place.objects.filter(pk__in=RollEntry.objects.filter(round=found).order_by().values("place_id")).order_by("path"))
    own = [p for p in own if request.actor.may("testing.read", p.path)]
    picked = next((p for p in own if p.code == request.GET.get("place")), None)
    here = [picked.pk] if picked else [p.pk for p in own]
    rows, shares = missing(found).filter(place__in=here), shares_by_place(found)
    left = sum(shares[pk].missing for pk in here)
    # A page of households: nobody is torn from their family.
    homes = rows.order_by("place_id", "household_id").values_list("place_id", "household_id").distinct()
    page_obj = Paginator(homes, HOUSEHOLDS).get_page(request.GET.get("page"))
    homes_here = [home for _, home in page_obj if home]
    loose = any(home is None for _, home in page_obj)
    entries = list(rows.filter(household__in=homes_here)) + (list(rows.filter(household=None)[:ROWS]) if loose else [])
    people = {r.pk: r for r in Resident.objects.filter(pk__in=[e.person_id for e in entries]).defer("id_number", "phone")}
    houses = {h.pk: h for h in Household.objects.filter(pk__in=homes_here).select_related("place").defer("phone")}
    grouped: dict[int | None, list[Resident]] = {}
    for entry in entries:
        grouped.setdefault(entry.household_id, []).append(people[entry.person_id])
    head = found.dossier
    context = {
        "round": found, "head": head, "places": own, "picked": picked, "page_obj": page_obj, "left": left,
        "homes": [{"household": houses.get(pk or 0), "people": who} for pk, who in grouped.items()],
        "reasons": [{"label": OUTCOMES[o], "of": [(k, t) for k, (out, t) in REASONS.items() if out == o]} for o in OUTCOMES],
        "posts": _posts(own), "said": list(accounts_standing(found).filter(place__in=own)[:20]), "reason_words": {k: t for k, (_, t) in REASONS.items()},
        "may_say": request.actor.may("testing.sample") and head.state in SAMPLING_STATES, "may_call": request.actor.may("person.unmask"),
    }  # fmt: skip
    context["said"] = [{"account": a, "reason": REASONS[a.reason][1], "outcome": OUTCOMES[REASONS[a.reason][0]]} for a in context["said"]]
    return render(request, "testing/missing.html", context)


def _posts(places: list[Place]) -> list[Post]:
    paths = [p.path for p in places]
    return [
        p
        for p in Post.objects.select_related("place").order_by("unit__code", "code")
        if any(path.startswith(p.place.path) for path in paths)
    ]


def _account(request: Asked, found: Round) -> HttpResponse:
    people = [int(text) for text in request.POST.getlist("person") if text.isdecimal() and len(text) < 16]
    post = request.POST.get("to_post", "")
    if not people:
        raise Invalid([FieldProblem("people", T("请先勾选人。", "Pick somebody first."))])
    reason = request.POST.get("reason", "")
    to_post = post_by_code(post) if post and REASONS.get(reason, ("",))[0] == "handed_on" else None
    count = actions_sampling.account_for(
        testing_round=found,
        people=people,
        reason=reason,
        note=request.POST.get("note", ""),
        to_post=to_post,
        by=request.actor,
        at=request.at,
    )
    messages.success(request, str(T(f"已写明 {count} 人的去向。", f"{count} people accounted for.")))
    return redirect(came_from(request, reverse("round_missing", args=[found.dossier.number])))


@page("person.unmask", methods=("POST",))
def round_call(request: Asked, number: str, person: int) -> HttpResponse:
    """A number for one call: to a script as JSON, else as a page with a `tel:` link. The log keeps who asked."""
    found = seen_round(number, request.actor)
    phone = testing_rounds.number_to_call(found, person, by=request.actor, at=request.at)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"phone": phone}, headers={"Cache-Control": "no-store"})
    response = render(
        request, "testing/call.html", {"round": found, "phone": phone, "back": came_from(request, reverse("round_missing", args=[number]))}
    )
    response.headers["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    path("testing/", testing, name="testing"),
    path("testing/rounds", round_plan, name="round_plan"),
    path("testing/rounds/<str:number>", round_page, name="round"),
    path("testing/rounds/<str:number>/people", round_people, name="round_people"),
    path("testing/rounds/<str:number>/missing", round_missing, name="round_missing"),
    path("testing/rounds/<str:number>/call/<int:person>", round_call, name="round_call"),
    *(path(f"testing/rounds/<str:number>/{step}", round_step, {"step": step}, name=f"round_{step}") for step in STEPS),
]
