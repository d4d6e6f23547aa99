"""A procedure as a network of offices: steps that wait for one another, worked first come first served by the clerks of their office."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class OfficeNetwork:
    """Steps of one or more procedures and the offices that share them.

    Parameters
    ----------
    after
        For each step the steps before it, by their number; empty: it begins when the application arrives.
    office, procedure
        For each step the number of its office and of its procedure.
    clerks
        For each office how many work there at once, 1 or more.
    parts
        For each step the numbers of the measured steps whose working times it adds up; none given: each step is its own.
    effort
        For each step what is left of that working time (1: all of it).

    Raises
    ------
    ValueError
        For numbers out of range, steps in a circle, or a step that waits for one of another procedure.
    """

    after: tuple[tuple[int, ...], ...]
    office: tuple[int, ...]
    clerks: tuple[int, ...]
    procedure: tuple[int, ...] = ()
    parts: tuple[tuple[int, ...], ...] = ()
    effort: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.after)
        for name, default in (("procedure", (0,) * n), ("parts", tuple((i,) for i in range(n))), ("effort", (1.0,) * n)):
            if not getattr(self, name):
                object.__setattr__(self, name, default)
        if not n or {len(self.office), len(self.procedure), len(self.parts), len(self.effort)} != {n}:
            raise ValueError("one office, procedure, list of parts and effort for each step, and at least one step")
        if min(self.clerks, default=0) < 1 or not all(0 <= k < len(self.clerks) for k in self.office):
            raise ValueError("every office needs a clerk, and every step an office that exists")
        if min(self.effort) < 0 or set(self.procedure) != set(range(max(self.procedure) + 1)):
            raise ValueError("effort must not be negative, and procedures are numbered from 0 without a gap")
        self._check_order(n)

    def _check_order(self, n: int) -> None:
        left = {step: set(before) for step, before in enumerate(self.after)}
        for step, before in left.items():
            if not all(0 <= b < n and self.procedure[b] == self.procedure[step] for b in before):
                raise ValueError(f"step {step} waits for a step that is not in its procedure")
        while left:
            free = {step for step, before in left.items() if not before}
            if not free:
                raise ValueError(f"steps in a circle: {sorted(left)}")
            left = {step: before - free for step, before in left.items() if step not in free}

    def with_clerks(self, office: int, clerks: int) -> "OfficeNetwork":
        """The same with another number of clerks in one office."""
        return replace(self, clerks=tuple(clerks if k == office else c for k, c in enumerate(self.clerks)))

    def handed_to(self, step: int, office: int) -> "OfficeNetwork":
        """The same with one step worked by another office."""
        return replace(self, office=tuple(office if s == step else k for s, k in enumerate(self.office)))

    def merged(self, first: int, second: int, saving: float = 0.0) -> "OfficeNetwork":
        """The same with two steps worked in one go by the office of the first; `saving`: the share of their working time that falls away.

        Raises ValueError when another step lies between them, or they are of two procedures.
        """
        if first == second or self.procedure[first] != self.procedure[second] or not 0 <= saving <= 1:
            raise ValueError("two different steps of one procedure, and a saving from 0 to 1")
        keep = [step for step in range(len(self.after)) if step != second]
        number = {step: n for n, step in enumerate(keep)} | {second: keep.index(first)}

        def renamed(steps: Sequence[int], own: int) -> tuple[int, ...]:
            return tuple(sorted({number[s] for s in steps} - {number[own]}))

        both = (*self.after[first], *self.after[second])
        return OfficeNetwork(
            after=tuple(renamed(both if step == first else self.after[step], step) for step in keep),
            office=tuple(self.office[step] for step in keep),
            clerks=self.clerks,
            procedure=tuple(self.procedure[step] for step in keep),
            parts=tuple((*self.parts[first], *self.parts[second]) if step == first else self.parts[step] for step in keep),
            effort=tuple(self.effort[step] * (1 - saving if step == first else 1) for step in keep),
        )
