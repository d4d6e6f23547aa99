"""The program in one process: what it says, what it changes, how it refuses."""

import json
import sys
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from tongchou.core.audit.models import Entry
from tongchou.core.outbox import queue
from tongchou.core.outbox.models import Message
from tongchou.core.people.models import Posting, Token, User
from tongchou.interfaces import clock
from tongchou.interfaces.cli import checking, main


@pytest.fixture
def tongchou(capsys, monkeypatch):
    """Run the program with words; gives back exit code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tongchou", *words])
        try:
            main.run()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def typed(monkeypatch, text: str) -> None:
    monkeypatch.setattr(sys.stdin, "readline", lambda: text, raising=False)


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
def test_an_account_is_made_posted_and_listed(tongchou, monkeypatch, small_town):
    typed(monkeypatch, "a long enough pass phrase\n")
    assert tongchou("users", "add", "sun", "--zh", "孙", "--en", "Sun", "--stdin")[0] == 0
    assert User.objects.get(username="sun").check_password("a long enough pass phrase")
    assert tongchou("users", "post", "sun", "doctor", "--from", "2022-06-01")[0] == 0
    listed = json.loads(tongchou("users", "list", "--json")[1])
    assert [row["posts"] for row in listed if row["username"] == "sun"] == [["doctor"]]
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
