"""`tongchou benchmark fusion`: the daily fusion of five streams beside its rivals in simulated towns; no town and no database."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import err, say
from tongchou.interfaces.cli.tables import refused_with_two, write_records

SEED = 204  # fresh when the figures of the report were made: never used while the rules were chosen


def fusion(
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for results.csv, results.json, report.html and report.pdf. 报告目录。")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of towns, counts and outbreaks. 随机种子。")] = SEED,
    outbreaks: Annotated[
        int, typer.Option("--outbreaks", min=2, max=10_000, help="Outbreaks for each reproduction number and quality. 每格暴发数。")
    ] = 300,
    towns: Annotated[
        int, typer.Option("--towns", min=2, max=10_000, help="Towns in each null world, watched for four years. 每个平静世界的镇数。")
    ] = 36,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; default: one per core. 进程数。")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few towns only: shows that it runs, its figures mean nothing. 仅少量镇，试运行。")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON. 输出 JSON。")] = False,
) -> None:
    """Daily fusion and its rivals in simulated towns: alarm intervals in quiet worlds, days and infections until found. 每日融合评测：误报间隔与发现早晚。"""
    with refused_with_two():
        if report is None and not as_json:
            raise ValueError("give --report FOLDER, --json, or both")
        if report is not None:
            report.mkdir(parents=True, exist_ok=True)
    from tongchou.interfaces.cli.benchmark_fusion_figures import Figures
    from tongchou.interfaces.cli.benchmark_fusion_report import blocks_of, records_of
    from tongchou.interfaces.cli.benchmark_fusion_run import Plan, run
    from tongchou.interfaces.cli.paper import as_html, as_pdf

    workers = jobs or os.cpu_count() or 1
    plan = Plan.quick(seed, workers) if quick else Plan(seed, workers, world_towns=towns, outbreak_towns=outbreaks)
    figures = Figures(run(plan, _tell))
    records = records_of(figures)
    if report is not None:
        write_records(records, report / "results.csv", as_json=False)
        write_records(records, report / "results.json", as_json=True)
        sizes = "--quick" if quick else f"--outbreaks {outbreaks} --towns {towns}"
        blocks = blocks_of(figures, f"tongchou benchmark fusion {sizes} --seed {seed} --report FOLDER")
        title = T("每日融合评测：误报同样稀少时，谁先发现", "Daily fusion: a benchmark at equal false alarms")
        (report / "report.html").write_text(as_html(title, blocks), "utf-8")
        (report / "report.pdf").write_bytes(as_pdf(title, blocks))
    if as_json:
        write_records(records, None, as_json=True)
    elif report is not None:
        say(T(f"已写入 {report}：{len(records)} 个数字。", f"Written to {report}: {len(records)} figures, report.html, report.pdf."))


def _tell(share: float, what: T) -> None:
    err.print(f"  {share:4.0%} {what.en} {what.zh}", markup=False, soft_wrap=True)
