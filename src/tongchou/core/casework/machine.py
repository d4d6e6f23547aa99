"""State graphs as literal tables: which step leads from where to where, who may take it, which clocks it starts and stops. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tongchou.core.errors import Stale
from tongchou.core.wording import T


@dataclass(frozen=True, slots=True)
class Step:
    """One way from some states to another. `starts` and `stops` name deadlines by their parameter key."""

    name: str
    label: T
    sources: tuple[str, ...]
    target: str
    needs: str
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """The life of one kind of dossier. A state in `final` closes it."""

    kind: str
    label: T
    prefix: str
    start: str
    states: Mapping[str, T]
    final: frozenset[str]
    steps: tuple[Step, ...]
    starts: tuple[str, ...] = ()

    def allowed(self, state: str) -> tuple[Step, ...]:
        """The steps that may be taken from a state."""
        return tuple(step for step in self.steps if state in step.sources)

    def step(self, name: str, state: str) -> Step:
        """The step of this name from this state. Raises Stale that tells what is allowed now."""
        for step in self.allowed(state):
            if step.name == name:
                return step
        now = self.allowed(state)
        raise Stale(
            T(
                f"{self.label.zh}现为“{self.states[state].zh}”，不能再执行“{self._label(name).zh}”。",
                f"{self.kind}: cannot '{name}' from '{state}'; allowed now: {[s.name for s in now]}",
            ),
            T("请刷新页面，查看是谁已先处理。", "Reload the page to see who was first."),
        )

    def _label(self, name: str) -> T:
        return next((step.label for step in self.steps if step.name == name), T(name, name))


def objection_machine(kind: str, label: T, prefix: str, answered_within: str) -> Machine:
    """The life of an objection: open, then upheld or rejected before the clock of the parameter `answered_within` runs out."""
    return Machine(
        kind=kind,
        label=label,
        prefix=prefix,
        start="open",
        states={"open": T("待处理", "Open"), "upheld": T("申诉成立", "Upheld"), "rejected": T("维持原判", "Rejected")},
        final=frozenset({"upheld", "rejected"}),
        steps=(
            Step("uphold", T("申诉成立", "Uphold"), ("open",), "upheld", needs="appeal.decide"),
            Step("reject", T("维持原判", "Reject"), ("open",), "rejected", needs="appeal.decide"),
        ),
        starts=(answered_within,),
    )


def problems(machine: Machine) -> list[str]:
    """What is wrong with a table: unknown states, states nobody reaches, dead ends, two meanings of one step from one state."""
    found = []
    known = set(machine.states)
    used = {machine.start, *machine.final, *(s.target for s in machine.steps), *(x for s in machine.steps for x in s.sources)}
    found += [f"unknown state {state!r}" for state in sorted(used - known)]
    reached, edge = {machine.start}, [machine.start]
    while edge:
        state = edge.pop()
        for step in machine.allowed(state):
            if step.target not in reached:
                reached.add(step.target)
                edge.append(step.target)
    found += [f"state {state!r} is never reached" for state in sorted(known - reached)]
    found += [f"state {state!r} is a dead end" for state in sorted(known - machine.final) if not machine.allowed(state)]
    for state in sorted(known):
        names = [step.name for step in machine.allowed(state)]
        found += [f"step {name!r} from {state!r} is ambiguous" for name in sorted({n for n in names if names.count(n) > 1})]
    return found
