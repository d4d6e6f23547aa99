"""From checked plain data to frozen rows."""

from datetime import date
from typing import Any

from tongchou.core.packs.contents import (
    AccountSpec,
    Catchment,
    DocumentSpec,
    EntryRuleSpec,
    GroupSpec,
    IndustrySpec,
    OtherCauseSpec,
    OutbreakSpec,
    ParameterEntry,
    ParameterSpec,
    PlanSpec,
    PostSpec,
    ProofSpec,
    SentinelSpec,
    StorySpec,
    StreamModel,
    StreamSpec,
    TaskSpec,
    TriggerSpec,
    UnitSpec,
)
from tongchou.core.packs.reading import Document
from tongchou.core.wording import T


def pair(content: dict[str, str]) -> T:
    return T(content["zh"], content["en"])


def _pair_or_none(content: dict[str, str] | None) -> T | None:
    return None if content is None else pair(content)


def units_of(content: Any) -> tuple[UnitSpec, ...]:
    return tuple(
        UnitSpec(u["id"], u["kind"], pair(u["name"]), u["place"], _pair_or_none(u.get("duties")), u["confidence"]) for u in content["units"]
    )


def posts_of(content: Any) -> tuple[PostSpec, ...]:
    return tuple(
        PostSpec(p["id"], p["kind"], pair(p["name"]), p["unit"], p["place"], p.get("reports_to"), p.get("deputy")) for p in content["posts"]
    )


def accounts_of(content: Any) -> tuple[AccountSpec, ...]:
    return tuple(
        AccountSpec(a["username"], pair(a["name"]), tuple(a["posts"]), a.get("email", f"{a['username']}@town.example"))
        for a in content["accounts"]
    )


def entry_rules_of(lines: Any) -> tuple[EntryRuleSpec, ...]:
    return tuple(
        EntryRuleSpec(
            tuple(line["venue_classes"]),
            date.fromisoformat(line["from"]),
            date.fromisoformat(line["to"]) if "to" in line else None,
            line["test_hours"],
            line["may_refuse"],
            pair(line["source"]),
            line["confidence"],
            line.get("takes_permits", False),
        )
        for line in lines
    )


def parameters_of(content: Any) -> tuple[ParameterSpec, ...]:
    return tuple(
        ParameterSpec(p["key"], p["unit"], p["kind"], pair(p["description"]), tuple(_entry(e) for e in p["entries"]))
        for p in content["parameters"]
    )


def _entry(content: Any) -> ParameterEntry:
    return ParameterEntry(
        value=content["value"],
        from_on=date.fromisoformat(content["from"]),
        to_on=date.fromisoformat(content["to"]) if "to" in content else None,
        place=content.get("place"),
        source=pair(content["source"]),
        confidence=content["confidence"],
    )


def plan_of(content: Any, file: str) -> PlanSpec:
    command = content["command"]
    return PlanSpec(
        code=content["id"],
        version=content["version"],
        name=pair(content["name"]),
        status=content["status"],
        targets=tuple(content.get("targets", ())),
        source=pair(content["source"]),
        command_name=pair(command["name"]),
        groups=tuple(GroupSpec(g["unit"], g["leader"], pair(g["duties"])) for g in command["groups"]),
        triggers=tuple(
            TriggerSpec(t["id"], pair(t["name"]), t["kind"], tuple(t.get("grades", ())), t["level"], t["confidence"])
            for t in content["triggers"]
        ),
        documents=tuple(DocumentSpec(d["id"], pair(d["name"])) for d in content["documents"]),
        tasks=tuple(_task(t) for t in content["tasks"]),
        file=file,
    )


def _task(content: Any) -> TaskSpec:
    return TaskSpec(
        code=content["id"],
        name=pair(content["name"]),
        detail=_pair_or_none(content.get("detail")),
        group=content["group"],
        owner=content["owner"],
        after=tuple(content.get("after", ())),
        due_minutes=content["due_minutes"],
        proofs=tuple(ProofSpec(p["kind"], pair(p["name"])) for p in content["proofs"]),
        documents=tuple(content.get("documents", ())),
        approvals=content.get("approvals", 0),
        repeat_minutes=content.get("repeat_minutes"),
    )


