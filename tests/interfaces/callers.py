"""A program with a token, for the tests of the programming interface."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.test import Client

from tests.fixtures_town import AT
from tongchou.core.people.actions import issue_token
from tongchou.core.people.models import User
from tongchou.core.people.rules import CAPABILITIES, system_actor

EVERYTHING = sorted(frozenset[str]().union(*CAPABILITIES.values()))


class Caller:
    """Sends requests as the owner of a fresh token."""

    def __init__(self, username: str, scopes: Sequence[str] = EVERYTHING) -> None:
        self.secret = issue_token(
            user=User.objects.get(username=username), name="program", scopes=scopes, expires_at=AT + timedelta(days=1),
            by=system_actor("test"), at=AT,
        )  # fmt: skip
        self.client = Client(headers={"authorization": f"Bearer {self.secret}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api/v1{path}", body, content_type="application/json")
