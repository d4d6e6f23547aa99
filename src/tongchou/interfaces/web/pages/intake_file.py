"""Reporting by file: read, judged and shown first; kept only when somebody says so, all of it or nothing."""

from collections import Counter
from datetime import date
from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone

from tongchou.core.errors import Invalid, Refusal
from tongchou.core.importing.tables import FileRefused
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import report_observations
from tongchou.domains.sentinels.imports import ReportFile, read_reports
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.sentinels.reports import Report, judge
from tongchou.interfaces.web.page import Asked, page

SHOWN, MOST_ROWS, SALT = 200, 20_000, "observation-file"


@page("stream.report", methods=("GET", "POST"))
def observation_file(request: Asked) -> HttpResponse:
    """Upload a file, see what it would do, keep it. The rows travel signed between the two steps; nothing waits on the server."""
    if request.method == "POST" and (carried := request.POST.get("rows")):
        return _keep(request, carried)
    context: dict[str, Any] = {}
    if request.method == "POST":
        upload = request.FILES.get("file")
        try:
            context = _preview(request, upload.read() if upload else b"")
        except FileRefused as refusal:
            context = {"refusal": refusal, "problems": refusal.problems[:SHOWN], "problem_count": len(refusal.problems)}
    return render(request, "sentinels/file.html", context, status=422 if context.get("problem_count") else 200)


def _preview(request: Asked, content: bytes) -> dict[str, Any]:
    file = read_reports(content)
    if len(file.reports) > MOST_ROWS:
        raise FileRefused(T(f"文件超过 {MOST_ROWS} 行。", f"More than {MOST_ROWS} rows."), T("请按月份拆开。", "Split it by month."))
    judged, wrong = judge(file.reports, streams_of(file), request.actor, request.at, timezone.get_current_timezone())  # type: ignore[arg-type]
    problems = [*file.problems, *(file.placed(Invalid(wrong)) if wrong else [])]
    rows = [(r.stream, r.day.isoformat(), r.value, r.reason) for r in file.reports]
    return {
        "counts": Counter(found.outcome for found in judged),
        "problems": problems[:SHOWN],
        "problem_count": len(problems),
        "rows": "" if problems else signing.dumps([f"file:{sha256(content).hexdigest()[:16]}", rows], salt=SALT, compress=True),
        "corrections": [found for found in judged if found.outcome == "corrected"][:SHOWN],
    }


def streams_of(file: ReportFile) -> dict[str, Stream]:
    codes = {report.stream for report in file.reports}
    return {s.code: s for s in Stream.objects.filter(code__in=codes).select_related("sentinel__place")}


def _keep(request: Asked, carried: str) -> HttpResponse:
    try:
        source, rows = signing.loads(carried, salt=SALT, max_age=3600)
    except signing.BadSignature as error:
        raise Refusal(T("预览已过期。", "The preview has expired."), T("请重新上传文件。", "Upload the file again.")) from error
    reports = [Report(code, date.fromisoformat(day), value, None, bool(reason), bool(reason), reason) for code, day, value, reason in rows]
    counts = Counter(j.outcome for j in report_observations(reports=reports, source=source, by=request.actor, at=request.at))
    told = T(
        f"已收：新报 {counts['new']}，更正 {counts['corrected']}，相同 {counts['same']}。",
        f"Kept: {counts['new']} new, {counts['corrected']} corrected, {counts['same']} the same.",
    )
    messages.success(request, str(told))
    return redirect("intake")


urlpatterns = [path("intake/file", observation_file, name="observation_file")]
