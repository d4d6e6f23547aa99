"""Reporting by file for programs: what a file would do, and the keeping of it, whole or not at all; the same rules as the page."""

from collections import Counter
from hashlib import sha256
from typing import Any

from django.http import HttpRequest
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile

from tongchou.core.errors import Invalid
from tongchou.core.importing.tables import FileRefused
from tongchou.core.wording import T
from tongchou.domains.sentinels.actions import report_observations
from tongchou.domains.sentinels.imports import read_reports
from tongchou.domains.sentinels.queries import zone_of_town
from tongchou.domains.sentinels.reports import judge
from tongchou.interfaces.api.registry import FileRefusedOut, refused_file
from tongchou.interfaces.api.wording import both
from tongchou.interfaces.web.pages.intake_file import MOST_ROWS, streams_of

router = Router(tags=["sentinels"])
WRONG = T("文件有误，一行也没有收。", "The file has wrong cells; not one row was kept.")
MEND = T("请改正所列单元格后重新发送整个文件。", "Correct the cells named and send the whole file again.")


class FileReportOut(Schema):
    """What a file would do, or has done."""

    is_kept: bool
    new: int
    corrected: int
    same: int


@router.post(
    "/observations/file",
    response={200: FileReportOut, 422: FileRefusedOut},
    summary=both("按文件上报", "report by file; kept only if asked"),
)
def post_observation_file(request: HttpRequest, file: File[UploadedFile], keep: Form[bool] = False) -> Any:
    """A CSV or XLSX of streams, days and values: what it would do, with every wrong cell; all of it is kept with `keep`, or nothing."""
    by, at, content = request.auth, request.at, file.read()  # type: ignore[attr-defined]
    try:
        found = read_reports(content)
        if len(found.reports) > MOST_ROWS:
            raise FileRefused(T(f"文件超过 {MOST_ROWS} 行。", f"More than {MOST_ROWS} rows."), T("请按月份拆开。", "Split it by month."))
        judged, wrong = judge(found.reports, streams_of(found), by, at, zone_of_town())
        if problems := [*found.problems, *(found.placed(Invalid(wrong)) if wrong else [])]:
            raise FileRefused(WRONG, MEND, problems)
    except FileRefused as refused:
        return Status(422, refused_file(refused))
    if keep:
        source = f"file:{sha256(content).hexdigest()[:16]}"
        judged = report_observations(reports=found.reports, source=source, by=by, at=at)
    counts = Counter(j.outcome for j in judged)
    return Status(200, {"is_kept": keep, **{name: counts[name] for name in ("new", "corrected", "same")}})
