"""What a door says, and the number by which the log of scans keeps it: told by the gate, read by whoever asks the log."""

from typing import Literal

Verdict = Literal["admit", "notice", "refuse"]
VERDICTS: tuple[Verdict, ...] = ("admit", "notice", "refuse")  # kept as 0, 1, 2
REFUSED = VERDICTS.index("refuse")
