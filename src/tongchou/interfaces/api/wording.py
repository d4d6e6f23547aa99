"""Descriptions for the OpenAPI document, which has no language switch."""


def both(zh: str, en: str) -> str:
    """One line in both languages."""
    return f"{zh} {en}"
