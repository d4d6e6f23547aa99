"""Reading a pack: every file, then every cross-check, then either the whole pack or every problem at once."""

import json
from collections.abc import Callable
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tongchou.core.packs import checks, rows
from tongchou.core.packs.contents import Attribution, GeneratedSize, Identity, Pack, PlaceSpec, PlanSpec, Target
from tongchou.core.packs.policies import PolicyBook, read_book
from tongchou.core.packs.problems import PackInvalid, Problem
from tongchou.core.packs.procedures import ProcedureSpec, check_procedures, procedures_of
from tongchou.core.packs.reading import Document, read_csv, read_text, read_yaml
from tongchou.core.wording import T

PLACE_COLUMNS = (
    "code",
    "kind",
    "parent",
    "name_zh",
    "name_en",
    "population",
    "lat",
    "lon",
    "valid_from",
    "valid_to",
    "generated",
)

INDUSTRY_COLUMNS = ("section", "division", "name_zh", "name_en", "share")
Row = TypeVar("Row")


def load_pack(folder: Path) -> Pack:
    """Read and check the pack in `folder`. Raises PackInvalid naming every problem; nothing is returned half-right."""
    reader = _PackReader(Path(folder))
    pack = reader.read()
    if reader.problems or pack is None:
        raise PackInvalid(Path(folder).name, reader.problems)
    return pack


