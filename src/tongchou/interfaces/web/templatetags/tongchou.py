"""The tags every template speaks with: words in two languages, times of the town, figures, grades, charts (docs/reference/look.md)."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.core.paginator import Page
from django.http import QueryDict
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from tongchou.core import wording
from tongchou.core.wording import T, chance, current_language
from tongchou.interfaces.web.acts import act_name
from tongchou.interfaces.web.bundle import bundle_name
from tongchou.interfaces.web.charts import Chart, sparkline

register = template.Library()

NOTHING = "–"
GRADES = {
    "red": (T("红", "Red"), T("红色预警", "Red alarm")),
    "orange": (T("橙", "Orange"), T("橙色预警", "Orange alarm")),
    "yellow": (T("黄", "Yellow"), T("黄色预警", "Yellow alarm")),
    "blue": (T("蓝", "Blue"), T("蓝色预警", "Blue alarm")),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SOON = timedelta(hours=1)


@register.simple_tag
def say(zh: str, en: str, **values: object) -> str:
    """The phrase in the reader's language; values in braces are filled in and escaped."""
    phrase = str(T(zh, en))
    if not values:
        return phrase
    return format_html(str(conditional_escape(phrase)), **{name: word(value) for name, value in values.items()})


@register.filter("say")
def word(value: object) -> object:
    """A pair, a place or a zh/en mapping in the reader's language; any other value as it is."""
    if isinstance(value, T):
        return str(value)
    if isinstance(value, Mapping) and {"zh", "en"} <= value.keys():
        return value[current_language()]
    name = getattr(value, f"name_{current_language()}", None)
    return name if name is not None else value


@register.filter
def when(value: date | datetime | None, form: str = "") -> str:
    """A `<time>` in the town's zone; `form` is empty, "time", "day" or "full". A naive instant is refused."""
    if value is None:
        return NOTHING
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), _day_text(value, full=form == "full"))
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), _instant_text(local, "full"), _instant_text(local, form)
    )


def _day_text(day: date, *, full: bool = False) -> str:
    if current_language() == "zh":
        return f"{day.year}年{day.month}月{day.day}日" if full else f"{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]}" + (f" {day.year}" if full else "")


def _instant_text(local: datetime, form: str) -> str:
    if form == "day":
        return _day_text(local)
    clock_text = f"{local:%H:%M}"
    return clock_text if form == "time" else f"{_day_text(local, full=form == 'full')} {clock_text}"


@register.filter
def number(value: float | int | None, decimals: int = 0) -> str:
    """A figure with thousands separators; nothing known gives a dash."""
    return NOTHING if value is None or value != value else f"{value:,.{int(decimals)}f}"


@register.filter
def figure(value: float | None) -> str:
    """A measured figure, whole or with two digits that say something; nothing known gives a dash."""
    return NOTHING if value is None or value != value else wording.figure(value)


@register.filter
def percent(share: float | None, decimals: int = 1) -> str:
    """A share from 0 to 1 as a percentage."""
    return NOTHING if share is None or share != share else f"{share * 100:.{int(decimals)}f}%"


@register.filter
def probability(share: float | None) -> str:
    """A probability as a percentage that never claims certainty; nothing known gives a dash."""
    return NOTHING if share is None or share != share else chance(share)


@register.filter
def masked(text: str | None) -> str:
    """An identity number or phone as it may be shown to anyone: 310***…34, 138****5678; a short text is hidden altogether."""
    if not text:
        return NOTHING
    if len(text) < 8:
        shown = "*" * len(text)
    elif len(text) == 11 and text.isdigit():
        shown = f"{text[:3]}****{text[-4:]}"
    else:
        shown = f"{text[:3]}{'*' * (len(text) - 5)}{text[-2:]}"
    return format_html('<span class="masked">{}</span>', shown)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of static/icons.svg; decoration only, so it is hidden from screen readers."""
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', static("icons.svg"), name)


@register.simple_tag
def grade_badge(grade: str | None, form: str = "short") -> str:
    """The grade as shape and word; `form` "long" says 橙色预警; no grade gives a dash."""
    if not grade:
        return format_html('<span class="grade">{}</span>', NOTHING)
    short, long = GRADES[grade]
    return format_html('<span class="grade {}">{}{}</span>', grade, icon(grade), str(long if form == "long" else short))


@register.simple_tag(takes_context=True)
def clock(context: Context, until: datetime | None, done_at: datetime | None = None) -> str:
    """A countdown chip to `until`, measured from the context's `now` (or from `done_at`, then it stands still)."""
    if until is None:
        return NOTHING
    left = until - (done_at or context.get("now") or timezone.now())
    state = "is-done" if done_at and left >= timedelta(0) else "is-late" if left < timedelta(0) else "is-soon" if left < SOON else ""
    ticking = "" if done_at else format_html(' data-until="{}"', until.isoformat())
    text = str(T("按时完成", "on time")) if state == "is-done" else span_text(left)
    return format_html(
        '<span class="clock {}"{}><span class="left">{}</span> {}</span>', state, ticking, text, when(until, _near(until, context))
    )


