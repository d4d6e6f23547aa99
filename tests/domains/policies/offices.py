"""Firms that are due something in the small town: a book of two grants that exclude each other, a deferral, and a rent waiver."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests import packs_once
from tests.domains.difficulties.firms import firm_in
from tests.fixtures_town import AT, Town
from tongchou.core.packs.policies import PolicyBook, read_book
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.rules import system_actor
from tongchou.core.wording import T
from tongchou.domains.firms.actions import Origin, record_facts
from tongchou.domains.policies.actions import publish_book
from tongchou.domains.policies.models import Award, Book, PaymentList
from tongchou.domains.registry.models import Firm
from tongchou.workflows.entitling import Entitled, entitle, list_measure

SYSTEM, OWNER = system_actor("test"), system_actor("firm page")
FIELDS = Path(__file__).parents[3] / "packs/xujing/firm_fields.yaml"
BOOK = """
version: 1
sources: {act: {title_zh: 稳企通知, doc_no: 某府〔2022〕1号, date: 2022-05-01}}
measures:
  - {id: GRANT, level: city, kind: jobs, title_zh: 稳岗补贴, title_en: Keep staff, criteria: {size: [small, micro]},
     benefit: {type: grant, per_person: 500, cap: 9000}, delivery: no_application, department: 人社局, announced: 2022-05-01,
     valid_from: 2022-05-01, valid_to: 2022-12-31, src: [act], confidence: high, not_with: [FLAT]}
  - {id: FLAT, level: town, kind: jobs, title_zh: 定额补贴, title_en: Flat grant, criteria: {gbt: ["13"], layoff_rate_max: 0.055},
     benefit: {type: grant, amount: 2000}, delivery: apply, department: 经发办, announced: 2022-05-01, valid_from: 2022-05-01, src: [act], confidence: high}
  - {id: DEFER, level: city, kind: tax, title_zh: 缓缴, title_en: Pay later, criteria: {hard_hit: true},
     benefit: {type: defer, months: 3}, delivery: apply, department: 税务局, announced: 2022-05-01, valid_from: 2022-05-01, src: [act], confidence: high}
  - {id: LARGE, level: city, kind: tax, title_zh: 大企业减税, title_en: For large firms, criteria: {size: [large]},
     benefit: {type: rate_cut, rate: 0.5}, delivery: declare, department: 税务局, announced: 2022-05-01, valid_from: 2022-05-01, src: [act], confidence: high}
  - {id: RUMOUR, level: city, kind: tax, title_zh: 传闻, title_en: Rumour, criteria: {size: [small]}, benefit: {type: grant, amount: 99},
     delivery: apply, department: 某局, announced: 2022-05-01, valid_from: 2022-05-01, src: [], confidence: low}
"""


def book_from(folder: Path, text: str = BOOK) -> PolicyBook:
    path = folder / "policies.yaml"
    path.write_text(text, "utf-8")
    return read_book(path, FIELDS, {"C": T("制造业", "Manufacturing"), "13": T("农副食品加工业", "Food processing")})


@dataclass
class Office:
    """The small town with its parameters, a book and three small firms: two in Wu's village, one in another."""

    town: Town
    folder: Path
    firms: tuple[Firm, Firm, Firm]
    book: Book = field(init=False)

    def publish(self, text: str = BOOK) -> Book:
        self.book = publish_book(content=book_from(self.folder, text).content, place=self.town.town, by=self.town.lin, at=AT)
        return self.book

    def knows(self, firm: int = 0, **given: str) -> None:
        fields = book_from(self.folder).fields
        record_facts(firm=self.firms[firm], given=given, fields=fields, origin=Origin("office", AT.date()), by=self.town.lin, at=AT)

    def entitled(self) -> Entitled:
        return entitle(self.town.town, by=self.town.lin, at=AT)

    def award(self, measure: str, firm: int = 0) -> Award:
        return Award.objects.get(firm=self.firms[firm], measure=measure)

    def listed(self, measure: str = "GRANT") -> PaymentList:
        found = next(m for m in book_from(self.folder).measures.measures if m.id == measure)
        return list_measure(found, self.town.town, by=self.town.lin, at=AT)

    def sums(self) -> dict[tuple[str, str], tuple[str, Decimal | None]]:
        return {(a.firm.name, a.measure): (a.state, a.yuan) for a in Award.objects.select_related("firm")}


def office(town: Town, folder: Path, **given: Any) -> Office:
    specs = [s for s in packs_once.pack("xujing").parameters if s.key.startswith(("policy.", "difficulty."))]
    define_parameters(specs=specs, places={}, root=town.town, by=SYSTEM, at=AT)
    first, second, _ = town.villages
    made = Office(town, folder, (firm_in(first, 1), firm_in(first, 2), firm_in(second, 3)))
    made.publish()
    return made
