"""`tongchou benchmark …`: methods measured on data that everybody has, with a report; no town and no database."""

import os
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.benchmark_fusion import fusion
from tongchou.interfaces.cli.shell import err, say
from tongchou.interfaces.cli.tables import refused_with_two, write_records
from tongchou.interfaces.cli.watching import start_for_reading

if TYPE_CHECKING:
    from tongchou.interfaces.cli.paper import Block

app = typer.Typer(no_args_is_help=True, help="Measure the methods and write a report. 方法评测与报告。")
DAY = ["%Y-%m-%d"]
JUDGED = (date(2022, 7, 15), date(2025, 9, 26), date(2024, 5, 1))  # from, to, and the day that parts development from what is held out
SEEDS = (101, 102, 103)  # fresh when the figures of the report were made: never used while the methods were chosen


@app.callback()
def benchmark() -> None:
    """Measure the methods and write a report. 方法评测与报告。"""


app.command("fusion")(fusion)


@app.command("weekly")
def weekly(
    out: Annotated[Path, typer.Option("--out", help="Folder for results.csv, results.json, report.html and report.pdf. 输出目录。")],
    seed: Annotated[
        list[int] | None, typer.Option("--seed", min=0, help="Seed of the simulated series; may be repeated. 随机种子，可重复。")
    ] = None,
    series_per_scenario: Annotated[
        int,
        typer.Option("--series-per-scenario", min=1, max=1000, help="Series in each scenario and for each seed. 每个情景的序列数。"),
    ] = 20,
    scenario: Annotated[
        list[int] | None,
        typer.Option("--scenario", min=1, max=42, help="Only this scenario of the 42; may be repeated. 只用此情景，可重复。"),
    ] = None,
    fpr: Annotated[
        list[float] | None,
        typer.Option("--fpr", help="False-positive rate a week; may be repeated. Default: .005, .01, .02, .05. 每周误报率，可重复。"),
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option("--labelled", help="Folder with the labelled series, for example tests/data/surveillance_series. 标注序列目录。"),
    ] = None,
    pack: Annotated[
        Path | None, typer.Option("--pack", help="Pack of Germany, for the onsets of seasons: packs/germany. 德国资料包。")
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; default: one per core. 进程数。")] = None,
) -> None:
    """Every detector of weekly counts at the same false-positive rate: simulated, labelled and season-onset data. 周报检测方法评测：误报率相同。"""
    rates = tuple(sorted(set(fpr or ()))) or (0.005, 0.01, 0.02, 0.05)
    with refused_with_two():
        if not all(0 < rate <= 0.2 for rate in rates):
            raise ValueError(f"--fpr: a share of weeks above 0 and at most 0.2; got {', '.join(f'{rate:g}' for rate in rates)}")
        from tongchou.interfaces.cli.benchmark_run import Plan, run
        from tongchou.interfaces.cli.benchmark_sources import read_labelled, read_onsets
        from tongchou.science.evaluation.design import SCENARIOS

        chosen = tuple(sorted(set(scenario or range(1, len(SCENARIOS) + 1))))
        plan = Plan(tuple(dict.fromkeys(seed or SEEDS)), series_per_scenario, rates, chosen, jobs or os.cpu_count() or 1)
        series = read_labelled(labelled) if labelled else []
        onsets = read_onsets(pack) if pack else None
    out.mkdir(parents=True, exist_ok=True)
    results = run(plan, series, onsets, _tell)
    from tongchou.interfaces.cli.benchmark_report import blocks_of, records_of

    title = T("周报暴发检测方法评测", "Weekly outbreak detection: a benchmark at equal false alarms")
    _write(out, records_of(results), title, blocks_of(results, _command(plan, labelled, pack)))


@app.command("real")
def real(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for results.csv, results.json, alarms.csv, report.html and report.pdf. 输出目录。")
    ],
    pack: Annotated[Path, typer.Option("--pack", help="Pack of Germany: packs/germany. 德国资料包。")],
    shanghai: Annotated[
        Path | None, typer.Option("--shanghai", help="Folder with district_daily.csv: tests/data/shanghai_2022. 上海各区数据目录。")
    ] = None,
    first_day: Annotated[
        datetime | None, typer.Option("--from", formats=DAY, help="First day judged. Default: 2022-07-15. 起始日。")
    ] = None,
    last_day: Annotated[datetime | None, typer.Option("--to", formats=DAY, help="Last day judged. Default: 2025-09-26. 截止日。")] = None,
    split_day: Annotated[
        datetime | None,
        typer.Option("--held-out-from", formats=DAY, help="Weeks from this day on are held out. Default: 2024-05-01. 留出部分起始日。"),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", help="State held out on all dates; may be repeated. Default: every fourth. 整段留出的州，可重复。"),
    ] = None,
    per_year: Annotated[
        list[float] | None,
        typer.Option("--per-year", help="False alarms a state and year; may be repeated. Default: .5, 1. 每州每年误报次数。"),
    ] = None,
) -> None:
    """Every way to fuse real streams at exactly equal false alarms, season by season and state by state. 真实数据流融合评测：误报次数相同。"""
    rates = tuple(sorted(set(per_year or (0.5, 1.0))))
    first, last, split = (given.date() if given else usual for given, usual in zip((first_day, last_day, split_day), JUDGED, strict=True))
    with refused_with_two():
        if last <= first:
            raise ValueError(f"--to {last} must lie after --from {first}")
        if not all(0 < rate <= 12 for rate in rates):
            raise ValueError(f"--per-year: above 0 and at most 12 a year; got {', '.join(f'{rate:g}' for rate in rates)}")
        start_for_reading()
        from tongchou.interfaces.cli.real_districts import judge_districts, read_districts
        from tongchou.interfaces.cli.real_sources import judge_targets, read_real
        from tongchou.science.detection.model import DetectionParams

        city = read_districts(shanghai) if shanghai else {}
        measured, places = judge_targets(read_real(pack, first, last, _tell), split, held_out, rates)
        districts = judge_districts(city, DetectionParams())
    from tongchou.interfaces.cli.real_report import alarms_of, blocks_of, records_of

    asked = [f"--pack {pack.as_posix()}", *([f"--shanghai {shanghai.as_posix()}"] if shanghai else [])]
    asked += [f"--from {first} --to {last} --held-out-from {split}", *(f"--held-out {place}" for place in places)]
    asked += [f"--per-year {rate:g}" for rate in rates]
    blocks = blocks_of(measured, districts, (split, places), f"tongchou benchmark real {' '.join(asked)} --out FOLDER")
    title = T("真实数据流融合评测", "Fusing real streams: a benchmark at equal false alarms")
    out.mkdir(parents=True, exist_ok=True)
    write_records(alarms_of(measured), out / "alarms.csv", as_json=False)
    _write(out, records_of(measured), title, blocks)


