"""What the demonstration town shows of policies: documents that came down, what is known of firms, who is due what, who has read it.

1. The documents of the pack's book are taken in; those old enough are broken down and handed down.
2. Facts of firms are generated, with gaps as in life (all of it an assumption, marked generated).
3. On the eve of the last day the town is matched and told; firms read, answer and claim in the next hours.
4. What needs no application goes on a list, is approved by the leader, and half of it is paid.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from tongchou.core.packs.contents import Pack
from tongchou.core.packs.policies import PolicyBook
from tongchou.core.people.models import Post
from tongchou.core.people.queries import actor_for, holders_at
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.firms.actions import Origin, give_address, record_many
from tongchou.domains.firms.models import FirmFact
from tongchou.domains.policies.actions import Received, break_down, deliver_document, issue_document, receive_document
from tongchou.domains.policies.actions_awards import approve_list, note_receipt, pay_awards
from tongchou.domains.policies.models import Award, FirmNotice, PaymentList, PolicyDocument
from tongchou.domains.policies.queries import read_again
from tongchou.domains.registry.models import Firm
from tongchou.workflows.entitling import entitle, list_measure, require_book
from tongchou.workflows.firm_file import claim

Event = tuple[datetime, Callable[[datetime], None]]
OFFICER, LEADER = "duty-officer", "duty-leader"
OWNER = system_actor("firm page")
READERS, CLAIMANTS = 240, 80
LISTED = "NAT-JOB-04"


def policy_days(pack: Pack, last: date, zone: ZoneInfo) -> Iterator[Event]:
    """What happens when, for a pack with policies; nothing for another."""
    if pack.policies is None or pack.identity.generated is None:
        return

    def on(back: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(last - timedelta(days=back), time(hour, minute), zone)

    shown = _Policies(pack.identity.generated.seed)
    yield on(3, 9), shown.receive_old
    yield on(3, 15), shown.hand_down
    yield on(2, 9, 30), shown.learn
    yield on(1, 9), shown.tell
    yield on(1, 11), partial(shown.read, 0.6)
    yield on(1, 16), shown.prepare
    yield on(0, 9, 30), partial(shown.read, 0.4)
    yield on(0, 10), shown.approve
    yield on(0, 15), shown.pay
    yield on(0, 16), shown.receive_new


def live_them_all(at: datetime) -> None:
    """In a town with a book, whatever of it has not been shown yet, at once: a document, facts, notices, a list, a firm's address."""
    shown = _Policies(1)
    if not PolicyDocument.objects.exists():
        shown.receive_new(at)
    if not FirmFact.objects.exists():
        shown.learn(at)
    if not FirmNotice.objects.exists():
        entitle(_town(), by=_holder(OFFICER, at), at=at)
    if not PaymentList.objects.exists():
        shown.prepare(at)
    if (award := Award.objects.filter(yuan__gt=0).select_related("firm__place").order_by("firm", "measure").first()) is not None:
        give_address(firm=award.firm, by=_holder(OFFICER, at), at=at)


