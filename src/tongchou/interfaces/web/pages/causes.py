"""The walk back from a task or an incident to the observations that began it."""

from dataclasses import dataclass

from django.urls import reverse

from tongchou.core.casework.models import Dossier
from tongchou.core.casework.queries import causes_of
from tongchou.core.wording import T
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces.web.story import MACHINES, address_of

STREAMS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the walk; without an address it is where one stands."""

    kind: T
    title: T
    url: str | None = None
    note: T | None = None


def alarm_behind(incident: Dossier) -> Alarm | None:
    """The alarm an incident came from."""
    for link in causes_of(incident):
        if link.kind == "caused_by" and link.target.kind == "alarm":
            return Alarm.objects.select_related("dossier__place", "area").filter(pk=link.target_id).first()
    return None


def walk_from(*dossiers: Dossier, alarm: Alarm | None = None) -> list[Stop]:
    """From the dossier one stands at, over those it belongs to, to the alarm and the streams that carry it."""
    stops = [Stop(MACHINES[d.kind].label, d.title, address_of(d) if n else None, T(d.number, d.number)) for n, d in enumerate(dossiers)]
    alarm = alarm or alarm_behind(dossiers[-1])
    if alarm is None:
        return stops
    stops.append(
        Stop(MACHINES["alarm"].label, alarm.dossier.title, address_of(alarm.dossier), T(alarm.dossier.number, alarm.dossier.number))
    )
    shares = alarm.shares.exclude(stream=None).select_related("stream__sentinel")[:STREAMS_SHOWN]
    for share in shares:
        stream = share.stream
        if stream is not None:
            note = T(f"占证据 {share.share:.0%}", f"{share.share:.0%} of the evidence")
            stops.append(Stop(T("数据流", "Stream"), _stream_title(stream), reverse("stream", args=[stream.code]), note))
    return stops


def _stream_title(stream: Stream) -> T:
    sentinel = stream.sentinel
    return T(f"{sentinel.name_zh} {stream.indicator_zh}", f"{sentinel.name_en}: {stream.indicator_en}")
