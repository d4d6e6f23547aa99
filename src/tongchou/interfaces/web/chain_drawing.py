"""The chain of transmission as an inline drawing: cases along their day of onset, lines for who had it from whom. No script, no request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tongchou.core.identity import mask_name
from tongchou.core.wording import T
from tongchou.domains.tracing.models import Case
from tongchou.domains.tracing.rules import CASE, EVIDENCE_KINDS
from tongchou.workflows.chaining import Chain

LEFT, RIGHT, TOP, ROW, DAY_LEAST, DAY_MOST = 168, 24, 34, 34, 12, 64
WIDE = 820
DOT = {"suspected": 5, "probable": 6, "confirmed": 7, "closed": 7}


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float


def drawing_of(chain: Chain) -> SafeString | None:
    """The drawing, None when no case has an onset. Full lines are recorded by a person, broken ones are the likeliest source reckoned."""
    shown = [case for case in chain.cases if case.onset_on]
    if not shown:
        return None
    first, last = min(c.onset_on for c in shown if c.onset_on), max(c.onset_on for c in shown if c.onset_on)
    days = (last - first).days + 1
    step = min(DAY_MOST, max(DAY_LEAST, (WIDE - LEFT - RIGHT) / days))
    width, height = LEFT + step * days + RIGHT, TOP + ROW * len(shown) + 8
    order = [case for cluster in chain.clusters for case in cluster if case.onset_on]
    places = {
        case.pk: _Place(LEFT + step * ((case.onset_on - first).days + 0.5), TOP + ROW * (n + 0.5))
        for n, case in enumerate(order)
        if case.onset_on
    }
    marks = range(0, days, max(1, round(46 / step)))
    ticks = format_html_join(
        "",
        '<path class="grid" d="M{0} {1}V{2}"/><text x="{0}" y="20" class="tick">{3}</text>',
        ((_r(LEFT + step * (n + 0.5)), TOP - 6, height - 8, f"{(day := first + timedelta(days=n)).month}/{day.day}") for n in marks),
    )
    return format_html(
        '<svg class="chain" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}"><defs><marker id="chain-end" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        "{ticks}{likely}{links}{cases}</svg>",
        w=_r(width),
        h=_r(height),
        label=str(T("传播链图", "Drawing of the chain")),
        ticks=ticks,
        likely=_likely(chain, places),
        links=_links(chain, places),
        cases=format_html_join("", "{}", ((_case(case, places[case.pk]),) for case in order)),
    )


def _likely(chain: Chain, places: Mapping[int, _Place]) -> SafeString:
    rows = [s for s in chain.likely if s.infector and not s.is_recorded and s.infector.pk in places and s.infectee.pk in places]
    return format_html_join(
        "",
        '<path class="likely" d="{}"><title>{}</title></path>',
        (
            (
                _curve(places[s.infector.pk], places[s.infectee.pk]),
                f"{s.infector.dossier.number} → {s.infectee.dossier.number} {s.probability:.0%}",
            )
            for s in rows
            if s.infector
        ),
    )


def _links(chain: Chain, places: Mapping[int, _Place]) -> SafeString:
    kept: dict[tuple[int, int], list[str]] = {}
    for x in chain.links:
        if x.infector_id in places and x.infectee_id in places:
            kept.setdefault((x.infector_id, x.infectee_id), []).append(str(EVIDENCE_KINDS[x.evidence]))
    return format_html_join(
        "",
        '<path class="link" d="{}" marker-end="url(#chain-end)"/><text class="why" x="{}" y="{}">{}</text>',
        ((_curve(places[a], places[b]), _r(places[b].x - 12), _r(places[b].y - 8), "·".join(why)) for (a, b), why in kept.items()),
    )


def _case(case: Case, at: _Place) -> SafeString:
    state = CASE.states[case.dossier.state]
    return format_html(
        '<a href="{url}"><text x="8" y="{ty}" class="who">{who}<tspan class="where" dx="6">{where}</tspan></text>'
        '<path class="lane" d="M{left} {y}H{to}"/><circle class="{state}" cx="{x}" cy="{y}" r="{r}"><title>{number} {said} {onset}</title></circle></a>',
        url=reverse("case", args=[case.dossier.number]),
        ty=_r(at.y + 4),
        who=mask_name(case.name),
        where=str(case.dossier.place.name)[:14],
        left=LEFT - 8,
        y=_r(at.y),
        to=_r(at.x - 9),
        state=case.dossier.state,
        x=_r(at.x),
        r=DOT.get(case.dossier.state, 6),
        number=case.dossier.number,
        said=str(state),
        onset=case.onset_on,
    )


def _curve(one: _Place, other: _Place) -> str:
    """From the edge of one dot to that of the other, bent so that lines of one row do not lie on each other."""
    middle = one.x + max(14.0, (other.x - one.x) * 0.35)
    return f"M{_r(one.x)} {_r(one.y + 7)}C{_r(one.x)} {_r(other.y)} {_r(middle)} {_r(other.y)} {_r(other.x - 9)} {_r(other.y)}"


def _r(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
