"""What the worker does by itself: each duty once, however often it is kept."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.domains.response.plans import CALL_IN, HOLD, activated
from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.casework.models import Assignment
from tongchou.core.outbox.models import Message, Notice
from tongchou.core.outbox.queue import work_once
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.passes.actions import distrust_key
from tongchou.core.passes.models import IssuerKey
from tongchou.core.people.rules import system_actor
from tongchou.core.runs.models import Run
from tongchou.domains.response.actions_tasks import cancel_task
from tongchou.domains.sentinels.models import Sentinel, Stream
from tongchou.interfaces.jobs import duties, handlers
from tongchou.interfaces.jobs.handlers import HANDLERS
from tongchou.workflows.early_warning import FUNCTION

SHANGHAI = ZoneInfo("Asia/Shanghai")


def _work(at: datetime) -> None:
    while work_once("w", at, HANDLERS):
        pass


def test_overdue_tasks_are_passed_up_by_the_worker(installed_town: Town) -> None:
    task = activated(installed_town)[HOLD]
    for seconds in (0, 20, 40):
        duties.escalate(AT + timedelta(minutes=16, seconds=seconds))
    assert Assignment.objects.get(dossier_id=task.pk, to_at=None).post.code == "duty-officer"


def test_person_is_reminded_once_before_a_task_falls_due(installed_town: Town) -> None:
    tasks = activated(installed_town)
    parameter = Parameter.objects.create(key="task.remind_before", unit="minute", name_zh="提醒", name_en="remind")
    ParameterValue.objects.create(parameter=parameter, value=10, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low")
    _work(AT)
    Notice.objects.all().delete()
    for minutes in (4, 5, 6, 7):
        duties.remind_in_time(AT + timedelta(minutes=minutes))
        _work(AT + timedelta(minutes=minutes))
    told = Notice.objects.get()
    assert (told.user.username, told.dossier_id) == ("lin", tasks[CALL_IN].pk) and told.text_en.startswith("Due soon")


def test_nobody_is_reminded_of_what_is_done_meanwhile(installed_town: Town) -> None:
    tasks = activated(installed_town)
    parameter = Parameter.objects.create(key="task.remind_before", unit="minute", name_zh="提醒", name_en="remind")
    ParameterValue.objects.create(parameter=parameter, value=10, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low")
    duties.remind_in_time(AT + timedelta(minutes=6))
    cancel_task(tasks[CALL_IN], reason="人已在岗", by=installed_town.fang, at=AT + timedelta(minutes=6))
    Notice.objects.all().delete()
    _work(AT + timedelta(minutes=7))
    assert not Notice.objects.exists()


def test_morning_is_read_once_it_has_come(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[date, datetime]] = []

    def screen(day: date, as_known_at: datetime, **_: object) -> None:
        read.append((day, as_known_at))
        Run.objects.create(
            function=FUNCTION,
            version="1",
            parameters={},
            input_digest=str(day),
            as_known_at=as_known_at,
            recorded_at=as_known_at,
            result={},
        )

    monkeypatch.setattr(handlers, "screen_morning", screen)
    for hour, minute in ((7, 59), (8, 0), (8, 1), (19, 0)):
        duties.screen_this_morning(datetime(2022, 6, 3, hour, minute, tzinfo=SHANGHAI))
        _work(datetime(2022, 6, 3, hour, minute, tzinfo=SHANGHAI))
    assert read == [(date(2022, 6, 3), datetime(2022, 6, 3, 8, 0, tzinfo=SHANGHAI))]


def test_a_day_read_later_is_not_put_back_to_what_its_morning_knew(installed_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    evening = datetime(2022, 6, 2, 18, 30, tzinfo=SHANGHAI)
    Run.objects.create(function=FUNCTION, version="1", parameters={}, input_digest="0", as_known_at=evening, recorded_at=evening, result={})
    monkeypatch.setattr(handlers, "screen_morning", lambda *_, **__: pytest.fail("read again as known in the morning"))
    duties.screen_this_morning(evening + timedelta(minutes=30))
    _work(evening + timedelta(minutes=30))
    assert Message.objects.get(topic="watch.morning").error == ""


def test_silent_stream_is_told_once_to_its_contact(installed_town: Town) -> None:
    sentinel = Sentinel.objects.create(
        code="clinic-1", kind="monitoring", setting="fever_clinic", name_zh="发热门诊", name_en="Fever clinic", place=installed_town.villages[0],
        operator_zh="卫生中心", operator_en="Health centre", contact_post=installed_town.posts["doctor"],
        schedule={"weekdays": [1, 2, 3, 4, 5, 6, 7], "due": "09:00"}, valid_from=date(2022, 5, 30),
    )  # fmt: skip
    Stream.objects.create(
        code="clinic-1.visits", sentinel=sentinel, kind="fever_visits", indicator_zh="就诊人次", indicator_en="visits", unit_zh="人次",
        unit_en="visits", value_kind="count",
    )  # fmt: skip
    for hours in range(0, 96, 6):
        at = AT - timedelta(days=1) + timedelta(hours=hours)
        duties.tell_of_silence(at)
        _work(at)
    assert Message.objects.filter(topic="stream.silent").count() == 1
    assert Notice.objects.get().user.username == "chen"


def test_nothing_is_due_before_a_town_is_installed(small_town: Town) -> None:
    for duty in duties.DUTIES:
        duty.keep(AT)
    assert not Message.objects.exists() and not Run.objects.exists()


def test_a_town_has_a_signing_key_from_the_first_day_and_no_second_one_by_itself(installed_town: Town) -> None:
    duties.make_first_key(AT)
    first = IssuerKey.objects.get()
    distrust_key(first, reason="密钥泄露", by=system_actor("test"), at=AT)
    duties.make_first_key(AT + timedelta(minutes=1))
    assert first.issuer == installed_town.town.code and IssuerKey.objects.get().pk == first.pk
