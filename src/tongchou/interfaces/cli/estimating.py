"""`tongchou nowcast` and `tongchou rt`: late reports and reproduction numbers from a CSV file, without a town or a database."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import err
from tongchou.interfaces.cli.tables import AsJson, BadTable, OutFile, Row, Table, by_group, read_table, refused_with_two, write_records

DAY_FORMAT = ["%Y-%m-%d"]
REFERENCE = ("reference_day", "reference_date")
REPORTED = ("reported_day", "reported_date", "report_date")
GROUP = ("group", "age_group", "series")
TIME = ("day", "date", "t")
CASES = ("incidence", "local", "count", "cases", "observed")
FULLY_KNOWN = T("请写“均值,标准差”（天）或 lag,prob 两列的文件。", "Give MEAN,SD in days, or a file with columns lag,prob.")

Holidays = Annotated[
    str, typer.Option("--holidays", help="Days on which nobody reports: DAY,DAY,… or a CSV file with column day. 不上报的节假日。")
]
MaxDelay = Annotated[int, typer.Option("--max-delay", min=1, max=365, help="Longest delay of a report kept, days. 最长上报延迟（天）。")]


class NowcastMethod(StrEnum):
    hazard = "hazard"
    ladder = "ladder"
    lawless = "lawless"


class Corrections(StrEnum):
    refuse = "refuse"
    net = "net"


class RtMethod(StrEnum):
    cori = "cori"
    wallinga_teunis = "wallinga-teunis"
    growth = "growth"


def register(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command("nowcast")(nowcast)
    app.command("rt")(rt)


def nowcast(
    triangle: Annotated[Path, typer.Argument(help="CSV: reference_day,reported_day,count[,group]; newly reported events. 上报三角表。")],
    as_of: Annotated[datetime, typer.Option("--as-of", formats=DAY_FORMAT, help="Last day whose reports are known. 截止日。")],
    sum_days: Annotated[
        int, typer.Option("--sum-days", min=1, max=28, help="1: daily counts; 7: sums of seven days. 每日或多日合计。")
    ] = 1,
    method: Annotated[
        NowcastMethod, typer.Option("--method", help="hazard (weekdays and holidays), ladder (chain ladder) or lawless. 方法。")
    ] = NowcastMethod.hazard,
    max_delay: MaxDelay = 40,
    holidays: Holidays = "",
    corrections: Annotated[
        Corrections, typer.Option("--corrections", help="A negative count: refuse it, or net it off. 负数：拒绝或冲减。")
    ] = Corrections.refuse,
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what the counts of the last days will be when all reports are in, with quantiles by reference day. 补报估计：最近几天最终会有多少。"""
    with refused_with_two():
        from tongchou.science.nowcasting.lawless import nowcast_lawless

        if method is NowcastMethod.lawless and sum_days != 1:
            raise ValueError("--method lawless knows daily counts only; leave --sum-days out")
        closed = _holidays(holidays)
        records: list[dict[str, Any]] = []
        for name, known in _triangles(read_table(triangle), as_of.date(), max_delay, corrections).items():
            if method is NowcastMethod.lawless:
                found = nowcast_lawless(known)
            else:
                found = _nowcast(known, method, closed, sum_days)
            records += _nowcast_records(name, found)
        write_records(records, out, as_json)


def tell(text: T) -> None:
    """A line about the progress, on the error stream: the screen is for the table."""
    err.print(f"{text.en}  {text.zh}", markup=False, soft_wrap=True)


def _nowcast(known: Any, method: NowcastMethod, closed: Sequence[date], sum_days: int) -> Any:
    from tongchou.science.nowcasting.delay_hazard import nowcast as estimate
    from tongchou.science.nowcasting.model import HazardParams, LadderParams

    return estimate(known, HazardParams() if method is NowcastMethod.hazard else LadderParams(), closed, sum_days)


def _nowcast_records(name: str | None, found: Any) -> list[dict[str, Any]]:
    from tongchou.science.nowcasting.model import PROBABILITIES

    return [
        ({} if name is None else {"group": name})
        | {"reference_day": day.isoformat(), "reported": float(found.reported[i]), "expected": float(found.expected[i])}
        | {f"q{p:g}": float(q) for p, q in zip(PROBABILITIES, found.quantiles[i], strict=True)}
        | {"spread": "known" if found.is_spread_known else "assumed"}
        for i, day in enumerate(found.days)
    ]


