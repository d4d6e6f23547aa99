"""Setting up a sentinel and changing what is written about one."""

from datetime import time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Invalid, Unseen
from tongchou.core.people.models import Post
from tongchou.core.places.models import Place
from tongchou.core.places.queries import places_below
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import add_sentinel, edit_sentinel
from tongchou.domains.sentinels.models import Sentinel
from tongchou.domains.sentinels.queries import seen_sentinel
from tongchou.domains.sentinels.rules import KIND_NAMES, schedule_of
from tongchou.interfaces.web.intake_fields import SETTINGS
from tongchou.interfaces.web.page import Asked, page
from tongchou.interfaces.web.pages.streams import WEEKDAYS, add_lacking_streams

LABELS = {
    "code": T("编号（建成后不变）", "Code (never changes)"), "kind": T("类别", "Kind"), "setting": T("场景", "Setting"),
    "place": T("所在村居", "Village"), "name_zh": T("名称", "Name (Chinese)"), "name_en": T("英文名称", "Name (English)"),
    "operator_zh": T("运行单位", "Operator (Chinese)"), "operator_en": T("运行单位英文名", "Operator (English)"),
    "catchment": T("覆盖范围：每行“村居代码 比例”，如 310118106001 0.6", "Catchment: one line each, 'village code share', as 310118106001 0.6"),
    "weekdays": T("上报日", "Reporting days"), "due": T("最晚时间", "Due by"), "contact_post": T("联系岗位", "Contact post"),
    "contact": T("联系方式", "Contact"), "state": T("状态", "State"), "valid_from": T("启用日", "First day"), "reason": T("修改原因", "Reason for the change"),
}  # fmt: skip


class SentinelForm(forms.Form):
    """What is written about a sentinel; `new` asks for what never changes, otherwise for the reason."""

    code = forms.SlugField(max_length=60)
    kind = forms.ChoiceField()
    setting = forms.ChoiceField()
    place = forms.ChoiceField()
    name_zh, name_en = forms.CharField(max_length=120), forms.CharField(max_length=160, required=False)
    operator_zh, operator_en = forms.CharField(max_length=120), forms.CharField(max_length=160, required=False)
    catchment = forms.CharField(widget=forms.Textarea(attrs={"rows": 4}))
    weekdays = forms.TypedMultipleChoiceField(coerce=int, widget=forms.CheckboxSelectMultiple)
    due = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), initial=time(18))
    contact_post = forms.ChoiceField(required=False)
    contact = forms.CharField(max_length=120, required=False)
    valid_from = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reason = forms.CharField(max_length=300)

    def __init__(self, *args: object, places: list[Place], new: bool, **given: object) -> None:
        super().__init__(*args, **given)  # type: ignore[arg-type]
        self.places = {p.code: p for p in places}
        for name in ("reason",) if new else ("code", "kind", "setting", "place", "valid_from"):
            del self.fields[name]
        for name, field in self.fields.items():
            field.label = str(LABELS[name])
        zh, en = WEEKDAYS
        posts = [(p.code, f"{p.unit.name} · {p.name}") for p in Post.objects.select_related("unit")]
        choices: dict[str, list[tuple[Any, str]]] = {
            "kind": [(k, str(t)) for k, t in KIND_NAMES.items()], "setting": [(k, str(t)) for k, t in SETTINGS.items()],
            "place": [(p.code, str(p.name)) for p in places], "contact_post": [("", "–"), *posts],
            "weekdays": [(k, str(T(f"周{zh[k - 1]}", en[k - 1]))) for k in range(1, 8)],
        }  # fmt: skip
        for name, options in choices.items():
            if name in self.fields:
                self.fields[name].choices = options  # type: ignore[attr-defined]

    def clean_catchment(self) -> dict[Place, float]:
        """Places with the share of residents seen; every wrong line is named."""
        found: dict[Place, float] = {}
        wrong = []
        for number, line in enumerate(self.cleaned_data["catchment"].splitlines(), start=1):
            code, _, share = line.strip().partition(" ")
            if not code:
                continue
            try:
                found[self.places[code]] = float(share)
            except (KeyError, ValueError):
                wrong.append(number)
        if wrong:
            lines = ", ".join(map(str, wrong))
            raise forms.ValidationError(str(T(f"第 {lines} 行应为“村居代码 比例”", f"Line {lines} must be 'village code share'")))
        return found

    def written(self) -> dict[str, Any]:
        """The arguments that adding and editing share."""
        given = self.cleaned_data
        return {
            "name": T(given["name_zh"], given["name_en"]), "operator": T(given["operator_zh"], given["operator_en"]),
            "catchment": given["catchment"], "schedule": {"weekdays": given["weekdays"], "due": f"{given['due']:%H:%M}"},
            "contact_post": Post.objects.filter(code=given["contact_post"]).first(), "contact": given["contact"],
        }  # fmt: skip

    def tell(self, refusal: Invalid) -> None:
        """Put each problem the action named beside its field."""
        for problem in refusal.problems:
            at = {"name": "name_zh", "schedule": "weekdays"}.get(problem.field, problem.field)
            self.add_error(at if at in self.fields else None, str(problem.said))