def _near(until: datetime, context: Context) -> str:
    now = context.get("now") or timezone.now()
    return "time" if timezone.localtime(until).date() == timezone.localtime(now).date() else ""


def span_text(left: timedelta) -> str:
    """Time left in words of one or two units: 剩 2 小时 5 分, 逾期 12 分. The same words are in static/frame.js."""
    minutes = int(abs(left.total_seconds()) // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    zh = f"{days} 天 {hours} 小时" if days else f"{hours} 小时 {rest} 分" if hours else f"{rest} 分"
    en = f"{days} d {hours} h" if days else f"{hours} h {rest} min" if hours else f"{rest} min"
    return str(T(f"逾期 {zh}", f"{en} late") if left < timedelta(0) else T(f"剩 {zh}", f"{en} left"))


@register.simple_tag(takes_context=True)
def query_with(context: Context, **changes: object) -> str:
    """This page's query string with parameters set, or removed by None."""
    query: QueryDict = context["request"].GET.copy()
    query.pop("fragment", None)
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = str(value)
    return "?" + query.urlencode()


@register.inclusion_tag("components/chart.html")
def chart(figure: Chart) -> dict[str, Any]:
    """A figure: the specification as JSON for charts.js, and the same values as a table."""
    body = json.dumps(figure.spec, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # Inside a script element only "</" and "<!--" can end or confuse it; JSON may write "<" as an escape.
    return {"figure": figure, "json": mark_safe(body.replace("<", "\\u003c"))}


@register.filter
def chart_cell(value: object) -> object:
    """One value of a chart's table: words in the reader's language, days and figures as everywhere else."""
    if isinstance(value, date):
        return when(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else word(value)
    return number(value, 0 if float(value).is_integer() or abs(value) >= 1000 else 2)


@register.simple_tag
def spark(values: Sequence[float | None], threshold: float | None = None) -> SafeString:
    """A line of the last days as a small inline drawing; a missing day breaks the line, a point marks the last one."""
    drawing = sparkline(values, threshold)
    limit = format_html('<path class="limit" d="M0 {}H100"/>', drawing.limit_y) if drawing.limit_y is not None else ""
    end = format_html('<circle cx="{}" cy="{}" r="2.2"/>', *drawing.end) if drawing.end else ""
    return format_html('<svg class="spark" viewBox="-3 -3 106 30" aria-hidden="true">{}<path d="{}"/>{}</svg>', limit, drawing.path, end)


@register.simple_tag
def chart_bundle_url() -> str:
    """Where the browser finds the chart program that `build_bundle` wrote."""
    return static(bundle_name())


@register.filter
def page_numbers(page: Page) -> list[int | None]:
    """The page numbers worth a link: the ends and the neighbours; None where some are left out."""
    last = page.paginator.num_pages
    kept = sorted({1, last, *range(max(1, page.number - 2), min(last, page.number + 2) + 1)})
    shown: list[int | None] = []
    for n in kept:
        if shown and shown[-1] is not None and n > shown[-1] + 1:
            shown.append(None)
        shown.append(n)
    return shown


@register.filter
def notice_tone(level: str) -> str:
    """The notice class of a Django message level."""
    return {"success": "ok", "error": "bad", "warning": "warn"}.get(level, "info")


@register.filter
def heat_class(cell: Any) -> str:
    """The ground of one heat-grid cell: its level 0–4, or blind where nothing watches."""
    level = cell["level"] if isinstance(cell, Mapping) else cell.level
    return "blind" if level is None else f"l{level}"


@register.filter
def act(action: str) -> str:
    """An action of the log in words."""
    return str(act_name(action))


@register.filter
def pairs(details: Mapping[str, object]) -> str:
    """What an entry keeps, in one line: rows 5 · kind resident; nothing kept gives nothing."""
    return " · ".join(f"{key} {value}" for key, value in details.items() if value not in (None, "", [], {}))
