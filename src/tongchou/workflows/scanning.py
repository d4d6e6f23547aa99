"""What a scanner at a door takes with it, so that it can decide for a day without a network.

1. Whose token is it? A device that is unknown or revoked gets nothing.
2. Its door: the venue and the entrance in words.
3. The rule of each day from today on, as many days as the town lets a scanner go without news.
4. The keys it may trust and the status lists.
5. The nearest sampling sites, for whoever is refused.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps

from tongchou.core.parameters.queries import duration
from tongchou.core.passes.queries import status_lists, trusted_keys
from tongchou.core.passes.status_lists import encoded
from tongchou.core.places.models import Installation, Place
from tongchou.core.wording import T
from tongchou.domains.gate.models import Device
from tongchou.domains.gate.queries import device_of, rules_in_force
from tongchou.domains.gate.rules import rule_for

VALID_FOR = "gate.rules_valid_for"
SITES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Bundle:
    """The door of a device and everything it decides by; `body` is made of plain values and does not hold the time."""

    device: Device
    body: dict[str, Any]


def bundle_for(token: str, town: Installation, at: datetime) -> Bundle:
    """What the device that holds `token` takes with it at an instant in the town's zone. Raises Unseen for a token nobody holds."""
    device = device_of(token)
    entrance = device.entrance
    venue = apps.get_model("registry", "Venue").objects.select_related("place").get(pk=entrance.venue_id)
    valid_for = duration(VALID_FOR, on=at.date(), place_path=entrance.place.path)
    lists = status_lists(at)
    body = {
        "town": town.place.code,
        "zone": town.zone,
        "device": device.pk,
        "venue": _pair(T(venue.name, venue.name)),
        "entrance": _pair(entrance.name),
        "days": _days(venue.venue_class, at, valid_for),
        "valid_for_s": int(valid_for.total_seconds()),
        "keys": [{"id": i.hex(), "public": key.public.hex(), "issuer": key.issuer} for i, key in trusted_keys(at).items()],
        "lists": {purpose: {str(n): encoded(bits) for n, bits in known.items()} for purpose, known in lists.items()},
        "sites": sampling_sites(entrance.place),
    }
    return Bundle(device, body)


def _days(venue_class: str, at: datetime, valid_for: timedelta) -> list[dict[str, Any]]:
    """Each day's rule with the instants between which it holds."""
    rules, found = rules_in_force(), []
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    while start <= at + valid_for:
        end, rule = start + timedelta(days=1), rule_for(rules, venue_class, start.date())
        found.append(
            {
                "from_s": int(start.timestamp()),
                "to_s": int(end.timestamp()),
                "test_hours": rule.test_hours,
                "may_refuse": rule.may_refuse,
                "takes_permits": rule.takes_permits,
                "source": _pair(rule.source),
            }
        )
        start = end
    return found


def sampling_sites(place: Place) -> list[dict[str, Any]]:
    """The nearest sites that take samples: those of the same place first, then by the code of the place."""
    rows = apps.get_model("sentinels", "Sentinel").objects.filter(setting="sampling_site", state="live").select_related("place")
    near = sorted(rows, key=lambda row: (row.place.path != place.path, not row.place.path.startswith(place.path), row.code))
    return [{"name": {"zh": row.name_zh, "en": row.name_en}, "place": _pair(row.place.name)} for row in near[:SITES_SHOWN]]


def _pair(said: T) -> dict[str, str]:
    return {"zh": said.zh, "en": said.en}
