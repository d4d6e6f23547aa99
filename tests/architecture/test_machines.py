"""Every state graph: each state reachable, each life can end, no dead end on the way."""

import importlib

from tests.architecture.source import PACKAGE, modules


def machines():
    if not (PACKAGE / "core/casework/machine.py").exists():
        return
    from tongchou.core.casework.machine import Machine

    for module in modules():
        if module.path.name == "rules.py" or module.path.stem.endswith("_rules"):
            loaded = importlib.import_module(module.name)
            yield from ((module.name, name, value) for name, value in vars(loaded).items() if isinstance(value, Machine))


def test_no_machine_has_a_problem():
    found = {}
    for where, name, machine in machines():
        from tongchou.core.casework.machine import problems

        if told := list(problems(machine)):
            found[f"{where}.{name}"] = told
    assert found == {}
