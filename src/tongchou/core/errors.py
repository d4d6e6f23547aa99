"""What the system says when it declines: what was refused, why, and what to do now. Nothing has changed when one is raised."""

from collections.abc import Sequence
from dataclasses import dataclass

from tongchou.core.wording import T


class Refusal(Exception):
    """A request declined before anything changed. `said` tells what and why, `remedy` what to do now."""

    status = 400

    def __init__(self, said: T, remedy: T | None = None) -> None:
        self.said, self.remedy = said, remedy
        super().__init__(said.en if remedy is None else f"{said.en} {remedy.en}")

    def __str__(self) -> str:
        return str(self.said) if self.remedy is None else f"{self.said} {self.remedy}"


class Unseen(Refusal):
    """Missing or forbidden: to the outside both are the same, so that nobody learns what exists elsewhere."""

    status = 404

    def __init__(self, what: str = "record") -> None:
        super().__init__(
            T("没有找到这条记录，或您无权查看。", "Not found, or not yours to see."),
            T("请核对编号，或联系本岗位负责人。", "Check the number, or ask the head of your post."),
        )
        self.what = what


class Stale(Refusal):
    """Another person was first: the record is no longer in the state this request started from."""

    status = 409


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: its name, what is wrong and what to do."""

    field: str
    said: T


class Invalid(Refusal):
    """Input that breaks a rule; every wrong field is named at once."""

    status = 422

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            T("；".join(f"{p.field}：{p.said.zh}" for p in self.problems), "; ".join(f"{p.field}: {p.said.en}" for p in self.problems))
        )


def in_words(field: str, text: str, least: int = 2) -> str:
    """A text without its margins. Raises Invalid for a shorter one."""
    if len(text.strip()) < least:
        raise Invalid([FieldProblem(field, T(f"请填写说明（至少{least}个字）。", f"Say it in words (at least {least} characters)."))])
    return text.strip()
