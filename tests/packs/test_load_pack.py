"""Reading and checking a pack: what is right is taken over whole, what is wrong is named where it is."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tongchou.core.packs.loading import load_pack
from tongchou.core.packs.observations import read_observations
from tongchou.core.packs.problems import PackInvalid, Problem
from tongchou.core.people.rules import CAPABILITIES
from tongchou.core.wording import T

FILES = {
    "pack.yaml": """\
id: small
version: 1
name: {zh: 小镇, en: Small Town}
place: "T1"
zone: Asia/Shanghai
languages: [zh, en]
step_days: 1
targets:
  - {id: covid19, name: {zh: 新冠, en: COVID-19}}
attribution:
  - {title: {zh: 生成, en: Generated}, holder: {zh: 无, en: nobody}, licence: none, changes: {zh: 无, en: none}}
""",
    "places.csv": """\
code,kind,parent,name_zh,name_en,population,lat,lon,valid_from,valid_to,generated
T1,town,,小镇,Small Town,300,31.1,121.2,2020-01-01,,yes
T1001,village,T1,东村,East village,100,31.1,121.2,2020-01-01,,yes
T1002,village,T1,西村,West village,200,,,2020-01-01,,yes
""",
    "units.yaml": """\
units:
  - {id: office, kind: office, name: {zh: 综合协调办公室, en: Coordination office}, place: T1, confidence: medium}
""",
    "posts.yaml": """\
posts:
  - {id: leader, kind: duty_leader, name: {zh: 值班领导, en: Duty leader}, unit: office, place: T1}
  - {id: officer, kind: duty_officer, name: {zh: 值班员, en: Duty officer}, unit: office, place: T1, reports_to: leader, deputy: leader}
accounts:
  - {username: lin, name: {zh: 林, en: Lin}, posts: [officer], fictional: true}
""",
    "entry_rules.yaml": """\
version: 1
ordered:
  - {venue_classes: [all], from: 2022-06-01, to: 2022-12-06, test_hours: 72, may_refuse: true, source: {zh: 通知, en: notice}, confidence: high}
""",
    "resumption.yaml": """\
version: 1
sources: {n: {title: {zh: 通知, en: notice}, date: 2022-06-01}}
grounds: {all: {zh: 全部, en: everybody}}
stages:
  - {id: now, for: firm, name: {zh: 一, en: first}, from: 2022-06-01, to: 2022-06-30, grounds: [all], approval: false, src: [n], confidence: high}
  - {id: next, for: firm, name: {zh: 二, en: second}, from: 2022-07-01, grounds: [all], approval: false, src: [n], confidence: high}
conditions:
  - {id: C1, check: paper, name: {zh: 登记, en: ledger}, proof: {zh: 台账, en: ledger}, stages: [now], src: [n], confidence: high}
grades: []
""",
    "parameters/times.yaml": """\
parameters:
  - key: incident.report_within
    unit: minutes
    kind: duration
    description: {zh: 报告时限, en: Time to report}
    entries:
      - {value: 120, from: 2022-01-01, source: {zh: 通知, en: notice}, confidence: medium}
      - {value: 60, from: 2022-06-01, place: T1001, source: {zh: 通知, en: notice}, confidence: low}
""",
    "plans/spread.yaml": """\
id: spread
version: 2
name: {zh: 方案, en: Plan}
status: draft
targets: [covid19]
source: {zh: 示范, en: demonstration}
command:
  name: {zh: 一办, en: One office}
  groups:
    - {unit: office, leader: leader, duties: {zh: 协调, en: coordinate}}
triggers:
  - {id: T1, name: {zh: 红橙预警, en: Red or orange}, kind: alarm, grades: [red, orange], level: activate, confidence: low}
documents:
  - {id: order, name: {zh: 启动令, en: activation order}}
