"""The numbers in force, their sources and their past; an office changes one from a day on."""

import json
from itertools import groupby

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from tongchou.core.errors import Unseen
from tongchou.core.parameters.actions import set_parameter
from tongchou.core.parameters.models import Parameter
from tongchou.core.parameters.queries import values_on
from tongchou.core.wording import T
from tongchou.interfaces.web.page import Asked, page

GROUPS = {
    "alarm": T("预警", "Alarms"), "incident": T("事件", "Incidents"), "task": T("任务", "Tasks"), "watch": T("监测", "Watch"),
    "detection": T("监测方法", "Detection"), "freshness": T("数据时效", "Freshness"), "testing": T("核酸检测", "Testing"),
    "trace": T("流调", "Tracing"), "grade": T("预警分级", "Grades"), "case": T("病例报告", "Case reports"), "clock": T("7-1-7 时钟", "7-1-7 clock"),
    "coverage": T("覆盖与盲区", "Coverage"), "evidence": T("佐证", "Proofs"), "stream": T("数据流", "Streams"), "zone": T("风险区", "Zones"),
}  # fmt: skip
# The model keeps 24 signs of a unit; these are what the packs write, cut to that.
UNITS = {
    "minute": T("分钟", "minutes"), "hour": T("小时", "hours"), "day": T("天", "days"), "share": T("比例", "share"),
    "probability": T("概率", "probability"), "grades": T("级别", "grades"), "intervals": T("个间隔", "intervals"), "levels": T("级", "levels"),
    "megabytes": T("兆字节", "MB"), "alarms per year": T("次/年", "alarms a year"), "odds per day": T("每日几率", "odds a day"),
    "natural logarithm of evi": T("证据的自然对数", "ln evidence"), "probability; infections": T("概率；14 天内感染数；村居数", "probability; infections in 14 days; villages"),
}  # fmt: skip
WORDS = {
    "red": T("红", "red"), "orange": T("橙", "orange"), "yellow": T("黄", "yellow"), "blue": T("蓝", "blue"), "blue_probability": T("蓝：概率", "blue: probability"),
    "yellow_infections": T("黄：感染", "yellow: infections"), "orange_infections": T("橙：感染", "orange: infections"),
    "red_infections": T("红：感染", "red: infections"), "red_places": T("红：村居", "red: villages"),
}  # fmt: skip
CONFIDENCE = {"high": T("有依据", "sourced"), "medium": T("较可靠", "fair"), "low": T("待核实", "unverified")}


def said_value(value: object) -> object:
    """A value as people read it: a table as word and figure, a list as words, true and false as yes and no."""
    if isinstance(value, dict):
        pairs = [(WORDS.get(key, T(key, key)), said_value(inner)) for key, inner in value.items()]
        return T(" · ".join(f"{word.zh} {inner}" for word, inner in pairs), " · ".join(f"{word.en} {inner}" for word, inner in pairs))
    if isinstance(value, list):
        words = [WORDS.get(str(inner), T(str(inner), str(inner))) for inner in value]
        return T("、".join(w.zh for w in words), ", ".join(w.en for w in words)) if words else T("无", "none")
    if isinstance(value, bool):
        return T("是", "yes") if value else T("否", "no")
    return f"{value:g}" if isinstance(value, float) else value


def said_unit(unit: str) -> T:
    """The unit in both languages."""
    return UNITS.get(unit.strip(), T(unit, unit))


class NewValue(forms.Form):
    """A value from a day on, with its source in words."""

    value = forms.CharField()
    valid_from = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    source_zh = forms.CharField(max_length=300)
    source_en = forms.CharField(max_length=300, required=False)

    def __init__(self, *args: object, **given: object) -> None:
        super().__init__(*args, **given)  # type: ignore[arg-type]
        labels = (
            T("新取值", "New value"),
            T("自哪天起", "From"),
            T("依据（文件名、文号、日期）", "Source (act, number, date)"),
            T("依据（英文）", "Source (English)"),
        )
        for field, label in zip(self.fields.values(), labels, strict=True):
            field.label = str(label)

    def clean_value(self) -> object:
        """A number, list or true/false as JSON; anything else is text."""
        text = self.cleaned_data["value"].strip()
        try:
            return json.loads(text)
        except ValueError:
            return text


@page("parameter.read")
def parameter_list(request: Asked) -> HttpResponse:
    """Every parameter with the value in force today in this town."""
    known = list(Parameter.objects.all())
    values = values_on([p.key for p in known], request.at.date(), request.town.place.path)
    rows = [
        {"parameter": p, "unit": said_unit(p.unit), "value": (now := values.get(p.key)), "said": said_value(now.value) if now else None}
        for p in known
    ]
    groups = [
        {"name": GROUPS.get(prefix, T(prefix, prefix)), "rows": list(members)}
        for prefix, members in groupby(rows, key=lambda row: row["parameter"].key.split(".")[0])  # type: ignore[union-attr]
    ]
    return render(request, "parameters/list.html", {"groups": groups})


@page("parameter.read", methods=("GET", "POST"))
def parameter_detail(request: Asked, key: str) -> HttpResponse:
    """One parameter: what it means, every value it had, and a form for the next."""
    parameter = Parameter.objects.filter(key=key).first()
    if parameter is None:
        raise Unseen("parameter")
    form = NewValue(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        set_parameter(
            key=key, value=given["value"], valid_from=given["valid_from"], source=T(given["source_zh"], given["source_en"]),
            place=request.town.place, by=request.actor, at=request.at,
        )  # fmt: skip
        messages.success(request, str(T("已保存，到期自动生效。", "Saved; it takes effect on its day.")))
        return redirect("parameter", key=key)
    now = values_on([key], request.at.date(), request.town.place.path).get(key)
    past = parameter.values.select_related("place").order_by("-valid_from")
    context = {
        "parameter": parameter, "form": form, "unit": said_unit(parameter.unit), "said": said_value(now.value) if now else None,
        "values": [{"row": row, "said": said_value(row.value), "confidence": CONFIDENCE.get(row.confidence)} for row in past], "may_write": request.actor.may("parameter.write", request.town.place.path),
    }  # fmt: skip
    return render(request, "parameters/detail.html", context)


urlpatterns = [
    path("parameters/", parameter_list, name="parameters"),
    path("parameters/<str:key>", parameter_detail, name="parameter"),
]
