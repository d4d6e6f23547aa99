"""People, a site and a round for the tests of testing: two households in the first village, one in the second."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import Actor
from tongchou.core.secrecy import blind_index
from tongchou.core.wording import T
from tongchou.domains.registry.models import Household, Resident
from tongchou.domains.testing.actions import SiteSpec, open_site, plan_round, start_round
from tongchou.domains.testing.actions_check_off import CheckedOff, Sampled, check_off
from tongchou.domains.testing.models import Round, Site

ALL_DAY = [{"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "07:00", "to": "21:00"}]
IDS = ["310199198001010013", "310199198202020023", "310199201003030039", "310199195504040042", "310199195606060052", "310199199007070062"]


def spec(**changes: object) -> SiteSpec:
    given: dict[str, object] = {
        "name": T("徐泾采样点", "Xujing sampling site"), "address": T("明珠路1号", "1 Mingzhu Road"), "point": (121.27, 31.19),
        "hours": ALL_DAY, "booths": 2, "staff": 6,
    }  # fmt: skip
    return SiteSpec(**(given | changes))  # type: ignore[arg-type]


@dataclass
class Scene:
    """The small town with six people, a site in the first village, and a whole-area round that is sampling."""

    town: Town
    people: list[Resident]
    site: Site
    round: Round
    leader: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.leader = self.town.gao

    def sample(self, people: list[int], tube: str, *, by: Actor | None = None, at: datetime = AT, **more: object) -> CheckedOff:
        rows = [Sampled(self.people[n].pk, tube) for n in people]
        return check_off(testing_round=self.round, site=self.site, sampled=rows, by=by or self.town.wu, at=at, **more)  # type: ignore[arg-type]


def parameter(key: str, unit: str, value: object) -> None:
    row, _ = Parameter.objects.get_or_create(key=key, defaults={"unit": unit, "name_zh": key, "name_en": key})
    ParameterValue.objects.create(parameter=row, value=value, valid_from=SINCE, source_zh="测试", source_en="test", confidence="high")


def people_of(town: Town) -> list[Resident]:
    made = []
    for n, id_number in enumerate(IDS):
        village = town.villages[0] if n < 5 else town.villages[1]
        code = ("H1", "H1", "H1", "H2", "H2", "H3")[n]
        home, _ = Household.objects.get_or_create(
            code=code, defaults={"place": village, "name": "户", "near_key": code, "changed_at": AT, "address": f"明珠路{code}"}
        )
        made.append(
            Resident.objects.create(
                household=home, place=village, name=f"居民{n}", near_key=f"n{n}", sex="m", born_on=date(1980, 1, 1), changed_at=AT,
                id_number=id_number, id_index=blind_index(id_number), phone=f"1990012345{n}", phone_index=blind_index(f"1990012345{n}"),
            )
        )  # fmt: skip
    return made


def scene(town: Town, pool_size: int = 5) -> Scene:
    parameter("testing.area_round_within", "hour", 24)
    parameter("testing.retest_within", "hour", 6)
    people = people_of(town)
    site = open_site(code="S1", spec=spec(), place=town.villages[0], by=town.gao, at=AT)
    planned = plan_round(
        title=T("全员核酸", "Everybody"), place=town.town, pool_size=pool_size, owner=town.posts["trace-leader"], by=town.gao, at=AT
    )
    return Scene(town, people, site, start_round(planned, by=town.gao, at=AT))
