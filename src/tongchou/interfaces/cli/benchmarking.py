"""`tongchou benchmark …`: methods measured on data that everybody has, with a report; no town and no database."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import err, say
from tongchou.interfaces.cli.tables import refused_with_two, write_records

app = typer.Typer(no_args_is_help=True, help="Measure the methods and write a report. 方法评测与报告。")
SEEDS = (101, 102, 103)  # fresh when the figures of the report were made: never used while the methods were chosen


@app.callback()
def benchmark() -> None:
    """Measure the methods and write a report. 方法评测与报告。"""


@app.command("weekly")
def weekly(
    out: Annotated[Path, typer.Option("--out", help="Folder for results.csv, results.json, report.html and report.pdf. 输出目录。")],
    seed: Annotated[
        list[int] | None, typer.Option("--seed", min=0, help="Seed of the simulated series; may be repeated. 随机种子，可重复。")
    ] = None,
    series_per_scenario: Annotated[
        int,
        typer.Option(
            "--series-per-scenario", min=1, max=1000, help="Series in each of the 42 scenarios and for each seed. 每个情景的序列数。"
        ),
    ] = 20,
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

        plan = Plan(tuple(dict.fromkeys(seed or SEEDS)), series_per_scenario, rates, jobs or os.cpu_count() or 1)
        series = read_labelled(labelled) if labelled else []
        onsets = read_onsets(pack) if pack else None
    out.mkdir(parents=True, exist_ok=True)
    results = run(plan, series, onsets, _tell)
    from tongchou.interfaces.cli.benchmark_report import blocks_of, records_of
    from tongchou.interfaces.cli.paper import as_html, as_pdf

    records = records_of(results)
    write_records(records, out / "results.csv", as_json=False)
    write_records(records, out / "results.json", as_json=True)
    blocks = blocks_of(results, _command(plan, labelled, pack))
    title = T("周报暴发检测方法评测", "Weekly outbreak detection: a benchmark at equal false alarms")
    (out / "report.html").write_text(as_html(title, blocks), "utf-8")
    (out / "report.pdf").write_bytes(as_pdf(title, blocks))
    say(T(f"已写入 {out}：{len(records)} 个数字。", f"Written to {out}: {len(records)} figures, report.html, report.pdf."))


def _tell(share: float, what: T) -> None:
    err.print(f"  {share:4.0%} {what.en} {what.zh}", markup=False, soft_wrap=True)


def _command(plan: Any, labelled: Path | None, pack: Path | None) -> str:
    words = [f"--seed {seed}" for seed in plan.seeds] + [f"--series-per-scenario {plan.series_per_scenario}"]
    words += [f"--fpr {rate:g}" for rate in plan.rates]
    words += [f"--{name} {path.as_posix()}" for name, path in (("labelled", labelled), ("pack", pack)) if path]
    return f"tongchou benchmark weekly {' '.join(words)} --out FOLDER"
