"""Approvals on the pages and for programs: taken in, told once, accepted, worked, granted; the applicant's own page; where time is lost; what if."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.approvals.offices import FOOD, PERMIT_ENDS, Centre, centre_in, on, papers
from tests.fixtures_town import Town
from tests.interfaces.callers import Caller
from tests.interfaces.test_testing_pages import _as, _said
from tongchou.domains.approvals import actions, actions_steps
from tongchou.domains.approvals.models import Application, Delegation
from tongchou.interfaces import clock
from tongchou.workflows.approving import keep_approvals

PAGE, TOKEN = "/approvals/SP-2022-0001", "t" * 43
NOW = on(6, 6, 10)


@pytest.fixture
def centre(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    yield centre_in(installed_town)


def state() -> str:
    return Application.objects.get().dossier.state


def text(client: Client, address: str, **given: Any) -> str:
    return client.get(address, given).content.decode()


def test_from_the_window_to_the_permit_by_hand(centre: Centre) -> None:
    mei, cai, firm = _as("mei"), _as("cai"), centre.firms[0]
    assert "Food operation permit" in text(mei, "/approvals/new")
    assert f"firm={firm.pk}" in text(mei, "/approvals/new", procedure="APR-FOOD", q="面馆")
    form = {"procedure": "APR-FOOD", "firm": firm.pk, "papers": ["identity", "licence"]}
    assert "is taken in" in _said(mei.post("/approvals/new", form, follow=True))
    assert "SP-2022-0001" in text(mei, "/approvals/") and "Missing:" in text(mei, PAGE)
    assert (
        "left out" in _said(mei.post(f"{PAGE}/ask", {"papers": ["lease"], "words": "请补齐材料"}, follow=True)) and state() == "submitted"
    )
    mei.post(f"{PAGE}/ask", {"papers": list(FOOD[2:]), "words": "请补齐材料"})
    assert state() == "correcting"
    mei.post(f"{PAGE}/correct", {"papers": list(FOOD[2:])})
    shown = text(cai, PAGE)
    assert state() == "under_way" and "svg" in shown and "2022" in shown and 'action="/approvals/steps/SPH-2022-0002"' in shown
    assert "SPH-2022-0002" in text(cai, "/inbox/") and 'action="/approvals/steps/SPH-2022-0001"' not in shown
    for client, code in ((mei, "s1"), (cai, "s2"), (cai, "s3"), (mei, "s4")):
        step = f"/approvals/steps/{centre.step(Application.objects.get(), code).dossier.number}"
        client.post(step)
        client.post(step, {"do": "finish", "finding": "符合"})
    assert state() == "granted" and "Granted" in text(mei, "/approvals/", stage="over")
    assert "given with SP-2022-0001" in text(mei, "/approvals/new", procedure="APR-FOOD", firm=firm.pk)


def test_stop_extend_refuse_withdraw_decline_by_hand(centre: Centre) -> None:
    centre.accepted(at=on(6, 2))
    cai, meng, mei = _as("cai"), _as("meng"), _as("mei")
    cai.post(f"{PAGE}/stop", {"reason": "hearing", "until_at": "2022-06-10T10:00", "words": "利害关系人要求听证"})
    assert state() == "stopped" and "Hearing" in text(cai, PAGE)
    cai.post(f"{PAGE}/resume")
    meng.post(f"{PAGE}/extend", {"words": "需要第三方检测"})
    assert Application.objects.get().extended_days == 10
    assert "Only on these grounds" in _said(meng.post(f"{PAGE}/refuse", {"ground": "x", "words": "不符合条件"}, follow=True))
    meng.post(f"{PAGE}/refuse", {"ground": "conditions", "words": "选址不符合要求"})
    assert state() == "refused" and "administrative review" in text(meng, PAGE)
    Application.objects.filter().update(words="")
    other = centre.applied(firm=centre.firms[1], at=on(6, 2))
    assert mei.post(f"/approvals/{other.dossier.number}/decline", {"words": "应向区里申请"}).status_code == 302
    third = centre.accepted(firm=centre.firms[1], at=on(6, 2))
    mei.post(f"/approvals/{third.dossier.number}/withdraw", {"words": "不办了"})
    third.dossier.refresh_from_db()
    assert third.dossier.state == "withdrawn"


def test_the_applicant_reads_in_plain_words_and_no_low_limit_is_quoted(centre: Centre, client: Client) -> None:
    row = actions.give_page(centre.accepted(at=on(6, 2)), token=TOKEN, by=centre.mei, at=on(6, 2))
    client.cookies["lang"] = "en"
    answer = client.get(f"/a/{TOKEN}")
    shown = answer.content.decode()
    assert answer.headers["Referrer-Policy"] == "no-referrer" and "no-store" in answer.headers["Cache-Control"]
    # The law's 20 days are of medium confidence and quoted with their article; ten days from memory are an aim.
    assert "article 42" in shown and "Our own aim" in shown and "We promise" not in shown and "nothing for you to do" in shown
    actions_steps.stop_clock(row, reason="rectification", words="后厨须设洗手池", until_at=on(6, 9), by=centre.cai, at=on(6, 6))
    assert "后厨须设洗手池" in text(client, f"/a/{TOKEN}") and "article 42" not in text(client, f"/a/{TOKEN}")
    refused = actions.refuse_application(row, ground="conditions", words="选址不符合要求", by=centre.meng, at=on(6, 6))
    shown = text(client, f"/a/{TOKEN}")
    assert "article 38" in shown and "administrative review" in shown and refused.words in shown
    gone = client.get("/a/" + "u" * 43)
    assert gone.status_code == 404 and "leads nowhere" in gone.content.decode()


def test_the_applicant_brings_everything_asked_for_and_is_accepted(centre: Centre, client: Client) -> None:
    row = centre.applied(given=papers(*FOOD[:4]), at=on(6, 2))
    row = actions.ask_corrections(row, papers=["staff_health", "food_rules"], words="请补两样材料", by=centre.mei, at=on(6, 2))
    actions.give_page(row, token=TOKEN, by=centre.mei, at=on(6, 2))
    shown = text(client, f"/a/{TOKEN}")
    assert "请补两样材料" in shown and 'name="file-food_rules"' in shown
    one = {"file-food_rules": SimpleUploadedFile("rules.pdf", b"%PDF-1.4 rules")}
    assert client.post(f"/a/{TOKEN}/papers", one).status_code == 422 and state() == "correcting"
    both = {**one, "file-staff_health": SimpleUploadedFile("health.jpg", b"\xff\xd8\xff health")}
    both["file-food_rules"].seek(0)
    assert client.post(f"/a/{TOKEN}/papers", both).status_code == 302 and state() == "under_way"
    assert client.post(f"/a/{TOKEN}/papers", {}).status_code == 409 or state() == "under_way"
    assert client.post(f"/a/{'u' * 43}/papers", {}).status_code == 404


def test_silence_is_written_on_the_applicants_page(centre: Centre, client: Client) -> None:
    codes = ("identity", "licence", "permit", "lease", "staff_health")
    row = centre.accepted("APR-FOOD-RENEW", given=papers(*codes), permit_ends_on=PERMIT_ENDS, at=on(6, 1))
    actions.give_page(row, token=TOKEN, by=centre.mei, at=on(6, 1))
    keep_approvals(at=on(6, 10))
    assert "第五十条" in text(client, f"/a/{TOKEN}")


def test_where_time_is_lost_and_what_a_change_would_save(centre: Centre) -> None:
    for n in range(6):
        row = centre.accepted(at=on(5, 5 + n))
        centre.works(row, "s1", on(5, 5 + n, 10), on(5, 5 + n, 11))
        centre.works(row, "s2", on(5, 16 + n), on(5, 17 + n))
        centre.works(row, "s3", on(5, 18 + n), on(5, 18 + n, 15))
    meng = _as("meng")
    shown = text(meng, "/approvals/times")
    assert (shown.index("Plan check") < shown.index("Inspection on site") and "83%" in shown) or "%" in shown
    answer = text(meng, "/approvals/times", change="clerk", post="market-officer")
    assert "Saves" in answer and "95 % interval" in answer and "assumed at their own days" in answer
    merged = text(meng, "/approvals/times", change="merge", step="APR-FOOD/s2", other="APR-FOOD/s3", saving="20")
    assert "working days" in merged
    wrong = meng.get("/approvals/times", {"change": "merge", "step": "APR-FOOD/s1", "other": "APR-FOOD/s4"})
    assert wrong.status_code == 422 and "cannot be merged" in wrong.content.decode()
    assert _as("wu").get("/approvals/times").status_code == 404


def test_a_post_is_delegated_and_given_back_by_hand(centre: Centre) -> None:
    meng = _as("meng")
    form = {
        "from_post": "market-officer", "to_post": "order-officer", "from_at": "2022-06-06T10:00", "to_at": "2022-06-10T10:00", "reason": "外出培训",
    }  # fmt: skip
    assert meng.post("/approvals/cover", form).status_code == 302
    back = form | {"from_post": "order-officer", "to_post": "market-officer"}
    answer = meng.post("/approvals/cover", back)
    assert answer.status_code == 422 and "circle" in answer.content.decode()
    row = Delegation.objects.get()
    assert "City order officer" in text(meng, "/approvals/cover")
    meng.post(f"/approvals/cover/{row.pk}/end")
    assert not Delegation.objects.filter(to_at__gt=NOW + timedelta(minutes=1)).exists()
    assert meng.post(f"/approvals/cover/{2**70}/end").status_code == 404


def test_programs_do_what_the_pages_do(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: on(6, 2, 10))
    mei, cai, meng, firm = Caller("mei"), Caller("cai"), Caller("meng"), centre.firms[0]
    codes = {one["code"] for one in mei.get("/approvals/procedures").json()}
    assert "APR-FOOD" in codes and "APR-RESUME" not in codes
    made = mei.post("/approvals", procedure="APR-FOOD", firm=firm.pk, papers=[{"code": code, "note": "原件已核对"} for code in FOOD[:5]])
    number = made.json()["number"]
    assert made.json()["missing"] == ["food_rules"]
    assert mei.post(f"/approvals/{number}/accept").status_code == 422
    mei.post(f"/approvals/{number}/ask", papers=["food_rules"], words="请补一样材料")
    corrected = mei.post(f"/approvals/{number}/correct", papers=[{"code": "food_rules", "note": "已补"}]).json()
    assert corrected["state"] == "under_way" and {one["code"] for one in corrected["steps"]} == {"s1", "s2"}
    step = next(one["number"] for one in corrected["steps"] if one["code"] == "s2")
    assert mei.post(f"/approvals/steps/{step}/start").status_code == 403
    cai.post(f"/approvals/steps/{step}/start")
    assert cai.post(f"/approvals/steps/{step}/finish", finding="符合").json()["state"] == "under_way"
    cai.post(f"/approvals/{number}/stop", reason="hearing", words="要求听证", until_at="2022-06-10T10:00:00+08:00")
    assert cai.post(f"/approvals/{number}/resume").json()["state"] == "under_way"
    assert meng.post(f"/approvals/{number}/extend", words="需要检测报告").json()["state"] == "under_way"
    assert mei.post(f"/approvals/{number}/page").json()["address"].startswith("http")
    times = meng.get("/approvals/times").json()
    assert times["procedures"][0]["code"] == "APR-FOOD" and times["steps"]
    saved = meng.get("/approvals/what-if", change="clerk", post="market-officer").json()
    assert saved["low"] <= saved["saved_days"] <= saved["high"] and set(saved["loads"]) == {"service-window", "market-officer"}
    assert meng.get("/approvals/what-if", change="merge", procedure="APR-FOOD", step="s1", other="s4").status_code == 422
    made = meng.post(
        "/approvals/delegations",
        from_post="market-officer",
        to_post="order-officer",
        from_at="2022-06-06T10:00:00+08:00",
        to_at="2022-06-09T10:00:00+08:00",
        reason="外出培训",
    )
    assert made.status_code == 200 and meng.get("/approvals/delegations").json()[0]["to_post"] == "order-officer"
    assert meng.post(f"/approvals/delegations/{made.json()['id']}/end").status_code == 200
    refused = meng.post(f"/approvals/{number}/refuse", ground="conditions", words="选址不符合要求").json()
    assert refused["state"] == "refused" and mei.get("/approvals").json()["count"] == 1
    assert Caller("zhao").get(f"/approvals/{number}").status_code == 404