def _places(request: Asked) -> list[Place]:
    return [p for p in places_below(request.town.place.path) if request.actor.may("sentinel.write", p.path)]


@page("sentinel.write", methods=("GET", "POST"))
def sentinel_new(request: Asked) -> HttpResponse:
    """Set up a sentinel with a stream for every figure of its setting's form."""
    start = {"place": request.GET.get("place"), "kind": "monitoring", "weekdays": list(range(1, 8)), "valid_from": request.at.date()}
    if start["place"]:
        start["catchment"] = f"{start['place']} 0.5"
    form = SentinelForm(request.POST or None, places=_places(request), new=True, initial=start)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = add_sentinel(
                code=given["code"], kind=given["kind"], setting=given["setting"], place=form.places[given["place"]],
                valid_from=given["valid_from"], by=request.actor, at=request.at, **form.written(),
            )  # fmt: skip
        except Invalid as refusal:
            form.tell(refusal)
        else:
            add_lacking_streams(row, request)
            messages.success(request, str(T("已设立为拟设；准备好后请启用。", "Added as planned; make it live when it is ready.")))
            return redirect("sentinel", code=row.code)
    return render(request, "sentinels/form.html", {"form": form})


@page("sentinel.write", methods=("GET", "POST"))
def sentinel_edit(request: Asked, code: str) -> HttpResponse:
    """Change what is written about a sentinel, with the reason."""
    row = seen_sentinel(code, request.actor)
    if not request.actor.may("sentinel.write", row.place_path):
        raise Unseen("sentinel")
    form = SentinelForm(request.POST or None, places=_places(request), new=False, initial=_as_written(row))
    if request.method == "POST" and form.is_valid():
        try:
            edit_sentinel(row, reason=form.cleaned_data["reason"], by=request.actor, at=request.at, **form.written())
        except Invalid as refusal:
            form.tell(refusal)
        else:
            messages.success(request, str(T("已保存。", "Saved.")))
            return redirect("sentinel", code=code)
    return render(request, "sentinels/form.html", {"form": form, "sentinel": row})


def _as_written(row: Sentinel) -> dict[str, Any]:
    schedule = schedule_of(row.schedule)
    return {
        "name_zh": row.name_zh, "name_en": row.name_en, "operator_zh": row.operator_zh, "operator_en": row.operator_en,
        "catchment": "\n".join(f"{c.place.code} {c.share:g}" for c in row.catchments.select_related("place")),
        "weekdays": list(schedule.weekdays), "due": schedule.due, "contact": row.contact,
        "contact_post": row.contact_post.code if row.contact_post else "",
    }  # fmt: skip


urlpatterns = [
    path("sentinels/new", sentinel_new, name="sentinel_new"),
    path("sentinels/<str:code>/edit", sentinel_edit, name="sentinel_edit"),
]
