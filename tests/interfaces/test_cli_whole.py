"""The program as an operator meets it: real processes, a folder of its own, on the database this run is about."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tongchou.core.keys import load_keys

pytestmark = pytest.mark.database
SOURCE = Path(__file__).resolve().parents[2] / "src"


class Operator:
    """Somebody at the shell of a machine: a home, and one database per home where the database is a server."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.databases: dict[Path, str] = {}

    def database(self, home: Path) -> str:
        if self.server and home not in self.databases:
            name = f"test_tongchou_cli_{uuid.uuid4().hex[:8]}"
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
            self.databases[home] = urlsplit(self.server)._replace(path=f"/{name}").geturl()
        return self.databases.get(home, "")

    def drop_databases(self) -> None:
        for url in self.databases.values():
            with psycopg.connect(self.server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")

    def run(self, home: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return self.python(home, "-m", "tongchou.interfaces.cli.main", *words, typed=typed)

    def python(self, home: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("TONGCHOU_", "DJANGO_", "PYTEST_"))}
        env |= {"PYTHONPATH": str(SOURCE), "TONGCHOU_HOME": str(home), "TONGCHOU_DATABASE": self.database(home)}
        env["DJANGO_SETTINGS_MODULE"] = "tongchou.settings"
        return subprocess.run([sys.executable, *words], env=env, input=typed, capture_output=True, text=True, timeout=120)


@pytest.fixture
def operator():
    someone = Operator(os.environ.get("TONGCHOU_DATABASE", ""))
    yield someone
    someone.drop_databases()


SCANS = """
import sys, django
django.setup()
from datetime import date, datetime, UTC
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.domains.gate.models import Scan
from tongchou.domains.gate.scan_log import Row, append
if sys.argv[1] == "add":
    for key, days in (("gate.keep_scans_for", 28), ("gate.backup_scans_for", 7)):
        row = Parameter.objects.create(key=key, unit="day", name_zh=key, name_en=key)
        ParameterValue.objects.create(parameter=row, value=days, valid_from=date(2020, 1, 1), source_zh="测试", source_en="test", confidence="low")
    now = int(datetime.now(UTC).timestamp())
    append([Row(1, n, 1, 1, None if n == 2 else 7, now - days * 86_400, now, 0, 0, 0, 0, 0, n) for n, days in enumerate((25, 3, 0, 40), 1)])
else:
    append([Row(1, 9, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 9)])
    print(*Scan.objects.order_by("pk").values_list("pk", "seq", "holder"))
"""


def test_a_town_is_backed_up_lost_and_restored(operator, tmp_path):
    town, again = tmp_path / "town", tmp_path / "again"
    load_keys(town)
    assert operator.run(town, "upgrade").returncode == 0
    added = operator.python(town, "-c", SCANS, "add")
    assert (added.returncode, added.stderr) == (0, "")
    made = operator.run(town, "users", "add", "sun", "--zh", "孙", "--en", "Sun", "--stdin", typed="a long enough pass phrase\n")
    assert (made.returncode, made.stderr) == (0, "")
    kept = operator.run(town, "backup", str(tmp_path / "kept.tar"), "--keys", str(tmp_path / "keys.json"))
    assert (kept.returncode, kept.stderr) == (0, "")

    refused = operator.run(again, "restore", str(tmp_path / "kept.tar"), "--keys", str(tmp_path / "kept.tar"))
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert not again.exists()

    restored = operator.run(again, "restore", str(tmp_path / "kept.tar"), "--keys", str(tmp_path / "keys.json"))
    assert (restored.returncode, restored.stderr) == (0, "")
    assert [row["username"] for row in json.loads(operator.run(again, "users", "list", "--json").stdout)] == ["sun"]
    proof = json.loads(operator.run(again, "audit", "verify", "--json").stdout)
    assert (proof["entries"], proof["problems"]) == (1, [])

    # Of the four scans those of 25 and 40 days ago stayed out of the archive; what comes next is numbered behind all four.
    assert operator.python(again, "-c", SCANS, "more").stdout.split("\n")[0] == "(2, 2, None) (3, 3, 7) (5, 9, 7)"
    twice = operator.run(again, "restore", str(tmp_path / "kept.tar"), "--keys", str(tmp_path / "keys.json"))
    assert twice.returncode == 1 and "not empty" in twice.stderr


def test_a_server_that_does_not_answer_is_one_line(tmp_path):
    load_keys(tmp_path / "town")
    nowhere = Operator("")
    nowhere.databases[tmp_path / "town"] = "postgresql://nobody@127.0.0.1:1/none"
    told = nowhere.run(tmp_path / "town", "users", "list")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "cannot be used" in told.stderr
    looked = json.loads(nowhere.run(tmp_path / "town", "check", "--json").stdout)
    assert [row["state"] for row in looked if row["part"] == "database"] == ["fail"]


def test_a_database_without_its_keys_gets_no_new_ones(operator, tmp_path):
    town = tmp_path / "town"
    load_keys(town)
    assert operator.run(town, "upgrade").returncode == 0
    operator.run(town, "users", "add", "sun", "--zh", "孙", "--en", "Sun", "--stdin", typed="a long enough pass phrase\n")
    (town / "keys.json").unlink()
    told = operator.run(town, "init", str(SOURCE.parent / "packs/xujing"), "--without-people", "--without-registers")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "keys.json is missing" in told.stderr
    assert not (town / "keys.json").exists()


WALK = """
import django
django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command
call_command(Command(), verbosity=0)
"""


def form_of(operator: Operator, home: Path) -> set[tuple[str, ...]]:
    """Everything a database is made of, but for the order of columns, which nothing depends on."""
    if not operator.server:
        with sqlite3.connect(home / "tongchou.sqlite3") as held:
            parts = held.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master")
            return {(*part[:3], *sorted(re.split(r"[(),] *", part[3]))) for part in parts}
    with psycopg.connect(operator.database(home)) as server:
        parts = server.execute(
            "SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length::text, is_identity"
            " FROM information_schema.columns WHERE table_schema = 'public' UNION ALL"
            " SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', '', '' FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace UNION ALL"
            " SELECT tablename, indexname, indexdef, '', '', '', '' FROM pg_indexes WHERE schemaname = 'public' UNION ALL"
            " SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '', '', '' FROM pg_trigger WHERE NOT tgisinternal UNION ALL"
            " SELECT proname, prosrc, '', '', '', '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
        return set(parts)


def test_a_new_database_is_made_as_the_migrations_would_make_it(operator, tmp_path):
    at_once, walked = tmp_path / "at-once", tmp_path / "walked"
    for home in (at_once, walked):
        load_keys(home)
    assert operator.run(at_once, "upgrade").returncode == 0
    assert operator.python(walked, "-c", WALK).returncode == 0
    made = form_of(operator, at_once)
    assert made == form_of(operator, walked)
    assert len(made) > 300
    assert operator.run(walked, "upgrade").returncode == 0  # and what was walked is brought on from there
