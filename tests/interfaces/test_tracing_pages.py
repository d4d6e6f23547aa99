"""Investigations on the pages: from a case to the people who are told, and what nobody may browse."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.exposures.venues import holder, stay, venue
from tests.domains.tracing.investigations import DAY, ID_LI, ID_WANG, confirmed, contact_of, incident_in, opened, with_parameters
from tests.fixtures_town import AT, Town
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import Entry
from tongchou.core.audit.queries import accesses
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.people.models import User
from tongchou.domains.exposures.models import ExposureRequest
from tongchou.domains.tracing.models import Case, CheckUp, Report
from tongchou.interfaces import clock
from tongchou.interfaces.jobs.duties import release_contacts, remind_in_time

NOON = int((AT - DAY).timestamp())


@pytest.fixture
def town(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(clock, "now", lambda: AT)
    yield with_parameters(installed_town)


def browser(name: str, lang: str = "zh") -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    client.cookies["lang"] = lang
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_case_is_opened_on_a_page_and_a_wrong_field_keeps_what_was_typed(town: Town) -> None:
    gao, village = browser("gao"), town.villages[0].code
    wrong = gao.post("/cases/new", {"form": "1", "name": "李秀兰", "id_number": "123", "place": village})
    assert wrong.status_code == 422 and "身份证号应为17位" in text(wrong) and 'value="李秀兰"' in text(wrong)
    assert not Case.objects.exists()
    done = gao.post(
        "/cases/new", {"form": "1", "name": "李秀兰", "id_number": ID_LI, "age": "72", "onset_on": "2022-05-30", "place": village}
    )
    assert done["Location"] == "/cases/BL-2022-0001"
    shown = text(gao.get(done["Location"]))
    assert "李**" in shown and "李秀兰" not in shown and ID_LI not in shown
    assert shown.count('class="clock') == 3


def test_the_form_stops_its_clocks_and_corrections_say_why(town: Town) -> None:
    gao, number = browser("gao"), opened(town).dossier.number
    gao.post(f"/cases/{number}/hand-in", {"part": "core", "text": "三天内到过农贸市场"})
    refused = gao.post(
        f"/cases/{number}/correct", {"form": "1", "version": "1", "age": "72", "onset_on": "2022-05-29", "reason": ""}, follow=True
    )
    assert "请填写说明" in text(refused)
    gao.post(
        f"/cases/{number}/correct", {"form": "1", "version": "1", "name": "", "age": "72", "onset_on": "2022-05-29", "reason": "电话核实"}
    )
    case = Case.objects.get()
    assert (case.core_facts, case.name, str(case.onset_on), case.version) == ("三天内到过农贸市场", "李秀兰", "2022-05-29", 2)


def test_who_it_is_is_shown_once_for_a_purpose(town: Town) -> None:
    gao, number = browser("gao"), opened(town).dossier.number
    assert gao.post(f"/cases/{number}", {"purpose": ""}).status_code == 422
    shown = gao.post(f"/cases/{number}", {"purpose": "电话流调核实"})
    assert ID_LI in text(shown) and "no-store" in shown["Cache-Control"]
    assert [a.reason for a in accesses()] == ["电话流调核实"]


def test_a_case_elsewhere_and_a_missing_one_are_the_same_page(town: Town) -> None:
    number = opened(town).dossier.number
    zhao = browser("zhao")
    there, missing = zhao.get(f"/cases/{number}"), zhao.get("/cases/BL-2022-9999")
    assert there.status_code == missing.status_code == 404
    plain = [re.sub(r'value="\w{64}"', "", text(answer)) for answer in (there, missing)]
    assert plain[0].replace(number, "BL-2022-9999") == plain[1]


def test_the_village_asks_and_calls_from_its_list(town: Town) -> None:
    contact = contact_of(opened(town), town)
    contact_of(Case.objects.get(), town, place=town.villages[1], person={"name": "赵六"})
    wu = browser("wu")
    shown = text(wu.get("/follow-up/"))
    assert "王建国" in shown and "赵六" not in shown and "13900139000" not in shown
    wu.post(f"/follow-up/{contact.pk}/check", {"temperature_c": "36，8", "symptoms": ""})
    assert float(CheckUp.objects.get().temperature_c or 0) == 36.8
    called = wu.post(f"/follow-up/{contact.pk}/call")
    assert 'href="tel:13900139000"' in text(called) and "no-store" in called["Cache-Control"]
    assert wu.get("/cases/").status_code == 404
    assert [a.actor_label for a in accesses()] == ["wu"]


def ask(town: Town) -> str:
    """Li was at the market with Wang; Gao asks."""
    holder(town, 1, "李秀兰", id_number=ID_LI)
    holder(town, 2, "王建国", id_number=ID_WANG, phone="13900139000")
    market = venue(town, "V1", "明珠菜场", "market")
    stay(1, market, NOON, NOON + 3600)
    stay(2, market, NOON + 600, NOON + 3600)
    case, incident = confirmed(town), incident_in(town)
    Case.objects.filter(pk=case.pk).update(incident=incident)
    given = {"basis": "law-12", "purpose": "查找同时段人员", "from_at": "2022-06-01T08:00", "to_at": "2022-06-02T08:00", "minutes": "15"}
    answer = browser("gao").post(f"/cases/{case.dossier.number}/ask-exposed", given, follow=True)
    assert "等待另一人批准" in text(answer)
    return ExposureRequest.objects.get().dossier.number


def test_from_asking_to_telling(town: Town) -> None:
    number = ask(town)
    gao, fang, wu = browser("gao"), browser("fang"), browser("wu")
    assert "须由您以外的另一人批准" in text(gao.get(f"/exposures/{number}"))
    assert gao.post(f"/exposures/{number}/approve").status_code == 404
    fang.post(f"/exposures/{number}/approve", {"reason": "同意"})
    gao.post(f"/exposures/{number}/make")
    shown = text(gao.get(f"/exposures/{number}"))
    assert "名单第 1 版" in shown and "明珠菜场" in shown and "王建国" not in shown
    named = text(gao.post(f"/exposures/{number}", {"purpose": "电话告知"}))
    assert "王建国" in named and "12320" in named
    assert [n.text.zh for n in Notice.objects.filter(user__username="wu")] == [f"{number}：本村居新增 1 人需告知"]
    assert "1 人等待告知" in text(wu.get("/follow-up/"))
    row = ExposureRequest.objects.get().lists.get()
    told = text(wu.post(f"/follow-up/{row.pk}/tell", {"place": town.villages[0].code}))
    assert "王建国" in told and "请在6月3日19:00前完成" in told
    assert wu.post(f"/follow-up/{row.pk}/tell", {"place": town.villages[1].code}).status_code == 404
    assert wu.get(f"/exposures/{number}").status_code == 404


def test_everybody_reads_venue_and_hours_without_signing_in_and_nothing_of_anybody(town: Town) -> None:
    number = ask(town)
    fang = browser("fang")
    anybody = Client()
    assert "没有需要告知的场所" in text(anybody.get("/public/notices"))
    fang.post(f"/exposures/{number}/approve", {"reason": "同意"})
    browser("gao").post(f"/exposures/{number}/make")
    assert 'name="span"' in text(fang.get(f"/exposures/{number}"))
    fang.post(f"/exposures/{number}/publish", {"span": ["0"]})
    page = text(anybody.get("/public/notices"))
    assert "明珠菜场" in page and "6月1日 19:00" in page and "12320" in page
    assert not any(secret in page for secret in ("王建国", "李秀兰", "13900139000", number, "BL-"))
    fang.post(f"/exposures/{number}/take-down", {"reason": "时段有误"})
    assert "明珠菜场" not in text(anybody.get("/public/notices"))


def test_the_person_with_the_card_learns_who_looked(town: Town) -> None:
    number = ask(town)
    browser("fang").post(f"/exposures/{number}/approve", {"reason": "同意"})
    browser("gao").post(f"/exposures/{number}/make")
    lin = browser("lin")
    found, nothing, unknown = (text(lin.post("/exposures/own", {"id_number": n})) for n in (ID_WANG, ID_LI, "11010519700101002X"))
    assert number in found and "查找同时段人员" in found
    assert "没有查询涉及持此号码的人" in nothing and "没有查询涉及持此号码的人" in unknown
    assert "已查 3 次" in text(lin.get("/exposures/own"))
    assert Entry.objects.filter(action="exposure.learn").count() == 3
    assert browser("wu").get("/exposures/own").status_code == 404


def test_a_line_list_is_previewed_brought_in_and_settled_by_a_person(town: Town) -> None:
    case = opened(town)
    lin, gao = browser("lin"), browser("gao")
    content = f"id,date_onset,gender,location,name,id_number\n17,2022-05-30,f,徐泾居委会,李秀兰,{ID_LI}\n18,2022-06-31,f,徐泾居委会,钱三,"
    answer = lin.post("/line-lists/", {"source": "clinic", "file": SimpleUploadedFile("l.csv", content.encode())})
    batch = answer["Location"]
    assert "B3" in text(lin.get(batch)) and lin.get("/imports/" + batch.rsplit("/", 1)[1])["Location"] == batch
    lin.post(batch, {"do": "apply", "leaves_bad_out": "1"})
    assert "身份证号相同" in text(gao.get("/line-lists/"))
    report = Report.objects.get()
    gao.post(f"/line-lists/reports/{report.pk}/settle", {"do": "merge", "case": case.dossier.number})
    report.refresh_from_db()
    assert report.case == case
    out = b"".join(lin.get("/cases/line-list.csv").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert out.splitlines()[0].startswith("id,date_onset,date_reporting") and "BL-2022-0001,2022-05-30" in out and "李" not in out


def test_the_chain_is_drawn_and_written_beside(town: Town) -> None:
    first, second = opened(town), opened(town, name="王建国", id_number="", phone="", onset_on=AT.date())
    gao = browser("gao")
    gao.post(
        f"/cases/{second.dossier.number}/link", {"infector": first.dossier.number, "evidence": "meal", "strength": "80", "note": "聚餐"}
    )
    shown = text(gao.get("/cases/chain"))
    assert shown.count("<circle") == 2 and 'class="link"' in shown and "聚餐" in shown
    assert "李秀兰" not in shown and "王建国" not in shown
    english = browser("gao", "en")
    assert "Likeliest source of each case" in text(english.get("/cases/chain"))


def test_the_worker_reminds_of_the_form_and_releases_contacts(town: Town) -> None:
    case = opened(town)
    contact_of(case, town, days=1, last_contact_on=(AT - DAY).date())
    from tongchou.core.parameters.models import Parameter, ParameterValue

    parameter = Parameter.objects.create(key="task.remind_before", unit="minute", name_zh="提醒", name_en="remind")
    ParameterValue.objects.create(
        parameter=parameter, value=15, valid_from=(AT - DAY).date(), source_zh="测试", source_en="test", confidence="high"
    )
    remind_in_time(AT + timedelta(minutes=110))
    assert Message.objects.filter(topic="task.remind").count() == 1
    release_contacts(AT)
    assert case.contacts.filter(ended_at=None).count() == 1
    release_contacts(AT + timedelta(hours=6))  # past midnight in the town, not yet in UTC
    assert case.contacts.filter(ended_at=None).count() == 0


def test_a_program_does_the_same_under_the_same_rules(town: Town) -> None:
    number = ask(town)
    gao, fang, zhao = Caller("gao"), Caller("fang"), Caller("zhao")
    assert zhao.get(f"/exposures/{number}").status_code == zhao.get("/exposures/TS-2022-9999").status_code == 404
    assert gao.post(f"/exposures/{number}/steps/approve", reason="同意").status_code == 404
    assert fang.post(f"/exposures/{number}/steps/approve", reason="同意").json()["state"] == "approved"
    assert gao.post(f"/exposures/{number}/steps/make", reason="").json()["added"] == 1
    (one,) = gao.post(f"/exposures/{number}/people", reason="电话告知").json()
    assert (one["name"], one["change"]) == ("王建国", "added")
    case = Case.objects.get().dossier.number
    wrong = gao.post(
        f"/cases/{case}/contacts",
        name="王",
        place=town.villages[0].code,
        kind="close",
        setting="meal",
        last_contact_on="2022-06-01",
        days=30,
    )
    assert wrong.status_code == 422 and "21" in str(wrong.json())
    assert gao.get("/cases").json()["items"][0]["state"] == "confirmed"
    assert "李" not in str(gao.get("/cases").json())
