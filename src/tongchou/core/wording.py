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
