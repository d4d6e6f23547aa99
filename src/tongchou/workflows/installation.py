"""From a pack to a working installation, in the order in which each part needs the one before.

1. Places.  2. The installation itself.  3. Units and posts.  4. Parameters.  5. Accounts and postings.  6. Plans.
7. Sentinels and streams.  8. Entry rules, rules of resumption, procedures, the book of projects.  9. What was observed: the pack's files, or a generated history.  10. Generated registers and their doors.

All of it is one transaction. Every step keeps what is already there: installing twice changes nothing, a newer pack adds and renews.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from tongchou.core.packs.contents import Attribution, EntryRuleSpec, Pack
from tongchou.core.packs.observations import read_observations
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.actions import add_user, post_user
from tongchou.core.people.actions_offices import lay_offices
from tongchou.core.people.models import Post, Posting, User
from tongchou.core.people.rules import Actor
from tongchou.core.places.actions import found_installation, lay_places
from tongchou.core.places.models import Installation, Place
from tongchou.core.places.queries import installation
from tongchou.core.wording import T
from tongchou.domains.approvals.actions import publish_procedures
from tongchou.domains.gate.actions import EntranceSpec, open_entrances, publish_entry_rules
from tongchou.domains.policies.actions import publish_book
from tongchou.domains.policies.queries import latest_book
from tongchou.domains.projects.actions import publish_project_book
from tongchou.domains.registry.actions import add_generated
from tongchou.domains.registry.generation import generate_registers
from tongchou.domains.registry.models import Household, Venue
from tongchou.domains.registry.rules import VENUE_CLASSES
from tongchou.domains.response.actions import publish_plan
from tongchou.domains.resumption.actions import publish_rulebook
from tongchou.domains.sentinels.actions_history import keep_history, lay_sentinels
from tongchou.domains.sentinels.generation import generate_observations

_LARGE, _SECOND_DOOR = 500, T("边门", "Side entrance")  # people a venue holds; assumption
Progress = Callable[[T, float], None]
Observed = tuple[str, date, datetime, float, str]  # stream code, day, reported at, value, basis

_REGISTERS = {
    "households": "household",
    "residents": "resident",
    "firms": "firm",
    "venues": "venue",
    "schools": "school",
    "care_homes": "care-home",
    "construction_sites": "site",
}


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation holds now, and what this run added."""

    installation: Installation
    places: int
    posts: int
    accounts_added: int
    streams: int
    observations_read: int
    is_new: bool


@transaction.atomic
def install_pack(
    pack: Pack,
    *,
    seed: int | None = None,
    password: str | None = None,
    with_people: bool = True,
    with_registers: bool = True,
    known_until: datetime | None = None,
    by: Actor,
    at: datetime,
    progress: Progress | None = None,
) -> Installed:
    """Install a pack, or renew it. Raises Refusal for another town's home.

    `password` is given to new accounts (none: they cannot sign in yet). `known_until` leaves out what was reported later.
    """
    say = progress or _quiet
    is_new, chosen = installation() is None, seed if seed is not None else _seed(pack)
    say(T("区划与村居", "places"), 0.0)
    places = lay_places(specs=pack.places, root=pack.identity.place, by=by, at=at)
    root = places[pack.identity.place]
    town = _found(pack, root, chosen, by=by, at=at)
    say(T("单位、岗位与参数", "units, posts, parameters"), 0.05)
    posts = lay_offices(units=pack.units, posts=pack.posts, places=places, root=root, by=by, at=at)
    define_parameters(specs=pack.parameters, places=places, root=root, by=by, at=at)
    added = _add_accounts(pack, posts, password, by=by, at=at) if with_people else 0
    say(T("预案与哨点", "plans and sentinels"), 0.15)
    for plan in pack.plans:
        publish_plan(plan=plan, place=root, valid_from=_since(pack), by=by, at=at)
    streams = lay_sentinels(specs=pack.sentinels, places=places, posts=posts, root=root, valid_from=_since(pack), by=by, at=at)
    _publish_entry_rules(pack, root, by=by, at=at)
    if pack.resumption is not None:
        publish_rulebook(body=pack.resumption, place=root, by=by, at=at)
    if pack.procedures:
        publish_procedures(specs=pack.procedures, place=root, by=by, at=at)
    if pack.projects is not None:
        publish_project_book(body=pack.projects, place=root, by=by, at=at)
    _publish_policies(pack, root, by=by, at=at)
    say(T("观测数据", "observations"), 0.2)
    read = _keep_observations(pack, root, chosen, known_until, by=by, at=at)
    if with_registers and pack.identity.generated is not None and not Household.objects.exists():
        say(T("居民、企业和场所底数", "residents, firms and venues"), 0.4)
        _add_registers(pack, root, chosen, by=by, at=at)
        _open_doors(by=by, at=at)
    say(T("完成", "done"), 1.0)
    return Installed(town, len(places), len(posts), added, len(streams), read, is_new)


def _quiet(_: T, __: float) -> None:
    """Progress nobody wants to see."""


def _seed(pack: Pack) -> int:
    return pack.identity.generated.seed if pack.identity.generated else 0


def _since(pack: Pack) -> date:
    """The day from which the pack's plans and sentinels stand: the first day of its parameters."""
    return min(entry.from_on for spec in pack.parameters for entry in spec.entries)


