"""One firm, one file: what it gets, why, why not the rest, what to do next, what is known of it and what has happened with it.

1. What is known of the firm is read (`open_file`), and every measure of the day is matched with it (`policies_for`).
2. What a firm tells on its page becomes a fact with its source, and what it is due is reckoned anew at once (`tell`).
3. A claim, a receipt: the firm's own steps (`claim`, `acknowledge`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from django.db import transaction

from tongchou.core.audit.models import Entry
from tongchou.core.casework.events import Event
from tongchou.core.errors import Unseen
from tongchou.core.packs.benefits import is_sum
from tongchou.core.packs.fields import FieldSpec
from tongchou.core.packs.matching import Matched
from tongchou.core.packs.policies import Measure, PolicyBook
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.approvals.queries import events_of_firm as applications_of
from tongchou.domains.calls.queries import calls_to_firm
from tongchou.domains.difficulties.queries import events_of_firm as difficulties_of
from tongchou.domains.firms.actions import Origin, record_facts
from tongchou.domains.firms.models import FirmFact
from tongchou.domains.firms.queries import facts_of, further_paths
from tongchou.domains.firms.rules import REGISTER, SOURCES
from tongchou.domains.policies.actions_awards import claim_award
from tongchou.domains.policies.models import Award, Book, FirmNotice
from tongchou.domains.policies.queries import awards_of, latest_book, notices_of, read_again
from tongchou.domains.policies.rules import AWARD
from tongchou.domains.registry.models import Firm
from tongchou.domains.resumption.queries import events_of_firm as filings_of
from tongchou.science.eligibility.compiling import Requirement
from tongchou.science.eligibility.evaluation import UNKNOWN, YES, facts_worth_asking
from tongchou.workflows.entitling import MACHINE, KnownFirms, entitle_one, match_firms, read_firm, taken_before
from tongchou.workflows.policy_text import Industries, benefit_words, condition_words, how_words, source_words, value_words

QUESTIONS = 3  # asked at a time: a short form is filled in


@dataclass(frozen=True, slots=True)
class Lack:
    """One condition that is not met, or not known to be: what is asked for, what stands, whether the firm could change it."""

    field: str
    asked: T
    now: T
    is_unknown: bool
    is_fixed: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """One measure for one firm. answer: yes, unknown or no; yuan: None where it is no sum or a fact is missing (then `sum_needs`)."""

    measure: Measure
    answer: str
    yuan: Decimal | None
    is_sum: bool
    gives: T
    how: T
    source: T
    sum_needs: tuple[FieldSpec, ...]
    reasons: tuple[T, ...]  # of a yes: the conditions that hold
    lacks: tuple[Lack, ...]
    change: tuple[Lack, ...]  # the cheapest that would make it a yes; empty where nothing helps
    instead: Measure | None  # what it cannot be combined with and is worth more
    taken_before: bool  # by the firm that this one was split off
    award: Award | None

    @property
    def state(self) -> T | None:
        """How far it has come, once it is followed; a firm that need not apply is not told of lists."""
        return AWARD.states[self.award.state] if self.award is not None and self.award.state != AWARD.start else None

    @property
    def may_claim(self) -> bool:
        return self.award is not None and self.measure.delivery == "apply" and self.award.state in ("due", "refused")


@dataclass(frozen=True, slots=True)
class PoliciesFor:
    """What the policies of a day mean to one firm: gets, could get, does not get; the facts worth asking first."""

    day: date
    gets: tuple[Offer, ...]
    could: tuple[Offer, ...]
    others: tuple[Offer, ...]
    questions: tuple[tuple[FieldSpec, int], ...]  # with how many measures the answer settles

    @property
    def total(self) -> Decimal:
        """What is known of the sum of all that it gets."""
        return sum((offer.yuan for offer in self.gets if offer.yuan and not offer.instead and not offer.taken_before), Decimal(0))

    @property
    def paid(self) -> Decimal:
        return sum((offer.award.paid_yuan for offer in self.gets if offer.award), Decimal(0))

    @property
    def without_sum(self) -> int:
        """Measures whose sum lacks a fact."""
        return sum(bool(offer.is_sum and offer.yuan is None) for offer in self.gets)


@dataclass(frozen=True)
class FirmFile:
    """What is kept of a firm, read once: the book that holds, facts, awards, notices."""

    firm: Firm
    held: Book
    facts: Mapping[str, FirmFact]
    awards: Mapping[str, Award]
    notices: Sequence[FirmNotice]

    @cached_property
    def book(self) -> PolicyBook:
        return read_again(self.held)

    @cached_property
    def known(self) -> KnownFirms:
        return read_firm(self.firm, self.book.fields, self.facts)

    @property
    def is_unread(self) -> bool:
        return any(notice.read_at is None for notice in self.notices)


def seen_firm(pk: int, actor: Actor, at: datetime) -> Firm:
    """A firm registered in the actor's places or with premises there. Raises Unseen when missing or elsewhere. Two queries."""
    row = Firm.objects.select_related("place").filter(pk=pk).first() if pk < 1 << 62 else None
    if row is None or not any(actor.may("register.read", path) for path in (row.place.path, *further_paths(pk, at.date()))):
        raise Unseen("firm")
    return row


def open_file(firm: Firm) -> FirmFile | None:
    """The file of a firm; None where no policies are published. Four queries."""
    held = latest_book()
    return FirmFile(firm, held, facts_of(firm.pk), awards_of(firm.pk), notices_of(firm.pk)) if held else None


