"""`tongchou demo`: what it refuses before it builds anything, and what it never clears away."""

import json
import socket
from pathlib import Path

import pytest

from tests.interfaces.ports import free_port
from tongchou.interfaces.cli import demo, serving
from tongchou.interfaces.cli.shell import Fault

PACK = Path(__file__).resolve().parents[2] / "packs/xujing"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TONGCHOU_HOME", str(tmp_path / "demo"))
    return tmp_path / "demo"


def test_a_taken_port_is_told_before_the_town_is_built(folder):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        port = holder.getsockname()[1]
        with pytest.raises(Fault, match=f"127.0.0.1:{port}: cannot listen"):
            demo.demo(pack=PACK, fresh=False, port=port)
    assert not folder.exists()


def test_a_second_demo_clears_nothing_away_while_the_first_runs(folder):
    with serving.hold_home():
        (folder / demo.MARK).write_text(json.dumps({"digest": "of an older pack"}))
        (folder / "tongchou.sqlite3").touch()
        with pytest.raises(Fault, match="already served or being made by process"):
            demo.demo(pack=PACK, fresh=True, port=free_port(together=4))
        assert (folder / "tongchou.sqlite3").exists()
    with serving.hold_home():  # given back: the next one may have it
        pass


def test_starting_over_leaves_only_the_lock(folder):
    with serving.hold_home():
        (folder / demo.MARK).touch()
        (folder / "evidence").mkdir()
        (folder / "evidence/photo").touch()
        demo.clear_home()
        assert [p.name for p in folder.iterdir()] == [serving.LOCK]


def test_a_folder_of_something_else_is_left_alone(folder):
    folder.mkdir()
    (folder / "thesis.txt").touch()
    with pytest.raises(Fault, match="not a demo's folder"):
        demo.demo(pack=PACK, fresh=True, port=free_port(together=4))
    assert (folder / "thesis.txt").exists()


def test_what_is_printed_to_be_typed_can_be_typed(folder, monkeypatch):
    monkeypatch.setattr(demo.shutil, "which", lambda name: None)
    assert Path(demo.program()).name == "tongchou"
    monkeypatch.setattr(demo.shutil, "which", lambda name: "/usr/bin/tongchou")
    assert demo.program() == "tongchou"
