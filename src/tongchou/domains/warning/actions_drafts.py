"""Taking a draft out of the house: nothing is sent, but it is known who took which text."""

from collections.abc import Mapping
from datetime import datetime

from tongchou.core.audit.acting import action, record
from tongchou.core.errors import Stale
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.warning.models import Alarm

DISMISSED = T("这条预警已排除，没有可取用的文稿。", "This alarm was dismissed; there is nothing to warn of.")


@action("alarm.acknowledge", on=Alarm)
def take_draft(alarm: Alarm, *, taken: Mapping[str, str], by: Actor, at: datetime) -> None:
    """Record what was copied or downloaded: kind, form, and digest of the text. Raises Stale for a dismissed alarm."""
    if alarm.dossier.state == "dismissed":
        raise Stale(DISMISSED)
    record("alarm.draft", alarm.dossier, detail=dict(taken))
