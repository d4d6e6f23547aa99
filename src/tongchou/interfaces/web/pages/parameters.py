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
    "trace": T("流调", "Tracing"), "grade": T("预警分级", "Grades"),
}  # fmt: skip


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
    rows = [{"parameter": p, "value": values.get(p.key)} for p in known]
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
    context = {
        "parameter": parameter, "form": form, "value": values_on([key], request.at.date(), request.town.place.path).get(key),
        "values": parameter.values.select_related("place").order_by("-valid_from"), "may_write": request.actor.may("parameter.write", request.town.place.path),
    }  # fmt: skip
    return render(request, "parameters/detail.html", context)


urlpatterns = [
    path("parameters/", parameter_list, name="parameters"),
    path("parameters/<str:key>", parameter_detail, name="parameter"),
]
