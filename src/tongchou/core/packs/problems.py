"""What is wrong with a pack: every problem at once, each with its file, its line or key, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from tongchou.core.errors import Refusal
from tongchou.core.wording import T


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one place of one file."""

    file: str
    where: str
    what: T
    remedy: T

    def said(self) -> T:
        place = f"{self.file}, {self.where}" if self.where else self.file
        return T(f"{place}：{self.what.zh}。{self.remedy.zh}。", f"{place}: {self.what.en}. {self.remedy.en}.")


class PackInvalid(Refusal):
    """A pack that must not be used; nothing of it has been taken over."""

    status = 422

    def __init__(self, folder: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [problem.said() for problem in self.problems]
        super().__init__(
            T(
                f"数据包 {folder} 有 {len(lines)} 处问题：\n" + "\n".join(line.zh for line in lines),
                f"pack {folder} has {len(lines)} problem(s):\n" + "\n".join(line.en for line in lines),
            )
        )