def policies_for(file: FirmFile, day: date) -> PoliciesFor:
    """Step 1. Three queries at most."""
    fields, matched = file.book.fields, match_firms(file.known, file.held, day)
    before = {measure for child, measure in taken_before() if child == file.firm.pk}
    offers = [_offer(matched, m, file, before) for m in range(len(matched.measures))]
    gets = sorted((o for o in offers if o.answer == "yes"), key=lambda o: (bool(o.instead), not o.is_sum, -(o.yuan or 0), o.measure.id))
    could = sorted((o for o in offers if o.answer == "unknown"), key=lambda o: (len(o.lacks), o.measure.id))
    names, counted = facts_worth_asking(matched.found)
    asked = {names[n]: int(counted[0, n]) for n in range(len(names)) if counted[0, n]}
    for offer in gets:
        for field in offer.sum_needs:
            asked[field.name] = asked.get(field.name, 0) + 1
    mine = ((fields[name], n) for name, n in asked.items() if fields[name].asked_of == "firm" and not fields[name].register)
    questions = sorted(mine, key=lambda q: (-q[1], q[0].name))
    return PoliciesFor(day, tuple(gets), tuple(could), tuple(o for o in offers if o.answer == "no"), tuple(questions[:QUESTIONS]))


def _offer(matched: Matched, m: int, file: FirmFile, before: Collection[str]) -> Offer:
    known, industries = file.known, file.book.industries
    measure, answer, yuan = matched.measures[m], int(matched.found.answer[m, 0]), matched.yuan(m, 0)
    lacks = tuple(_lack(r, is_unknown, known, industries) for r, is_unknown in matched.missing(m, 0)) if answer != YES else ()
    change = tuple(_lack(r, is_unknown, known, industries) for r, is_unknown in matched.needed(m, 0)) if answer != YES else ()
    return Offer(
        measure, "yes" if answer == YES else "unknown" if answer == UNKNOWN else "no",
        None if yuan is None else Decimal(f"{yuan:.2f}"), is_sum(measure.benefit), benefit_words(measure, known.fields), how_words(measure),
        source_words(measure), tuple(known.fields[name] for name in matched.unknown_of_worth(m, 0)),
        tuple(condition_words(r, known.fields, industries) for r in matched.found.held(m, 0)), lacks, change, matched.instead(m, 0),
        measure.id in before, file.awards.get(measure.id),
    )  # fmt: skip


def _lack(requirement: Requirement, is_unknown: bool, known: KnownFirms, industries: Industries) -> Lack:
    name, fields = requirement.field, known.fields
    return Lack(
        name, condition_words(requirement, fields, industries), value_words(name, known.value(name, 0), fields, industries), is_unknown,
        fields[name].is_fixed,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One thing known of a firm in words, where it comes from and from when; `may_tell`: the firm itself can put it right here."""

    field: FieldSpec
    raw: str
    shown: T
    source: T
    known_on: date | None
    may_tell: bool


def known_of(file: FirmFile) -> list[KnownFact]:
    """Everything known of a firm, in the order of the book's fields."""
    rows = []
    for name, field in file.book.fields.items():
        raw = file.known.value(name, 0)
        if raw is not None:
            fact = file.facts.get(name)
            shown = value_words(name, raw, file.book.fields, file.book.industries)
            may_tell = fact is not None and field.asked_of == "firm"
            rows.append(KnownFact(field, raw, shown, SOURCES[fact.source] if fact else REGISTER, fact.known_on if fact else None, may_tell))
    return rows


_OWN = {
    "firm.facts": T("更新企业情况", "What is known of it was renewed"),
    "firm.address_end": T("企业页面链接停用", "The address of its page ended"),
    "award.receipt": T("已阅政策通知", "Read its notices"),
}  # fmt: skip


def history_of_firm(firm: Firm, file: FirmFile | None, at_most: int = 40) -> list[Event]:
    """What happened with a firm, the latest first: filings, difficulties, applications, visits, facts, notices, awards. Eight queries."""
    found = [*difficulties_of(firm.pk), *filings_of(firm.pk), *applications_of(firm.pk), *calls_to_firm(firm.pk)]
    own = Entry.objects.filter(subject_kind="firm", subject_id=str(firm.pk), action__in=list(_OWN)).order_by("-seq")
    found += [Event(entry.at, _OWN[entry.action]) for entry in own[:at_most]]
    if file is not None:
        found += [Event(row.made_at, T("政策通知", "Told of what it gets")) for row in file.notices]
        claimed = (award for award in file.awards.values() if award.claimed_at)
        titles = {measure.id: measure.title for measure in file.book.measures.measures}
        for award in claimed:
            title = titles.get(award.measure, T(award.measure, award.measure))
            assert award.claimed_at is not None
            found.append(Event(award.claimed_at, T(f"申请：{title.zh}", f"Claimed: {title.en}")))
    return sorted(found, key=lambda event: event.at, reverse=True)[:at_most]


@transaction.atomic
def tell(firm: Firm, given: Mapping[str, str], origin: Origin, *, by: Actor, at: datetime) -> dict[str, str]:
    """Step 2. Raises what `record_facts` raises."""
    book = latest_book()
    if book is None:
        raise Unseen("book")
    changed = record_facts(firm=firm, given=given, fields=read_again(book).fields, origin=origin, by=by, at=at)
    entitle_one(firm, by=MACHINE, at=at)  # whoever tells a fact need not be one who may work on policies
    return changed


def claim(firm: Firm, measure: str, *, by: Actor, at: datetime) -> Award:
    """Step 3: the firm wants a measure that it is due. Raises Unseen for one that it is not, Stale when it was claimed already."""
    row = Award.objects.filter(firm=firm, measure=measure).first()
    if row is None:
        raise Unseen("award")
    return claim_award(row, by=by, at=at)
