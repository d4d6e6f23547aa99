"""What every way out of the house offers, so that a later one (WeCom, DingTalk, SMS) is one class more."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Parcel:
    """A text on its way to one address. `key` is the same at every try, so that the other end can drop a second copy."""

    key: str
    to: str
    subject: str
    body: str


class Channel(Protocol):
    """Delivers parcels. `send` raises whatever went wrong; the outbox tries again later."""

    name: str

    def is_configured(self) -> bool: ...

    def send(self, parcel: Parcel) -> None: ...
