"""`tongchou detect`: any detector of the catalogue on series from a CSV; needs no installation and no database."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.series_files import Series, read_series
from tongchou.interfaces.cli.shell import err
from tongchou.interfaces.cli.tables import AsJson, BadTable, OutFile, refused_with_two, write_records

COLUMNS = ("series", "t", "upperbound", "alarm", "score", "expected")
MOST_LINES = 20  # of progress: one per series, none when there are more


def register(app: typer.Typer) -> None:
    """Give the program the command of this module."""
    app.command("detect")(detect)


def detect(
    file: Annotated[Path, typer.Argument(help="CSV with t, observed; also read: series, unit, date, population. 序列文件。")],
    method: Annotated[str, typer.Option("--method", help="Name of the detector, for example farringtonFlexible. 方法。")],
    freq: Annotated[int, typer.Option("--freq", min=1, help="Steps in a year. 一年有几期。")] = 52,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value, in our names or R's; several with ; or again. 参数。")
    ] = None,
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Bound and alarm of every step of every series in a CSV, by one of the classical detectors. 对序列逐期计算上限与预警。"""
    with refused_with_two():
        from tongchou.science.detection.catalogue import METHODS, params_of

        if method not in METHODS:
            known = ", ".join(METHODS)
            raise BadTable(T(f"没有 {method} 方法。", f"--method: there is no {method}."), T(f"可用：{known}。", f"There are: {known}."))
        params, records = params_of(method, param or []), []
        found = read_series(file)
        for number, series in enumerate(found, start=1):
            judged = _records(series, file, method, params, freq, as_json)
            records += judged
            if len(found) <= MOST_LINES:
                alarms = sum(record["alarm"] or 0 for record in judged)
                err.print(
                    f"{number}/{len(found)} {series.name}: steps 期数 {len(judged)}, alarms 预警 {alarms}", markup=False, soft_wrap=True
                )
        write_records(records, out, as_json)


def _records(series: Series, file: Path, name: str, params: Any, freq: int, as_json: bool) -> list[dict[str, Any]]:
    """One record per step of the file; alarm is None where nothing can be said."""
    from tongchou.science.detection.catalogue import METHODS
    from tongchou.science.detection.series import WEEKS_PER_YEAR, Calendar

    chosen = METHODS[name]
    calendar = Calendar(freq, series.first_day() if freq == WEEKS_PER_YEAR else None)
    extra = {}
    if chosen.needs_samples:
        if not series.samples:
            raise BadTable(
                T(f"{file} 缺少“population”（样本数）列。", f"{file}: column population, the samples taken, is missing."),
                T("请加上这一列。", "Add it."),
            )
        extra["samples"] = series.on_grid(series.samples)
    try:
        result = chosen.detect(series.on_grid(series.totals), params, calendar, **extra)
    except ValueError as error:
        first = series.steps[0]
        raise ValueError(f"{file}, series {series.name} (step 0 is t = {first}): {error}") from error
    bound, first, records = getattr(result, chosen.shown_as_bound), series.steps[0], []
    for t in series.steps:
        step = t - first
        score, upper = float(result.score[step]), float(bound[step])
        known = not math.isnan(score)
        if known and math.isnan(upper) and chosen.without_bound is not None:
            upper = chosen.without_bound
        numbers = [upper, score, float(result.expected[step])]
        if as_json:  # which knows no infinity
            numbers = ["Infinity" if math.isinf(v) else v for v in numbers]  # type: ignore[misc]
        values = (series.name, t, numbers[0], int(result.alarm[step]) if known else None, *numbers[1:])
        records.append(dict(zip(COLUMNS, values, strict=True)))
    return records
