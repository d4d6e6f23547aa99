"""The programming interface keeps its word: the committed document is this program's, and whatever is sent, answers conform to it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ninja import Schema
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests import packs_once
from tests.architecture.source import ROOT
from tests.domains.response.plans import PNG, SYSTEM, activated
from tests.domains.sentinels.conftest import Matrix, matrix  # noqa: F401 - a fixture
from tests.domains.warning.conftest import alarm, finding, propose  # noqa: F401 - fixtures
from tests.fixtures_town import AT
from tests.interfaces.callers import Caller
from tongchou.core.audit.models import Entry
from tongchou.core.casework.actions import attach_evidence
from tongchou.core.outbox.queue import post
from tongchou.core.parameters.actions_definitions import define_parameters
from tongchou.core.people.models import Post, Posting, User
from tongchou.domains.policies.actions import publish_book
from tongchou.domains.registry.actions import add_row
from tongchou.domains.registry.imports import SPECS
from tongchou.domains.warning.models import Alarm
from tongchou.interfaces import clock
from tongchou.interfaces.api.document import TAGS, document, document_page, document_text

COMMITTED = json.loads((ROOT / "docs/reference/openapi.json").read_text("utf-8"))
OPERATIONS: dict[str, list[tuple[str, str]]] = {}  # by tag: what belongs together is tried in one town
for _path, _methods in COMMITTED["paths"].items():
    for _method, _operation in _methods.items():
        OPERATIONS.setdefault(_operation["tags"][0], []).append((_path, _method))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES, EXAMPLES_REFUSED = 6, 2
FEWER = 3  # on the second database, which is asked for what it alone refuses


def test_committed_document_is_this_programs() -> None:
    found = document()
    kept = {name: (ROOT / "docs/reference" / name).read_text("utf-8") for name in ("openapi.json", "api.md")}
    assert kept == {"openapi.json": document_text(found), "api.md": document_page(found)}, "run: python dev.py docs"
    assert found["openapi"].startswith("3.1")


def test_every_operation_says_in_both_languages_what_it_does_and_how_it_refuses() -> None:
    for path, methods in COMMITTED["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert re.search(r"[一-鿿]", operation["summary"]) and re.search(r"[a-z]{3}", operation["summary"]), where
            assert operation["tags"][0] in TAGS, where
            statuses = {"401", "404", "422"} | (set() if method == "get" else {"400", "403", "409"})
            assert statuses <= set(operation["responses"]), where


def test_no_two_schemas_share_a_name() -> None:
    def below(kind: type) -> Iterator[type]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    ours = Counter(kind.__name__ for kind in set(below(Schema)) if kind.__module__.startswith("tongchou."))
    assert [name for name, count in ours.items() if count > 1] == []


@pytest.fixture
def known(matrix: Matrix, alarm: Alarm, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:  # noqa: F811
    """A town with one of everything, and what its things are called, by name of the path parameter; Lin holds every kind of post."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    town = matrix.town
    task = next(iter(activated(town).values()))
    lin = User.objects.get(username="lin")
    for kind in ("duty_leader", "data_clerk", "administrator"):
        seat = Post.objects.create(
            code=f"{kind}-2", kind=kind, unit=town.posts["duty-leader"].unit, place=town.town, name_zh="岗位", name_en="Post"
        )
        Posting.objects.create(user=lin, post=seat, from_at=AT.replace(month=1))
    firm = add_row(
        spec=SPECS["firm"],
        given={"name": "上海示例", "credit_code": "91110000600037341L", "place_id": "310118106202", "industry": "39"},
        by=SYSTEM,
        at=AT,
    )
    pack = packs_once.pack("xujing")
    assert pack.policies
    specs = [spec for spec in pack.parameters if spec.key.startswith(("policy.", "approval.", "calendar."))]
    define_parameters(specs=specs, places={}, root=town.town, by=SYSTEM, at=AT)
    publish_book(content=pack.policies.content, place=town.town, by=SYSTEM, at=AT)
    proof = attach_evidence(task.dossier, content=PNG, by=town.fang, at=AT)
    post("mail", "k1", {}, at=AT)
    return {
        "number": [task.dossier.number, task.incident.dossier.number, alarm.dossier.number],
        "code": ["310118106", "310118106202", "clinic-1", "clinic-1-fever", "doctor"],
        "key": ["alarm.decide_within"],
        "username": ["chen"],
        "name": ["firm"],
        "row_id": [firm.pk],
        "pk": [firm.pk],
        "evidence_id": [proof.pk],
        "message_id": [1],
        "posting_id": [1, 2],
        "batch_id": [1],
    }


