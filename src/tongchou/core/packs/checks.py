"""What no single file can tell: codes that point nowhere, circles, and values that contradict each other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from graphlib import CycleError, TopologicalSorter

from tongchou.core.packs.contents import Pack, ParameterEntry, PlaceSpec, PlanSpec
from tongchou.core.packs.problems import Problem
from tongchou.core.packs.reading import Document
from tongchou.core.wording import T

KeyPath = Sequence[str | int]


class _Checker:
    """Collects problems of one document, with one method per recurring question."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def say(self, path: KeyPath, what: T, remedy: T) -> None:
        self.problems.append(Problem(self.document.file, self.document.where(path), what, remedy))

    def known(self, path: KeyPath, code: str | None, codes: Iterable[str], kind: T) -> None:
        if code is not None and code not in codes:
            self.say(
                path,
                T(f"{kind.zh} {code} 不存在", f"{kind.en} {code} does not exist"),
                T(f"请改为已有的{kind.zh}，或先添加它", f"Use a {kind.en} that exists, or add it first"),
            )

    def unique(self, name: str, codes: Sequence[str], key: str = "id") -> None:
        for index, code in enumerate(codes):
            if code in codes[:index]:
                self.say(
                    (name, index, key),
                    T(f"编码 {code} 重复", f"code {code} is used twice"),
                    T("请给每一项不同的编码", "Give each its own code"),
                )

    def no_circle(self, name: str, before: Mapping[str, Iterable[str]], kind: T) -> None:
        try:
            TopologicalSorter({code: [b for b in others if b in before] for code, others in before.items()}).prepare()
        except CycleError as error:
            walk = " → ".join(error.args[1])
            codes = list(before)
            self.say(
                (name, codes.index(error.args[1][0])),
                T(f"{kind.zh}循环：{walk}", f"circular {kind.en}: {walk}"),
                T("请去掉其中一个环节", "Remove one link of the circle"),
            )


def place_problems(places: Sequence[tuple[int, PlaceSpec]], own: str, outlined: set[str]) -> list[Problem]:
    """Places: own place present, parents exist, one open row per code, no circle, dates in order, outlines of known places."""
    found: list[Problem] = []

    def say(line: int | None, what: T, remedy: T) -> None:
        found.append(Problem("places.csv", "" if line is None else f"line {line}", what, remedy))

    codes = {place.code for _, place in places}
    if own not in codes:
        what = T(f"places.csv 中没有本数据包的地方 {own}", f"the pack's own place {own} is not in places.csv")
        found.append(Problem("pack.yaml", "place", what, T("请在 places.csv 中添加这一行", "Add its row there")))
    for code in sorted(outlined - codes):
        remedy = T("请补上地方，或删去轮廓", "Add the place or remove its outline")
        found.append(Problem("outlines.geojson", code, T(f"轮廓 {code} 没有对应的地方", f"outline {code} belongs to no place"), remedy))
    open_codes = Counter(place.code for _, place in places if place.valid_to is None)
    for line, place in places:
        if place.parent is not None and place.parent not in codes:
            say(line, T(f"上级 {place.parent} 不存在", f"parent {place.parent} does not exist"), T("请先添加上级", "Add the parent first"))
        if open_codes[place.code] > 1 and place.valid_to is None:
            say(
                line,
                T(f"编码 {place.code} 重复", f"code {place.code} is used twice"),
                T("请给旧行填 valid_to", "Give the older row a valid_to"),
            )
        if place.valid_to is not None and place.valid_to <= place.valid_from:
            say(line, T("valid_to 不晚于 valid_from", "valid_to is not after valid_from"), T("请核对两个日期", "Check both dates"))
        if place.population < 0:
            say(line, T("人口为负", "the population is negative"), T("请填写不小于 0 的整数", "Give a whole number of 0 or more"))
        if not place.name.zh or not place.name.en:
            say(line, T("缺少一种语言的名称", "a name is missing in one language"), T("请同时填写中英文名称", "Give both names"))
        if place.lat is not None and place.lon is not None and not (-90 <= place.lat <= 90 and -180 <= place.lon <= 180):
            say(line, T("坐标超出范围", "the coordinates are out of range"), T("请用 WGS-84 的经纬度", "Use WGS-84 degrees"))
    parents = {place.code: [place.parent] if place.parent else [] for _, place in places}
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        walk = " → ".join(error.args[1])
        say(None, T(f"上下级循环：{walk}", f"circular parents: {walk}"), T("请改正 parent", "Correct the parent column"))
    return found


