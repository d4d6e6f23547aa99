"""The three kinds of warning: what must stand in each, what is left to be filled in, and what is not drafted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests import packs_once
from tongchou.core.wording import T
from tongchou.workflows.draft_text import KINDS, TO_FILL, WORDING, Ahead, AlarmFacts, draft_of, kinds_for

ON = date(2026, 1, 5)
BY = T("林", "Lin")
FACTS = AlarmFacts(
    number="YJ-2026-0001", place=T("徐泾居委会", "Xujing"), town=T("徐泾镇", "Xujing Town"), disease=T("新冠病毒感染", "COVID-19"), target="covid19",
    grade="red", is_confirmed=False, seen_on=date(2026, 1, 4), probability=0.92, prior_onsets_per_year=1.8,
    ppv=T("同类预警尚无结论；预计属实 50%，在 3% 与 97% 之间", "No such alarm has a verdict yet; expected 50%, between 3% and 97%"),
    carriers=(T("核酸初筛阳性数", "PCR screening positives"),), growth_per_day=(0.08, 0.15, 0.24),
    ahead=Ahead(T("新报告病例数", "newly reported cases"), T("例", "cases"), T("徐泾镇", "Xujing Town"), 14, 31, 7, 94), touched=(T("前明村", "Qianming"),),
)  # fmt: skip


def wording(on: date) -> dict[str, Any]:
    """What the pack says on a day."""
    pack = packs_once.pack("xujing")
    known = {s.key: [e for e in s.entries if e.from_on <= on] for s in pack.parameters if s.key in WORDING}
    return {key: max(entries, key=lambda e: e.from_on).value for key, entries in known.items()}


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return wording(ON)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_kind_names_place_disease_grade_size_certainty_signer_and_day(now: dict[str, Any], kind: str, lang: str) -> None:
    text = draft_of(kind, FACTS, now, BY, ON).text(lang)
    wanted = {
        "zh": ("徐泾居委会", "新冠病毒感染", "红色", "正在核实", "约 31 例（80%区间 7–94）", "92%", "1.8 次", "尚无结论", "审签：区", "2026年1月5日", "不得发出"),
        "en": ("Xujing", "COVID-19", "red", "not yet confirmed", "31 cases (80 % interval 7–94)", "92%", "1.8 onsets", "no such alarm", "To be signed by: district", "5 January 2026", "not to be sent"),
    }[lang]  # fmt: skip
    assert [word for word in wanted if word.lower() not in text.lower()] == []
    assert getattr(TO_FILL, lang) not in text


def test_only_the_inner_kinds_tell_streams_and_law(now: dict[str, Any]) -> None:
    texts = {kind: draft_of(kind, FACTS, now, BY, ON).text("zh") for kind in KINDS}
    assert [kind for kind, text in texts.items() if "核酸初筛阳性数" in text and "国疾控监测发〔2025〕11号" in text] == [
        "notice",
        "recommendation",
    ]
    assert [kind for kind, text in texts.items() if "建议风险等级：高风险" in text] == ["recommendation"]


@pytest.mark.parametrize(
    ("grade", "kinds"),
    [("blue", ["advice"]), ("yellow", ["advice", "notice"]), ("red", ["advice", "notice", "recommendation"]), ("", [])],
)
def test_the_grade_decides_which_kinds_are_drafted(now: dict[str, Any], grade: str, kinds: list[str]) -> None:
    assert list(kinds_for(grade, now)) == kinds


def test_a_kind_that_is_not_proper_is_refused(now: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="recommendation: not drafted for grade 'blue'"):
        draft_of("recommendation", replace(FACTS, grade="blue"), now, BY, ON)
    with pytest.raises(ValueError, match="not drafted"):
        draft_of("advice", FACTS, {}, BY, ON)


def test_what_the_office_has_not_worded_is_left_to_be_filled_in(now: dict[str, Any]) -> None:
    few = {"warning.drafts_by_grade": now["warning.drafts_by_grade"]}
    text = draft_of("notice", replace(FACTS, ahead=None, touched=(), carriers=()), few, BY, ON).text("zh")
    assert text.count("【请补充】") == 5 and "数据不足以估计" in text and "未见其他村居" in text


def test_the_law_of_the_day_is_quoted() -> None:
    quoted = [wording(day)["warning.legal_basis"]["zh"] for day in (date(2022, 6, 2), date(2025, 8, 1), ON)]
    assert ["2013年修正" in text for text in quoted] == [True, False, False] and ["2025年修订" in text for text in quoted] == [
        False,
        False,
        True,
    ]


def test_a_confirmed_alarm_is_called_so(now: dict[str, Any]) -> None:
    assert "已经人工确认" in draft_of("advice", replace(FACTS, is_confirmed=True), now, BY, ON).text("zh")
