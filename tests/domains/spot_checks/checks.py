"""People, venues and a check for the tests of spot checks: forty households of one to four people in two villages."""

from datetime import date, datetime, timedelta

from tests.domains.testing.samplers import parameter
from tests.fixtures_town import AT, Town
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.registry.models import Household, Resident, Venue
from tongchou.domains.spot_checks.actions import announce_check, draw_check
from tongchou.domains.spot_checks.models import SpotCheck, Unit
from tongchou.workflows.spot_checking import Wish, plan

SECRET = "6f2c1b7e9a0d4c58b3e1f7a2d9c04e61"
BEACON, VALUE = "上证综指2022年6月2日收盘", "3195.46"
LATER = AT + timedelta(hours=2)
NUMBERS: dict[str, tuple[str, object]] = {
    "spot_check.draw_within": ("hour", 48), "spot_check.finish_within": ("hour", 72), "spot_check.household_rest": ("day", 30),
    "spot_check.rest_ends_at_risk": ("times", 3), "spot_check.reserve_share": ("share", 0.5), "spot_check.test_sensitivity": ("share", 1),
    "spot_check.people_risk": ("times", {"aged_60": 1.5, "key_worker": 3}), "spot_check.venue_risk": ("times", {"market": 3}),
}  # fmt: skip


def people(town: Town, homes: int = 40) -> list[Resident]:
    made = []
    for n in range(homes):
        village = town.villages[0] if n % 2 else town.villages[1]
        home = Household.objects.create(code=f"H{n}", place=village, name="户", near_key=f"h{n}", changed_at=AT, address=f"明珠路{n}号")
        for m in range(1 + n % 4):
            made.append(
                Resident.objects.create(
                    household=home, place=village, name=f"居民{n}之{m}", near_key=f"n{n}-{m}", sex="m", born_on=date(1940 if m == 3 else 1985, 1, 1),
                    changed_at=AT,
                )
            )  # fmt: skip
    return made


def venues(town: Town, count: int = 12) -> list[Venue]:
    return [
        Venue.objects.create(
            code=f"V{n}", place=town.villages[n % 2], name=f"场所{n}", near_key=f"v{n}", changed_at=AT, venue_class="market" if n < 2 else "shop"
        )
        for n in range(count)
    ]  # fmt: skip


def lay_numbers() -> None:
    for key, (unit, value) in NUMBERS.items():
        parameter(key, unit, value)


def wish(town: Town, **changes: object) -> Wish:
    given: dict[str, object] = {
        "title": T("居民抽检", "Spot check of residents"),
        "place": town.town,
        "kind": "people",
        "prevalence": 0.05,
        "size": 12,
    }
    return Wish(**(given | changes))  # type: ignore[arg-type]


def planned(town: Town, *, at: datetime = AT, **changes: object) -> SpotCheck:
    return plan(wish(town, **changes), secret=SECRET, owner=town.posts["trace-leader"], by=town.gao, at=at)


def drawn(town: Town, *, at: datetime = AT, **changes: object) -> SpotCheck:
    check = announce_check(planned(town, at=at, **changes), beacon=BEACON, beacon_at=at + timedelta(hours=1), by=town.gao, at=at)
    return draw_check(check, beacon_value=VALUE, by=town.gao, at=at + timedelta(hours=2))


def waiting(check: SpotCheck, actor: Actor | None = None) -> list[Unit]:
    rows = Unit.objects.filter(check_of=check, state="waiting").select_related("place", "stratum")
    return [row for row in rows if actor is None or actor.may("spot_check.take", row.place.path)]
