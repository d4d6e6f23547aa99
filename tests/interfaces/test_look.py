"""The look: words, times and figures as tags give them; contrast of the sheet; language, theme and policy of every page; charts as data."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

import tongchou
from tongchou.core.wording import T, current_language, use_language
from tongchou.interfaces.jobs.handlers import HANDLERS
from tongchou.interfaces.web import acts, charts
from tongchou.interfaces.web.chart_parts import breaks_of, spread_levels
from tongchou.interfaces.web.middleware import Page
from tongchou.interfaces.web.pages import outbox
from tongchou.interfaces.web.templatetags.tongchou import masked, number, page_numbers, percent, span_text, when

SHEET = (Path(charts.__file__).parent / "static" / "tongchou.css").read_text(encoding="utf-8")
NOW = datetime(2022, 6, 2, 11, 0, tzinfo=UTC)
VISITS = T("就诊（人）", "Visits")


def drawn(source: str, **context: object) -> str:
    return Template(source).render(Context({"now": NOW, **context}))


@pytest.fixture(autouse=True)
def shanghai():
    with timezone.override("Asia/Shanghai"):
        yield


class TestWords:
    def test_say_gives_the_phrase_of_the_reader(self):
        source = '{% say "确认预警" "Confirm alarm" %}'
        assert drawn(source) == "确认预警"
        with use_language("en"):
            assert drawn(source) == "Confirm alarm"

    def test_values_in_a_phrase_are_escaped(self):
        assert drawn('{% say "还剩 {n} 项" "{n} left" n=n %}', n="<b>") == "还剩 &lt;b&gt; 项"

    def test_a_pair_a_place_and_a_mapping_speak(self):
        place = SimpleNamespace(name_zh="民主村", name_en="Minzhu")
        assert (
            drawn("{{ a|say }} {{ b|say }} {{ c|say }} {{ d|say }}", a=T("甲", "A"), b=place, c={"zh": "丙", "en": "C"}, d="D<")
            == "甲 民主村 丙 D&lt;"
        )

    def test_a_time_is_shown_in_the_towns_zone(self):
        assert ">6月2日 19:00</time>" in when(NOW)
        assert ">19:00</time>" in when(NOW, "time")
        assert ">6月2日</time>" in when(date(2022, 6, 2))
        with use_language("en"):
            assert ">2 Jun 19:00</time>" in when(NOW)
            assert ">2 Jun 2022 19:00</time>" in when(NOW, "full")

    def test_a_naive_instant_is_refused(self):
        with pytest.raises(ValueError, match="naive"):
            when(datetime(2022, 6, 2, 19, 0))  # noqa: DTZ001

    def test_figures(self):
        assert (number(10000), number(3.14159, 1), number(None), number(float("nan"))) == ("10,000", "3.1", "–", "–")
        assert (percent(0.9164), percent(1, 0), percent(None)) == ("91.6%", "100%", "–")

    def test_a_countdown_says_what_is_left_or_late(self):
        assert span_text(timedelta(minutes=30)) == "剩 30 分"
        assert span_text(-timedelta(minutes=12)) == "逾期 12 分"
        assert span_text(timedelta(days=2, hours=3, minutes=9)) == "剩 2 天 3 小时"
        late = drawn("{% clock due %}", due=NOW - timedelta(minutes=12))
        assert "is-late" in late and "data-until" in late
        done = drawn("{% clock due done %}", due=NOW, done=NOW - timedelta(minutes=1))
        assert "is-done" in done and "data-until" not in done

    @given(st.text(min_size=1, max_size=40))
    def test_masking_never_shows_more_than_seven_characters(self, text: str):
        shown = re.sub(
            r"<[^>]*>", "", masked(text.replace("<", "x").replace("&", "x").replace("'", "x").replace('"', "x").replace(">", "x"))
        )
        assert len(shown) == len(text)
        assert sum(a != "*" for a in shown) <= 7

    def test_a_grade_has_a_shape_and_a_word(self):
        badge = drawn('{% grade_badge "orange" %}')
        assert "#orange" in badge and "橙" in badge
        assert drawn("{% grade_badge None %}") == '<span class="grade">–</span>'

    def test_a_query_keeps_what_it_does_not_name(self):
        request = RequestFactory().get("/x", {"q": "药店", "page": "3", "fragment": "list"})
        assert drawn("{% query_with page=4 %}", request=request) == "?q=%E8%8D%AF%E5%BA%97&amp;page=4"
        assert drawn("{% query_with page=None q=None %}", request=request) == "?"

    @given(st.integers(1, 60), st.integers(1, 60))
    def test_page_numbers_reach_both_ends_and_the_neighbours(self, pages: int, at: int):
        page = Paginator(range(pages), 1).get_page(at)
        shown = page_numbers(page)
        assert shown[0] == 1 and shown[-1] == pages and page.number in shown
        assert [n for n in shown if n] == sorted({n for n in shown if n})


def themes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r"(:root[^{]*)\{([^}]*--ink:[^}]*)\}", SHEET)
    return {
        selector.strip(): dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})", body)) for selector, body in blocks if "--seq-0" in body
    }


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT_ON = [
    *((ink, ground) for ink in ("ink", "ink-2", "mute", "brand") for ground in ("paper", "card", "sunk")),
    *((f"{g}-ink", ground) for g in ("red", "orange", "yellow", "blue", "ok") for ground in ("card", "sunk", f"{g}-soft")),
    *((f"{g}-on", f"{g}-fill") for g in ("red", "orange", "yellow", "blue", "ok", "brand")),
    *((f"seq-on-{i}", f"seq-{i}") for i in range(5)),
    *((ink, "bar") for ink in ("bar-ink", "bar-mute")),
    *((ink, f"{g}-soft") for ink in ("ink", "mute") for g in ("red", "orange", "yellow", "blue", "ok")),
    *((line, "paper") for line in ("epidemic", "economy", "safety")),
    ("chart-ink", "card"),
]


class TestSheet:
    def test_dark_chosen_and_dark_by_the_system_are_the_same(self):
        found = themes()
        assert len(found) == 3
        assert found[':root:not([data-theme="light"])'] == found[':root[data-theme="dark"]']
        assert found[":root"].keys() == found[':root[data-theme="dark"]'].keys()

    @pytest.mark.parametrize("selector", [":root", ':root[data-theme="dark"]'])
    def test_text_reaches_aa_on_its_ground(self, selector):
        theme = themes()[selector]
        poor = {
            (ink, ground): round(contrast(theme[ink], theme[ground]), 2)
            for ink, ground in TEXT_ON
            if contrast(theme[ink], theme[ground]) < 4.5
        }
        assert poor == {}

    @pytest.mark.parametrize("selector", [":root", ':root[data-theme="dark"]'])
    def test_marks_of_a_chart_stand_out_from_the_card(self, selector):
        theme = themes()[selector]
        names = ["chart-line", *(f"{g}-ink" for g in ("red", "orange", "yellow", "blue")), *(f"cat-{i}" for i in range(1, 9))]
        assert {name: round(contrast(theme[name], theme["card"]), 2) for name in names if contrast(theme[name], theme["card"]) < 3} == {}

    def test_every_icon_and_every_class_of_a_tag_exists(self):
        icons = (Path(charts.__file__).parent / "static" / "icons.svg").read_text(encoding="utf-8")
        used = set()
        for page in (Path(charts.__file__).parent / "templates").rglob("*.html"):
            used |= set(re.findall(r'\{% icon "([a-z-]+)" %\}', page.read_text(encoding="utf-8")))
        assert {name for name in used if f'id="{name}"' not in icons} == set()


class TestPages:
    pytestmark = pytest.mark.urls("tests.interfaces.look_urls")

    def test_the_cookie_chooses_the_language_for_the_view_and_is_forgotten_after(self):
        heard = []
        page = Page(lambda request: HttpResponse(heard.append(current_language())))
        request = RequestFactory().get("/")
        request.COOKIES = {"lang": "en", "theme": "purple"}
        response = page(request)
        assert heard == ["en"] and current_language() == "zh"
        assert request.theme == "system"
        assert response.headers["Content-Language"] == "en" and "Cookie" in response.headers["Vary"]

    def test_the_policy_allows_this_address_the_live_process_and_the_lanes_only(self):
        response = Page(lambda _: HttpResponse())(RequestFactory().get("/", headers={"host": "127.0.0.1:8000"}))
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy and "style-src 'self';" in policy and "unsafe" not in policy
        assert "connect-src 'self' http://127.0.0.1:8001 http://127.0.0.1:8002 http://127.0.0.1:8003;" in policy

    @pytest.mark.parametrize(
        ("back", "lands"), [("/alarms?page=2", "/alarms?page=2"), ("https://evil.example/", "/"), ("//evil.example", "/")]
    )
    def test_preferences_are_kept_and_lead_back_to_our_own_pages_only(self, back, lands):
        response = Client().post("/preferences", {"lang": "en", "theme": "dark", "next": back})
        assert response.headers["Location"] == lands
        assert (response.cookies["lang"].value, response.cookies["theme"].value) == ("en", "dark")

    def test_an_unknown_preference_changes_nothing(self):
        assert not Client().post("/preferences", {"lang": "fr", "theme": "x"}).cookies

    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_the_gallery_speaks_one_language_and_needs_no_inline_style_or_script(self, lang, db):
        client = Client()
        client.cookies["lang"] = lang
        text = client.get("/gallery").content.decode()
        assert ("值班席" in text) == (lang == "zh") and ("Duty officer" in text) == (lang == "en")
        assert not re.search(r"<[^>]+\sstyle=|<style|\son[a-z]+=|javascript:", text)
        assert not [s for s in re.findall(r"<script([^>]*)>", text) if "src=" not in s and "application/json" not in s]


DAYS = [date(2022, 4, 4) + timedelta(i) for i in range(60)]


class TestCharts:
    def test_a_chart_cannot_end_the_script_it_stands_in(self):
        name = T("</script><script>alert(1)</script>", "x")
        figure = charts.epidemic_curve(DAYS, [1.0] * 60, title=name, unit=name)
        text = drawn("{% chart f %}", f=figure)
        inside = re.search(r'<script type="application/json">(.*?)</script>', text, re.S)
        assert inside and json.loads(inside[1])["layer"][0]["encoding"]["y"]["title"] == name.zh
        assert "<script>alert" not in text

    def test_a_missing_day_stays_missing_and_is_marked(self):
        values = [5.0, None, 7.0]
        figure = charts.stream_curve(DAYS[:3], values, title=VISITS, unit=VISITS, signals=[DAYS[2]])
        assert [r["kind"] for r in figure.spec["data"]["values"]] == ["plain", "missing", "signal"]
        assert figure.rows[1] == (DAYS[1], None)
        assert "–" in drawn("{% chart f %}", f=figure)

    def test_unequal_series_are_refused(self):
        with pytest.raises(ValueError, match="expected: 2 values for 3 days"):
            charts.epidemic_curve(DAYS[:3], [1, 2, 3], title=VISITS, unit=VISITS, expected=[1, 2])

    def test_alarm_words_close_together_stand_on_different_rows(self):
        marks = [charts.AlarmMark(DAYS[20], "blue"), charts.AlarmMark(DAYS[22], "yellow"), charts.AlarmMark(DAYS[40], "red")]
        figure = charts.epidemic_curve(DAYS, [1.0] * 60, title=VISITS, unit=VISITS, alarms=marks)
        rule = next(la for la in figure.spec["layer"] if la["mark"]["type"] == "rule")
        assert [mark["row"] for mark in rule["data"]["values"]] == [0, 1, 0]
        assert [mark["grade"] for mark in rule["data"]["values"]] == ["蓝", "黄", "红"]

    def test_the_same_word_is_not_said_twice_side_by_side(self):
        marks = [charts.AlarmMark(DAYS[20], "red"), charts.AlarmMark(DAYS[22], "red"), charts.AlarmMark(DAYS[40], "red")]
        figure = charts.epidemic_curve(DAYS, [1.0] * 60, title=VISITS, unit=VISITS, alarms=marks)
        rule = next(la for la in figure.spec["layer"] if la["mark"]["type"] == "rule")
        assert [(mark["word"], mark["align"]) for mark in rule["data"]["values"]] == [("红", "right"), ("", "left"), ("红", "left")]

    def test_an_axis_of_people_has_whole_ticks_and_one_of_rates_has_not(self):
        def axis(values):
            figure = charts.stream_curve(DAYS[:3], values, title=VISITS, unit=VISITS)
            return next(la for la in figure.spec["layer"] if la["mark"]["type"] == "line")["encoding"]["y"]["axis"]

        assert axis([0.0, 2.0, None])["values"] == [0, 1, 2]
        assert axis([0.0, 12.0, 3.0]) == {"format": ",d"}
        assert axis([0.5, 1.5, None]) == {}

    def test_a_clockwise_outline_does_not_turn_the_map_inside_out(self):
        ring = [[121.2, 31.1], [121.3, 31.1], [121.3, 31.2], [121.2, 31.2], [121.2, 31.1]]
        for outline in (ring, ring[::-1]):
            area = charts.Area("1", T("甲", "A"), {"type": "Polygon", "coordinates": [outline]}, 3.0, "red")
            figure = charts.village_map([area], title=VISITS, unit=VISITS)
            assert figure.spec["projection"]["type"] == "identity"
            (x0, y0), (x1, y1) = figure.spec["data"]["values"]["features"][0]["geometry"]["coordinates"][0][0][0:3:2]
            assert (abs(x1 - x0), abs(y1 - y0)) == (pytest.approx(9.52, abs=0.05), pytest.approx(11.12, abs=0.05))

    def test_shares_of_a_group_add_up(self):
        figure = charts.share_bars(
            [(T("甲", "A"), {"a": 3, "b": 1}), (T("乙", "B"), {})],
            [("a", T("开", "Open"), "cat-1"), ("b", T("停", "Closed"), "cat-2")],
            title=VISITS,
        )
        assert [record["share"] for record in figure.spec["data"]["values"]] == [0.75, 0.25, 0, 0]

    @given(st.lists(st.floats(0, 1e6), max_size=40))
    def test_map_steps_rise_and_use_at_most_five_colours(self, values: list[float]):
        cuts = breaks_of(values)
        assert cuts == sorted(set(cuts)) and 1 <= len(cuts) <= 4
        assert len(set(spread_levels(len(cuts) + 1))) == len(cuts) + 1

    def test_a_sparkline_breaks_at_a_missing_day(self):
        spark = charts.sparkline([0, 12, None, 24], threshold=12)
        assert spark.path == "M0.0 24.0L33.3 12.0M100.0 0.0"
        assert (spark.end, spark.limit_y) == ((100.0, 0.0), 12.0)

    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_every_chart_of_the_gallery_prints_on_paper(self, lang):
        import vl_convert

        from tongchou.interfaces.web.gallery import _figures

        with use_language(lang):
            figures = _figures()
        for name in ("curve", "stream", "map", "evidence_chart", "trades", "heat"):
            page = charts.paper(figures[name].spec)
            assert "$" not in re.sub(r'"\$schema"', "", json.dumps(page["config"]))
            assert "<svg" in vl_convert.vegalite_to_svg(page)


class TestNames:
    """What the office reads is a word, never a code."""

    def test_every_action_of_the_log_has_a_word(self):
        source = "".join(path.read_text(encoding="utf-8") for path in Path(tongchou.__file__).parent.rglob("*.py"))
        written = set(re.findall(r'\brecord\(\s*"([a-z_]+\.[a-z_]+)"', source))
        assert "register.edit" in written
        assert sorted(written - set(acts.NAMES)) == []

    def test_every_topic_of_the_worker_has_a_word(self):
        assert set(outbox.TOPICS) == set(HANDLERS)
