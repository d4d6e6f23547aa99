"""Wiring of every floor: which tests need a database, which a browser; the people and the small town."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

HERE = Path(__file__).parent
SLOWEST = {"test_story.py"}
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytest_plugins = ["tests.fixtures_town"]
hypothesis.settings.register_profile("suite", deadline=None)  # how long an example takes depends on what else the machine does
hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def no_columns_of_other_tests() -> Iterator[None]:
    """Row numbers begin anew in every test; what an earlier one copied from the log of scans must not be taken for this one's."""
    yield
    if home := os.environ.get("TONGCHOU_HOME"):
        shutil.rmtree(Path(home) / "scan-columns", ignore_errors=True)


def pytest_configure() -> None:
    make_append_only_tables_flushable()
    make_flushing_quick()


def make_append_only_tables_flushable() -> None:
    """Let tests with real commits empty the database between them, although triggers guard the audit log on SQLite."""
    from django.apps import apps
    from django.db.backends.sqlite3.base import DatabaseOperations
    from django.db.models.signals import post_migrate

    plain = DatabaseOperations.sql_flush

    def sql_flush(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        with self.connection.cursor() as cursor:
            triggers = cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        return [*(f'DROP TRIGGER "{name}"' for name, _ in triggers), *plain(self, *args, **kwargs), *(sql for _, sql in triggers)]

    def start_chain(sender: Any, using: str, **_: Any) -> None:
        if sender.label == "audit" and using == "default":
            apps.get_model("audit", "ChainHead").objects.using(using).get_or_create(pk=1, defaults={"seq": 0, "digest": "0" * 64})

    DatabaseOperations.sql_flush = sql_flush
    post_migrate.connect(start_chain, weak=False, dispatch_uid="tests.start_chain")


def make_flushing_quick() -> None:
    """A test with real commits fills a few of a hundred tables: on PostgreSQL, where emptying one takes milliseconds, leave the others alone.

    Nor write Django's own list of permissions anew each time, which nothing of ours reads.
    """
    from django.db.backends.postgresql.operations import DatabaseOperations
    from django.db.models.signals import post_migrate

    plain = DatabaseOperations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)
        with self.connection.cursor() as cursor:
            cursor.execute(asked)
            filled = [name for (name,) in cursor.fetchall()]
        return plain(self, style, filled, **{**options, "allow_cascade": True}) if filled else []

    DatabaseOperations.sql_flush = sql_flush
    for name in ("auth.management.create_permissions", "contenttypes.management.create_contenttypes"):
        post_migrate.disconnect(dispatch_uid=f"django.contrib.{name}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in SLOWEST)  # or one of two workers would do nothing but this at the end
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        parts = item.path.relative_to(HERE).parts
        if parts[:2] == ("interfaces", "browser"):
            item.add_marker(pytest.mark.browser)
        if parts[:2] == ("interfaces", "engines"):
            item.add_marker(pytest.mark.engines)
        reach_every_database(item)


def reach_every_database(item: pytest.Item) -> None:
    """A test with a database runs again on PostgreSQL, and has all of them: the log of scans lies in one of its own on SQLite."""
    mark, fixtures = item.get_closest_marker("django_db"), set(getattr(item, "fixturenames", ()))
    if mark or fixtures & {"db", "transactional_db"}:
        item.add_marker(pytest.mark.database)
        wanted = {"transaction": "transactional_db" in fixtures} | (dict(mark.kwargs) if mark else {}) | {"databases": "__all__"}
        item.add_marker(pytest.mark.django_db(**wanted), append=False)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium of the system's packages (playwright Browser). The browser floor runs only where dev.py found one."""
    from playwright.sync_api import sync_playwright

    # Playwright's loop lives in this thread, and Django would take it for asynchronous code of ours.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    path = os.environ.get("TONGCHOU_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
