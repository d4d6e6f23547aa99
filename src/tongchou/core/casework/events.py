"""What happened, as one line of a history that several domains write together."""

from dataclasses import dataclass
from datetime import datetime

from tongchou.core.casework.models import Dossier
from tongchou.core.wording import T


@dataclass(frozen=True, slots=True)
class Event:
    """When, what in words, and the dossier that tells more, if there is one."""

    at: datetime
    words: T
    dossier: Dossier | None = None
