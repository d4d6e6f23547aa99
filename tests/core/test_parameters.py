"""A number on a day: the nearest place wins, then the latest day; the past keeps its value."""

from datetime import date, timedelta

import pytest

from tests.fixtures_town import AT, Town
from tongchou.core.errors import Invalid, Refusal, Unseen
from tongchou.core.parameters.actions import set_parameter
from tongchou.core.parameters.queries import duration, value
from tongchou.core.wording import T

KEY = "alarm.decide_within"


def test_value_follows_the_day_and_the_nearest_place(small_town: Town) -> None:
    source = T("区防控办通知", "District notice")
    june, village = date(2022, 6, 1), small_town.villages[0]
    set_parameter(key=KEY, value=90, valid_from=june, source=source, place=small_town.town, by=small_town.fang, at=AT)
    set_parameter(key=KEY, value=60, valid_from=june, source=source, place=village, by=small_town.fang, at=AT)
    assert duration(KEY, on=date(2022, 5, 31), place_path=village.path) == timedelta(hours=2)
    assert duration(KEY, on=june, place_path=village.path) == timedelta(hours=1)
    assert duration(KEY, on=june, place_path=small_town.villages[1].path) == timedelta(minutes=90)
    assert duration(KEY, on=june, place_path=small_town.elsewhere.path) == timedelta(hours=2)
    assert value(KEY, on=june, place_path=village.path).source.en == "District notice"


def test_no_value_on_that_day_names_key_and_day(small_town: Town) -> None:
    with pytest.raises(Refusal, match=r"alarm\.decide_within.*2019-12-31"):
        value(KEY, on=date(2019, 12, 31))


@pytest.mark.parametrize("wrong", ["two hours", -5, None])
def test_wrong_value_or_missing_source_is_refused(small_town: Town, wrong: object) -> None:
    with pytest.raises(Invalid) as refused:
        set_parameter(key=KEY, value=wrong, valid_from=AT.date(), source=T("", ""), place=small_town.town, by=small_town.fang, at=AT)
    assert {p.field for p in refused.value.problems} == {"value", "source"}


def test_unknown_key_and_wrong_post_are_refused(small_town: Town) -> None:
    with pytest.raises(Unseen):
        set_parameter(key="no.such", value=1, valid_from=AT.date(), source=T("据", "src"), place=small_town.town, by=small_town.fang, at=AT)
    with pytest.raises(Unseen):
        set_parameter(key=KEY, value=1, valid_from=AT.date(), source=T("据", "src"), place=small_town.town, by=small_town.chen, at=AT)