tasks:
  - {id: A01, name: {zh: 启动, en: Activate}, group: office, owner: officer, due_minutes: 15, proofs: [{kind: receipt, name: {zh: 回执, en: receipt}}], documents: [order]}
  - {id: A02, name: {zh: 核对, en: Verify}, group: office, owner: officer, after: [A01], due_minutes: 30, proofs: [{kind: photo, name: {zh: 照片, en: photo}}], approvals: 2}
""",
    "sentinels.yaml": """\
stream_kinds:
  fever:
    indicator: {zh: 发热门诊人次, en: fever visits}
    unit: {zh: 人次, en: visits}
    value_kind: count
    targets: [covid19]
    expected_delay_days: 1
    direction: higher
    specific: false
    weight: 0.25
    model: {form: additive, basis: assumption, events_per_infection: 0.2, delay_mean_days: 6, delay_sd_days: 2, weekday: [1.4, 1, 1, 1, 1, 0.8, 0.8]}
sentinels:
  - id: S1
    kind: monitoring
    setting: fever_clinic
    name: {zh: 发热门诊, en: Fever clinic}
    place: T1001
    catchment: {T1001: 0.8, T1002: 0.1}
    operator: {zh: 卫生院, en: Health centre}
    contact: officer
    days: [1, 2, 3, 4, 5]
    state: live
    generated: true
    streams: [{id: S1-fever, kind: fever, background_per_day: 3.5}]
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "small"


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, old
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(PackInvalid) as caught:
        load_pack(folder)
    return caught.value.problems


def test_a_right_pack_is_taken_over_whole(folder: Path) -> None:
    pack = load_pack(folder)
    assert pack.identity.code == "small" and pack.identity.zone.key == "Asia/Shanghai"
    assert [village.code for village in pack.villages] == ["T1001", "T1002"]
    assert pack.posts[1].reports_to == "leader" and pack.accounts[0].email == "lin@town.example"
    entry = pack.parameters[0].entries[1]
    assert (entry.value, entry.from_on, entry.place, entry.confidence) == (60, date(2022, 6, 1), "T1001", "low")
    task = pack.plans[0].tasks[1]
    assert (task.after, task.due_minutes, task.approvals, task.proofs[0].kind) == (("A01",), 30, 2, "photo")
    stream = pack.sentinels[0].streams[0]
    assert (stream.step_days, stream.period_days, stream.model.background_per_day) == (1, 1, 3.5)
    (rule,) = pack.entry_rules
    assert (rule.venue_classes, rule.from_on, rule.to_on, rule.test_hours) == (("all",), date(2022, 6, 1), date(2022, 12, 6), 72)
    assert pack.entry_ceilings == pack.entry_rules
    assert stream.indicator == T("发热门诊人次", "fever visits") and pack.sentinels[0].catchments[1].share == 0.1


def test_the_digest_follows_the_content(folder: Path) -> None:
    first = load_pack(folder).digest
    assert load_pack(folder).digest == first
    change(folder, "units.yaml", "medium", "high")
    assert load_pack(folder).digest != first