def _triangles(table: Table, as_of: date, max_delay: int, corrections: Corrections) -> dict[str | None, Any]:
    """The triangle of each group as known on that day; the name is None when the file has no groups."""
    from tongchou.science.nowcasting.triangle import triangle_of

    day, reported, count = table.column(*REFERENCE), table.column(*REPORTED), table.column("count")
    column = table.optional(*GROUP)
    found: dict[str | None, Any] = {}
    groups = by_group(table.rows, column)
    for n, (name, rows) in enumerate(groups.items(), 1):
        reports = [_report(row, day, reported, count, corrections) for row in rows]
        _once_each(rows, reports, reported)
        label = f"nowcast {n}/{len(groups)}{f' {name}' if column else ''}"
        if all(r[1] > as_of for r in reports):
            tell(T(f"{label}：截至 {as_of} 没有上报，略去。", f"{label}: no report by {as_of}, left out."))
            continue
        days, told, counts = zip(*reports, strict=True)
        known = triangle_of(days, told, counts, as_of, max_delay, corrections.value)
        found[name if column else None] = known
        tell(T(f"{label}：{known.first_day} 至 {as_of}。", f"{label}: {known.first_day} to {as_of}."))
        if known.late:
            tell(T(f"迟于 {max_delay} 天的 {known.late:g} 例不计。", f"{known.late:g} events later than {max_delay} days left out."))
    if not found:
        raise BadTable(
            T(f"{table.path}：截至 {as_of} 没有任何上报。", f"{table.path}: no report on or before {as_of}."),
            T("请改用更晚的 --as-of。", "Choose a later --as-of."),
        )
    return found


def _report(row: Row, day: str, reported: str, count: str, corrections: Corrections) -> tuple[date, date, float]:
    reference, told = row.day(day), row.day(reported)
    if told < reference:
        row.refuse(
            reported,
            T(f"{told} 早于发生日 {reference}", f"{told} lies before the reference day {reference}"),
            T("请更正日期。", "Correct the days."),
        )
    value = row.count(count, below_zero=True)
    if value < 0 and corrections is Corrections.refuse:
        row.refuse(
            count,
            T(f"{value:g} 为负", f"{value:g} is negative"),
            T("撤销的病例请加 --corrections net。", "For withdrawn events add --corrections net."),
        )
    return reference, told, value


def _once_each(rows: Sequence[Row], reports: Sequence[tuple[date, date, float]], column: str) -> None:
    lines: dict[tuple[date, date], int] = {}
    for row, (reference, told, _) in zip(rows, reports, strict=True):
        if (reference, told) in lines:
            first = lines[reference, told]
            row.refuse(
                column,
                T(f"{reference} 于 {told} 的上报与第 {first} 行重复", f"{reference} reported {told} stands in row {first} as well"),
                T("请合并两行或用 group 列区分。", "Add the two up, or tell them apart in a column group."),
            )
        lines[reference, told] = row.line


def _holidays(text: str) -> list[date]:
    """Days written one after another, or in a file."""
    if not text:
        return []
    if Path(text).exists():
        table = read_table(Path(text))
        column = table.column("day", "date")
        return [row.day(column) for row in table.rows]
    try:
        return [date.fromisoformat(word.strip()) for word in text.split(",") if word.strip()]
    except ValueError:
        raise BadTable(
            T(f"--holidays：“{text}”既不是日期也不是文件。", f"--holidays: '{text}' is neither days nor a file."),
            T("请写 2022-05-01,2022-05-02 或 CSV 文件。", "Write 2022-05-01,2022-05-02 or name a CSV file with column day."),
        ) from None


