"""The small town with the pack's rules and parameters of resumption: firms, a school and a building site in its first village."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.domains.tracing.investigations import incident_in
from tests.fixtures_town import AT, Town
from tests.packs_once import pack
from tongchou.core.casework.models import Dossier
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.rules import Actor, system_actor
from tongchou.domains.gate.actions import EntranceSpec, open_entrances
from tongchou.domains.registry.actions import add_generated
from tongchou.domains.registry.models import ConstructionSite, Firm, School, Venue
from tongchou.domains.resumption.actions import publish_rulebook
from tongchou.domains.resumption.actions_checks import Finding
from tongchou.domains.resumption.conditions import Asked, Declared, Part
from tongchou.domains.resumption.models import Filing, SiteCheck
from tongchou.workflows import resuming

SYSTEM = system_actor("test")
DAY = timedelta(days=1)
TODAY = AT.date()  # 2 June 2022: nobody has to approve any more
MAY = datetime(2022, 5, 25, 11, tzinfo=UTC)  # stage 2: approval, closed loop
APRIL = datetime(2022, 4, 25, 11, tzinfo=UTC)  # stage 0: white list
JUNE_PAPERS = {code: Declared(True, "附件") for code in ("R10", "R12", "R14")}
MAY_PAPERS = {f"R{n:02d}": Declared(True, "附件") for n in range(1, 16) if n not in (2, 4, 11)}


@dataclass
class Works:
    """Who works, learns and builds in the town's first village."""

    town: Town
    firm: Firm
    school: School
    site: ConstructionSite

    def asked(self, kind: str = "firm", **given: Any) -> Asked:
        plain: dict[str, Any] = {"ground": "everyone", "from_on": TODAY, "people": 20, "closed_loop": False, "declared": JUNE_PAPERS}
        return Asked(kind, **{**plain, **given})

    def filed(self, kind: str = "firm", *, by: Actor | None = None, at: datetime = AT, **given: Any) -> Filing:
        row = {"firm": self.firm, "school": self.school, "site": self.site}[kind]
        return resuming.file(row, self.asked(kind, **given), signed_by="钱经理", by=by or self.town.lin, at=at)

    def filed_in_may(self, **given: Any) -> Filing:
        asked = {"ground": "building", "from_on": MAY.date(), "closed_loop": True, "declared": MAY_PAPERS}
        return self.filed(at=MAY, **{**asked, **given})

    def checked(self, filing: Filing, *wrong: str, by: Actor | None = None, at: datetime = AT) -> Filing:
        """The on-site check that waits: all in order but what is named."""
        check = SiteCheck.objects.get(filing=filing, dossier__closed_at=None)
        found = {i.code: Finding(i.code not in wrong, "已拍照" if i.code in wrong else "") for i in filing.items.filter(to_see=True)}
        return resuming.check(check, found, by=by or self.town.wu, at=at)

    def incident(self, grade: str, village: int = 0, **given: Any) -> Dossier:
        head = incident_in(self.town, village).dossier
        Dossier.objects.filter(pk=head.pk).update(grade=grade, **given)
        return Dossier.objects.get(pk=head.pk)


def fresh(filing: Filing) -> Filing:
    return Filing.objects.select_related("dossier__place", "firm", "school", "site").get(pk=filing.pk)


def works_in(town: Town) -> Works:
    specs = [s for s in pack("xujing").parameters if s.key.startswith("resumption.")]
    define_parameters(specs=specs, places={}, root=town.town, by=SYSTEM, at=AT)
    publish_rulebook(body=pack("xujing").resumption or {}, place=town.town, by=SYSTEM, at=AT)
    village = town.villages[0].code

    def add(register: str, **columns: Any) -> None:
        add_generated(register=register, columns={name: [value] for name, value in columns.items()}, place=town.town, by=SYSTEM, at=AT)

    firm = {"staff_count": 40, "revenue_cny_10k": 7300, "resumption": "closed", "industry": "3911", "credit_code": "91310115MA1K3BTP2B"}
    add("firm", name="上海示例电子有限公司", place=village, address="徐泾1号", **firm)
    add("venue", code="V1", name="示例厂区", place=village, venue_class="factory", firm="91310115MA1K3BTP2B", capacity=90)
    add("school", code="S1", name="徐泾示例高级中学", place=village, stage="high", pupil_count=900, staff_count=80)
    add("site", code="G1", name="示例项目工地", place=village, worker_count=60, is_major=True)
    open_entrances(specs=[EntranceSpec(Venue.objects.get().pk)], by=SYSTEM, at=AT)
    with_place = [model.objects.select_related("place").get() for model in (Firm, School, ConstructionSite)]
    return Works(town, *with_place)  # type: ignore[arg-type]


CLASSES = (Part("高三(1)班", 40, date(2022, 6, 6), "high3"), Part("高二(1)班", 42, date(2022, 6, 6), "high2"))
SCHOOL_PAPERS = {code: Declared(True, "记录") for code in ("S02", "S03", "S04")}
SITE_PAPERS = {code: Declared(True, "台账") for code in ("C02", "C03", "C05", "C06", "C07")}


def school_open(works: Works) -> Filing:
    given = {"from_on": date(2022, 6, 6), "people": 82, "parts": CLASSES, "declared": SCHOOL_PAPERS}
    filing = works.checked(works.filed("school", **given))
    assert filing.dossier.state == "filed" and resuming.keep_filings(at=AT + 4 * DAY) == 1 and School.objects.get().is_open
    return fresh(filing)