def _found(pack: Pack, root: Place, seed: int, *, by: Actor, at: datetime) -> Installation:
    return found_installation(
        place=root,
        pack=pack.identity.code,
        pack_digest=pack.digest,
        zone=pack.identity.zone.key,
        step_days=pack.identity.step_days,
        is_demo=pack.identity.demo_now is not None,
        seed=str(seed) if pack.identity.generated else "",
        targets=[{"code": t.code, "zh": t.name.zh, "en": t.name.en} for t in pack.targets],
        attributions=[_line(a) for a in pack.attribution],
        by=by,
        at=at,
    )


def _line(attribution: Attribution) -> dict[str, str]:
    a = attribution
    return {
        "zh": f"{a.title.zh}，{a.holder.zh}，{a.licence}；{a.changes.zh}",
        "en": f"{a.title.en}, {a.holder.en}, {a.licence}; {a.changes.en}",
    }


def _add_accounts(pack: Pack, posts: Mapping[str, Post], password: str | None, *, by: Actor, at: datetime) -> int:
    """The pack's fictional people, posted from before the demonstration's first day; deputies stand in for the posts that name them."""
    from_at = (pack.identity.demo_from or at) - timedelta(days=1)
    known = {user.username: user for user in User.objects.filter(username__in=[a.username for a in pack.accounts])}
    holders: dict[str, User] = {}
    added = 0
    for account in pack.accounts:
        user = known.get(account.username)
        if user is None:
            user = add_user(
                username=account.username, name=account.name, email=account.email, password=password, is_fictional=True, by=by, at=at
            )
            added += 1
        for code in account.posts:
            holders[code] = user
            _hold(user, posts[code], from_at, by=by, at=at)
    for spec in pack.posts:
        deputy = holders.get(spec.deputy or "")
        if deputy is not None and deputy != holders.get(spec.code):
            _hold(deputy, posts[spec.code], from_at, deputy_for=holders.get(spec.code), by=by, at=at)
    return added


def _hold(user: User, post: Post, from_at: datetime, *, deputy_for: User | None = None, by: Actor, at: datetime) -> None:
    if not Posting.objects.filter(user=user, post=post).exists():
        post_user(user=user, post=post, from_at=from_at, deputy_for=deputy_for, by=by, at=at)


def _keep_observations(pack: Pack, root: Place, seed: int, known_until: datetime | None, *, by: Actor, at: datetime) -> int:
    read = 0
    for path in pack.observation_files:
        rows = _upto(known_until, _packed(path))
        read += keep_history(rows=rows, source=f"pack:{path.name}", root=root, by=by, at=at)
    if pack.story is not None:
        rows = _upto(known_until, _generated(pack, seed))
        read += keep_history(rows=rows, source=f"generated:{seed}", root=root, by=by, at=at)
    return read


def _upto(known_until: datetime | None, rows: Iterable[Observed]) -> Iterator[Observed]:
    return (row for row in rows if known_until is None or row[2] <= known_until)


def _packed(path: Path) -> Iterator[Observed]:
    for part in read_observations(path):
        yield from zip(part.stream, part.day, part.reported_at, part.value, part.basis, strict=True)


def _generated(pack: Pack, seed: int) -> Iterator[Observed]:
    made = generate_observations(pack, seed)
    days, instants = made.day.astype("datetime64[D]").tolist(), made.reported_at.astype("datetime64[s]").tolist()
    for code, day, known_at, value in zip(made.stream.tolist(), days, instants, made.value.tolist(), strict=True):
        yield code, day, known_at.replace(tzinfo=UTC), value, "generated"


def _publish_entry_rules(pack: Pack, root: Place, *, by: Actor, at: datetime) -> None:
    if pack.entry_rules:
        publish_entry_rules(
            rules=[_rule_body(line) for line in pack.entry_rules],
            ceilings=[_rule_body(line) for line in pack.entry_ceilings],
            classes=list(VENUE_CLASSES),
            place=root,
            by=by,
            at=at,
        )


def _publish_policies(pack: Pack, root: Place, *, by: Actor, at: datetime) -> None:
    """The pack's book, unless it holds already. A later book of the town's own is not undone by a renewal: it was written after the pack."""
    if pack.policies is not None and latest_book() is None:
        publish_book(content=pack.policies.content, place=root, by=by, at=at)


def _rule_body(line: EntryRuleSpec) -> dict[str, Any]:
    return {
        "venue_classes": list(line.venue_classes),
        "from_on": line.from_on.isoformat(),
        "to_on": line.to_on.isoformat() if line.to_on else None,
        "test_hours": line.test_hours,
        "may_refuse": line.may_refuse,
        "source": {"zh": line.source.zh, "en": line.source.en},
        "confidence": line.confidence,
        "takes_permits": line.takes_permits,
    }


def _open_doors(*, by: Actor, at: datetime) -> None:
    """An entrance for every venue, with its venue code; a second one for a large venue."""
    specs = []
    for venue, capacity in Venue.objects.filter(entrances=None).order_by("code").values_list("pk", "capacity"):
        specs += [EntranceSpec(venue)] + [EntranceSpec(venue, _SECOND_DOOR)] * (capacity >= _LARGE)
    if specs:
        open_entrances(specs=specs, by=by, at=at)


def _add_registers(pack: Pack, root: Place, seed: int, *, by: Actor, at: datetime) -> None:
    on = (pack.identity.demo_now or at).date()
    for table, columns in generate_registers(pack, on, seed).tables().items():
        add_generated(register=_REGISTERS[table], columns=columns, place=root, by=by, at=at)
