"""An objection to a refusal: opened once by the device that refused, answered once by the office of the place."""

from datetime import timedelta

import pytest

from tests.domains.gate.door import door  # noqa: F401 - fixture
from tests.fixtures_town import AT, Town
from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Deadline, Dossier
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.core.people.rules import system_actor
from tongchou.domains.gate.actions_appeals import decide_appeal, open_appeal
from tongchou.domains.gate.models import Appeal, Device
from tongchou.domains.gate.queries import appeals_for, seen_appeal

SCANNER = system_actor("scanner")
OPEN = {"words": "昨天采过样 sampled yesterday", "phone": "13800000000", "by": SCANNER, "at": AT}


def test_an_appeal_starts_its_clock_at_the_duty_post_and_tells_it(small_town: Town, door: Device) -> None:  # noqa: F811
    appeal = open_appeal(door, seq=2, **OPEN)
    head = appeal.dossier
    assert (head.kind, head.number, head.state, head.owner_post) == ("appeal", "MS-2022-0001", "open", small_town.posts["duty-officer"])
    assert Deadline.objects.get(dossier=head).due_at == AT + timedelta(hours=24)
    assert (appeal.reason, appeal.phone, appeal.refused_at) == ("no_test", "13800000000", AT - timedelta(minutes=5))
    assert Notice.objects.get(dossier=head).user_id == small_town.lin.user_id
    assert Entry.objects.filter(action="appeal.open", subject_id=str(head.pk)).count() == 1


def test_the_same_appeal_again_is_the_same(small_town: Town, door: Device) -> None:  # noqa: F811
    first, again = open_appeal(door, seq=2, **OPEN), open_appeal(door, seq=2, **OPEN | {"words": "别的话"})
    assert first.pk == again.pk and Appeal.objects.count() == 1 and Dossier.objects.filter(kind="appeal").count() == 1


@pytest.mark.parametrize(
    ("seq", "changed", "said"), [(1, {}, "没有找到"), (99, {}, "没有找到"), (2, {"words": " "}, "理由"), (2, {"phone": "12345"}, "手机")]
)
def test_what_is_no_refusal_or_no_phone_opens_nothing(small_town: Town, door: Device, seq: int, changed: dict[str, str], said: str) -> None:  # noqa: F811
    with pytest.raises(Refusal) as refused:
        open_appeal(door, seq=seq, **OPEN | changed)
    assert said in str(refused.value) and not Appeal.objects.exists() and not Dossier.objects.filter(kind="appeal").exists()


def test_the_office_answers_once_with_a_reason(small_town: Town, door: Device) -> None:  # noqa: F811
    appeal = open_appeal(door, seq=2, **OPEN)
    with pytest.raises(Invalid):
        decide_appeal(appeal, upheld=True, answer="好", by=small_town.lin, at=AT)
    decided = decide_appeal(appeal, upheld=True, answer="已查到采样记录", by=small_town.lin, at=AT)
    assert (decided.dossier.state, decided.answer, decided.dossier.closed_at) == ("upheld", "已查到采样记录", AT)
    assert Deadline.objects.get(dossier=decided.dossier).stopped_at == AT
    with pytest.raises(Stale):
        decide_appeal(appeal, upheld=False, answer="再次答复不行", by=small_town.lin, at=AT)


def test_another_town_and_a_post_without_the_right_see_and_decide_nothing(small_town: Town, door: Device) -> None:  # noqa: F811
    appeal = open_appeal(door, seq=2, **OPEN)
    for who in (small_town.zhao, small_town.chen):
        assert appeals_for(who) == []
        with pytest.raises(Unseen):
            seen_appeal(appeal.dossier.number, who)
        with pytest.raises(Unseen):
            decide_appeal(appeal, upheld=True, answer="已查到采样记录", by=who, at=AT)
    with pytest.raises(Unseen):
        open_appeal(door, seq=2, **OPEN | {"by": small_town.lin})
    assert [a.pk for a in appeals_for(small_town.lin)] == [appeal.pk] and seen_appeal("MS-2022-0001", small_town.wu).pk == appeal.pk
