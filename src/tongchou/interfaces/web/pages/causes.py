"""The walk back from a task or an incident to the observations that began it."""

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone

from tongchou.core.casework.models import Dossier
from tongchou.core.casework.queries import causes_of
from tongchou.core.wording import T
from tongchou.domains.sentinels.models import Stream
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces.web.story import MACHINES, address_of

STREAMS_SHOWN = 3
LEAST_SHARE = 0.005  # below it the page would say 0%


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the walk; without an address it is where one stands. `beside`: stops of the same rank, as the streams read together are."""

    kind: T
    title: T
    url: str | None = None
    note: T | None = None
    beside: tuple["Stop", ...] = ()


def alarm_behind(incident: Dossier) -> Alarm | None:
    """The alarm an incident came from."""
    for link in causes_of(incident):
        if link.kind == "caused_by" and link.target.kind == "alarm":
            return Alarm.objects.select_related("dossier__place", "area", "run").filter(pk=link.target_id).first()
    return None


def walk_from(*dossiers: Dossier, alarm: Alarm | None = None) -> list[Stop]:
    """From the dossier one stands at, over those it belongs to, to the alarm, its computation, and the observations as they were known then."""
    stops = [Stop(MACHINES[d.kind].label, d.title, address_of(d) if n else None, T(d.number, d.number)) for n, d in enumerate(dossiers)]
    alarm = alarm or alarm_behind(dossiers[-1])
    if alarm is None:
        return stops
    stops.append(
        Stop(MACHINES["alarm"].label, alarm.dossier.title, address_of(alarm.dossier), T(alarm.dossier.number, alarm.dossier.number))
    )
    run, known_on = alarm.run, timezone.localtime(alarm.as_known_at).date()
    stops.append(
        Stop(
            T("计算", "Computation"),
            T(f"{run.function} {run.version}", f"{run.function} {run.version}"),
            reverse("alarm_run", args=[alarm.dossier.number]),
            T(f"输入摘要 {run.input_digest[:8]}", f"input digest {run.input_digest[:8]}"),
        )
    )
    observed = tuple(
        Stop(
            T("观测", "Observations"),
            _stream_title(share.stream),
            f"{reverse('stream', args=[share.stream.code])}?known_on={known_on}",
            T(f"占证据 {share.share:.0%}", f"{share.share:.0%} of the evidence"),
        )
        for share in alarm.shares.filter(share__gte=LEAST_SHARE).exclude(stream=None).select_related("stream__sentinel")[:STREAMS_SHOWN]
        if share.stream is not None
    )
    if observed:
        stops.append(replace(observed[0], beside=observed[1:]))
    return stops


def _stream_title(stream: Stream) -> T:
    sentinel = stream.sentinel
    return T(f"{sentinel.name_zh} {stream.indicator_zh}", f"{sentinel.name_en}: {stream.indicator_en}")
