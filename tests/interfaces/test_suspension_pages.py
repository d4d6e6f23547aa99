"""Suspensions on the pages and for programs: from the Passes page to the second person, and what the person concerned reads and does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tests.workflows.suspended import DAY, HOUR, SYSTEM, Held, held_town
from tongchou.core.audit.models import PERSONAL_READ, Access
from tongchou.core.passes.models import IssuedPass
from tongchou.domains.gate.actions_passes import give_link
from tongchou.domains.suspensions.models import Objection, Suspension
from tongchou.interfaces import clock
from tongchou.workflows.suspending import keep_suspensions, lift, protest

TOKEN = "t" * 43
FORM = {"whom": "7", "cause": "contact", "words": "与确诊者同桌用餐", "basis": "law-39", "ends_at": "2022-06-05T12:00"}
PAGE = "/suspensions/TX-2022-0001"


@pytest.fixture
def held(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    yield held_town(installed_town)


def _post(client: Client, address: str, **given: Any) -> Any:
    return client.post(address, given)


def test_one_asks_another_approves_and_a_third_sees_nothing(held: Held) -> None:
    lin, fang = _as("lin"), _as("fang")
    form = lin.post("/suspensions/new", {"whom": "7"}).content.decode()
    assert "赵**" in form and "赵六六" not in form and held.incident.number in form and "2022-06-23T19:00" in form
    sent = lin.post("/suspensions/new", FORM | {"incident": held.incident.number}, follow=True).content.decode()
    assert "Waiting for approval" in sent and "Somebody other than you" in sent and "1,125 yuan" in sent
    assert "Somebody other" in _said(lin.post(f"{PAGE}/approve", {}, follow=True)) and not IssuedPass.objects.exists()
    assert (
        "TX-2022-0001" in fang.get("/suspensions/").content.decode()
        and 'action="/suspensions/TX-2022-0001/approve"' in fang.get(PAGE).content.decode()
    )
    fang.post(f"{PAGE}/approve", {"reason": "同意"})
    assert "In force" in lin.get("/suspensions/").content.decode()
    for who, code in (("zhao", 404), ("wu", 404), ("gao", 404)):
        assert _as(who).get(PAGE).status_code == code
        assert _as(who).post(f"{PAGE}/lift", {"reason": "不归我管"}).status_code == code
        assert _as(who).post("/suspensions/new", FORM | {"incident": held.incident.number}).status_code == code
    assert lin.post("/suspensions/new", {"whom": "99"}).status_code == 404 and lin.get("/suspensions/new").status_code == 405


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ends_at": "2022-06-01T12:00"}, "in the future"), ({"ends_at": "2022-07-01T12:00"}, "At most 21 days"), ({"ends_at": ""}, "day and time"),
        ({"words": ""}, "in words"), ({"incident": "SJ-2022-9999"}, "Choose the incident"),
    ],
)  # fmt: skip
def test_a_wrong_form_comes_back_as_filled_in(held: Held, given: dict[str, str], said: str) -> None:
    answer = _as("lin").post("/suspensions/new", FORM | {"incident": held.incident.number} | given)
    assert answer.status_code == 422 and said in answer.content.decode() and not Suspension.objects.exists()
    assert (given.get("words", FORM["words"])) in answer.content.decode()


def test_the_name_is_shown_for_a_purpose_once(held: Held) -> None:
    held.asked()
    fang = _as("fang")
    assert "赵六六" not in fang.get(PAGE).content.decode() and fang.post(PAGE, {"purpose": ""}).status_code == 422
    shown = fang.post(PAGE, {"purpose": "审批前核对"})
    assert "赵六六" in shown.content.decode() and "no-store" in shown["Cache-Control"]
    assert Access.objects.get(action=PERSONAL_READ).actor_label == "fang"


def test_the_person_reads_why_until_when_and_objects(held: Held) -> None:
    held.approved()
    give_link(held.holder, token=TOKEN, by=SYSTEM, at=AT)
    phone = Client(enforce_csrf_checks=True)
    text = phone.get(f"/p/{TOKEN}").content.decode()
    assert 'class="qr"' not in text
    for told in ("密切接触者", "与确诊者同桌用餐", "6月9日", "带班领导", "传染病防治法", "TX-2022-0001"):
        assert told in text
    assert not any(name in text for name in ("赵六六", "林", "方")), "neither their own name in full nor who signed"
    sent = phone.post(f"/p/{TOKEN}/object", {"number": "TX-2022-0001", "words": "我没去过"}, headers={"origin": "null"}, follow=True)
    assert sent.status_code == 200 and "SS-2022-0001" in sent.content.decode() and "6月3日 19:00" in sent.content.decode()
    assert Objection.objects.get().words == "我没去过"
    lin = _as("lin")
    assert "我没去过" in lin.get(PAGE).content.decode() and "SS-2022-0001" in lin.get("/inbox/").content.decode()
    lin.post("/objections/SS-2022-0001", {"decision": "uphold", "answer": "认错人了，抱歉"})
    after = phone.get(f"/p/{TOKEN}").content.decode()
    assert 'class="qr"' in after and "认错人了，抱歉" in after


def test_an_objection_reaches_nobody_elses_suspension(held: Held) -> None:
    held.approved()
    give_link(held.holder, token=TOKEN, by=SYSTEM, at=AT)
    anybody = Client()
    for token, number, code in ((TOKEN, "TX-2022-0002", 404), ("A" * 43, "TX-2022-0001", 404), (TOKEN, "TX\0", 404)):
        answer = anybody.post(f"/p/{token}/object", {"number": number, "words": "我没去过"})
        assert answer.status_code == code and answer["Referrer-Policy"] == "no-referrer"
    assert anybody.post(f"/p/{TOKEN}/object", {"number": "TX-2022-0001", "words": " "}).status_code == 422
    assert anybody.get(f"/p/{TOKEN}/object").status_code == 405 and not Objection.objects.exists()


def test_who_had_a_part_in_it_is_not_offered_to_reject(held: Held) -> None:
    protest(held.approved(), words="我没去过", by=SYSTEM, at=AT)
    text = _as("lin").get("/objections/SS-2022-0001").content.decode()
    assert 'value="uphold"' in text and 'value="reject"' not in text
    assert "Somebody other" in _said(_as("lin").post("/objections/SS-2022-0001", {"decision": "reject", "answer": "核对无误"}, follow=True))
    assert _as("wu").get("/objections/SS-2022-0001").status_code == 404


def test_the_list_tells_open_from_over(held: Held) -> None:
    lift(held.approved(), reason="复核为阴性", by=held.town.lin, at=AT)
    held.approved(ends_at=AT + HOUR)
    keep_suspensions(at=AT + HOUR)
    held.approved(ends_at=AT + DAY)
    held.asked(cause="case")
    text = _as("lin").get("/suspensions/").content.decode()
    states = re.findall(r'<span class="chip [a-z]*">([^<]*)</span>', text[text.index("<tbody") :])
    assert states == ["Waiting for approval", "In force", "Ended", "Lifted early"]


def test_programs_do_the_same(held: Held) -> None:
    lin, fang, zhao = Caller("lin"), Caller("fang"), Caller("zhao")
    given = {
        "holder": 7,
        "incident": held.incident.number,
        "cause": "case",
        "words": "检测阳性，请居家",
        "basis": "law-39",
        "ends_at": "2022-06-05T12:00:00+08:00",
    }
    assert zhao.post("/suspensions", **given).status_code == 404
    assert lin.post("/suspensions", **given | {"ends_at": "2022-07-05T12:00:00+08:00"}).status_code == 422
    row = lin.post("/suspensions", **given).json()
    assert (row["state"], row["cost_yuan"], row["decided_by"]) == ("requested", 1125, None) and "赵" not in str(row)
    steps = f"/suspensions/{row['number']}/steps"
    assert lin.post(f"{steps}/approve", reason="").status_code == 422
    assert fang.post(f"{steps}/approve", reason="同意").json()["state"] == "in_force"
    made = fang.post(f"/suspensions/{row['number']}/objection", words="认错人了").json()
    assert fang.post(f"/objections/{made['number']}/answer", upheld=False, answer="核对无误").status_code == 422
    assert fang.post(f"/objections/{made['number']}/answer", upheld=True, answer="认错人了，抱歉").json()["state"] == "upheld"
    listed = fang.get("/suspensions").json()
    assert listed["count"] == 1 and (listed["items"][0]["state"], listed["items"][0]["objection"]) == ("lifted", made["number"])
    assert {zhao.get(path).status_code for path in ("/suspensions", f"/suspensions/{row['number']}")} == {404}
    assert lin.post(f"{steps}/lift", reason="复核为阴性").status_code == 409
