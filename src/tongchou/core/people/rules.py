"""Who may do what: capabilities by kind of post, and the frozen actor every action receives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tongchou.core.wording import T

_READ = (
    "desk.read",
    "sentinel.read",
    "alarm.read",
    "incident.read",
    "register.read",
    "parameter.read",
    "task.work",
    "testing.read",
    "spot_check.read",
    "resumption.read",
    "policy.read",
    "project.read",
)
_PROJECTS = ("project.write", "project.answer")
_POLICIES = ("policy.work", "policy.write")
_TRACE = ("case.read", "case.work", "contact.follow")
_DIFFICULTIES = ("difficulty.read", "difficulty.raise", "difficulty.hear", "call.read", "call.make")
_APPROVALS = ("approval.read", "approval.receive", "approval.work")
_SUSPENSIONS = ("suspension.read", "suspension.approve", "suspension.lift", "suspension.object")

# One line per kind of post. A capability holds in the post's place and everything below it.
CAPABILITIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "duty_leader": frozenset(
            (
                *_READ,
                *_DIFFICULTIES,
                "difficulty.route",
                "permit.issue",
                "difficulty.work",
                "resumption.list",
                "resumption.answer",
                "alarm.acknowledge",
                "alarm.confirm",
                "alarm.dismiss",
                "incident.close",
                "incident.work",
                "task.assign",
                "task.cancel",
                "register.export",
                "person.unmask",
                "parameter.write",
                "plan.write",
                "post.write",
                "audit.read",
                "outbox.read",
                "stream.report",
                "gate.read",
                "gate.rules",
                "appeal.decide",
                "pass.revoke",
                "testing.run",
                "spot_check.run",
                "case.read",
                "exposure.approve",
                "exposure.learn",
                "approval.read",
                "approval.delegate",
                *_SUSPENSIONS,
                "policy.write",
                "policy.approve",
                *_PROJECTS,
                "project.supervise",
            )
        ),
        "duty_officer": frozenset(
            (
                *_READ,
                *_DIFFICULTIES,
                "difficulty.route",
                "permit.issue",
                "difficulty.work",
                "resumption.evidence",
                "resumption.file",
                "resumption.check",
                "resumption.list",
                "resumption.answer",
                "alarm.acknowledge",
                "alarm.confirm",
                "alarm.dismiss",
                "incident.work",
                "task.assign",
                "stream.report",
                "sentinel.write",
                "register.write",
                "import.write",
                "register.export",
                "person.unmask",
                "outbox.read",
                "gate.read",
                "gate.write",
                "appeal.decide",
                "pass.issue",
                "pass.revoke",
                "testing.run",
                "spot_check.run",
                "testing.sample",
                "spot_check.take",
                "testing.laboratory",
                "spot_check.result",
                "case.read",
                "case.work",
                "contact.follow",
                "exposure.ask",
                "exposure.approve",
                "exposure.learn",
                "suspension.ask",
                *_SUSPENSIONS,
                *_POLICIES,
                *_PROJECTS,
                "project.supervise",
            )
        ),
        "group_leader": frozenset(
            (
                *_READ,
                *_PROJECTS,
                *_DIFFICULTIES,
                "permit.issue",
                "difficulty.work",
                "resumption.check",
                "incident.work",
                "task.assign",
                "stream.report",
                "person.unmask",
                "gate.read",
                "testing.run",
                "spot_check.run",
                "testing.sample",
                "spot_check.take",
                "testing.laboratory",
                "spot_check.result",
                *_TRACE,
                "exposure.ask",
            )
        ),
        "area_lead": frozenset(
            (
                *_READ,
                *_PROJECTS,
                *_DIFFICULTIES,
                "difficulty.work",
                "resumption.file",
                "resumption.check",
                "stream.report",
                "register.write",
                "gate.read",
                "pass.issue",
                "testing.sample",
                "spot_check.take",
                "contact.follow",
            )
        ),
        "village_secretary": frozenset(
            (
                *_READ,
                *_PROJECTS,
                *_DIFFICULTIES,
                "difficulty.route",
                "difficulty.work",
                "resumption.file",
                "resumption.check",
                "stream.report",
                "register.write",
                "person.unmask",
                "gate.read",
                "approval.read",
                "approval.receive",
                "pass.issue",
                "testing.sample",
                "spot_check.take",
                "contact.follow",
            )
        ),
        "township_doctor": frozenset(
            (
                *_READ,
                "difficulty.read",
                "difficulty.work",
                "resumption.answer",
                "resumption.check",
                "alarm.acknowledge",
                "stream.report",
                "person.unmask",
                "testing.sample",
                "spot_check.take",
                "testing.laboratory",
                "spot_check.result",
                *_TRACE,
                "exposure.ask",
            )
        ),
        "data_clerk": frozenset(
            (
                *_READ,
                *_PROJECTS,
                *_DIFFICULTIES,
                "difficulty.work",
                "resumption.evidence",
                "resumption.file",
                "stream.report",
                "sentinel.write",
                "register.write",
                "register.export",
                "import.write",
                "gate.read",
                "gate.write",
                "pass.issue",
                "testing.sample",
                "spot_check.take",
                "testing.laboratory",
                "spot_check.result",
                "case.read",
                *_POLICIES,
            )
        ),
        "approval_leader": frozenset((*_READ, *_APPROVALS, *_PROJECTS, "approval.decide", "approval.delegate")),
        "approval_officer": frozenset((*_READ, *_APPROVALS, *_PROJECTS)),
        "auditor": frozenset(
            (
                "desk.read",
                "audit.read",
                "parameter.read",
                "incident.read",
                "alarm.read",
                "sentinel.read",
                "outbox.read",
                "approval.read",
                "suspension.read",
                "difficulty.read",
                "call.read",
                "policy.read",
                "project.read",
            )
        ),
        "administrator": frozenset(
            (
                "desk.read",
                "parameter.read",
                "parameter.write",
                "plan.write",
                "post.write",
                "user.write",
                "token.write",
                "outbox.read",
                "outbox.retry",
                "audit.read",
                "sentinel.read",
                "sentinel.write",
                "place.write",
                "register.read",
                "register.write",
                "import.write",
                "gate.read",
                "gate.write",
                "pass.keys",
            )
        ),
        "district_observer": frozenset(("desk.read", "sentinel.read", "alarm.read", "incident.read", "parameter.read")),
    }
)


UNNAMED = T("岗位", "post")


@dataclass(frozen=True, slots=True)
class PostHeld:
    """A post somebody holds at an instant, and the place it answers for."""

    code: str
    kind: str
    unit: str
    place_path: str
    as_deputy: bool = False
    name: T = UNNAMED


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, with everything needed to decide whether they may. `user_id` is None for the system itself.

    `granted` maps a capability to the place paths in which it holds.
    """

    user_id: int | None
    label: str
    posts: tuple[PostHeld, ...] = ()
    granted: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    is_system: bool = False

    def may(self, capability: str, place_path: str | None = None) -> bool:
        """True when the capability holds for the place (None: for any place at all)."""
        if self.is_system:
            return True
        scopes = self.granted.get(capability, ())
        return bool(scopes) if place_path is None else any(place_path.startswith(scope) for scope in scopes)

    def scopes(self, capability: str) -> tuple[str, ...]:
        """Place paths in which the capability holds; the whole tree for the system."""
        return ("/",) if self.is_system else self.granted.get(capability, ())

    def holds(self, post_code: str) -> bool:
        return any(held.code == post_code for held in self.posts)


def granted_to(posts: Iterable[PostHeld], only: frozenset[str] | None = None) -> Mapping[str, tuple[str, ...]]:
    """Capabilities that follow from posts; `only` narrows them to a token's scopes."""
    granted: dict[str, set[str]] = {}
    for held in posts:
        for capability in CAPABILITIES[held.kind]:
            if only is None or capability in only:
                granted.setdefault(capability, set()).add(held.place_path)
    return MappingProxyType({name: tuple(sorted(paths)) for name, paths in granted.items()})


def system_actor(part: str) -> Actor:
    """The machine acting by itself; the entry says which part of it, so that nobody mistakes it for a person."""
    return Actor(user_id=None, label=f"system:{part}", is_system=True)
