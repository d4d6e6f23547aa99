"""A small town for every test: three villages, and people whose names mean something.

Lin is the duty officer, Fang leads the duty, Chen is the township doctor, Wu is secretary of the first village,
Gao leads the tracing group, Zhao is duty officer of ANOTHER town and must be refused everything here.
"""

import pickle
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.models import Post, Posting, Unit, User
from tongchou.core.people.queries import actor_for
from tongchou.core.people.rules import Actor
from tongchou.core.places.models import Installation, Place

AT = datetime(2022, 6, 2, 11, 0, tzinfo=UTC)  # 19:00 in the town
SINCE = date(2020, 1, 1)

MINUTES = {
    "alarm.acknowledge_within": 30,
    "alarm.decide_within": 120,
    "incident.report_within": 120,
    "task.accept_within": 15,
    "task.escalate_every": 30,
}


@dataclass(frozen=True)
class Town:
    """Places and people of the test town."""

    town: Place
    villages: tuple[Place, Place, Place]
    elsewhere: Place
    lin: Actor
    fang: Actor
    chen: Actor
    wu: Actor
    gao: Actor
    zhao: Actor
    posts: dict[str, Post]


def _place(code: str, kind: str, zh: str, en: str, parent: Place | None = None, population: int = 0) -> Place:
    path = f"{parent.path if parent else '/'}{code}/"
    return Place.objects.create(
        code=code, kind=kind, name_zh=zh, name_en=en, parent=parent, path=path, population=population, valid_from=SINCE
    )


ROWS = (Place, Unit, Post, User, Posting, Parameter, ParameterValue)  # what the town is made of, each after what it refers to
_founded: tuple[bytes, "Town"] | None = None


@pytest.fixture
def small_town(db: None) -> Town:
    """Founded once in a process; every other test gets copies of the same rows, numbers included, a table at a time."""
    global _founded
    if _founded is None:
        town = _found_town()
        _founded = pickle.dumps([(model, list(model._default_manager.order_by("pk"))) for model in ROWS]), town
        return town
    tables = pickle.loads(_founded[0])
    for model, rows in tables:
        model._default_manager.bulk_create(rows)
    return _with_rows(_founded[1], {row.code: row for model, rows in tables if model in (Place, Post) for row in rows})


def _with_rows(town: Town, rows: dict[str, Any]) -> Town:
    """The town with rows of its own, which a test may change; people's rights are frozen."""
    villages: Any = tuple(rows[village.code] for village in town.villages)
    posts = {code: rows[code] for code in town.posts}
    return replace(town, town=rows[town.town.code], villages=villages, elsewhere=rows[town.elsewhere.code], posts=posts)


def _found_town() -> Town:
    district = _place("310118", "district", "青浦区", "Qingpu District")
    town = _place("310118106", "town", "徐泾镇", "Xujing Town", district, 12000)
    villages = tuple(
        _place(f"310118106{n}", "village", zh, en, town, 4000)
        for n, zh, en in (("001", "徐泾居委会", "Xujing"), ("202", "前明村", "Qianming"), ("203", "金云村", "Jinyun"))
    )
    elsewhere = _place("310118107", "town", "华新镇", "Huaxin Town", district, 9000)
    posts: dict[str, Post] = {}

    def seat(code: str, kind: str, zh: str, en: str, place: Place, above: str | None = None) -> None:
        unit, _ = Unit.objects.get_or_create(
            code=f"unit-{place.code}-{kind}", defaults={"kind": "office", "name_zh": zh, "name_en": en, "place": place}
        )
        posts[code] = Post.objects.create(
            code=code, kind=kind, unit=unit, place=place, reports_to=posts[above] if above else None, name_zh=zh, name_en=en
        )

    seat("duty-leader", "duty_leader", "带班领导", "Duty leader", town)
    seat("duty-officer", "duty_officer", "值班长", "Duty officer", town, "duty-leader")
    seat("doctor", "township_doctor", "社区卫生服务中心医生", "Township doctor", town, "duty-officer")
    seat("trace-leader", "group_leader", "协查组组长", "Tracing group leader", town, "duty-leader")
    seat("village-1", "village_secretary", "村书记", "Village secretary", villages[0], "duty-officer")
    seat("elsewhere-officer", "duty_officer", "外镇值班长", "Duty officer elsewhere", elsewhere)
    actors = {}
    for name, zh, post in (
        ("lin", "林", "duty-officer"),
        ("fang", "方", "duty-leader"),
        ("chen", "陈", "doctor"),
        ("wu", "吴", "village-1"),
        ("gao", "高", "trace-leader"),
        ("zhao", "赵", "elsewhere-officer"),
    ):
        user = User.objects.create_user(name, email=f"{name}@example.org", password="correct horse", name_zh=zh, name_en=name.title())
        Posting.objects.create(user=user, post=posts[post], from_at=datetime(2022, 1, 1, tzinfo=UTC))
        actors[name] = actor_for(user, AT)
    for key, minutes in MINUTES.items():
        parameter = Parameter.objects.create(key=key, unit="minute", name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value=minutes, valid_from=SINCE, source_zh="测试", source_en="test", confidence="high"
        )
    return Town(town=town, villages=villages, elsewhere=elsewhere, posts=posts, **actors)  # type: ignore[arg-type]


@pytest.fixture
def installed_town(small_town: Town) -> Town:
    """The small town as an installation: what the pages need beside its rows."""
    Installation.objects.create(
        place=small_town.town, pack="test", pack_digest="0" * 64, zone="Asia/Shanghai", is_demo=True, installed_at=AT
    )
    return small_town