def rt(
    incidence: Annotated[
        Path,
        typer.Argument(help="CSV: day (or t),incidence[,imported][,group], every day; or a triangle as of nowcast. 每日病例或上报三角表。"),
    ],
    serial_interval: Annotated[
        str, typer.Option("--serial-interval", help="MEAN,SD in days, or a CSV file with lag,prob. 代间距：均值,标准差，或文件。")
    ] = "",
    window: Annotated[int, typer.Option("--window", min=1, max=365, help="Days over which R is constant. 窗口天数。")] = 7,
    prior: Annotated[str, typer.Option("--prior", help="MEAN,SD of R before the data. R 的先验均值,标准差。")] = "5,5",
    method: Annotated[
        RtMethod, typer.Option("--method", help="cori, wallinga-teunis, or growth (rate and doubling time, no interval needed). 方法。")
    ] = RtMethod.cori,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=DAY_FORMAT, help="For a triangle: its last day. 三角表的截止日。")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", min=10, max=100_000, help="For a triangle: nowcasts drawn. 抽样次数。")] = 400,
    seed: Annotated[int, typer.Option("--seed", min=0, help="For a triangle: seed of the draws. 随机种子。")] = 1,
    max_delay: MaxDelay = 40,
    holidays: Holidays = "",
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the reproduction number of each window of days, with quantiles; from a triangle late reports widen it. 估计有效再生数 Rt。"""
    with refused_with_two():
        table = read_table(incidence)
        if method is not RtMethod.growth and not serial_interval:
            raise BadTable(T("缺少 --serial-interval。", "--serial-interval is missing."), FULLY_KNOWN)
        knobs = Knobs(serial_interval, window, _pair(prior, "--prior", T("请写“均值,标准差”。", "Give MEAN,SD.")), method)
        if table.optional(*REFERENCE) and table.optional(*REPORTED):
            if as_of is None:
                raise BadTable(
                    T(f"{incidence} 是上报三角表，缺少 --as-of。", f"{incidence}: is a triangle; --as-of is missing."),
                    T("请给出截止日。", "Name the last day whose reports are known."),
                )
            known = _triangles(table, as_of.date(), max_delay, Corrections.refuse)
            records = _rt_of_triangles(known, knobs, _holidays(holidays), draws, seed)
        else:
            records = _rt_of_counts(table, knobs)
        write_records(records, out, as_json)


class Knobs:
    """What `rt` was asked for."""

    def __init__(self, interval: str, window: int, prior: tuple[float, float], method: RtMethod) -> None:
        from tongchou.science.reproduction.cori import CoriParams

        self.interval, self.window, self.method = interval, window, method
        self.params = CoriParams(window, *prior)

    def interval_of(self, group: str | None) -> Any:
        """The serial interval, of one group where a file holds several."""
        from tongchou.science.reproduction.serial_interval import SerialInterval, gamma_serial_interval

        if re.fullmatch(r"\s*[\d.eE+]+\s*,\s*[\d.eE+]+\s*", self.interval):
            return gamma_serial_interval(*_pair(self.interval, "--serial-interval", FULLY_KNOWN))
        if not Path(self.interval).exists():
            raise BadTable(
                T(f"--serial-interval：“{self.interval}”不能识别。", f"--serial-interval: '{self.interval}' cannot be read."), FULLY_KNOWN
            )
        table = read_table(Path(self.interval))
        lag, chance, column = table.column("lag", "k", "day"), table.column("prob", "probability", "pmf"), table.optional(*GROUP)
        rows = [r for r in table.rows if column is None or group is None or r.cells[column].strip() == group]
        chances = {int(r.count(lag)): r.count(chance) for r in rows}
        if sorted(chances) != list(range(len(rows))) or not rows:
            raise BadTable(
                T(f"{self.interval} 的“{lag}”列应为 0, 1, 2 …。", f"{self.interval}, column {lag}: must be 0, 1, 2, … each once."),
                FULLY_KNOWN,
            )
        return SerialInterval([chances[k] for k in range(len(rows))])  # type: ignore[arg-type]


def _pair(text: str, option: str, remedy: T) -> tuple[float, float]:
    try:
        first, second = (float(word) for word in text.split(","))
    except ValueError:
        raise BadTable(T(f"{option}：“{text}”不能识别。", f"{option}: '{text}' cannot be read."), remedy) from None
    return first, second


def _rt_of_counts(table: Table, knobs: Knobs) -> list[dict[str, Any]]:
    """Rows of every series of a file with one count a day."""
    from tongchou.science.reproduction.cori import reproduction_number
    from tongchou.science.reproduction.growth import growth_rate
    from tongchou.science.reproduction.wallinga_teunis import case_reproduction_number

    time, cases = table.column(*TIME), table.column(*CASES)
    imported, column = table.optional("imported"), table.optional(*GROUP)
    records: list[dict[str, Any]] = []
    groups = by_group(table.rows, column)
    for n, (name, rows) in enumerate(groups.items(), 1):
        first_day = _in_order(rows, time)
        counts = [row.count(cases) for row in rows]
        others = [row.count(imported) for row in rows] if imported else None
        if others is not None and cases != "local":
            # Imported cases stand beside local ones; any other name is the total.
            counts = [_less(row, a, b, imported or "") for row, a, b in zip(rows, counts, others, strict=True)]
        head = {"group": name} if column else {}
        label = f"rt {n}/{len(groups)}{f' {name}' if column else ''}"
        tell(T(f"{label}：{len(rows)} 天。", f"{label}: {len(rows)} days."))
        if knobs.method is RtMethod.growth:
            windows = [(s, s + knobs.window - 1) for s in range(len(counts) - knobs.window + 1)]
            values = [_growth_cells(growth_rate(counts[s : e + 1])) for s, e in windows]
        elif knobs.method is RtMethod.cori:
            found = reproduction_number(counts, knobs.interval_of(name if column else None), knobs.params, others)
            windows, values = _cori_cells(found)
        else:
            case = case_reproduction_number(counts, knobs.interval_of(name if column else None), knobs.window)
            windows = list(zip(case.starts.tolist(), case.ends.tolist(), strict=True))
            values = [{"mean": float(m)} for m in case.mean]
        records += [head | _window_cells(w, first_day) | v for w, v in zip(windows, values, strict=True)]
    return records


def _rt_of_triangles(triangles: dict[str | None, Any], knobs: Knobs, closed: Sequence[date], draws: int, seed: int) -> list[dict[str, Any]]:
    """Rows of every group of a triangle; what is not yet reported widens the interval."""
    import numpy as np

    from tongchou.science.nowcasting.delay_hazard import draw_counts
    from tongchou.science.reproduction.cori import reproduction_of_draws
    from tongchou.science.reproduction.growth import growth_of_draws

    if knobs.method is RtMethod.wallinga_teunis:
        raise ValueError("--method wallinga-teunis looks forward and cannot use a triangle; give daily counts")
    records: list[dict[str, Any]] = []
    for name, known in triangles.items():
        rng = np.random.default_rng(seed)
        drawn = draw_counts(known, rng, holidays=closed, draws=draws)
        if knobs.method is RtMethod.cori:
            windows, values = _cori_cells(reproduction_of_draws(drawn.counts, knobs.interval_of(name), rng, knobs.params))
        else:
            windows = [(s, s + knobs.window - 1) for s in range(drawn.counts.shape[1] - knobs.window + 1)]
            values = [_growth_cells(growth_of_draws(drawn.counts[:, s : e + 1], rng)) for s, e in windows]
        spread = {"spread": "known" if drawn.is_spread_known else "assumed"}
        head = {} if name is None else {"group": name}
        records += [head | _window_cells(w, known.first_day) | v | spread for w, v in zip(windows, values, strict=True)]
    return records


def _in_order(rows: list[Row], column: str) -> date | int:
    """Sort the rows of one series by time; refused when a day is missing or stands twice. Gives the first day, or its number."""

    def when(row: Row) -> int:
        if column == "t":
            return row.read(column, int, T("整数", "a whole number"))
        return row.day(column).toordinal()

    rows.sort(key=when)
    for before, row in pairwise(rows):
        step = when(row) - when(before)
        if step != 1:
            said = (
                T(f"与第 {before.line} 行是同一天", f"is the same day as row {before.line}")
                if step == 0
                else T(
                    f"与前一行（第 {before.line} 行）之间缺 {step - 1} 天",
                    f"{step - 1} days are missing before it, after row {before.line}",
                )
            )
            row.refuse(column, said, T("每天一行，无病例写 0。", "Write every day once, 0 where there was no case."))
    return when(rows[0]) if column == "t" else rows[0].day(column)


def _less(row: Row, total: float, imported: float, column: str) -> float:
    if imported > total:
        row.refuse(
            column, T(f"{imported:g} 多于合计 {total:g}", f"{imported:g} is more than the total of {total:g}"), T("请更正。", "Correct it.")
        )
    return total - imported


def _window_cells(window: tuple[int, int], first: date | int) -> dict[str, Any]:
    """First and last day of a window, by number (the first day is 1 unless the file counts otherwise) and by date."""
    start, end = window
    if isinstance(first, int):
        return {"t_start": first + start, "t_end": first + end}
    return {"t_start": start + 1, "t_end": end + 1, "day_start": f"{first + timedelta(start)}", "day_end": f"{first + timedelta(end)}"}


def _cori_cells(found: Any) -> tuple[list[tuple[int, int]], list[dict[str, Any]]]:
    from tongchou.science.reproduction.cori import PROBABILITIES

    cells = [
        {"mean": float(m), "std": float(s)} | {f"q{p:g}": float(q) for p, q in zip(PROBABILITIES, row, strict=True)}
        for m, s, row in zip(found.mean, found.sd, found.quantiles, strict=True)
    ]
    return list(zip(found.starts.tolist(), found.ends.tolist(), strict=True)), cells


def _growth_cells(found: Any) -> dict[str, Any]:
    names = ("per_day", "low", "high", "doubling_days", "doubling_low", "doubling_high")
    return {("growth_" + n if n in ("low", "high") else "growth_per_day" if n == "per_day" else n): getattr(found, n) for n in names}
