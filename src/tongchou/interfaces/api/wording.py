"""Words of the interface: descriptions for the OpenAPI document, which has no language switch, and texts inside answers."""

from ninja import Schema
from pydantic import Field

from tongchou.core.wording import T


def both(zh: str, en: str) -> str:
    """One line in both languages."""
    return f"{zh} {en}"


class Pair(Schema):
    """两种语言的文字 A text in both languages."""

    zh: str
    en: str


class Reason(Schema):
    """理由 Why, in words."""

    reason: str = Field(description=both("理由", "reason"))


def pair(text: T) -> dict[str, str]:
    """A text as `Pair` shows it."""
    return {"zh": text.zh, "en": text.en}
