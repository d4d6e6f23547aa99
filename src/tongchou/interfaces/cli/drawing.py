"""`tongchou draw`: a draw made, announced and checked from files, without a town or a database."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import yaml

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import say
from tongchou.interfaces.cli.tables import BadTable, OutFile, read_table, refused_with_two, write_records

if TYPE_CHECKING:
    from tongchou.science import Frame, StratumDesign

app = typer.Typer(help="Random draws that anybody can make again. 随机抽检：任何人都能重算。")
FRAME_HELP = "CSV: unit[,stratum][,risk]; pseudonyms, no names. 抽样框（不写姓名）。"
DESIGN_HELP = "YAML: strata: {NAME: {size, reserve, by_risk, floor, cap}}. 抽样方案。"
SEED_HELP = "The seed text, 16 signs or more. 种子文本，不少于 16 个字符。"
FrameFile = Annotated[Path, typer.Option("--frame", help=FRAME_HELP)]
DesignFile = Annotated[Path, typer.Option("--design", help=DESIGN_HELP)]
SeedText = Annotated[str, typer.Option("--seed", help=SEED_HELP)]
OF_DESIGN: dict[str, type] = {"size": int, "reserve": int, "by_risk": bool, "floor": float, "cap": float}


@app.callback(invoke_without_command=True)
def draw(
    context: typer.Context,
    frame: Annotated[Path | None, typer.Option("--frame", help=FRAME_HELP)] = None,
    design: Annotated[Path | None, typer.Option("--design", help=DESIGN_HELP)] = None,
    seed: Annotated[str | None, typer.Option("--seed", help=SEED_HELP)] = None,
    out: OutFile = None,
) -> None:
    """Draw sample and reserve; `commit` prints what to publish before, `verify` checks it after. 抽出样本和备选。"""
    from tongchou.science import draw_sample

    if context.invoked_subcommand is not None:
        return
    with refused_with_two():
        if frame is None or design is None or seed is None:
            raise ValueError("give --frame, --design and --seed; or see tongchou draw --help")
        write_records(_records(draw_sample(_frame(frame), _design(design), seed)), out, False)


@app.command("commit")
def commit(frame: FrameFile, design: DesignFile, seed: SeedText) -> None:
    """Print the three digests to publish before the draw. 抽检前公布的三个摘要。"""
    with refused_with_two():
        _tell_digests(_digests(_frame(frame), _design(design), seed))


@app.command("verify")
def verify(
    frame: FrameFile,
    design: DesignFile,
    seed: SeedText,
    draw_file: Annotated[Path, typer.Option("--draw", help="The draw that was published, CSV. 已公布的抽检名单。")],
    published: Annotated[
        list[str] | None,
        typer.Option(
            "--published",
            help="KIND=DIGEST, KIND frame, design, seed, or secret (the seed up to its first colon); may be repeated. 事前公布的摘要。",
        ),
    ] = None,
) -> None:
    """Make a published draw again and compare it, and the digests, line by line. 重算并核对已公布的抽检。"""
    from tongchou.science import draw_sample, seed_commitment

    with refused_with_two():
        known, plan = _frame(frame), _design(design)
        digests = _digests(known, plan, seed)
        if ":" in seed:
            digests["secret"] = seed_commitment(seed.partition(":")[0])
        for text in published or []:
            kind, _, digest = text.partition("=")
            if kind not in digests:
                raise ValueError(f"--published {text}: write frame=…, design=…, seed=… or, where the seed has a colon, secret=…")
            if digests[kind] != digest.strip().lower():
                _differs(
                    T(
                        f"{kind} 的摘要与公布的不同：现为 {digests[kind]}",
                        f"the digest of the {kind} is not the published one: it is {digests[kind]}",
                    )
                )
        expected = [{name: str(value) for name, value in row.items()} for row in _records(draw_sample(known, plan, seed))]
        table = read_table(draw_file)
        for column in expected[0]:
            table.column(column)
        for row, wanted in zip(table.rows, expected, strict=False):
            for column, value in wanted.items():
                if (there := row.cells.get(column, "").strip()) != value:
                    said = T(
                        f"第 {row.line} 行“{column}”列是“{there}”，重算得“{value}”",
                        f"row {row.line}, column {column}: '{there}', made again: '{value}'",
                    )
                    _differs(T(f"{draw_file} {said.zh}", f"{draw_file}, {said.en}"))
        if len(table.rows) != len(expected):
            said = T(
                f"{draw_file} 有 {len(table.rows)} 行，重算得 {len(expected)} 行",
                f"{draw_file} has {len(table.rows)} rows, made again: {len(expected)}",
            )
            _differs(said)
        say(T(f"核对一致：{len(expected)} 行。", f"The draw is the same when made again: {len(expected)} rows."))


def _differs(said: T) -> NoReturn:
    raise BadTable(
        T(f"{said.zh}。", f"{said.en}."),
        T("请使用公布时的抽样框、方案和种子；仍不一致，则这次抽检不成立。", "Use the frame, design and seed of that day; if it still differs, the draw does not stand."),
    )  # fmt: skip


def _digests(frame: "Frame", design: "Sequence[StratumDesign]", seed: str) -> dict[str, str]:
    from tongchou.science import design_digest, frame_digest, seed_commitment

    return {"frame": frame_digest(frame), "design": design_digest(design), "seed": seed_commitment(seed)}


def _tell_digests(digests: dict[str, str]) -> None:
    for kind, digest in digests.items():
        typer.echo(f"{kind}={digest}")


def _records(found: Any) -> list[dict[str, Any]]:
    return [
        {
            "stratum": u.stratum,
            "role": "reserve" if u.is_reserve else "sample",
            "order": u.order,
            "unit": u.unit,
            "probability": repr(u.probability),
        }
        | {"is_certain": int(u.unit in found.certain)}
        for u in found.units
    ]


def _frame(path: Path) -> "Frame":
    from tongchou.science import Frame

    table = read_table(path)
    unit, stratum, risk = table.column("unit"), table.optional("stratum"), table.optional("risk")
    return Frame(
        tuple(row.cells.get(unit, "").strip() for row in table.rows),
        tuple(row.cells.get(stratum, "").strip() if stratum else "all" for row in table.rows),
        tuple(row.count(risk) if risk else 1.0 for row in table.rows),
    )


def _design(path: Path) -> "list[StratumDesign]":
    from tongchou.science import StratumDesign

    try:
        read = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise BadTable(
            T(f"{path} 无法读取：{told}。", f"{path}: cannot be read: {told}."),
            T("请给出 UTF-8 的 YAML 文件。", "Give a YAML file in UTF-8."),
        ) from error
    strata = read.get("strata") if isinstance(read, dict) else None
    if not isinstance(strata, dict) or not strata:
        raise ValueError(f"{path}: write strata: {{NAME: {{size: 20, reserve: 10}}}}")
    return [StratumDesign(name=str(name), **_knobs(path, str(name), given)) for name, given in strata.items()]


def _knobs(path: Path, name: str, given: object) -> dict[str, Any]:
    if not isinstance(given, dict) or "size" not in given:
        raise ValueError(f"{path}, stratum {name}: size is missing")
    for key, value in given.items():
        if key not in OF_DESIGN:
            raise ValueError(f"{path}, stratum {name}: {key} is not known; known: {', '.join(OF_DESIGN)}")
        kind = OF_DESIGN[key]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(
                f"{path}, stratum {name}: {key} must be {'a number' if kind is float else 'a whole number' if kind is int else 'true or false'}; got {value!r}"
            )
    return dict(given)