# file, what is replaced, by what, where the problem is named, words of what is said
WRONG = {
    "plan names a missing post": ("plans/spread.yaml", "owner: officer, after", "owner: nobody, after", "tasks[1].owner", "post nobody does not exist"),
    "plan names a missing group": ("plans/spread.yaml", "group: office, owner: officer, after", "group: ghosts, owner: officer, after", "tasks[1].group", "ghosts"),
    "plan names a missing document": ("plans/spread.yaml", "documents: [order]", "documents: [decree]", "tasks[0].documents[0]", "document decree"),
    "plan's group has a missing unit": ("plans/spread.yaml", "{unit: office,", "{unit: nowhere,", "command.groups[0].unit", "unit nowhere"),
    "circular tasks": ("plans/spread.yaml", "owner: officer, due_minutes: 15", "owner: officer, after: [A02], due_minutes: 30", "tasks[0]", "circular tasks: A01"),
    "task waits for itself": ("plans/spread.yaml", "after: [A01]", "after: [A02]", "tasks[1]", "circular tasks: A02"),
    "task due before what it waits for": ("plans/spread.yaml", "due_minutes: 30", "due_minutes: 5", "tasks[1].due_minutes", "due before A01"),
    "due time of nothing": ("plans/spread.yaml", "due_minutes: 30", "due_minutes: 0", "tasks[1].due_minutes", "out of range"),
    "parameter without a date": ("parameters/times.yaml", "from: 2022-01-01, ", "", "parameters[0].entries[0]", "from is missing"),
    "parameter without a unit": ("parameters/times.yaml", "    unit: minutes\n", "", "parameters[0]", "unit is missing"),
    "parameter without a source": ("parameters/times.yaml", "source: {zh: 通知, en: notice}, confidence: medium", "confidence: medium", "entries[0]", "source is missing"),
    "parameter of an unknown place": ("parameters/times.yaml", "place: T1001", "place: T9", "entries[1].place", "place T9"),
    "parameter twice on one day": ("parameters/times.yaml", "from: 2022-06-01, place: T1001", "from: 2022-01-01", "entries[1]", "overlaps"),
    "parameter with an impossible date": ("parameters/times.yaml", "2022-06-01", "2022-02-30", "line 8", "day is out of range"),
    "one language only": ("units.yaml", ", en: Coordination office", "", "units[0].name", "en is missing"),
    "unknown key": ("units.yaml", "confidence: medium", "confidence: medium, colour: red", "units[0]", "unknown key colour"),
    "key given twice": ("units.yaml", "kind: office,", "kind: office, kind: group,", "units[0].kind", "given twice"),
    "unit in no place": ("units.yaml", "place: T1", "place: T7", "units[0].place", "place T7"),
    "post of an unknown kind": ("posts.yaml", "kind: duty_leader", "kind: king", "posts[0].kind", "king"),
    "escalation in a circle": ("posts.yaml", "unit: office, place: T1}", "unit: office, place: T1, reports_to: officer}", "posts[", "circular escalation"),
    "account with a missing post": ("posts.yaml", "posts: [officer]", "posts: [officer, gate]", "accounts[0].posts[1]", "post gate"),
    "real person": ("posts.yaml", "fictional: true", "fictional: false", "accounts[0].fictional", "const"),
    "negative delay": ("sentinels.yaml", "expected_delay_days: 1", "expected_delay_days: -1", "stream_kinds.fever.expected_delay_days", "out of range"),
    "undefined stream kind": ("sentinels.yaml", "kind: fever,", "kind: sneezes,", "sentinels[0].streams[0].kind", "sneezes is not defined"),
    "catchment elsewhere": ("sentinels.yaml", "T1002: 0.1", "T8: 0.1", "sentinels[0].catchment.T8", "place T8"),
    "catchment above one": ("sentinels.yaml", "T1002: 0.1", "T1002: 1.1", "sentinels[0].catchment.T1002", "out of range"),
    "additive stream without a kernel": ("sentinels.yaml", "events_per_infection: 0.2, ", "", "stream_kinds.fever.model", "events_per_infection"),
    "unknown target": ("sentinels.yaml", "targets: [covid19]", "targets: [plague]", "stream_kinds.fever.targets[0]", "target plague"),
    "post code twice": ("posts.yaml", "id: officer, kind", "id: leader, kind", "posts[1].id", "used twice"),
    "dangling parent": ("places.csv", "village,T1,西村", "village,T5,西村", "line 4", "parent T5"),
    "place code twice": ("places.csv", "T1002,", "T1001,", "line 3", "used twice"),
    "population in words": ("places.csv", ",200,", ",many,", "line 4", "many"),
    "row cut short": ("places.csv", "T1002,village,T1,西村,West village,200,,,2020-01-01,,yes", "T1002,village,T1,西村", "line 4", "another number of cells"),
    "wrong header": ("places.csv", "name_zh,name_en", "name,name_en", "line 1", "header"),
    "own place missing": ("pack.yaml", 'place: "T1"', 'place: "T0"', "place", "own place T0"),
    "unknown zone": ("pack.yaml", "Asia/Shanghai", "Asia/Xujing", "line 5, zone", "no time zone"),
    "entry rule without a source": ("entry_rules.yaml", ", source: {zh: 通知, en: notice}", "", "ordered[0]", "source is missing"),
    "entry rule with a test of no hours": ("entry_rules.yaml", "test_hours: 72", "test_hours: 0", "ordered[0].test_hours", "out of range"),
    "filing under an unknown stage": ("resumption.yaml", "stages: [now]", "stages: [then]", "conditions[0].stages[0]", "stage then"),
    "two stages on a day": ("resumption.yaml", "from: 2022-06-01, to: 2022-06-30", "from: 2022-06-01", "stages[1].from", "overlaps"),
    "condition without its paper": ("resumption.yaml", "proof: {zh: 台账, en: ledger}, ", "", "conditions[0]", "proof is missing"),
    "broken YAML": ("units.yaml", "units:", "units: [", "line", "broken YAML"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_every_wrong_thing_is_named_where_it_is(folder: Path, name: str) -> None:
    file, old, new, where, words = WRONG[name]
    change(folder, file, old, new)
    found = problems_of(folder)
    match = [p for p in found if p.file == file and where in p.where and words in p.what.en]
    assert match, [p.said().en for p in found]
    assert match[0].remedy.en and match[0].remedy.zh and match[0].what.zh


def test_lines_are_counted_as_an_editor_counts_them(folder: Path) -> None:
    change(folder, "sentinels.yaml", "expected_delay_days: 1", "expected_delay_days: -1")
    assert problems_of(folder)[0].where == "line 7, stream_kinds.fever.expected_delay_days"


def test_all_problems_are_reported_at_once(folder: Path) -> None:
    change(folder, "units.yaml", "place: T1", "place: T7")
    change(folder, "posts.yaml", "reports_to: leader, ", "reports_to: boss, ")
    change(folder, "plans/spread.yaml", "owner: officer, after", "owner: nobody, after")
    change(folder, "sentinels.yaml", "contact: officer", "contact: stranger")
    assert {p.file for p in problems_of(folder)} == {"units.yaml", "posts.yaml", "plans/spread.yaml", "sentinels.yaml"}


def test_other_encodings_and_missing_files_are_said_plainly(folder: Path) -> None:
    (folder / "units.yaml").write_bytes(FILES["units.yaml"].encode("gb18030"))
    (folder / "posts.yaml").unlink()
    found = {p.file: p.what.en for p in problems_of(folder)}
    assert "not UTF-8" in found["units.yaml"] and "missing" in found["posts.yaml"]


def test_a_folder_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    assert "no pack.yaml" in problems_of(tmp_path)[0].what.en


def test_the_kinds_of_post_are_those_that_people_know() -> None:
    import json

    import tongchou.core.packs.reading as reading

    schema = json.loads((Path(reading.__file__).parent / "schemas" / "posts.json").read_text(encoding="utf-8"))
    assert set(schema["properties"]["posts"]["items"]["properties"]["kind"]["enum"]) == set(CAPABILITIES)


def test_observations_come_in_chunks_and_a_bad_row_is_named(folder: Path) -> None:
    path = folder / "observations" / "real.csv.gz"
    path.parent.mkdir()
    head = "stream,day,reported_at,value,basis\n"
    row = "S1-fever,2022-05-{:02d},2022-05-{:02d}T01:00:00+00:00,4,vintage\n"
    path.write_bytes(gzip.compress((head + "".join(row.format(d, d + 1) for d in range(1, 8))).encode()))
    chunks = list(read_observations(path, chunk_rows=3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert chunks[0].reported_at[0] == datetime(2022, 5, 2, 1, tzinfo=UTC) and chunks[2].day == [date(2022, 5, 7)]
    path.write_bytes(gzip.compress((head + row.format(1, 2) + "S1-fever,2022-05-02,yesterday,4,vintage\n").encode()))
    with pytest.raises(PackInvalid, match=r"real.csv.gz, line 3"):
        list(read_observations(path))