class _PackReader:
    """Gathers documents and problems, so that one wrong file does not hide the problems of the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []

    def read(self) -> Pack | None:
        if not (self.folder / "pack.yaml").is_file():
            what = T("这个文件夹里没有 pack.yaml", "there is no pack.yaml in this folder")
            self.problems.append(Problem(str(self.folder.name), "", what, T("请给出数据包文件夹", "Name the folder of a pack")))
            return None
        head, units, posts = (self._yaml(f"{name}.yaml", name) for name in ("pack", "units", "posts"))
        sentinels = self._yaml("sentinels.yaml", "sentinels")
        parameters = self._several("parameters", "parameters")
        plans = self._several("plans", "plan", needed=False)
        story = self._yaml("story.yaml", "story") if (self.folder / "story.yaml").exists() else None
        entry = self._yaml("entry_rules.yaml", "entry_rules") if (self.folder / "entry_rules.yaml").exists() else None
        places = self._places(outlines := self._outlines())
        industries = self._table("industries.csv", INDUSTRY_COLUMNS, rows.industry_of)
        if self.problems:
            return None
        identity = self._identity(head)
        self._checked(lambda: checks.place_problems(places, identity.place, set(outlines)))
        pack = Pack(
            folder=self.folder,
            identity=identity,
            targets=tuple(Target(t["id"], rows.pair(t["name"])) for t in head.content["targets"]),
            attribution=tuple(map(_attribution, head.content["attribution"])),
            places=tuple(place for _, place in places),
            units=rows.units_of(units.content),
            posts=rows.posts_of(posts.content),
            accounts=rows.accounts_of(posts.content),
            parameters=tuple(p for document in parameters for p in rows.parameters_of(document.content)),
            plans=tuple(rows.plan_of(document.content, document.file) for document in plans),
            sentinels=rows.sentinels_of(sentinels, identity.step_days),
            observation_files=tuple(sorted((self.folder / "observations").glob("*.csv.gz"))),
            story=None if story is None else rows.story_of(story.content),
            industries=industries,
            entry_ceilings=() if entry is None else rows.entry_rules_of(entry.content["ordered"]),
            entry_rules=() if entry is None else rows.entry_rules_of(entry.content.get("rules", entry.content["ordered"])),
            resumption=self._optional("resumption", checks.resumption_problems),
            procedures=self._procedures(posts),
            projects=self._optional("projects", checks.project_problems),
            policies=self._policies({i.division or i.section: i.name for i in industries}),
            digest=self._digest(),
        )
        self._checked(lambda: checks.people_problems(pack, units, posts))
        self._checked(lambda: checks.parameter_problems(pack, parameters))
        for document, plan in zip(plans, pack.plans, strict=True):
            self._check_plan(pack, plan, document)
        self._checked(lambda: checks.sentinel_problems(pack, sentinels))
        self.problems.extend(sentinels.problems)
        if story is not None:
            self._checked(lambda: checks.story_problems(pack, story))
        return pack

    def _optional(self, name: str, check: Callable[[Document], list[Problem]]) -> dict[str, Any] | None:
        """A file that a pack may do without."""
        if not (self.folder / f"{name}.yaml").exists():
            return None
        document = self._yaml(f"{name}.yaml", name)
        if document.content is not None:
            self._checked(lambda: check(document))
        return cast(dict[str, Any] | None, document.content)

    def _procedures(self, posts: Document) -> tuple[ProcedureSpec, ...]:
        if not (self.folder / "approvals.yaml").exists():
            return ()
        document = self._yaml("approvals.yaml", "approvals")
        if document.content is None:
            return ()
        check_procedures(document, [post["id"] for post in posts.content["posts"]])
        self.problems.extend(document.problems)
        return () if document.problems else procedures_of(document.content)

    def _check_plan(self, pack: Pack, plan: PlanSpec, document: Document) -> None:
        self._checked(lambda: checks.plan_problems(pack, plan, document))

    def _checked(self, check: Callable[[], list[Problem]]) -> None:
        self.problems.extend(check())

    def _yaml(self, file: str, schema: str) -> Document:
        document = read_yaml(self.folder / file, file, schema)
        self.problems.extend(document.problems)
        document.problems = []
        return document

    def _several(self, name: str, schema: str, needed: bool = True) -> list[Document]:
        files = sorted((self.folder / name).glob("*.yaml"))
        if needed and not files:
            what = T("一个 YAML 文件也没有", "there is no YAML file in it")
            self.problems.append(Problem(f"{name}/", "", what, T("请至少放一个", "Put at least one there")))
        return [self._yaml(f"{name}/{file.name}", schema) for file in files]

    def _policies(self, industries: dict[str, T]) -> PolicyBook | None:
        """A pack may do without policies, and policies not without fields."""
        if not (self.folder / "policies.yaml").exists():
            return None
        try:
            return read_book(self.folder / "policies.yaml", self.folder / "firm_fields.yaml", industries)
        except PackInvalid as invalid:
            self.problems.extend(invalid.problems)
            return None

    def _outlines(self) -> dict[str, Any]:
        path = self.folder / "outlines.geojson"
        if not path.exists():
            return {}
        text = read_text(path, path.name, self.problems)
        try:
            features = json.loads(text or "{}")["features"]
            return {feature["properties"]["code"]: feature["geometry"] for feature in features}
        except (ValueError, KeyError, TypeError) as error:
            what = T(f"不是带 code 属性的 GeoJSON（{error}）", f"not GeoJSON with a code property on each feature ({error})")
            self.problems.append(Problem(path.name, "", what, T("请重新导出", "Export it again")))
            return {}

    def _places(self, outlines: dict[str, Any]) -> list[tuple[int, PlaceSpec]]:
        found: list[tuple[int, PlaceSpec]] = []
        for line, row in read_csv(self.folder / "places.csv", "places.csv", PLACE_COLUMNS, self.problems):
            try:
                found.append((line, _place(row, outlines.get(row["code"]))))
            except ValueError as error:
                what = T(f"这一行的数字或日期有误（{error}）", f"a number or date in this row is wrong ({error})")
                remedy = T(
                    "人口为整数，日期写作 2022-06-02，generated 为 yes 或 no",
                    "Population is a whole number, dates look like 2022-06-02, generated is yes or no",
                )
                self.problems.append(Problem("places.csv", f"line {line}", what, remedy))
        return found

    def _table(self, file: str, columns: tuple[str, ...], row_of: Callable[[dict[str, str]], Row]) -> tuple[Row, ...]:
        """A list a pack may do without."""
        if not (self.folder / file).exists():
            return ()
        found: list[Row] = []
        for line, row in read_csv(self.folder / file, file, columns, self.problems):
            try:
                found.append(row_of(row))
            except ValueError as error:
                what = T(f"这一行的数字有误（{error}）", f"a number in this row is wrong ({error})")
                self.problems.append(Problem(file, f"line {line}", what, T("请改正", "Correct it")))
        return tuple(found)

    def _identity(self, head: Document) -> Identity:
        content = head.content
        try:
            zone = ZoneInfo(content["zone"])
        except (ZoneInfoNotFoundError, ValueError):
            head.report(
                ("zone",),
                T(f"没有时区 {content['zone']}", f"no time zone {content['zone']}"),
                T("例如 Asia/Shanghai", "For example Asia/Shanghai"),
            )
            self.problems.extend(head.problems)
            zone = ZoneInfo("UTC")
        demo, size = content.get("demo"), content.get("generated")
        return Identity(
            code=content["id"],
            version=content["version"],
            name=rows.pair(content["name"]),
            place=content["place"],
            zone=zone,
            languages=tuple(content["languages"]),
            step_days=content["step_days"],
            demo_now=datetime.fromisoformat(demo["now"]) if demo else None,
            demo_from=datetime.fromisoformat(demo["from"]) if demo else None,
            generated=GeneratedSize(**{**size, "note": rows.pair(size["note"])}) if size else None,
        )

    def _digest(self) -> str:
        """SHA-256 over names and contents of everything a pack is made of."""
        digest = sha256()
        for path in sorted(p for p in self.folder.rglob("*") if p.is_file() and p.suffix in (".yaml", ".csv", ".geojson", ".gz")):
            digest.update(path.relative_to(self.folder).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def _attribution(given: dict[str, Any]) -> Attribution:
    return Attribution(rows.pair(given["title"]), rows.pair(given["holder"]), given["licence"], rows.pair(given["changes"]))


def _place(row: dict[str, str], outline: Any) -> PlaceSpec:
    if row["generated"] not in ("yes", "no"):
        raise ValueError(f"generated: {row['generated']}")
    return PlaceSpec(
        code=row["code"],
        kind=row["kind"],
        parent=row["parent"] or None,
        name=T(row["name_zh"], row["name_en"]),
        population=int(row["population"] or 0),
        lat=float(row["lat"]) if row["lat"] else None,
        lon=float(row["lon"]) if row["lon"] else None,
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        generated=row["generated"] == "yes",
        outline=outline,
    )