def people_problems(pack: Pack, units: Document, posts: Document) -> list[Problem]:
    """Units, posts and accounts: codes exist and are unique, and escalation does not run in a circle."""
    places, unit_codes, post_codes = _codes(pack)
    of_units, of_posts = _Checker(units), _Checker(posts)
    of_units.unique("units", [u.code for u in pack.units])
    for index, unit in enumerate(pack.units):
        of_units.known(("units", index, "place"), unit.place, places, _PLACE)
    of_posts.unique("posts", [p.code for p in pack.posts])
    of_posts.unique("accounts", [a.username for a in pack.accounts], "username")
    for index, post in enumerate(pack.posts):
        of_posts.known(("posts", index, "unit"), post.unit, unit_codes, _UNIT)
        of_posts.known(("posts", index, "place"), post.place, places, _PLACE)
        of_posts.known(("posts", index, "reports_to"), post.reports_to, post_codes, _POST)
        of_posts.known(("posts", index, "deputy"), post.deputy, post_codes, _POST)
    of_posts.no_circle("posts", {p.code: [p.reports_to] if p.reports_to else [] for p in pack.posts}, T("上报关系", "escalation"))
    for index, account in enumerate(pack.accounts):
        for at, code in enumerate(account.posts):
            of_posts.known(("accounts", index, "posts", at), code, post_codes, _POST)
    return of_units.problems + of_posts.problems


def parameter_problems(pack: Pack, documents: Sequence[Document]) -> list[Problem]:
    """Parameters: one definition per key, known places, and no day with two values for the same place."""
    places = {place.code for place in pack.places}
    found: list[Problem] = []
    seen: dict[str, str] = {}
    specs = iter(pack.parameters)
    for document in documents:
        checker = _Checker(document)
        for index in range(len(document.content["parameters"])):
            spec = next(specs)
            if spec.key in seen:
                checker.say(
                    ("parameters", index, "key"),
                    T(f"已在 {seen[spec.key]} 中定义", f"already defined in {seen[spec.key]}"),
                    T("请合并为一处", "Keep one of them"),
                )
            seen[spec.key] = document.file
            for at, entry in enumerate(spec.entries):
                path = ("parameters", index, "entries", at)
                checker.known((*path, "place"), entry.place, places, _PLACE)
                if entry.to_on is not None and entry.to_on < entry.from_on:
                    checker.say((*path, "to"), T("结束早于开始", "it ends before it starts"), T("请核对两个日期", "Check both dates"))
                if any(_overlap(entry, other) for other in spec.entries[:at]):
                    checker.say(
                        path,
                        T("与前面的时段重叠", "its period overlaps an earlier one"),
                        T("请给前一条填 to", "Give the earlier entry a 'to' date"),
                    )
        found.extend(checker.problems)
    return found


def _overlap(one: ParameterEntry, other: ParameterEntry) -> bool:
    # An open entry is ended by the next one, so only a closed one, or a second one from the same day, can clash.
    if one.place != other.place:
        return False
    first, second = sorted((one, other), key=lambda entry: entry.from_on)
    return first.from_on == second.from_on or (first.to_on or date.min) >= second.from_on


