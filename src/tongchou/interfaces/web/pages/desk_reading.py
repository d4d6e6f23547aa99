"""One reading of the desk: what several of its parts need is read once; and where its figures lead."""

from datetime import timedelta
from functools import cached_property
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import NoReverseMatch, reverse

from tongchou.core.casework.models import Dossier
from tongchou.core.errors import Unseen
from tongchou.core.places.models import Place
from tongchou.domains.sentinels.coverage import BlindSpots, Matrix, blind_spots, matrix_at
from tongchou.domains.sentinels.queries import StreamFreshness
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces.web import desk_queries as reading
from tongchou.interfaces.web.page import Asked
from tongchou.workflows.nowcasting import Pace, kept_pace

CURVE_DAYS = 60
CASES = "case_investigation"


class Desk:
    """One reading of the desk: what several parts need is read once."""

    def __init__(self, request: Asked) -> None:
        self.request, self.at, self.root = request, request.at, request.town.place
        self.today = request.at.astimezone(ZoneInfo(request.town.zone)).date()
        self.scopes = reading.scopes_of(request.actor, self.root.path)
        if not self.scopes:
            raise Unseen("desk")
        self.place = self._chosen(request.GET.get("place", ""))
        self.path = self.place.path
        self.is_town = self.path == self.root.path

    def _chosen(self, code: str) -> Place:
        if not code and self.scopes[0] == self.root.path:
            return self.root
        wanted = Place.objects.filter(valid_to=None)
        found = (wanted.filter(code=code) if code else wanted.filter(path=self.scopes[0])).first()
        if found is None or not any(found.path.startswith(scope) for scope in self.scopes):
            raise Unseen("place")
        return found

    @cached_property
    def alarms(self) -> list[Alarm]:
        first_day = self.today - timedelta(days=CURVE_DAYS)
        return reading.alarms_since(self.path, first_day) if self.request.actor.may("alarm.read", self.path) else []

    @cached_property
    def open_alarms(self) -> list[Alarm]:
        return [alarm for alarm in self.alarms if alarm.dossier.closed_at is None]

    @cached_property
    def incidents(self) -> list[Dossier]:
        return list(reading.open_incidents(self.path, self.at)) if self.request.actor.may("incident.read", self.path) else []

    @cached_property
    def matrix(self) -> Matrix:
        return matrix_at(self.at, self.path, ZoneInfo(self.request.town.zone))

    @cached_property
    def blind(self) -> BlindSpots:
        return blind_spots(self.matrix)

    @cached_property
    def streams(self) -> list[StreamFreshness]:
        """Live streams of sentinels that stand here; a village's desk leaves out those that also watch others from elsewhere."""
        return [
            s
            for w in self.matrix.sentinels()
            if w.sentinel.state == "live" and w.sentinel.place.path.startswith(self.path)
            for s in w.streams
        ]

    @cached_property
    def curve(self) -> reading.Curve | None:
        kind, _ = self.kinds
        streams = [s.stream for s in self.streams if s.stream.kind == kind]
        return reading.curve_of(kind, streams, CURVE_DAYS, self.today, self.at, f"{kind}@{self.place.code}") if streams else None

    @cached_property
    def pace(self) -> Pace:
        """How fast cases grow: those of the curve; beside another curve of the town, those the morning kept."""
        if self.curve is not None and self.curve.streams[0].sentinel.kind == CASES:
            return self.curve.outlook.pace
        cases = [s.stream.kind for s in self.streams if s.stream.sentinel.kind == CASES and s.stream.is_specific]
        return kept_pace(f"{cases[0]}@{self.place.code}", self.at) if cases and self.is_town else Pace()

    @cached_property
    def kinds(self) -> tuple[str, tuple[str, ...]]:
        return reading.chosen_kind(self.open_alarms or self.alarms, [s.stream for s in self.streams], self.request.GET.get("curve", ""))

    @cached_property
    def economy(self) -> reading.Economy:
        return reading.economy_of(self.path)


def link(name: str, *args: str, **asked: str) -> str | None:
    """The address of a page with a query; None where the page does not exist in this version."""
    try:
        address = reverse(name, args=args)
    except NoReverseMatch:
        return None
    return f"{address}?{urlencode(asked)}" if asked else address


def register_url(register: str, **asked: str) -> str | None:
    return link("register", register, **asked)


def firms_url(desk: Desk, **asked: str) -> str | None:
    """The firm register with the same filters as the figure."""
    return register_url("firm", **({} if desk.is_town else {"place": desk.place.code}), **asked)
