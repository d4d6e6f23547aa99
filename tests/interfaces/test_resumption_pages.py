"""Filings on the pages and for programs: found, filed, looked at on a phone, a school counted; what others may not see."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.domains.resumption.town import Works, school_open, works_in
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.domains.registry.models import Firm
from tongchou.domains.resumption.models import Filing, Listing, SiteCheck
from tongchou.interfaces import clock

FORM = {"ground": "everyone", "from_on": "2022-06-02", "people": "20", "signed_by": "钱经理", "paper-R12": "责任表"}
PAGE = "/resumption/filings/FG-2022-0001"


@pytest.fixture
def works(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Works:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return works_in(installed_town)


def body(answer: Any) -> str:
    return str(answer.content.decode())


def test_somebody_is_found_files_and_is_answered_at_once(works: Works) -> None:
    lin, address = _as("lin"), f"/resumption/filings/new/firm/{works.firm.pk}"
    assert address in body(lin.get("/resumption/filings/new?kind=firm&q=上海示例"))
    form = body(lin.get(address))
    assert "filing is enough" in form and "venue code or scanner" in form and 'value="40"' in form and "The on-site check tells" in form
    may = body(lin.get(f"{address}?from_on=2022-04-01"))
    assert "2022-04-16" in may and "paper-R12" not in may
    sent = lin.post(address, FORM, follow=True)
    page = body(sent)
    assert "In effect" in _said(sent) and "At work" in page and "责任表" in page and "To be seen on site" in page
    assert "FG-2022-0001" in body(lin.get("/resumption/filings/?state=working")) and "No filings" in body(
        lin.get("/resumption/filings/?state=full")
    )
    assert "1" in body(lin.get("/resumption/"))
    for who in ("zhao",):
        assert [_as(who).get(p).status_code for p in (PAGE, address, "/resumption/checks/HC-2022-0001")] == [404] * 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"people": ""}, "At least one"),
        ({"people": "many"}, "Digits only"),
        ({"ends_on": "tomorrow"}, "2022-06-02"),
        ({"signed_by": ""}, "in words"),
    ],
)
def test_a_wrong_form_comes_back_as_filled_in(works: Works, given: dict[str, str], said: str) -> None:
    answer = _as("lin").post(f"/resumption/filings/new/firm/{works.firm.pk}", FORM | given)
    assert answer.status_code == 422 and said in body(answer) and "责任表" in body(answer) and not Filing.objects.exists()


def test_a_refusal_says_why_and_what_to_do(works: Works) -> None:
    works.incident("red")
    sent = _as("lin").post(f"/resumption/filings/new/firm/{works.firm.pk}", FORM, follow=True)
    assert "Not yet" in _said(sent) and "File closed-loop, or wait" in body(sent) and "File again" in body(sent)


def test_the_village_looks_on_a_phone_and_the_filer_may_not(works: Works) -> None:
    filing = works.filed(declared={})
    check = "/resumption/checks/HC-2022-0001"
    assert "上海示例电子" in body(_as("wu").get("/resumption/checks/"))
    assert "somebody else must look" in body(_as("lin").get(check)) and "found-R02" not in body(_as("lin").get(check))
    wu = _as("wu")
    codes = list(filing.items.filter(to_see=True).values_list("code", flat=True))
    assert all(f'name="found-{code}"' in body(wu.get(check)) for code in codes)
    wrong = wu.post(check, {f"found-{codes[0]}": "no", f"note-{codes[0]}": "缺消毒记录"})
    assert wrong.status_code == 422 and "Say what you found" in body(wrong) and "缺消毒记录" in body(wrong)
    done = wu.post(check, {**{f"found-{c}": "ok" for c in codes}, "found-R02": "no", "note-R02": "缺消毒记录"}, follow=True)
    assert "To be put right" in _said(done) and Firm.objects.get().resumption == "closed" and "HC-2022-0002" in body(done)
    assert "not in order" in body(wu.get(check))


def test_full_capacity_and_the_end_on_the_page(works: Works) -> None:
    works.filed()
    lin = _as("lin")
    assert "Give a number" in _said(lin.post(f"{PAGE}/full", {"measure": "output", "value": "x", "base": "1", "paper": "账"}, follow=True))
    lin.post(f"{PAGE}/full", {"measure": "output", "value": "110", "base": "100", "paper": "报表"})
    assert "At full capacity" in body(lin.get(PAGE)) and "110 / 100" in body(lin.get(PAGE))
    lin.post(f"{PAGE}/reduce", {"reason": "订单减少"})
    lin.post(f"{PAGE}/end", {"reason": "歇业"})
    assert "Stopped" in body(lin.get(PAGE)) and Firm.objects.get().resumption == "closed"
    assert _as("gao").post(f"{PAGE}/end", {"reason": "不归我管"}).status_code == 404


def test_a_school_files_classes_and_counts_absences(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"/resumption/filings/new/school/{works.school.pk}"
    given = {**FORM, "from_on": "2022-06-06", "people": "40"}
    assert "Line 1: the grade is one of" in body(_as("lin").post(address, given | {"parts": "一班,大一,40,2022-06-06"}))
    assert "Line 2: write class,grade,pupils,day" in body(
        _as("lin").post(address, given | {"parts": "一班，高三，40，2022-06-06\n二班,高三"})
    )
    filing = school_open(works)
    monkeypatch.setattr(clock, "now", lambda: AT.replace(day=6))
    one, two = filing.parts.all()
    page, wu = f"{PAGE}/absences", _as("wu")
    assert "高三(1)班" in body(wu.get(page))
    assert wu.post(page, {"on": "2022-06-06", f"ill-{one.pk}": "4"}).status_code == 422
    sent = wu.post(page, {"on": "2022-06-06", f"absent-{one.pk}": "4", f"ill-{one.pk}": "3", f"absent-{two.pk}": "0"}, follow=True)
    assert "duty officer is told" in _said(sent) and "QQ-2022-0001" in body(sent)
    alarm = "/resumption/absences/QQ-2022-0001"
    assert "QQ-2022-0001" in body(_as("lin").get("/inbox/")) and "高三(1)班" in body(_as("lin").get(alarm))
    _as("chen").post(alarm, {"answer": "流感三例，已回家休息"})
    assert "流感三例" in body(_as("lin").get(alarm)) and "found-" not in body(wu.get(alarm))


def test_a_white_list_is_pasted_and_a_wrong_code_named(works: Works) -> None:
    given = {"kind": "firm", "batch": "第三批", "from_on": "2022-06-01", "to_on": "", "source": "区经委", "lines": "91310115ma1k3btp2b,15"}
    fang = _as("fang")
    assert "in no register: 9999" in body(fang.post("/resumption/white-list", given | {"lines": "9999"}))
    assert "people in digits" in body(fang.post("/resumption/white-list", given | {"lines": "9999,多"}))
    assert "1 lines kept" in _said(fang.post("/resumption/white-list", given, follow=True)) and Listing.objects.get().people == 15
    assert "上海示例电子" in body(fang.get("/resumption/white-list")) and _as("wu").get("/resumption/white-list").status_code == 404


def test_a_program_files_checks_and_ends(works: Works) -> None:
    lin, wu, fang, zhao = Caller("lin"), Caller("wu"), Caller("fang"), Caller("zhao")
    rules = lin.get("/resumption/rules", kind="firm", on="2022-06-02").json()
    assert rules["stage"] == "stage3" and not rules["approval"] and "R11" in {c["code"] for c in rules["conditions"]}
    assert lin.get("/resumption/rules", kind="school", on="2022-06-02").json()["stage"] is None
    filed = {"kind": "firm", "row": works.firm.pk, "ground": "everyone", "from_on": "2022-06-02", "people": 20, "signed_by": "钱经理"}
    assert zhao.post("/resumption/filings", **filed).status_code == 404
    made = lin.post("/resumption/filings", **filed, declared={"R12": {"met": True, "paper": "表"}}).json()
    assert made["state"] == "working" and {i["code"] for i in made["items"] if i["to_see"]} == {"R02", "R02S", "R10", "R14"}
    assert lin.get("/resumption/filings").json()["count"] == 1 and zhao.get("/resumption/filings").status_code == 404
    (check,) = wu.get("/resumption/checks").json()["items"]
    found = {i["code"]: {"ok": True} for i in made["items"] if i["to_see"]}
    done = wu.post(f"/resumption/checks/{check['number']}", findings=found).json()
    assert done["state"] == "working" and not any(i["to_see"] for i in done["items"])
    number = made["number"]
    full = {"measure": "output", "value": 2, "base": 1, "paper": "报表"}
    assert lin.post(f"/resumption/filings/{number}/full", **full).json()["full_on"] == "2022-06-02"
    assert lin.post(f"/resumption/filings/{number}/full", **full | {"value": 0.5}).status_code == 422
    assert lin.post(f"/resumption/filings/{number}/steps/end", reason="歇业").json()["state"] == "ended"
    lines = [{"row": works.firm.pk, "people": 15}]
    batch = {"kind": "firm", "batch": "第三批", "from_on": "2022-06-01", "source": "区经委"}
    assert fang.post("/resumption/white-list", **batch, lines=lines).json() == {"lines": 1}
    assert zhao.post("/resumption/white-list", **batch, lines=lines).status_code == 404
    assert SiteCheck.objects.count() == 1


def test_a_program_counts_absences(works: Works) -> None:
    filing = school_open(works)
    filing.parts.update(returns_on=AT.date())  # a token is good for a day
    number = filing.parts.all()[0].pk
    path = f"/resumption/filings/{filing.dossier.number}"
    alarm = Caller("wu").post(f"{path}/absences", on="2022-06-02", counts=[{"part": number, "absent": 3, "ill": 3}]).json()["alarm"]
    answered = Caller("chen").post(f"/resumption/absences/{alarm['number']}/answer", answer="流感三例").json()
    assert answered["state"] == "answered" and [p["grade"] for p in Caller("wu").get(path).json()["parts"]] == ["high3", "high2"]


def test_the_overview_shows_rates_forecast_and_what_disagrees(works: Works) -> None:
    Firm.objects.update(resumption="resumed", resumed_on=AT.date())
    lin = _as("lin")
    file = SimpleUploadedFile(
        "p.csv", f"信用代码,来源,起日,止日,数值,基数\n{works.firm.credit_code},用电,2022-05-01,2022-05-31,20,1000".encode()
    )
    assert "1 readings kept" in _said(lin.post("/resumption/readings", {"file": file}, follow=True))
    works.filed("school", from_on=AT.date().replace(day=6), people=9)
    page = body(lin.get("/resumption/?by=village"))
    assert "electricity is 2% of its own base" in page and "In 14 days" in page and "only grades that may return" in page
    assert "electricity is" not in body(_as("wu").get("/resumption/")), "a village reads no list of the whole town"
    wrong = SimpleUploadedFile("p.csv", "信用代码,来源,起日,止日,数值,基数\n1,用电,2022-05-01,2022-05-31,20,1000".encode())
    assert lin.post("/resumption/readings", {"file": wrong}).status_code == 422 and lin.post("/resumption/readings").status_code == 422
    program = Caller("lin")
    assert program.get("/resumption/rates", by="size").json()[0]["at_work_by"]["electricity"]["seen"] == 1
    assert len(program.get("/resumption/forecast").json()["days"]) == 14
    held = program.get("/resumption/stuck").json()
    assert list(held["stuck"][0]["causes"]) == ["S01"] and held["unblocking"][0]["freed"] == 1
    assert program.get("/resumption/disagreements").json()[0]["row"] == works.firm.pk
    assert Caller("wu").get("/resumption/disagreements").status_code == 404