def sentinels_of(document: Document, pack_step_days: int) -> tuple[SentinelSpec, ...]:
    """Sentinels with their streams' kinds filled in; a stream of an unknown kind is reported on the document and left out."""
    kinds = document.content["stream_kinds"]
    found: list[SentinelSpec] = []
    for index, sentinel in enumerate(document.content["sentinels"]):
        streams: list[StreamSpec] = []
        for at, stream in enumerate(sentinel["streams"]):
            if stream["kind"] in kinds:
                streams.append(_stream(stream, kinds[stream["kind"]], pack_step_days))
                continue
            known = ", ".join(sorted(kinds))
            document.report(
                ("sentinels", index, "streams", at, "kind"),
                T(f"数据流类型 {stream['kind']} 没有定义", f"stream kind {stream['kind']} is not defined"),
                T(f"请在 stream_kinds 中定义，已有：{known}", f"Define it under stream_kinds; defined: {known}"),
            )
        found.append(_sentinel(sentinel, tuple(streams)))
    return tuple(found)


def _sentinel(content: Any, streams: tuple[StreamSpec, ...]) -> SentinelSpec:
    return SentinelSpec(
        code=content["id"],
        kind=content["kind"],
        setting=content["setting"],
        name=pair(content["name"]),
        place=content["place"],
        catchments=tuple(Catchment(place, float(share)) for place, share in content["catchment"].items()),
        operator=pair(content["operator"]),
        contact=content["contact"],
        days=tuple(content["days"]),
        state=content["state"],
        generated=content["generated"],
        streams=streams,
    )


def _stream(content: Any, kind: Any, pack_step_days: int) -> StreamSpec:
    own = {key: float(content[key]) for key in ("background_per_day", "dispersion") if key in content}
    model = {**kind["model"], **own}
    if "weekday" in model:
        model["weekday"] = tuple(float(share) for share in model["weekday"])
    step_days = kind.get("step_days", pack_step_days)
    return StreamSpec(
        code=content["id"],
        kind=content["kind"],
        indicator=pair(kind["indicator"]),
        unit=pair(kind["unit"]),
        value_kind=kind["value_kind"],
        targets=tuple(kind["targets"]),
        step_days=step_days,
        period_days=kind.get("period_days", step_days),
        expected_delay_days=float(kind["expected_delay_days"]),
        direction=kind["direction"],
        specific=kind["specific"],
        weight=float(kind["weight"]),
        plausible_max=kind.get("plausible_max"),
        model=StreamModel(**model),
    )


def story_of(content: Any) -> StorySpec:
    return StorySpec(
        first_day=date.fromisoformat(content["first_day"]),
        last_day=date.fromisoformat(content["last_day"]),
        outbreaks=tuple(
            OutbreakSpec(
                o["id"],
                o["place"],
                date.fromisoformat(o["seeded_on"]),
                o["seeds"],
                float(o["reproduction"]),
                date.fromisoformat(o["contained_on"]) if "contained_on" in o else None,
                float(o.get("reproduction_after", o["reproduction"])),
                tuple(o.get("left_undone", ())),
                pair(o["note"]),
            )
            for o in content["outbreaks"]
        ),
        other_causes=tuple(
            OtherCauseSpec(c["id"], c["place"], date.fromisoformat(c["first_day"]), c["days"], c["extra"], pair(c["note"]))
            for c in content["other_causes"]
        ),
        silent_from={s["stream"]: date.fromisoformat(s["from"]) for s in content["silences"]},
    )


def industry_of(row: dict[str, str]) -> IndustrySpec:
    return IndustrySpec(row["section"], row["division"], T(row["name_zh"], row["name_en"]), float(row["share"] or 0))