def _write(out: Path, records: list[dict[str, Any]], title: T, blocks: "Sequence[Block]") -> None:
    """The figures as CSV and JSON and the report as HTML and PDF, into an existing folder."""
    from tongchou.interfaces.cli.paper import as_html, as_pdf

    write_records(records, out / "results.csv", as_json=False)
    write_records(records, out / "results.json", as_json=True)
    (out / "report.html").write_text(as_html(title, blocks), "utf-8")
    (out / "report.pdf").write_bytes(as_pdf(title, blocks))
    say(T(f"已写入 {out}：{len(records)} 个数字。", f"Written to {out}: {len(records)} figures, report.html, report.pdf."))


def _tell(share: float, what: T) -> None:
    err.print(f"  {share:4.0%} {what.en} {what.zh}", markup=False, soft_wrap=True)


def _command(plan: Any, labelled: Path | None, pack: Path | None) -> str:
    from tongchou.science.evaluation.design import SCENARIOS

    words = [f"--seed {seed}" for seed in plan.seeds] + [f"--series-per-scenario {plan.series_per_scenario}"]
    words += [f"--scenario {number}" for number in plan.scenarios] if len(plan.scenarios) < len(SCENARIOS) else []
    words += [f"--fpr {rate:g}" for rate in plan.rates]
    words += [f"--{name} {path.as_posix()}" for name, path in (("labelled", labelled), ("pack", pack)) if path]
    return f"tongchou benchmark weekly {' '.join(words)} --out FOLDER"
