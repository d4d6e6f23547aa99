"""The matrix, sentinels, streams and forms in a browser without scripts: both languages, the right places only, few queries."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.domains.sentinels.conftest import Matrix, matrix  # noqa: F401 - a fixture
from tests.fixtures_town import AT
from tongchou.core.people.models import User
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Observation, Sentinel, Stream
from tongchou.domains.warning.models import Signal
from tongchou.interfaces import clock
from tongchou.science.detection.model import METHOD_FALLBACK

TODAY = date(2022, 6, 2)
ADDRESSES = [
    "/matrix/", "/sentinels/", "/sentinels/?freshness=silent&kind=monitoring&q=clinic", "/sentinels/?place=310118106202", "/sentinels/new",
    "/sentinels/clinic-1", "/sentinels/clinic-1/edit", "/sentinels/clinic-1/report", "/streams/clinic-1-fever",
    "/streams/clinic-1-fever?known_on=2022-06-01&days=30", "/intake/", "/intake/file",
]  # fmt: skip


def sign_in(client: Client, name: str) -> Client:
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def browser(matrix: Matrix, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:  # noqa: F811
    monkeypatch.setattr(clock, "now", lambda: AT)
    for back in range(1, 31):
        Observation.objects.create(
            stream=matrix.fever, day=TODAY - timedelta(days=back), reported_at=AT - timedelta(days=back), value=back % 4
        )
    return sign_in(client, "lin")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(("lang", "word"), [("zh", "退出"), ("en", "Sign out")])
def test_page_opens_in_both_languages_within_its_query_budget(
    browser: Client, address: str, lang: str, word: str, django_assert_max_num_queries: object
) -> None:
    browser.cookies["lang"] = lang
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        answer = browser.get(address)
    assert answer.status_code == 200
    assert word in answer.content.decode()


def test_zhao_of_another_town_sees_none_of_it(browser: Client) -> None:
    sign_in(browser, "zhao")
    closed = [a for a in ADDRESSES if a not in ("/intake/", "/intake/file", "/sentinels/new")]
    assert {a: browser.get(a).status_code for a in closed} == dict.fromkeys(closed, 404)
    assert "clinic-1" not in browser.get("/intake/").content.decode()
    assert browser.post("/sentinels/clinic-1/report", {"value-clinic-1-fever": "1"}).status_code == 404


def test_secretary_sees_the_own_village_of_the_matrix(browser: Client) -> None:
    page = sign_in(browser, "wu").get("/matrix/").content.decode()
    assert "徐泾居委会" in page and "前明村" not in page


def test_matrix_shows_blind_cells_and_what_would_close_them(browser: Client) -> None:
    page = browser.get("/matrix/").content.decode()
    assert 'class="blind"' in page and "/sentinels/?place=310118106202&amp;kind=monitoring" in page
    assert "恢复上报" in page and "/sentinels/pharmacy-2" in page
    assert "/sentinels/new?place=310118106203" in page


def test_a_stream_whose_method_failed_is_named_on_the_matrix_until_a_morning_reads_it_again(browser: Client, matrix: Matrix) -> None:  # noqa: F811
    run = Run.objects.create(
        function="detection.screen", version="1", parameters={}, input_digest="0", as_known_at=AT, recorded_at=AT, result={}
    )
    for day, method in ((TODAY - timedelta(days=1), METHOD_FALLBACK), (TODAY, "shaped-excess-nb")):
        assert (b'id="failed"' in browser.get("/matrix/").content) == (method != METHOD_FALLBACK)
        Signal.objects.create(stream=matrix.fever, day=day, as_known_at=AT, statistic=1.0, method=method, version="1", run=run)
        words = browser.get("/matrix/").content.decode(), browser.get(f"/streams/{matrix.fever.code}").content.decode()
        assert ["名次" in text for text in words] == [method == METHOD_FALLBACK] * 2
    assert "/streams/clinic-1-fever" not in words[0]


def test_form_keeps_a_report_and_zero_is_said_explicitly(browser: Client) -> None:
    page = browser.get("/sentinels/clinic-1/report").content.decode()
    assert "前一天" in page and "就诊多少人次" in page
    given = {"day": "2022-06-02", "value-clinic-1-fever": "3", "none-clinic-1-tested": "1"}
    assert browser.post("/sentinels/clinic-1/report", given).status_code == 302
    rows = Observation.objects.filter(day=TODAY).order_by("stream_id")
    assert [(r.value, r.source) for r in rows] == [(3, "form"), (0, "form")]


def test_slip_of_the_hand_is_asked_about_and_typing_is_kept(browser: Client) -> None:
    given = {"day": "2022-06-02", "value-clinic-1-fever": "900", "value-clinic-1-tested": "x"}
    answer = browser.post("/sentinels/clinic-1/report", given)
    page = answer.content.decode()
    assert answer.status_code == 422 and "合理上限" in page and "不是数字" in page and 'value="900"' in page and 'name="sure"' in page
    assert not Observation.objects.filter(day=TODAY).exists()
    given |= {"value-clinic-1-tested": "", "sure": "1", "reason": "运动会集中就诊"}
    assert browser.post("/sentinels/clinic-1/report", given).status_code == 302
    assert Observation.objects.get(day=TODAY).reason == "运动会集中就诊"


def test_empty_form_says_so(browser: Client) -> None:
    assert "没有任何数据" in browser.post("/sentinels/clinic-1/report", {"day": "2022-06-02"}).content.decode()


def test_correction_shows_on_the_stream_s_page_and_the_past_can_be_replayed(browser: Client) -> None:
    browser.post("/sentinels/clinic-1/report", {"day": "2022-06-01", "value-clinic-1-fever": "8", "sure": "1", "reason": "漏登"})
    now, then = (browser.get(f"/streams/clinic-1-fever{q}").content.decode() for q in ("", "?known_on=2022-06-01"))
    assert "漏登" in now and "漏登" not in then and "当天所知" in then


def test_stream_that_no_alarm_uses_says_so_instead_of_what_detection_assumes(browser: Client, matrix: Matrix) -> None:  # noqa: F811
    browser.cookies["lang"] = "en"
    Stream.objects.filter(pk=matrix.fever.pk).update(targets=["covid19"])
    judged = browser.get("/streams/clinic-1-fever").content.decode()
    Stream.objects.filter(pk=matrix.fever.pk).update(targets=[])
    read = browser.get("/streams/clinic-1-fever").content.decode()
    assert "Worse when" in judged and "no alarm uses it" in read and "Worse when" not in read


def test_state_is_changed_with_a_reason(browser: Client) -> None:
    browser.post("/sentinels/clinic-1", {"do": "state", "state": "suspended", "reason": ""})
    assert Sentinel.objects.get(code="clinic-1").state == "live"
    browser.post("/sentinels/clinic-1", {"do": "state", "state": "suspended", "reason": "装修"})
    assert Sentinel.objects.get(code="clinic-1").state == "suspended"
    assert "装修" in browser.get("/sentinels/clinic-1").content.decode()


SCHOOL = {
    "code": "school-9", "kind": "monitoring", "setting": "school_absence", "place": "310118106203", "name_zh": "二小", "name_en": "Second Primary",
    "operator_zh": "学校", "catchment": "310118106203 0.4", "weekdays": ["1", "2", "3", "4", "5"], "due": "10:00", "valid_from": "2022-06-01",
}  # fmt: skip


def test_new_school_has_the_figures_of_its_form(browser: Client) -> None:
    assert browser.post("/sentinels/new", SCHOOL).status_code == 302
    row = Sentinel.objects.get(code="school-9")
    assert (row.state, row.schedule) == ("planned", {"weekdays": [1, 2, 3, 4, 5], "due": "10:00"})
    assert set(row.streams.values_list("kind", flat=True)) == {"school_sick", "school_fever", "school_staff_sick"}


@pytest.mark.parametrize(
    ("change", "said"),
    [({"catchment": "nowhere 0.4"}, "第 1 行"), ({"catchment": "310118106203 4"}, "不超过 1"), ({"code": "clinic-1"}, "已被使用")],
)
def test_wrong_form_is_shown_again(browser: Client, change: dict[str, str], said: str) -> None:
    page = browser.post("/sentinels/new", SCHOOL | change).content.decode()
    assert said in page and "二小" in page
    assert not Sentinel.objects.filter(code="school-9").exists()


def test_edit_needs_a_reason(browser: Client) -> None:
    given = {k: v for k, v in SCHOOL.items() if k not in ("code", "kind", "setting", "place", "valid_from")}
    assert browser.post("/sentinels/clinic-1/edit", given).status_code == 200
    assert browser.post("/sentinels/clinic-1/edit", given | {"reason": "更名"}).status_code == 302
    assert Sentinel.objects.get(code="clinic-1").name_zh == "二小"


def upload(browser: Client, text: str, encoding: str = "utf-8") -> str:
    answer = browser.post("/intake/file", {"file": SimpleUploadedFile("a.csv", text.encode(encoding))})
    return str(answer.content.decode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_file_is_previewed_then_kept(browser: Client, encoding: str) -> None:
    page = upload(browser, "数据流,日期,数值,原因\nclinic-1-fever,2022-06-02,4,\nclinic-1-fever,2022/6/1,9,补录\n", encoding)
    assert "预览" in page and "补录" in page
    assert not Observation.objects.filter(day=TODAY).exists()
    carried = page.split('name="rows" value="')[1].split('"')[0]
    assert browser.post("/intake/file", {"rows": carried}).status_code == 302
    assert [r.value for r in Observation.objects.filter(source__startswith="file:").order_by("day")] == [9, 4]
    assert browser.post("/intake/file", {"rows": carried[:-2]}).status_code == 302
    assert Observation.objects.filter(source__startswith="file:").count() == 2


def test_file_with_wrong_cells_names_each_and_keeps_nothing(browser: Client) -> None:
    page = upload(
        browser,
        "stream,day,value\nclinic-1-fever,2022-06-02,-4\nno-such,2022-06-02,1\nclinic-1-fever,soon,1\nclinic-1-fever,2022-06-01,7\n",
    )
    assert all(cell in page for cell in ("<code>C2</code>", "<code>A3</code>", "<code>B4</code>", "<code>C5</code>"))
    assert 'name="rows"' not in page


def test_file_without_the_columns_is_refused(browser: Client) -> None:
    assert "缺少列" in upload(browser, "日期,数值\n2022-06-02,4\n")
    assert "文件是空的" in upload(browser, "")
