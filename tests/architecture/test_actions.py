"""One mutation, one function, one transaction, one audit entry; time, chance and identity are arguments."""

import ast

import pytest
from tests.architecture.source import Module, modules

ACTIONS = [m for m in modules() if m.path.name.startswith("actions")]
FLOORS = ("tongchou.science", "tongchou.core", "tongchou.domains", "tongchou.workflows")

# Writing outside an action, and why that is right.
WRITERS = {
    "tongchou.core.outbox.queue": "leases and marks work; the cause of each message is an entry of the action that posted it",
    "tongchou.core.people.tokens": "the day of last use follows from a request, which is no act of a person",
}
WRITES = {"save", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "localdate", "localtime"}
CLOCK_OWNERS = {"datetime", "date", "timezone", "time", "dt"}
CHANCE = {"random", "secrets", "uuid"}


def is_action(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id == "action"


@pytest.mark.parametrize("module", ACTIONS, ids=lambda m: m.name)
def test_every_public_function_of_actions_is_an_action_by_someone_at_a_time(module: Module):
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        where = f"{module.where}:{node.lineno} {node.name}"
        assert any(map(is_action, node.decorator_list)), f"{where}: not decorated with @action"
        keyword_only = {a.arg: ast.unparse(a.annotation) if a.annotation else "" for a in node.args.kwonlyargs}
        assert keyword_only.get("by") == "Actor", f"{where}: needs keyword-only `by: Actor`"
        assert keyword_only.get("at") == "datetime", f"{where}: needs keyword-only `at: datetime`"
        assert ast.get_docstring(node), f"{where}: an action says in one sentence what it changes"


def test_actions_stand_in_actions_py():
    strays = [
        f"{m.where}:{f.lineno} {f.name}"
        for m in modules()
        if m.path.name != "actions.py"
        for f in m.functions()
        if any(map(is_action, f.decorator_list))
    ]
    assert [s for s in strays if "/actions_" not in s] == []


def test_rows_are_written_in_actions_only():
    found = []
    for module in modules():
        if not module.name.startswith(FLOORS) or module.path.name.startswith("actions") or module.name in WRITERS:
            continue
        # A building block that records may write: `record` refuses outside an action.
        if any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "record" for n in ast.walk(module.tree)):
            continue
        for call in (n for n in ast.walk(module.tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)):
            owner = ast.unparse(call.func.value)
            if call.func.attr in WRITES or (call.func.attr in {"create", "delete", "update"} and ".objects" in owner):
                found.append(f"{module.where}:{call.lineno} {ast.unparse(call.func)}")
    assert found == []


def reads_clock(node: ast.AST) -> bool:
    call = node.func if isinstance(node, ast.Call) else None
    return isinstance(call, ast.Attribute) and call.attr in CLOCKS and ast.unparse(call.value).split(".")[-1] in CLOCK_OWNERS


def test_no_clock_and_no_chance_below_the_interfaces():
    found = []
    for module in modules():
        if not module.name.startswith(FLOORS):
            continue
        for node in ast.walk(module.tree):
            if reads_clock(node):
                found.append(f"{module.where}:{node.lineno} {ast.unparse(node)}")
            if isinstance(node, ast.Import) and {a.name for a in node.names} & CHANCE and module.name != "tongchou.core.keys":
                found.append(f"{module.where}:{node.lineno} {ast.unparse(node)}")
    # A token's secret must be unguessable, so it cannot be an argument.
    assert [f for f in found if "core/people/actions.py" not in f] == []