@pytest.fixture(scope="module")
def loaded() -> Any:
    """The committed document over the program in this process."""
    found = schemathesis.openapi.from_dict(COMMITTED)
    found.app = get_wsgi_application()
    return found


@pytest.fixture
def interface(loaded: Any) -> Iterator[Any]:
    """A request must not close the connection the test's transaction lives on; Django's own client connects these again after each call."""
    both = (request_started, request_finished)
    for signal in both:
        signal.disconnect(close_old_connections)
    yield loaded
    for signal in both:
        signal.connect(close_old_connections)


def send(operation: Any, judge: Callable[[Any, Random], None], examples: int) -> None:
    """Try an operation with whatever its document allows, and judge each answer."""

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), pick=st.randoms(use_true_random=False))
    def run(case: Any, pick: Random) -> None:
        judge(case, pick)

    run()


@pytest.mark.parametrize("tag", OPERATIONS)
def test_answers_conform_whatever_is_sent(tag: str, interface: Any, known: dict[str, list[Any]]) -> None:
    headers = {"Authorization": f"Bearer {Caller('lin').secret}"}

    def conforms(case: Any, pick: Random) -> None:
        for name in case.path_parameters or {}:
            if pick.random() < 0.8:
                case.path_parameters[name] = pick.choice(known[name]) if name in known else case.path_parameters[name]
        with transaction.atomic():
            answer = case.call(headers=headers)
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)

    for path, method in OPERATIONS[tag]:
        send(interface[path][method.upper()], conforms, EXAMPLES if connection.vendor == "sqlite" else FEWER)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"reason": "\\u0000"}', b'{"reason": "\\ud800"}', b'{"reason": NaN}', b"[" * 90_000, b""])
def test_broken_body_is_refused_in_words(known: dict[str, list[Any]], body: bytes) -> None:
    lin = Caller("lin").client
    answer = lin.generic("POST", f"/api/v1/alarms/{known['number'][2]}/acknowledge", body, content_type="application/json")
    assert answer.status_code in (400, 422) and set(answer.json()["said"]) == {"zh", "en"}


def test_null_character_in_an_address_is_refused(known: dict[str, list[Any]]) -> None:
    lin = Caller("lin")
    assert lin.client.get("/api/v1/people/%00").status_code == 404
    assert lin.get("/audit/entries", who="\0").status_code == 400


@pytest.mark.parametrize("tag", OPERATIONS)
def test_a_token_without_a_fitting_scope_gets_nothing(tag: str, interface: Any, known: dict[str, list[Any]]) -> None:
    """Lin may do nearly everything, the device's token only lay places: whatever is sent, nothing is read and nothing changes."""
    headers = {"Authorization": f"Bearer {Caller('lin', ['place.write']).secret}"}
    before = Entry.objects.count()

    def gets_nothing(case: Any, pick: Random) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = pick.choice(known[name]) if name in known else case.path_parameters[name]
        answer = case.call(headers=headers)
        nothing = answer.status_code == 200 and answer.json() in ([], {"items": [], "count": 0})
        assert nothing or answer.status_code >= 400, (case.method, case.path, answer.status_code, answer.text)

    for path, method in OPERATIONS[tag]:
        send(interface[path][method.upper()], gets_nothing, EXAMPLES_REFUSED)
    assert Entry.objects.count() == before
