"""Firms with difficulties in the small town: two in Wu's village, one in another, and what the office may do about them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests import packs_once
from tests.fixtures_town import AT, Town
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.rules import Actor, system_actor
from tongchou.core.places.models import Place
from tongchou.domains.difficulties.actions import Told, answer_difficulty, raise_difficulties, route_difficulty
from tongchou.domains.difficulties.actions_hearing import Heard, hear_firm
from tongchou.domains.difficulties.models import Difficulty, FirmWord
from tongchou.domains.registry.models import Firm

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SYSTEM, PAGE = system_actor("test"), system_actor("firm page")
WORDS = "原料车在外省下不了高速，停产两天了"
UNDRAWN, DRAWN = 0.99, 0.0


def firm_in(place: Place, n: int, name: str = "", **given: Any) -> Firm:
    said = {"section": "C", "industry": "13", "size_class": "small", "staff_count": 20 * n, "contact_name": "钱会计"} | given
    return Firm.objects.create(
        place=place, name=name or f"示例企业{n}", near_key=f"k{n}", credit_code=f"91310118MA1TEST{n:03}", changed_at=AT, **said
    )


@dataclass
class Workshop:
    """The small town with its parameters and three firms."""

    town: Town
    firms: tuple[Firm, Firm, Firm]

    def raised(
        self, firm: Firm | None = None, *, kind: str = "passage", words: str = WORDS, by: Actor | None = None, at: datetime = AT
    ) -> Difficulty:
        firm, who = firm or self.firms[0], by or self.town.lin
        source = "firm" if who.is_system else "visit"
        given = {"firm": firm.pk, "name": firm.name, "place": firm.place, "told": [Told(kind, words)], "source": source, "said_at": at}
        return raise_difficulties(**given, by=who, at=at)[0]

    def routed(self, row: Difficulty | None = None, *, post: str = "trace-leader", at: datetime = AT) -> Difficulty:
        return route_difficulty(row or self.raised(), post=self.town.posts[post], by=self.town.lin, at=at)

    def answered(self, row: Difficulty | None = None, *, at: datetime = AT) -> Difficulty:
        """By Gao, who holds the post it was routed to."""
        return answer_difficulty(row or self.routed(), outcome="done", answer="通行证已批，凭码下高速", by=self.town.gao, at=at)

    def says(
        self,
        row: Difficulty,
        verdict: str = "solved",
        *,
        way: str = "phone",
        draw: float = UNDRAWN,
        by: Actor | None = None,
        at: datetime = AT,
        **given: Any,
    ) -> FirmWord:
        who = by or (PAGE if way == "page" else self.town.wu)
        spoke_to = "" if way == "page" else "钱会计"
        heard = Heard(**{"verdict": verdict, "way": way, "spoken_at": at, "words": "车还是没进来", "spoke_to": spoke_to} | given)
        return hear_firm(row, heard=heard, draw=draw, by=who, at=at)


def workshop(town: Town) -> Workshop:
    specs = [s for s in packs_once.pack("xujing").parameters if s.key.startswith(("difficulty.", "call."))]
    define_parameters(specs=specs, places={}, root=town.town, by=SYSTEM, at=AT)
    first, second, _ = town.villages
    return Workshop(town, (firm_in(first, 1), firm_in(first, 2), firm_in(second, 3)))