def plan_problems(pack: Pack, plan: PlanSpec, document: Document) -> list[Problem]:
    """A plan: posts, groups, documents, targets and prerequisites exist; tasks make no circle; no task is due before what it waits for."""
    checker = _Checker(document)
    _, unit_codes, post_codes = _codes(pack)
    groups = {group.unit for group in plan.groups}
    for index, group in enumerate(plan.groups):
        checker.known(("command", "groups", index, "unit"), group.unit, unit_codes, _UNIT)
        checker.known(("command", "groups", index, "leader"), group.leader, post_codes, _POST)
    for index, code in enumerate(plan.targets):
        checker.known(("targets", index), code, {t.code for t in pack.targets}, T("病种", "target"))
    checker.unique("tasks", [task.code for task in plan.tasks])
    checker.unique("triggers", [trigger.code for trigger in plan.triggers])
    checker.unique("documents", [paper.code for paper in plan.documents])
    tasks = {task.code: task for task in plan.tasks}
    papers = {paper.code for paper in plan.documents}
    for index, task in enumerate(plan.tasks):
        checker.known(("tasks", index, "owner"), task.owner, post_codes, _POST)
        checker.known(("tasks", index, "group"), task.group, groups, T("工作组", "group of the plan"))
        for at, code in enumerate(task.documents):
            checker.known(("tasks", index, "documents", at), code, papers, T("文书", "document"))
        for at, code in enumerate(task.after):
            checker.known(("tasks", index, "after", at), code, tasks, T("前置任务", "task"))
            if code in tasks and tasks[code].due_minutes > task.due_minutes:
                checker.say(
                    ("tasks", index, "due_minutes"),
                    T(f"早于其前置任务 {code} 的时限", f"due before {code}, which it waits for"),
                    T("请放宽时限或去掉前置", "Give it more time, or drop the prerequisite"),
                )
    checker.no_circle("tasks", {task.code: task.after for task in plan.tasks}, T("前置任务", "tasks"))
    return checker.problems


def sentinel_problems(pack: Pack, document: Document) -> list[Problem]:
    """Sentinels: places, contacts and targets exist, codes are unique, and an additive stream says how infections show in it."""
    checker = _Checker(document)
    places, _, post_codes = _codes(pack)
    targets = {target.code for target in pack.targets}
    checker.unique("sentinels", [s.code for s in pack.sentinels])
    stream_codes = Counter(stream.code for sentinel in pack.sentinels for stream in sentinel.streams)
    for index, sentinel in enumerate(pack.sentinels):
        checker.known(("sentinels", index, "place"), sentinel.place, places, _PLACE)
        checker.known(("sentinels", index, "contact"), sentinel.contact, post_codes, _POST)
        for catchment in sentinel.catchments:
            checker.known(("sentinels", index, "catchment", catchment.place), catchment.place, places, _PLACE)
        for at, stream in enumerate(sentinel.streams):
            if stream_codes[stream.code] > 1:
                checker.say(
                    ("sentinels", index, "streams", at, "id"),
                    T(f"数据流编码 {stream.code} 重复", f"stream code {stream.code} is used twice"),
                    T("请给每条数据流不同的编码", "Give each stream its own code"),
                )
    for kind, content in document.content["stream_kinds"].items():
        for at, code in enumerate(content["targets"]):
            checker.known(("stream_kinds", kind, "targets", at), code, targets, T("病种", "target"))
        model = content["model"]
        if content["targets"] and model["form"] == "additive" and not model.get("events_per_infection"):
            checker.say(
                ("stream_kinds", kind, "model"),
                T("加性模型缺少 events_per_infection", "an additive model needs events_per_infection"),
                T("请填写每例感染的期望事件数", "Give the expected events per infection"),
            )
    return checker.problems


def story_problems(pack: Pack, document: Document) -> list[Problem]:
    """A story: its places, streams and kinds of stream exist."""
    checker, story = _Checker(document), pack.story
    if story is None:
        return []
    villages = {village.code for village in pack.villages}
    streams = {stream.code: stream.kind for sentinel in pack.sentinels for stream in sentinel.streams}
    for index, outbreak in enumerate(story.outbreaks):
        checker.known(("outbreaks", index, "place"), outbreak.place, villages, _PLACE)
    for index, cause in enumerate(story.other_causes):
        checker.known(("other_causes", index, "place"), cause.place, villages, _PLACE)
        for kind in cause.extra:
            checker.known(("other_causes", index, "extra", kind), kind, set(streams.values()), T("数据流类型", "kind of stream"))
    for index, code in enumerate(story.silent_from):
        checker.known(("silences", index, "stream"), code, streams, T("数据流", "stream"))
    return checker.problems


