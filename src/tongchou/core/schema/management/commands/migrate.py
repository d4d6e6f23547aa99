"""Django's `migrate`, but for a database that holds nothing yet: see `building`."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from tongchou.core.schema.building import build, holds_nothing


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        asked_for_all = not any(options[name] for name in ("app_label", "fake", "fake_initial", "plan", "check_unapplied", "prune"))
        if asked_for_all and holds_nothing(connection):
            build(connection)
        super().handle(*args, **options)
