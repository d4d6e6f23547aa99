"""Projects in the small town: Gao's post answers for them, Lin supervises, Wu may write for his village only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests import packs_once
from tests.fixtures_town import AT, Town
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.wording import T
from tongchou.domains.projects.actions import Proposed, Spent, open_project, publish_project_book, reach_milestone, report_spending
from tongchou.domains.projects.actions_slips import open_slip
from tongchou.domains.projects.models import Project, Slip
from tongchou.domains.projects.queries import Standing, standings

SYSTEM, DAY = system_actor("test"), timedelta(days=1)
PLANNED = {"signed": date(2022, 1, 20), "started": date(2022, 3, 15), "finished": date(2023, 6, 30)}


def on(year: int, month: int, day: int, hour: int = 9) -> datetime:
    """An instant by the town's clock."""
    return datetime(year, month, day, hour, tzinfo=ZoneInfo("Asia/Shanghai"))


@dataclass
class Pipeline:
    """The town and what its people do with projects."""

    town: Town

    def proposed(self, **given: Any) -> Proposed:
        said: dict[str, Any] = {
            "name": "蟠龙智慧仓", "place": self.town.villages[0], "post": self.town.posts["trace-leader"], "sector": "commerce",
            "plan": {2022: 10_000, 2023: 6_000}, "milestones": PLANNED, "land": "徐泾镇 12-3 地块",
        }  # fmt: skip
        return Proposed(**said | given)

    def project(self, *, by: Actor | None = None, at: datetime = on(2022, 1, 5), **given: Any) -> Project:
        return open_project(proposed=self.proposed(**given), by=by or self.town.lin, at=at)

    def reached(self, row: Project, code: str, day: date, *, at: datetime | None = None) -> Project:
        said = at or on(day.year, day.month, day.day, 18)
        return reach_milestone(row, code=code, done_on=day, note="现场照片和协议原件已核对", by=self.town.lin, at=said)

    def spent(self, row: Project, *amounts: int, year: int = 2022, first: int = 1, at: datetime = AT) -> int:
        lines = [Spent(row.dossier.number, date(year, first + n, 1), amount) for n, amount in enumerate(amounts)]
        return report_spending(lines=lines, by=self.town.lin, at=at)

    def standing(self, row: Project, at: datetime) -> Standing:
        (found,) = standings([row], at, self.town.town.path)
        return found

    def colours(self, row: Project, at: datetime) -> dict[str, str]:
        return {light.cause: light.colour for light in self.standing(row, at).lights}

    def slip(self, row: Project, cause: str = "start", *, at: datetime = AT) -> Slip:
        return open_slip(row, cause=cause, why=T("三月该开工，现在还没动", "due to start in March"), by=self.town.lin, at=at)


def pipeline(town: Town) -> Pipeline:
    pack = packs_once.pack("xujing")
    define_parameters(specs=[s for s in pack.parameters if s.key.startswith("project.")], places={}, root=town.town, by=SYSTEM, at=AT)
    assert pack.projects is not None
    publish_project_book(body=pack.projects, place=town.town, by=SYSTEM, at=AT)
    return Pipeline(town)
