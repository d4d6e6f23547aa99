"""The program in one process: what it says, what it changes, how it refuses."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from rich.console import Console

from tongchou.core.audit.models import Entry
from tongchou.core.keys import load_keys
from tongchou.core.outbox import queue
from tongchou.core.outbox.models import Message
from tongchou.core.people.models import Posting, Token, User
from tongchou.core.wording import T
from tongchou.interfaces import clock
from tongchou.interfaces.cli import checking, main, shell

ROOT = Path(__file__).resolve().parents[2]


def typed(monkeypatch, text: str) -> None:
    monkeypatch.setattr(sys.stdin, "readline", lambda: text, raising=False)


def run_apart(home, *words, database=""):
    """Run the program in a process of its own, for what is read before anything else: keys, settings."""
    env = os.environ | {"TONGCHOU_HOME": str(home), "TONGCHOU_DATABASE": database, "PYTHONPATH": str(ROOT / "src")}
    env["DJANGO_SETTINGS_MODULE"] = "tongchou.settings"
    command = [sys.executable, "-m", "tongchou.interfaces.cli.main", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def test_help_names_every_group(tongchou):
    code, out, _ = tongchou("--help")
    assert code == 0
    for name in ("check", "audit", "backup", "restore", "users", "serve"):
        assert name in out


@pytest.mark.parametrize("words", [["no-such-command"], ["users", "post"], ["backup"], ["users", "token", "lin", "--days", "0"]])
def test_wrong_usage_ends_with_2_and_no_traceback(tongchou, words):
    code, _, err = tongchou(*words)
    assert code == 2
    assert "Traceback" not in err
    assert "Error" in err


def test_a_folder_that_is_no_installation_is_refused_and_not_made(tongchou, tmp_path, monkeypatch):
    monkeypatch.setenv("TONGCHOU_HOME", str(tmp_path / "elsewhere"))
    code, _, err = tongchou("check")
    assert (code, err.count("\n")) == (1, 1)
    assert "not an installation" in err
    assert "不是统筹的安装目录" in err
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("words", "front"),
    [
        (["check", "--home", "x"], ["--home", "x", "check"]),
        (["check", "--home=x", "--json"], ["--home=x", "check", "--json"]),
        (["users", "add", "--", "--home"], ["users", "add", "--", "--home"]),
    ],
)
def test_home_may_stand_anywhere(words, front):
    assert main.take_home(words) == front


@pytest.mark.django_db
def test_an_account_is_made_posted_and_listed(tongchou, monkeypatch, installed_town):
    typed(monkeypatch, "a long enough pass phrase\n")
    assert tongchou("users", "add", "sun", "--zh", "孙", "--en", "Sun", "--stdin")[0] == 0
    assert User.objects.get(username="sun").check_password("a long enough pass phrase")
    assert tongchou("users", "post", "sun", "doctor", "--from", "2022-06-01 00:00")[0] == 0
    listed = json.loads(tongchou("users", "list", "--json")[1])
    assert [row["posts"] for row in listed if row["username"] == "sun"] == [["doctor"]]
    # Midnight in the town, not in Greenwich.
    assert Posting.objects.get(user__username="sun").from_at == datetime(2022, 5, 31, 16, tzinfo=UTC)
    assert Entry.objects.filter(action="user.add", actor_label__startswith="system:shell:").count() == 1


@pytest.mark.django_db
def test_a_posting_ends_and_a_second_end_is_refused(tongchou, small_town):
    assert tongchou("users", "unpost", "chen", "doctor")[0] == 0
    assert not Posting.objects.filter(user__username="chen", to_at=None).exists()
    code, _, err = tongchou("users", "unpost", "chen", "doctor")
    assert (code, err.count("\n")) == (1, 1)
    assert "does not hold" in err


@pytest.mark.django_db
@pytest.mark.parametrize("words", [["users", "post", "nobody", "doctor"], ["users", "post", "lin", "no-post"], ["users", "revoke", "99"]])
def test_what_is_not_there_is_named_and_nothing_changes(tongchou, small_town, words):
    before = Entry.objects.count(), Posting.objects.count()
    code, _, err = tongchou(*words)
    assert (code, err.count("\n")) == (1, 1)
    assert "not there" in err and "See: tongchou users" in err
    assert (Entry.objects.count(), Posting.objects.count()) == before


@pytest.mark.django_db
def test_a_token_is_shown_once_and_revoked(tongchou, small_town):
    code, secret, _ = tongchou("users", "token", "chen", "--name", "clinic", "--scope", "stream.report")
    assert code == 0 and secret.startswith("tc_")
    token = Token.objects.get()
    assert secret.strip() not in tongchou("users", "tokens", "chen")[1]
    assert tongchou("users", "revoke", str(token.pk))[0] == 0
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.django_db
def test_an_unknown_scope_is_refused_in_one_line(tongchou, small_town):
    code, out, err = tongchou("users", "token", "chen", "--name", "clinic", "--scope", "everything")
    assert (code, out) == (1, "")
    assert "Unknown scope 'everything'" in err


@pytest.mark.django_db
def test_the_chain_is_proved_and_a_change_is_found(tongchou, small_town):
    tongchou("users", "unpost", "chen", "doctor")
    code, out, _ = tongchou("audit", "verify", "--json")
    proof = json.loads(out)
    assert (code, proof["entries"], proof["problems"]) == (0, 1, [])
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER audit_entry_no_update")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_entry SET actor_label = 'somebody else'")
    code, out, err = tongchou("audit", "verify")
    assert code == 1
    assert "changed after it was written" in out
    assert "1 places do not hold" in err


@pytest.mark.django_db
def test_work_does_what_waits_and_ends(tongchou, small_town, monkeypatch):
    queue.post("mail", "first", {"to": "chen@example.org", "lines": [{"zh": "任务", "en": "Task"}]}, at=clock.now())
    assert tongchou("work", "--once")[0] == 0
    assert Message.objects.filter(done_at=None).count() == 0


def findings(part: str) -> list[checking.Finding]:
    return [f for f in checking.check_installation() if f.part.en == part]


@pytest.mark.django_db
def test_check_passes_on_a_sound_installation(tongchou, small_town):
    code, out, _ = tongchou("check", "--json")
    parts = {row["part"]: row["state"] for row in json.loads(out)}
    assert {"configuration", "database", "keys", "clock", "fonts", "disk", "work"} == set(parts)
    assert [parts[name] for name in ("database", "keys", "clock")] == ["ok", "ok", "ok"]
    assert code == (1 if "fail" in parts.values() else 0)


@pytest.mark.django_db
def test_a_clock_behind_the_log_fails(tongchou, small_town, monkeypatch):
    tongchou("users", "unpost", "chen", "doctor")
    past = clock.now() - timedelta(days=2)
    monkeypatch.setattr(clock, "now", lambda: past)
    assert "behind the last entry" in findings("clock")[0].said.en
    assert findings("clock")[0].state == "fail"


@pytest.mark.django_db
def test_keys_that_others_can_read_fail(settings, small_town):
    path = settings.HOME / "keys.json"
    path.chmod(0o644)
    try:
        assert [f.state for f in findings("keys")] == ["fail", "ok"]
    finally:
        path.chmod(0o600)


@pytest.mark.django_db
@pytest.mark.parametrize(("free", "state"), [(50 * 2**20, "fail"), (2**30, "warn"), (2**40, "ok")])
def test_a_disk_is_judged_by_what_is_left(small_town, monkeypatch, free, state):
    monkeypatch.setattr(checking.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
    assert findings("disk")[0].state == state


@pytest.mark.django_db
def test_a_missing_font_is_a_warning(small_town, monkeypatch, tmp_path):
    monkeypatch.setattr(checking, "FONT_FOLDERS", (str(tmp_path),))
    assert findings("fonts")[0].state == "warn"
    (tmp_path / "NotoSansCJK-Regular.ttc").touch()
    assert findings("fonts")[0].state == "ok"


@pytest.mark.django_db
def test_a_database_that_goes_away_is_one_line(tongchou, small_town, monkeypatch):
    def gone(*_):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("tongchou.core.audit.queries.verify_chain", gone)
    code, _, err = tongchou("audit", "verify")
    assert (code, err.count("\n")) == (1, 1)
    assert "cannot be used" in err and "tongchou check" in err
    monkeypatch.setattr(checking, "CHECKS", (gone,))
    assert [f.state for f in checking.check_installation()] == ["fail"]


def test_a_file_of_keys_that_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "keys.json").write_text("not json")
    told = run_apart(tmp_path, "audit", "verify")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "not a key file" in told.stderr


def test_an_address_that_is_no_postgresql_is_told_how_to_read(tmp_path):
    load_keys(tmp_path)
    told = run_apart(tmp_path, "users", "list", database="mysql://nobody@127.0.0.1/none")
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "postgresql://user:password@host:port/name" in told.stderr


def test_an_empty_database_is_called_empty(tmp_path):
    load_keys(tmp_path)
    served = run_apart(tmp_path, "serve")
    assert (served.returncode, served.stderr.count("\n")) == (1, 1)
    assert "database: empty" in served.stderr and "TONGCHOU_DATABASE" in served.stderr
    looked = {row["part"]: row for row in json.loads(run_apart(tmp_path, "check", "--json").stdout)}
    assert (looked["database"]["state"], looked["database"]["said"]) == ("fail", "empty")


def test_what_an_installation_holds_is_for_its_own_account_only(tmp_path):
    home = tmp_path / "town"
    run_apart(home, "init", str(ROOT / "packs/xujing"), "--without-people", "--without-registers")
    assert [p.name for p in (home, *home.iterdir()) if p.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(
    "words", [["--from", "2022-06-01"], ["--to", "2022-06-01"], ["--day", "2022-06-01", "--from", "2022-06-01", "--to", "2022-06-02"]]
)
def test_half_a_range_of_days_is_refused(tongchou, words):
    code, _, err = tongchou("watch", *words)
    assert (code, err.count("\n")) == (1, 1)
    assert "Give --day, or both --from and --to" in err


def test_into_a_file_progress_is_a_line_for_every_tenth(capsys, monkeypatch):
    monkeypatch.setattr(shell, "out", Console(width=200))
    with shell.progress() as show:
        for n in range(101):
            show(n / 100, T(f"第 {n} 步", f"step {n}"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert "100%" in lines[-1] and "step 100 第 100 步" in lines[-1]


def test_a_database_of_another_account_says_who_should_run_this(monkeypatch):
    def refused():
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(checking, "CHECKS", (refused,))
    (found,) = checking.check_installation()
    assert found.state == "fail" and found.remedy is not None and "account that owns the folder" in found.remedy.en
