"""From a policy to every firm that it is for, without the firm having to look for it.

1. What is known of firms is read: the register, and the facts beside it (`read_firms`).
2. Every measure in force for firms is matched with every firm; what nobody has checked is left out (`match_firms`).
3. What a firm gets and can have together is kept as awards, with its sum (`entitle`).
4. Every firm with something new gets one notice; its page says what, why and what to do next (`entitle`, `workflows/firm_file.py`).
5. A changed book shows who gains and who loses before it holds (`compare`). What was paid stays, and nobody is paid twice.
6. What waits is put on a list that a second person approves, and followed until it is paid (`list_measure`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from tongchou.core.errors import Refusal
from tongchou.core.outbox.queue import tell_post
from tongchou.core.packs.benefits import is_sum
from tongchou.core.packs.fields import Fields
from tongchou.core.packs.matching import Matched, match
from tongchou.core.packs.policies import Measure, PolicyBook
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.core.wording import T
from tongchou.domains.firms.models import FirmFact
from tongchou.domains.firms.queries import facts_below, facts_of, split_from
from tongchou.domains.firms.rules import register_facts
from tongchou.domains.policies.actions import deliver_document
from tongchou.domains.policies.actions_awards import Kept, keep_awards, prepare_list, tell_firms
from tongchou.domains.policies.models import Book, PaymentList, PolicyDocument
from tongchou.domains.policies.queries import latest_book, read_again, taken_by, untold_firms
from tongchou.domains.registry.models import Firm
from tongchou.domains.registry.queries import living_firms
from tongchou.science.eligibility.compiling import Programme, compile_rules
from tongchou.science.eligibility.model import Choices, Column, Effort, Efforts, Numbers
from tongchou.workflows.policy_outlook import keep_outlook

MACHINE = system_actor("entitling")
_REGISTER = ("credit_code", "size_class", "industry", "staff_count", "revenue_cny_10k", "assets_cny_10k")


@dataclass(frozen=True)
class KnownFirms:
    """Firms in order of their id, and everything known of each: field → (positions, values as the field keeps them)."""

    pks: list[int]
    fields: Fields
    known: Mapping[str, tuple[list[int], list[str]]]

    def columns(self, programme: Programme) -> dict[str, Column]:
        """What the rules ask for; a field of which nothing is known has no column."""
        return {name: self._column(name) for name in programme.fields if name in self.known}

    def _column(self, name: str) -> Column:
        return Numbers(self.numbers(name)) if self.fields[name].is_number else self._choices(name)

    def _choices(self, name: str) -> Choices:
        at, values = self.known[name]
        words = sorted(set(values))
        number = {word: n for n, word in enumerate(words)}
        codes = np.full(len(self.pks), -1, np.int32)
        codes[at] = [number[value] for value in values]
        return Choices(codes, tuple(words))

    @cached_property
    def numbers(self) -> Callable[[str], NDArray[np.float64]]:
        """A field of all firms as numbers, NaN where it is not known."""

        @cache
        def read(name: str) -> NDArray[np.float64]:
            column = np.full(len(self.pks), np.nan)
            if name in self.known:
                at, values = self.known[name]
                column[at] = [self.fields[name].number(value) for value in values]
            return column

        return read

    def value(self, name: str, firm: int) -> str | None:
        """What is known of one firm, by its position."""
        at, values = self.known.get(name, ([], []))
        return values[at.index(firm)] if firm in at else None


def read_firms(path: str, fields: Fields) -> KnownFirms:
    """Step 1, of all firms below a place. Two queries."""
    rows = living_firms().filter(place__path__startswith=path).order_by("pk").values_list("pk", *_REGISTER)
    return _known(list(rows), fields, facts_below(path), _district(path))


def read_firm(firm: Firm, fields: Fields, facts: Mapping[str, FirmFact]) -> KnownFirms:
    """Step 1, of one firm, from its facts as they stand."""
    row = (firm.pk, *(getattr(firm, name) for name in _REGISTER))
    return _known([row], fields, ((firm.pk, name, fact.value) for name, fact in facts.items()), _district(firm.place.path))


def _known(rows: Sequence[tuple[Any, ...]], fields: Fields, facts: Iterable[tuple[int, str, str]], district: str) -> KnownFirms:
    known: dict[str, tuple[list[int], list[str]]] = {}
    position = {row[0]: n for n, row in enumerate(rows)}
    for n, row in enumerate(rows):
        for name, value in register_facts(**dict(zip(_REGISTER, row[1:], strict=True)), district=district).items():
            if name in fields:
                at, values = known.setdefault(name, ([], []))
                at.append(n)
                values.append(value)
    keeps = cache(lambda name, value: name in fields and fields[name].register is None and fields[name].keeps(value))
    for pk, name, value in facts:
        # Facts of ended firms stay, and so do those that the book of today no longer asks for or words otherwise: not known.
        if pk in position and keeps(name, value):
            at, values = known.setdefault(name, ([], []))
            at.append(position[pk])
            values.append(value)
    return KnownFirms([row[0] for row in rows], fields, known)


@lru_cache(maxsize=64)
def _district(path: str) -> str:
    """The district that a place lies in."""
    codes = [code for code in path.split("/") if code]
    row = Place.objects.filter(kind="district", code__in=codes).first()
    return row.name_zh if row else ""


@lru_cache(maxsize=8)
def _in_force(pk: int, digest: str, day: date) -> tuple[tuple[Measure, ...], Programme]:
    """The measures of a book that a firm may be shown on a day, compiled."""
    book = read_again(Book(pk=pk, digest=digest))
    measures = tuple(m for m in book.measures.in_force(day) if m.is_for_firms)
    return measures, compile_rules([m.rule for m in measures])


def efforts_of(fields: Fields) -> Efforts:
    """What changing a fact takes: what is fixed cannot be changed; else every change counts the same, and asking a tenth of it (assumption)."""
    return Efforts({name: Effort(possible=False) for name, field in fields.items() if field.is_fixed})


def match_firms(firms: KnownFirms, book: Book, day: date) -> Matched:
    """Step 2, of these firms."""
    measures, programme = _in_force(book.pk, book.digest, day)
    return match(measures, programme, firms.columns(programme), firms.numbers, len(firms.pks), efforts_of(firms.fields))


def taken_before() -> set[tuple[int, str]]:
    """(firm, measure) that a firm cannot have because the one it was split off took it: nobody is paid twice. Two queries."""
    pairs = split_from()
    taken = taken_by({parent for parent, _ in pairs}) if pairs else []
    return {(child, measure) for parent, child in pairs for owner, measure in taken if owner == parent}


def found_of(firms: KnownFirms, matched: Matched) -> dict[tuple[int, str], Decimal | None]:
    """(firm, measure) → yuan of what is followed until paid and can be had together; None: no sum, or a fact is missing."""
    found = {}
    before = taken_before()
    for m, measure in enumerate(matched.measures):
        if measure.is_claimed:
            yuan = matched.worth[m].yuan
            for n in np.flatnonzero(matched.taken[m]).tolist():
                if (firms.pks[n], measure.id) not in before:
                    found[firms.pks[n], measure.id] = None if np.isnan(yuan[n]) else Decimal(f"{yuan[n]:.2f}")
    return found


@dataclass(frozen=True, slots=True)
class Entitled:
    """What a run over the town did: firms looked at, what changed among awards, firms told."""

    firms: int
    kept: Kept
    told: int


def require_book() -> Book:
    """The book that holds. Raises Refusal where none was published."""
    book = latest_book()
    if book is None:
        raise Refusal(
            T("还没有发布政策库。", "No book of policies is published."), T("请先发布 policies.yaml。", "Publish policies.yaml first.")
        )
    return book


@transaction.atomic
def entitle(place: Place, *, by: Actor, at: datetime) -> Entitled:
    """Steps 1 to 4 for all firms below a place, on the day of `at`. A second run tells nobody."""
    book = require_book()
    firms = read_firms(place.path, read_again(book).fields)
    matched = match_firms(firms, book, at.date())
    kept = keep_awards(found=found_of(firms, matched), firms=firms.pks, book=book, place=place, by=by, at=at)
    keep_outlook(matched, len(firms.pks), book, at.date(), place, by=MACHINE, at=at)
    told = tell_firms(book=book, place=place, by=by, at=at)
    return Entitled(len(firms.pks), kept, told)


@transaction.atomic
def entitle_one(firm: Firm, *, by: Actor, at: datetime) -> Kept:
    """Steps 1 to 3 for one firm, after what is known of it has changed. It reads the result on its page: no notice."""
    book = require_book()
    firms = read_firm(firm, read_again(book).fields, facts_of(firm.pk))
    return keep_awards(
        found=found_of(firms, match_firms(firms, book, at.date())), firms=[firm.pk], book=book, place=firm.place, by=by, at=at
    )


@dataclass(frozen=True, slots=True)
class Shift:
    """What a new book changes for one measure: firms that gain or lose it, those of whom the sum changes, and the yuan before and after."""

    measure: str
    gain: int
    lose: int
    other_sum: int
    yuan_before: float
    yuan_after: float


def compare(new: PolicyBook, path: str, day: date) -> list[Shift]:
    """Step 5: the book that holds beside a new one, measure by measure, as both would stand on a day. Nothing is kept."""
    before: dict[str, dict[int, float]] = {}
    after: dict[str, dict[int, float]] = {}
    old = latest_book()
    for book, found in ((read_again(old) if old else None, before), (new, after)):
        if book is None:
            continue
        measures = [m for m in book.measures.in_force(day) if m.is_for_firms]
        programme = compile_rules([m.rule for m in measures])
        firms = read_firms(path, book.fields)
        matched = match(measures, programme, firms.columns(programme), firms.numbers, len(firms.pks), efforts_of(book.fields))
        for m, measure in enumerate(measures):
            yuan = np.nan_to_num(matched.worth[m].yuan)
            found[measure.id] = {firms.pks[n]: float(yuan[n]) for n in np.flatnonzero(matched.taken[m]).tolist()}
    shifts = []
    for name in sorted({*before, *after}):
        was, will = before.get(name, {}), after.get(name, {})
        other = sum(was[firm] != will[firm] for firm in was.keys() & will.keys())
        shift = Shift(name, len(will.keys() - was.keys()), len(was.keys() - will.keys()), other, sum(was.values()), sum(will.values()))
        if shift.gain or shift.lose or shift.other_sum:
            shifts.append(shift)
    return shifts


@transaction.atomic
def list_measure(measure: Measure, place: Place, *, by: Actor, at: datetime) -> PaymentList:
    """Step 6: a list of those who wait for one measure; whoever has to approve is told."""
    book = require_book()
    apart = {m.id for m in read_again(book).measures.measures if measure.id in m.not_with} | set(measure.not_with)
    title = T(f"兑现清单：{measure.title.zh}", f"List to fulfil: {measure.title.en}")
    row = prepare_list(
        measure=measure.id, is_sum=is_sum(measure.benefit), title=title, excluded_by=sorted(apart), place=place, book=book, by=by, at=at
    )
    head = row.dossier
    tell_post(head.owner_post, T(f"{head.number}：有一份兑现清单待批", f"{head.number}: a list waits for approval"), head, at=at)
    return row


def deliver(row: PolicyDocument, *, by: Actor, at: datetime) -> PolicyDocument:
    """Every firm that a document is for was told. Raises Refusal, with how many were not."""
    own = [m.id for m in read_again(require_book()).measures.from_source(row.source)]
    return deliver_document(row, untold=untold_firms(own, row.place_path), by=by, at=at)
