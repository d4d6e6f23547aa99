"""A crew's phone works for a day without a network.

1. It takes along the roll of its site's area: households and who lives there, names masked. The log says who took it: an Access.
2. In the street it keeps check-offs under ids of its own, of people of that roll, or of passes and identity cards as read.
3. With a network it brings each, in order. Texts become people, who is not on the roll is put on it as on the crew's page, and the delivery is
   kept once by its id, however often it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tongchou.core.errors import FieldProblem, Invalid, Unseen
from tongchou.core.identity import mask_name
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.testing.actions import add_people
from tongchou.domains.testing.actions_check_off import Delivery, Sampled
from tongchou.domains.testing.actions_sampling import hand_out_roll
from tongchou.domains.testing.models import Receipt, Round, Site
from tongchou.domains.testing.roll import standing_of
from tongchou.workflows.testing_rounds import recognise

MOST_PEOPLE = 8_000  # on one phone: a large village; a town does not fit into a pocket, and need not be in one


@dataclass(frozen=True, slots=True)
class Line:
    """One person sampled into a tube, as a phone or a program sends it: `person` is a row number of the register, `text` what was read instead."""

    tube: str
    person: int | None = None
    text: str | None = None
    way: str = "list"
    sampled_at: datetime | None = None


def read_delivery(
    found: Round, site: Site, lines: Sequence[Line], *, tube_size: int | None, key: UUID | None, add: bool, by: Actor, at: datetime
) -> Delivery:
    """What is to be checked off. With `add`, who is not on the roll yet is put on it. Raises Invalid naming each text that means nobody, or several."""
    if key is not None and Receipt.objects.filter(pk=key).exists():
        return Delivery(found, site, [], by, tube_size, key)  # kept already: a pass that has run out since changes nothing
    if all(line.text is None and line.person is not None for line in lines):
        rows = [Sampled(line.person or 0, line.tube, line.way, line.sampled_at) for line in lines]
    else:
        rows = _recognised(lines, at)
    if add:
        known = standing_of(found.pk, [row.person for row in rows])
        if strangers := [row.person for row in rows if row.person not in known]:
            _add(found, strangers, by, at)
    return Delivery(found, site, rows, by, tube_size, key)


def _recognised(lines: Sequence[Line], at: datetime) -> list[Sampled]:
    rows, problems = [], []
    for n, line in enumerate(lines, start=1):
        if (line.person is None) == (line.text is None):
            problems.append(FieldProblem(f"sampled[{n}]", T("写 person 或 text 之一", "give either person or text")))
            continue
        if line.text is None:
            rows.append(Sampled(line.person or 0, line.tube, line.way, line.sampled_at))
            continue
        try:
            meant = recognise(line.text, at)
        except Unseen:
            problems.append(
                FieldProblem(
                    f"sampled[{n}].text", T("本地底数里没有这个人，请联网登记", "in no register of this town; register them online")
                )
            )
            continue
        if len(meant.people) > 1:
            said = T(
                f"这个号码有 {len(meant.people)} 人，请逐人登记", f"{len(meant.people)} people have this number; check them off one by one"
            )
            problems.append(FieldProblem(f"sampled[{n}].text", said))
        else:
            rows.append(Sampled(meant.people[0], line.tube, meant.way, line.sampled_at))
    if problems:
        raise Invalid(problems)
    return rows


def _add(found: Round, people: Sequence[int], by: Actor, at: datetime) -> None:
    try:
        add_people(testing_round=found, people=people, by=by, at=at)
    except Unseen:
        said = T(
            "其中有人住在别的镇村：请其在当地采样，或请镇里代为登记",
            "some live in another town or village: let them be sampled there, or ask the town's office to check them off",
        )
        raise Invalid([FieldProblem("sampled", said)]) from None


@dataclass(frozen=True, slots=True)
class Roll:
    """What a phone takes along: [household, address, [[row number, masked name, year of birth], …]] by household; none where they are too many."""

    households: tuple[tuple[str, str, tuple[tuple[int, str, int], ...]], ...] | None
    people: int


def roll_for(found: Round, site: Site, by: Actor) -> Roll:
    """The people on the roll who live below the site's place, by household. Two queries. Raises Unseen for whoever may not sample there."""
    if not by.may("testing.sample", site.place_path):
        raise Unseen("site")
    rows = found.roll.filter(place__path__startswith=site.place_path, household__isnull=False)
    count = rows.count()
    if count > MOST_PEOPLE:
        return Roll(None, count)
    homes: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    named = rows.order_by("household__code", "person_id")
    for code, address, person, name, born in named.values_list(
        "household__code", "household__address", "person_id", "person__name", "person__born_on"
    ):
        homes.setdefault((code, address), []).append((person, mask_name(name), born.year))
    return Roll(tuple((*home, tuple(people)) for home, people in homes.items()), count)


def take_roll(found: Round, site: Site, roll: Roll, *, by: Actor, at: datetime) -> None:
    """Note that a phone took the roll along: an Access."""
    hand_out_roll(site, testing_round=found, people=roll.people if roll.households is not None else 0, by=by, at=at)
