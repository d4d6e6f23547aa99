"""The small town's service centre: Mei at the window, Cai of market supervision, Meng who leads, procedures of the pack, two firms."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests import packs_once
from tests.domains.difficulties.firms import firm_in
from tests.fixtures_town import AT, Town
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.models import Post, Posting, Unit, User
from tongchou.core.people.queries import actor_for
from tongchou.core.people.rules import Actor, system_actor
from tongchou.domains.approvals.actions import Applying, accept_application, open_application, publish_procedures
from tongchou.domains.approvals.actions_steps import finish_step, start_step
from tongchou.domains.approvals.life import PaperGiven
from tongchou.domains.approvals.models import Application, ApplicationStep, Procedure
from tongchou.domains.registry.models import Firm

SYSTEM = system_actor("test")
FOOD = ("identity", "licence", "lease", "layout", "staff_health", "food_rules")


def on(month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    """An instant of 2022 by the town's clock."""
    return datetime(2022, month, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


def papers(*codes: str, **given: Any) -> list[PaperGiven]:
    return [PaperGiven(code, "窗口已核对原件", **given) for code in codes]


@dataclass
class Centre:
    """People, posts, procedures by code, and two firms in the first village."""

    town: Town
    mei: Actor
    cai: Actor
    yan: Actor
    meng: Actor
    posts: dict[str, Post]
    procedures: dict[str, Procedure]
    firms: tuple[Firm, Firm]

    def applied(
        self, code: str = "APR-FOOD", *, firm: Firm | None = None, given: list[PaperGiven] | None = None, at: datetime, **more: Any
    ) -> Application:
        firm = firm or self.firms[0]
        brought = papers(*FOOD) if given is None else given
        applying = Applying(self.procedures[code], firm.place, firm, papers=brought, **more)
        return open_application(applying=applying, by=self.mei, at=at)

    def accepted(self, code: str = "APR-FOOD", *, at: datetime, **more: Any) -> Application:
        return accept_application(self.applied(code, at=at, **more), by=self.mei, at=at)

    def step(self, row: Application, code: str) -> ApplicationStep:
        return ApplicationStep.objects.select_related("dossier__owner_post").get(application=row, code=code)

    def works(self, row: Application, code: str, start: datetime, finish: datetime, by: Actor | None = None) -> ApplicationStep:
        step = self.step(row, code)
        who = by or {"service-window": self.mei, "market-officer": self.cai, "planning-officer": self.yan}[step.post.code]
        return finish_step(start_step(step, by=who, at=start), finding="已核对", by=who, at=finish)


def centre_in(town: Town) -> Centre:
    pack = packs_once.pack("xujing")
    specs = [spec for spec in pack.parameters if spec.key.startswith(("calendar.", "approvals."))]
    define_parameters(specs=specs, places={}, root=town.town, by=SYSTEM, at=AT)
    unit = Unit.objects.create(code="service", kind="department", name_zh="服务中心", name_en="Service centre", place=town.town)
    seats = [spec for spec in pack.posts if spec.kind.startswith("approval_")]
    posts = {
        spec.code: Post.objects.create(
            code=spec.code, kind=spec.kind, unit=unit, place=town.town, name_zh=spec.name.zh, name_en=spec.name.en,
            reports_to=town.posts["duty-leader"] if spec.kind == "approval_leader" else Post.objects.get(code="service-leader"),
        )
        for spec in seats
    }  # fmt: skip
    actors = {}
    holders = {"mei": "service-window", "cai": "market-officer", "yan": "planning-officer", "meng": "service-leader"}
    for name, code in holders.items():
        user = User.objects.create_user(name, password="correct horse", name_zh=name, name_en=name.title())
        Posting.objects.create(user=user, post=posts[code], from_at=datetime(2022, 1, 1, tzinfo=UTC))
        actors[name] = actor_for(user, AT)
    rows = publish_procedures(specs=pack.procedures, place=town.town, by=SYSTEM, at=AT)
    village = town.villages[0]
    return Centre(
        town,
        **actors,
        posts=posts,
        procedures={row.code: row for row in rows},
        firms=(firm_in(village, 1, "徐泾面馆"), firm_in(village, 2)),
    )


PERMIT_ENDS = date(2022, 6, 9)
