"""Somebody whose passes may be suspended: a holder in the first village, an open incident, a key to sign passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.domains.tracing.investigations import incident_in
from tests.fixtures_town import AT, Town
from tongchou.core.casework.models import Dossier
from tongchou.core.packs.loading import load_pack
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.passes.actions import rotate_key
from tongchou.core.people.rules import Actor, system_actor
from tongchou.domains.gate.actions import register_visitor
from tongchou.domains.gate.models import Holder
from tongchou.domains.suspensions.actions import Grounds
from tongchou.domains.suspensions.models import Suspension
from tongchou.workflows.suspending import approve, ask

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SYSTEM = system_actor("test")
CARD = "31019919900101123X"


@dataclass
class Held:
    """The installed small town, an incident open in it, and a holder."""

    town: Town
    incident: Dossier
    holder: Holder

    def grounds(self, **given: Any) -> Grounds:
        words: dict[str, Any] = {
            "incident": self.incident, "cause": "contact", "words": "与确诊者同桌用餐，请居家观察", "basis": "law-39", "ends_at": AT + 7 * DAY,
        }  # fmt: skip
        return Grounds(**words | given)

    def asked(self, *, by: Actor | None = None, at: datetime = AT, **given: Any) -> Suspension:
        return ask(self.holder, self.grounds(**given), by=by or self.town.lin, at=at)

    def approved(self, *, at: datetime = AT, **given: Any) -> Suspension:
        return approve(self.asked(at=at, **given), by=self.town.fang, at=at)


def held_town(town: Town) -> Held:
    specs = [s for s in load_pack(Path(__file__).parents[2] / "packs/xujing").parameters if s.key.startswith("gate.")]
    define_parameters(specs=specs, places={}, root=town.town, by=SYSTEM, at=AT)
    rotate_key(town=town.town, seed=b"\1" * 32, trusted_for=9 * DAY, by=SYSTEM, at=AT)
    village = town.villages[0]
    holder = register_visitor(number=7, name="赵六六", phone="13800000000", id_number=CARD, place=village, by=SYSTEM, at=AT)
    return Held(town, incident_in(town).dossier, Holder.objects.select_related("place").get(pk=holder.pk))
