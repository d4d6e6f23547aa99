"""Inbox, task, incident and evidence pages: both languages, few queries, one tap, a photo, and Zhao sees nothing."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.response.plans import CALL_IN, DELINEATE, HOLD, PDF, PNG, REVIEW, SYSTEM, activated, propose, published
from tests.fixtures_town import AT, Town
from tongchou.core.casework.models import Dossier, Evidence
from tongchou.core.outbox.models import Notice
from tongchou.core.people.models import User
from tongchou.domains.response.models import Task
from tongchou.interfaces import clock
from tongchou.workflows.activation import confirm


@pytest.fixture
def tasks(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> dict[str, Task]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    return activated(installed_town)


def _as(username: str, lang: str = "zh") -> Client:
    client = Client(headers={"referer": "http://testserver/tasks/RW-2022-0002"})
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = lang
    return client


def _photo(content: bytes = PNG, name: str = "门口.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/png")


@pytest.mark.parametrize(("lang", "words"), [("zh", ("先行管控", "接收")), ("en", ("Hold the place", "Accept"))])
@pytest.mark.parametrize("address", ["/inbox/", "/inbox/?fragment=inbox", "/tasks/RW-2022-0002", "/tasks/RW-2022-0002?fragment=task"])
def test_wus_pages_open_in_both_languages(
    tasks: dict[str, Task], address: str, lang: str, words: tuple[str, str], django_assert_max_num_queries: object
) -> None:
    client = _as("wu", lang)
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        answer = client.get(address)
    text = answer.content.decode()
    assert answer.status_code == 200 and words[1] in text and (words[0] in text or address.endswith("fragment=task"))
    assert ("<html" in text) != ("fragment" in address)


@pytest.mark.parametrize(("lang", "word"), [("zh", "徐泾居委会疫情处置"), ("en", "Response in Xujing")])
@pytest.mark.parametrize(
    "address",
    ["/incidents/", "/incidents/?state=open", "/incidents/SJ-2022-0001", "/incidents/SJ-2022-0001?view=list", "/tasks/RW-2022-0003"],
)
def test_fangs_pages_open_in_both_languages(
    tasks: dict[str, Task], address: str, lang: str, word: str, django_assert_max_num_queries: object
) -> None:
    client = _as("fang", lang)
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        answer = client.get(address)
    assert answer.status_code == 200 and word in answer.content.decode()


@pytest.mark.parametrize("fragment", ["tasks", "clocks", "log"])
def test_parts_of_the_incident_page_can_be_fetched_alone(tasks: dict[str, Task], fragment: str) -> None:
    text = _as("fang").get(f"/incidents/SJ-2022-0001?fragment={fragment}").content.decode()
    assert f'data-fragment="{fragment}"' in text and "<html" not in text


def test_one_tap_in_the_inbox_accepts_and_comes_back(tasks: dict[str, Task]) -> None:
    client = _as("wu")
    answer = client.post("/tasks/RW-2022-0002/accept", {"next": "/inbox/"})
    assert (answer.status_code, answer.url) == (302, "/inbox/")  # type: ignore[attr-defined]
    assert Dossier.objects.get(number="RW-2022-0002").state == "accepted"
    again = client.post("/tasks/RW-2022-0002/accept", {"next": "/inbox/"}, follow=True)
    assert "不能再执行" in again.content.decode()


def test_task_is_done_with_a_photo_from_the_phone(tasks: dict[str, Task]) -> None:
    lin, wu = _as("lin"), _as("wu")
    lin.post("/tasks/RW-2022-0001/start")
    lin.post("/tasks/RW-2022-0001/finish", {"proof_note": "全部到岗", "note": ""})
    wu.post("/tasks/RW-2022-0002/start")
    told = wu.post("/tasks/RW-2022-0002/finish", follow=True).content.decode()
    assert "缺少“照片”" in told
    given = {"file": _photo(), "taken_at": "2022-06-02T18:58:00+08:00", "proof_note": ""}
    wu.post("/tasks/RW-2022-0002/finish", given)
    proof = Evidence.objects.get(media_type="image/png")
    assert Dossier.objects.get(number="RW-2022-0002").state == "finished"
    assert (proof.name, proof.taken_at.isoformat()) == ("门口.png", "2022-06-02T10:58:00+00:00")
    page = _as("fang").get("/tasks/RW-2022-0002").content.decode()
    assert f"/evidence/{proof.pk}" in page and "<img" in page


def test_photo_is_shown_to_those_who_may_see_the_task_and_cannot_act(tasks: dict[str, Task]) -> None:
    wu = _as("wu")
    wu.post("/tasks/RW-2022-0002/evidence", {"file": _photo()})
    wu.post("/tasks/RW-2022-0002/evidence", {"file": _photo(PDF, "名单.pdf")})
    picture, paper = Evidence.objects.order_by("pk")
    shown = _as("chen").get(f"/evidence/{picture.pk}")
    assert shown.content == PNG
    assert shown["X-Content-Type-Options"] == "nosniff" and shown["Content-Type"] == "image/png"
    assert "sandbox" in shown["Content-Security-Policy"] and "attachment" not in shown.get("Content-Disposition", "")
    assert _as("chen").get(f"/evidence/{paper.pk}")["Content-Disposition"].startswith("attachment")
    assert _as("zhao").get(f"/evidence/{picture.pk}").status_code == 404
    assert Client().get(f"/evidence/{picture.pk}").status_code == 302


@pytest.mark.parametrize("content", [b"<script>alert(1)</script>", b""])
def test_a_file_that_a_browser_would_run_is_no_proof(tasks: dict[str, Task], content: bytes) -> None:
    answer = _as("wu").post("/tasks/RW-2022-0002/evidence", {"file": _photo(content, "x.png")}, follow=True)
    assert answer.status_code == 200 and not Evidence.objects.exists()


def test_zhao_sees_nothing_and_can_do_nothing(tasks: dict[str, Task]) -> None:
    zhao = _as("zhao")
    for address in ("/tasks/RW-2022-0002", "/incidents/SJ-2022-0001", "/tasks/RW-2022-9999"):
        assert zhao.get(address).status_code == 404
    assert "SJ-2022" not in zhao.get("/incidents/").content.decode() and "RW-2022" not in zhao.get("/inbox/").content.decode()
    for step in ("accept", "start", "finish", "evidence", "return", "hand-over", "cancel", "approve"):
        assert zhao.post(f"/tasks/RW-2022-0002/{step}", {"reason": "x", "post": "elsewhere-officer"}).status_code == 404
    for step in ("note", "report", "propose-closing", "close"):
        assert zhao.post(f"/incidents/SJ-2022-0001/{step}", {"text": "看看"}).status_code == 404
    assert Dossier.objects.get(number="RW-2022-0002").state == "new"


def test_colleague_who_may_look_is_told_whose_task_it_is(tasks: dict[str, Task]) -> None:
    told = _as("chen").post("/tasks/RW-2022-0002/start", follow=True).content.decode()
    assert "此任务由村书记承办" in told
    page = _as("chen").get("/tasks/RW-2022-0002").content.decode()
    assert 'name="file"' not in page and "/start" not in page


def test_lin_hands_a_task_to_the_doctor(tasks: dict[str, Task]) -> None:
    lin = _as("lin")
    assert "选择岗位" in lin.post("/tasks/RW-2022-0002/hand-over", {"reason": "更近"}, follow=True).content.decode()
    lin.post("/tasks/RW-2022-0002/hand-over", {"post": "doctor", "reason": "更近"})
    assert "RW-2022-0002" in _as("chen").get("/inbox/").content.decode()
    assert "RW-2022-0002" not in _as("wu").get("/inbox/?fragment=inbox").content.decode().split("提醒")[0]


def test_approval_by_two_others_is_shown(tasks: dict[str, Task]) -> None:
    number = tasks[DELINEATE].dossier.number
    for who in ("lin", "fang"):
        assert f"/tasks/{number}/approve" in _as(who).get(f"/tasks/{number}").content.decode()
        _as(who).post(f"/tasks/{number}/approve")
    assert "2 / 2" in _as("gao").get(f"/tasks/{number}").content.decode()


def test_incident_is_noted_on_reported_and_closed(tasks: dict[str, Task]) -> None:
    fang, address = _as("fang"), "/incidents/SJ-2022-0001"
    fang.post(f"{address}/note", {"text": "现场已布控"})
    fang.post(f"{address}/report", {"receipt": "区指挥部 王"})
    page = fang.get(address).content.decode()
    assert "现场已布控" in page and "区指挥部 王" in page and f"{address}/report" not in page
    for task in tasks.values():
        fang.post(f"/tasks/{task.dossier.number}/cancel", {"reason": "演示"})
    fang.post(f"{address}/propose-closing", {"reason": "七天无新增"})
    fang.post(f"{address}/close", {"review": "布控快；漏检两人，由检测组改进"})
    page = fang.get(address).content.decode()
    assert "已结束" in page and "漏检两人" in page


def test_opening_a_task_reads_its_notices(tasks: dict[str, Task]) -> None:
    wu = _as("wu")
    assert Notice.objects.filter(user__username="wu", read_at=None).count() == 1
    wu.get("/tasks/RW-2022-0002")
    assert not Notice.objects.filter(user__username="wu", read_at=None).exists()
    _as("fang").post("/inbox/read")
    assert not Notice.objects.filter(user__username="fang", read_at=None).exists()


def test_walk_leads_from_the_task_back_to_the_incident(tasks: dict[str, Task]) -> None:
    page = _as("wu").get(f"/tasks/{tasks[HOLD].dossier.number}").content.decode()
    assert (
        'href="/incidents/SJ-2022-0001"' in page and CALL_IN in _as("lin").get(f"/tasks/{tasks[CALL_IN].dossier.number}").content.decode()
    )


def test_walk_goes_on_to_the_alarm_and_its_streams(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    published(installed_town)
    alarm = propose(town=installed_town, is_exercise=False, by=SYSTEM, at=AT)
    incident = confirm(alarm, plan_code="spread", reason="两例核酸阳性", by=installed_town.lin, at=AT)
    page = _as("lin").get(f"/incidents/{incident.dossier.number}").content.decode()
    assert f'href="/alarms/{alarm.dossier.number}/run"' in page
    assert f'href="/alarms/{alarm.dossier.number}"' in page and "两例核酸阳性" in page and "派发 4 项任务" in page


def test_every_step_is_post_only(tasks: dict[str, Task]) -> None:
    assert _as("lin").get(f"/tasks/{tasks[REVIEW].dossier.number}/start").status_code == 405
    assert _as("lin").get("/inbox/read").status_code == 405