class _Policies:
    """The book at work."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng([seed, 6])
        self.list_number = ""

    @property
    def book(self) -> PolicyBook:
        return read_again(require_book())

    def receive_old(self, at: datetime) -> None:
        """The documents of measures announced long enough ago, broken down at once."""
        levels = {
            s.key: (m.level, s) for m in self.book.measures.measures for s in m.sources if m.announced < at.date() - timedelta(days=7)
        }
        for key, (level, source) in sorted(levels.items()):
            if source.number:
                title = T(source.title, source.title)
                row = receive_document(given=Received(key, title, source.number, level), place=_town(), by=_holder(OFFICER, at), at=at)
                break_down(row, by=_holder(OFFICER, at), at=at + timedelta(minutes=40))

    def hand_down(self, at: datetime) -> None:
        for row in PolicyDocument.objects.filter(dossier__state="broken_down").order_by("pk"):
            issue_document(row, to="各工作组、各村居", by=_holder(OFFICER, at), at=at)

    def receive_new(self, at: datetime) -> None:
        """A document of the last days, not yet broken down."""
        fresh = next((s for m in self.book.measures.measures for s in m.sources if s.key == "sh50"), None)
        if fresh is not None:
            given = Received(fresh.key, T(fresh.title, fresh.title), fresh.number, "city")
            receive_document(given=given, place=_town(), by=_holder(OFFICER, at), at=at)

    def learn(self, at: datetime) -> None:
        """Facts with gaps: what an office would know of most firms, and what firms would have to tell."""
        rows = Firm.objects.order_by("pk").values_list("pk", "section", "staff_count", "revenue_cny_10k", "state_owned_premises")
        table = list(rows)
        if not table:
            return
        facts = generate_facts(table, self.random)
        record_many(rows=facts, origin=Origin("generated", at.date()), place=_town(), by=system_actor("demo"), at=at)

    def tell(self, at: datetime) -> None:
        entitle(_town(), by=_holder(OFFICER, at), at=at)
        for row in PolicyDocument.objects.filter(dossier__state="issued").order_by("pk"):
            deliver_document(row, untold=0, by=_holder(OFFICER, at), at=at)

    def read(self, share: float, at: datetime) -> None:
        """Some firms read their notice; large ones sooner. Some of these claim."""
        told = Firm.objects.filter(policy_notices__read_at=None, policy_notices__made_at__lt=at).distinct().order_by("pk")
        firms = list(told.select_related("place"))
        if not firms:
            return
        weight = np.sqrt([1.0 + firm.staff_count for firm in firms])
        chosen = self.random.choice(len(firms), min(int(READERS * share), len(firms)), replace=False, p=weight / weight.sum())
        for n, which in enumerate(chosen.tolist()):
            firm, moment = firms[which], at + timedelta(seconds=20 * n)
            note_receipt(firm=firm, by=OWNER, at=moment)
            if n < CLAIMANTS * share:
                due = Award.objects.filter(firm=firm, state="due", measure__in=self._on_application()).order_by("measure").first()
                if due is not None:
                    claim(firm, due.measure, by=OWNER, at=moment + timedelta(seconds=9))

    def _on_application(self) -> list[str]:
        return [m.id for m in self.book.measures.measures if m.delivery == "apply"]

    def prepare(self, at: datetime) -> None:
        measure = next(m for m in self.book.measures.measures if m.id == LISTED)
        if Award.objects.filter(measure=LISTED, state="due", yuan__gt=0).exists():
            self.list_number = list_measure(measure, _town(), by=_holder(OFFICER, at), at=at).dossier.number

    def approve(self, at: datetime) -> None:
        if found := Award.objects.filter(payment_list__dossier__number=self.list_number).first():
            assert found.payment_list is not None
            approve_list(found.payment_list, by=_holder(LEADER, at), at=at)

    def pay(self, at: datetime) -> None:
        """Half of the list has come back from the bank."""
        waiting = list(Award.objects.filter(payment_list__dossier__number=self.list_number, state="approved").order_by("pk"))
        if waiting and waiting[0].payment_list is not None:
            paid = {award.pk: f"SY{award.pk:08d}" for award in waiting[: len(waiting) // 2]}
            pay_awards(waiting[0].payment_list, paid=paid, on=at.date(), by=_holder(OFFICER, at), at=at)


def generate_facts(table: list[tuple[int, str, int, int, bool]], random: np.random.Generator) -> list[tuple[int, str, str]]:
    """(firm, field, value) from (firm, section, staff, revenue in 10,000 yuan, state-owned premises). Shares and sums are assumptions."""
    pks, sections, staff_of, revenue_of, owned_of = zip(*table, strict=True)
    count, section = len(table), np.array(sections)
    staff, revenue, owned = np.array(staff_of), np.array(revenue_of), np.array(owned_of)
    found: list[tuple[int, str, str]] = []

    def put(name: str, values: np.ndarray[tuple[int], np.dtype[np.generic]] | str, known: float) -> None:
        told = np.flatnonzero(random.random(count) < known)
        column = [values] * count if isinstance(values, str) else values.tolist()
        found.extend((pks[n], name, _kept(column[n])) for n in told.tolist())

    def flags(share: float | np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray(random.random(count) < share)

    state = random.choice(
        ["district_soe", "municipal_soe", "town_company", "municipal_institution", "other_state_owned"],
        count,
        p=[0.35, 0.2, 0.3, 0.1, 0.05],
    )
    put("landlord", np.where(owned, state, random.choice(["private", "own"], count, p=[0.9, 0.1])), 0.8)
    put("is_final_tenant", flags(0.95), 0.7)
    put("uses_premises_for_business", flags(0.98), 0.8)
    area = np.round(np.maximum(12, staff * random.lognormal(2.6, 0.5, count)))
    put("floor_area_m2", area, 0.7)
    put("monthly_rent", np.round(area * random.lognormal(0.9, 0.35, count) * 30 / 10) * 10, 0.6)
    put("lease_months", random.choice([12, 12, 12, 6, 9], count), 0.7)
    insured = np.maximum(1, np.round(staff * random.uniform(0.6, 1.0, count)))
    put("insured_staff", insured, 0.85)
    put("layoff_rate", np.round(random.beta(0.7, 18, count), 3), 0.75)
    put("unemployment_insurance_paid_last_year", np.round(insured * 12 * random.uniform(60, 140, count)), 0.8)
    put("vat", np.where((revenue < 500) & flags(0.92), "small_scale", "general"), 0.8)
    hit = np.select([np.isin(section, ["H", "R", "P", "O"]), np.isin(section, ["F", "G", "L"])], [0.8, 0.5], 0.3)
    put("hard_hit", flags(hit), 0.45)
    put("tariff", "non_residential", 0.9)
    put("exclude", "none", 0.9)
    put("utility_bills", np.round(staff * random.lognormal(5.6, 0.6, count)), 0.5)
    put("area_risk", "true", 1.0)
    put("not_in_risk_area", "true", 1.0)
    put("area", "other", 1.0)
    put("key_firm", flags(0.03), 1.0)
    put("tested_as_required", flags(0.9), 0.5)
    put("cold_chain", flags(np.where(np.isin(section, ["G", "F"]), 0.04, 0.005)), 0.7)
    put("stopped_work", flags(0.6), 0.4)
    return found


def _kept(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.15g}" if isinstance(value, float) else str(value)


def _town() -> Place:
    town = installation()
    assert town is not None
    return town.place


def _holder(post: str, at: datetime) -> Actor:
    """Whoever holds a post then."""
    row = Post.objects.get(code=post)
    return actor_for(holders_at([row], at)[row.pk], at)
