"""Projects on the pages and for programs: taken in, reached, reported, supervised, handed on as standard data."""

from collections.abc import Iterator
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.domains.difficulties.firms import firm_in
from tests.domains.projects.pipeline import Pipeline, on, pipeline
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.domains.projects.models import Issue, Project, Slip, Spending
from tongchou.interfaces import clock
from tongchou.workflows.supervising import keep_projects

PAGE = "/projects/XM-2022-0001"


@pytest.fixture
def line(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    yield pipeline(installed_town)


def test_by_hand_from_taking_in_to_a_closed_slip(line: Pipeline) -> None:
    lin, gao = _as("lin"), _as("gao")
    form = {"name": "蟠龙智慧仓", "place": line.town.villages[0].code, "post": "trace-leader", "sector": "commerce", "works": "construction", "plan-0": "10000", "planned-started": "2022-03-15", "planned-finished": "2022-12-31"}  # fmt: skip
    for wrong in ({"post": "nobody"}, {"firm": "91310118MA1NONE00X"}):
        answer = lin.post("/projects/new", form | wrong)
        assert answer.status_code == 422 and 'value="2022-03-15"' in answer.content.decode() and not Project.objects.exists()
    form["firm"] = firm_in(line.town.villages[0], 1).credit_code
    assert "taken in" in _said(lin.post("/projects/new", form, follow=True))
    seen = lin.get("/projects/").content.decode()
    assert "month 3 after it" in seen and "Reserve" in seen and "蟠龙智慧仓" not in lin.get("/projects/?day=2022-05-01").content.decode()
    assert "示例企业1" in lin.get(PAGE).content.decode()
    lin.post(f"{PAGE}/spend", {"month": "2022-04", "cny_10k": "600"})
    reached = lin.post(f"{PAGE}/reach", {"code": "signed", "done_on": "2022-06-01", "note": "协议原件已核对"}, follow=True)
    assert "Milestone reached" in _said(reached)
    lin.post(f"{PAGE}/plan", {"code": "finished", "planned_on": "2023-01-31", "reason": "土地交付推迟"})
    keep_projects(at=on(2022, 6, 2, 19))
    text = gao.get(PAGE).content.decode()
    assert Slip.objects.count() == 3 and "Signed" in text and "points behind" in text and "Investment of Mar 2022 is not reported" in text
    slip = "/slips/DB-2022-0001"
    assert f'action="{slip}/answer"' in gao.get(slip).content.decode() and f'action="{slip}/answer"' not in lin.get(slip).content.decode()
    gao.post(f"{slip}/answer", {"answer": "下周一进场"})
    lin.post(f"{slip}/return", {"words": "现场没有动静"})
    gao.post(f"{slip}/answer", {"answer": "已经进场，附照片"})
    lin.post(f"{slip}/close", {})
    assert Slip.objects.filter(is_open=False).count() == 1 and "DB-2022-0001" in lin.get("/slips/").content.decode()


def test_issues_files_and_the_package(line: Pipeline) -> None:
    lin, row = _as("lin"), line.project()
    lin.post(f"{PAGE}/issue", {"about": "land", "words": "仓库还没搬走", "post": "trace-leader", "due_at": "2022-06-20T12:00"})
    lin.post(f"{PAGE}/slip", {"cause": "other", "words": "围挡没有装好"})
    issue = "/issues/WT-2022-0001"
    assert "仓库还没搬走" in lin.get(PAGE).content.decode()
    _as("gao").post(issue, {"words": "已搬走并移交"})
    assert Issue.objects.get().dossier.state == "solved" and "已搬走并移交" in lin.get(issue).content.decode()
    lin.post(issue, {"words": "又堆了东西"})
    wrong = lin.post(
        "/projects/spending", {"file": SimpleUploadedFile("a.csv", "项目编号,月份,完成投资\nXM-2022-0001,2022-05,很多\n".encode())}
    )
    assert wrong.status_code == 422 and "很多" in wrong.content.decode() and not Spending.objects.exists()
    good = {"file": SimpleUploadedFile("a.csv", "项目编号,月份,完成投资\nXM-2022-0001,2022-05,90\n".encode())}
    assert "1 new figures" in _said(lin.post("/projects/spending", good, follow=True)) and Spending.objects.get().month == date(2022, 5, 1)
    assert lin.get("/projects/oc4ids.json").json()["projects"][0]["title"] == row.dossier.title_zh
    lin.post(f"{PAGE}/drop", {"reason": "企业放弃投资"})
    assert Project.objects.get().dossier.state == "live", "a slip is open"


def test_elsewhere_is_nowhere(line: Pipeline) -> None:
    line.slip(line.project())
    zhao = _as("zhao")
    assert [zhao.get(where).status_code for where in (PAGE, "/slips/DB-2022-0001", "/issues/WT-2022-0009")] == [404] * 3
    assert zhao.post(f"{PAGE}/drop", {"reason": "不在本镇"}).status_code == 404
    assert _as("chen").get("/projects/new").status_code == 404


def test_programs_do_the_same(line: Pipeline) -> None:
    lin, gao, zhao = Caller("lin"), Caller("gao"), Caller("zhao")
    given = {"name": "数字港", "place": line.town.villages[0].code, "post": "trace-leader", "sector": "digital", "plan": {"2022": 1200}, "milestones": {"started": "2022-01-10"}}  # fmt: skip
    assert zhao.post("/projects", **given).status_code == 404 and lin.post("/projects", **given | {"sector": "magic"}).status_code == 422
    made = lin.post("/projects", **given).json()
    where = f"/projects/{made['number']}"
    assert made["batch"] == "reserve" and {light["cause"]: light["colour"] for light in made["lights"]} == {
        "start": "red",
        "figures": "yellow",
    }
    assert lin.post("/projects/spending", lines=[{"number": made["number"], "month": "2022-05-01", "cny_10k": 10}]).json() == {"kept": 1}
    assert lin.post(f"{where}/plan", plan={"2022": 9}).status_code == 422
    assert lin.post(f"{where}/plan", plan={"2022": 2400}, reason="追加投资").json()["plan"] == {"2022": 2400}
    assert lin.post(f"{where}/milestones", code="signed", done_on="2022-06-02", note="协议原件").json()["batch"] == "signed"
    assert lin.post(f"{where}/steps/take_back", code="signed", reason="签的是意向书").json()["batch"] == "reserve"
    slip = lin.post(f"{where}/slips", cause="start", words="一月该开工").json()
    assert gao.post(f"/slips/{slip['number']}/steps/answer", words="下周一进场").json()["state"] == "answered"
    assert lin.post(f"/slips/{slip['number']}/steps/return", words="现场没有动静").json()["state"] == "yellow"
    assert lin.get("/slips", state="yellow").json()["count"] == 1 and lin.get(f"/slips/{slip['number']}").json()["by_light"] is False
    issue = lin.post(f"{where}/issues", about="other", words="工人没有返沪", post="trace-leader", due_at="2022-06-12T12:00:00+08:00").json()
    assert gao.post(f"/issues/{issue['number']}/steps/solve", words="已返沪四十人").json()["state"] == "solved"
    assert lin.get(f"{where}/issues").json()[0]["answer"] == "已返沪四十人"
    assert lin.get(f"{where}/oc4ids").json()["projects"][0]["status"] == "identification" == lin.get("/projects/oc4ids").json()["projects"][0]["status"]  # fmt: skip
    assert lin.get("/projects", day="2022-05-01").json() == [] and len(lin.get("/projects", batch="reserve").json()) == 1
    assert lin.post(f"{where}/steps/archive").status_code == 409 and zhao.get(where).status_code == 404
