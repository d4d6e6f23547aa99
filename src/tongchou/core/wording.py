"""Text in the two languages of the house, always as a pair, so that neither can be forgotten."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
_language: ContextVar[Language] = ContextVar("language", default="zh")


@dataclass(frozen=True, slots=True)
class T:
    """A phrase in Chinese and English; `str()` gives the one of the current language."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh if _language.get() == "zh" else self.en

    def format(self, **values: object) -> "T":
        return T(self.zh.format(**values), self.en.format(**values))


def chance(share: float) -> str:
    """A probability as a percentage that never claims certainty: above 99 % and below 1 % it says so."""
    return ">99%" if share > 0.99 else "<1%" if share < 0.01 else f"{share:.0%}"


def figure(value: float) -> str:
    """A measured figure: whole from 10 on, below it two digits that say something."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def current_language() -> Language:
    return _language.get()


@contextmanager
def use_language(language: Language) -> Iterator[None]:
    """Speak `language` inside the block; each thread and task has its own."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)