def resumption_problems(document: Document) -> list[Problem]:
    """Rules of resumption: every code once; sources, grounds and stages named exist; one stage a day for each kind of subject; days in order."""
    checker, content = _Checker(document), document.content
    known = {"src": set(content["sources"]), "grounds": set(content["grounds"]), "stages": {stage["id"] for stage in content["stages"]}}
    kinds = {"src": T("出处", "source"), "grounds": T("理由", "ground"), "stages": T("阶段", "stage")}
    last: dict[str, str] = {}
    for name in ("stages", "conditions", "grades"):
        checker.unique(name, [row["id"] for row in content[name]])
        for index, row in enumerate(content[name]):
            for key, codes in known.items():
                for at, code in enumerate(row.get(key, ())):
                    checker.known((name, index, key, at), code, codes, kinds[key])
            if row.get("to", "9999") < row.get("from", ""):
                checker.say((name, index, "to"), T("止于起始之前", "it ends before it begins"), T("请更正日期", "Correct the days"))
            if name == "stages":
                if row["from"] <= last.get(row["for"], ""):
                    checker.say(
                        (name, index, "from"),
                        T("与上一阶段重叠，或不按先后", "it overlaps the stage before, or comes out of order"),
                        T("一类对象一天只有一个阶段，请按日期先后写", "One stage a day for each kind of subject, in the order of days"),
                    )
                last[row["for"]] = row.get("to", "9999")
    return checker.problems


def project_problems(document: Document) -> list[Problem]:
    """The book of projects: every code once, the milestones of the lights there, definitions in the order of days, batches that everybody fits into."""
    checker, content = _Checker(document), document.content
    milestones = [row["id"] for row in content["milestones"]]
    checker.unique("milestones", milestones)
    checker.unique("sectors", [row["id"] for row in content["sectors"]])
    for needed in ("started", "finished"):
        if needed not in milestones:
            checker.say(
                ("milestones",),
                T(f"缺少节点 {needed}", f"milestone {needed} is missing"),
                T("亮灯要用它，请补上", "The lights need it; add it"),
            )
    last = ""
    for index, row in enumerate(content["definitions"]):
        where: KeyPath = ("definitions", index)
        if row["from"] <= last:
            checker.say(
                (*where, "from"),
                T("不按日期先后", "not in the order of days"),
                T("请按起始日期排列", "Put them in the order of their first days"),
            )
        last = row["from"]
        for at, source in enumerate(row["src"]):
            checker.known((*where, "src", at), source, set(content["sources"]), T("出处", "source"))
        for at, batch in enumerate(row["batches"]):
            if batch["id"] != ("reserve", "signed", "started", "finished")[at]:
                said = T("四批须依次为储备、签约、开工、竣工", "the four batches come as reserve, signed, started, finished")
                checker.say((*where, "batches", at, "id"), said, T("请按此顺序写", "Write them in this order"))
            if (at == 0) == bool(batch["after"]):
                said = T("第一批不设条件，其余各批至少一个节点", "the first batch asks for nothing, each other for one milestone at least")
                checker.say((*where, "batches", at, "after"), said, T("请更正", "Correct it"))
            for n, code in enumerate(batch["after"]):
                checker.known((*where, "batches", at, "after", n), code, set(milestones), T("节点", "milestone"))
    return checker.problems


_PLACE, _UNIT, _POST = T("地方", "place"), T("单位", "unit"), T("岗位", "post")


def _codes(pack: Pack) -> tuple[set[str], set[str], set[str]]:
    return {p.code for p in pack.places}, {u.code for u in pack.units}, {p.code for p in pack.posts}
