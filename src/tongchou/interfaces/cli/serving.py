"""`tongchou serve` and `tongchou work`: the processes of the desk."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault, home, say, start_django
from tongchou.interfaces.cli.supervision import Part, Supervisor, refuse_taken_port, stop_on_signals

LOCK = "serving.lock"
PAGES_APP, LIVE_APP = "tongchou.interfaces.web.wsgi:app", "tongchou.interfaces.live:app"
Port = Annotated[int, typer.Option(help="Port of the pages; live updates use the next one. 端口。", min=1, max=65000)]


def register(app: typer.Typer) -> None:
    """Give the program the commands of this module."""
    app.command("serve")(serve)
    app.command("work")(work)


def desk_parts(host: str, port: int, workers: int) -> tuple[Part, ...]:
    """The processes of the desk: pages, live updates, gate lane, crews' lane, worker. Each in its own, so that none waits for another."""
    from django.conf import settings

    granian = (sys.executable, "-m", "granian", "--host", host, "--no-ws", "--log-level", "warning")
    live_port, lane_port, crews_port = (
        port + n for n in (settings.LIVE_PORT_OFFSET, settings.LANE_PORT_OFFSET, settings.CREWS_PORT_OFFSET)
    )
    pages = (*granian, "--port", str(port), "--interface", "wsgi", "--workers", str(workers), "--blocking-threads", "4", PAGES_APP)
    live = (*granian, "--port", str(live_port), "--interface", "asginl", LIVE_APP)
    return (
        Part("pages", pages, port),
        Part("live", live, live_port),
        Part("gate", lane_command(host, lane_port), lane_port),
        Part("crews", crews_command(host, crews_port), crews_port),
        Part("worker", (sys.executable, "-m", "tongchou.interfaces.cli.main", "work")),
        *bridge_parts(host, lane_port),
    )


def bridge_parts(host: str, lane_port: int) -> Iterator[Part]:
    """A bridge for each broker that the environment names; its address, which holds a password, stays in the environment."""
    lane_host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    for kind in ("mqtt", "nats"):
        if os.environ.get(f"TONGCHOU_{kind.upper()}"):
            command = (sys.executable, "-m", "tongchou.interfaces.cli.main", "bridge", kind, "--lane", f"http://{lane_host}:{lane_port}")
            yield Part(f"bridge-{kind}", command)


def lane_command(host: str, port: int) -> tuple[str, ...]:
    """The process of the gate lane."""
    return (sys.executable, "-m", "tongchou.interfaces.gate.lane", host, str(port))


def crews_command(host: str, port: int) -> tuple[str, ...]:
    """The process of the crews' lane."""
    return (sys.executable, "-m", "tongchou.interfaces.check_offs", host, str(port))


def refuse_taken_ports(host: str, port: int) -> None:
    """Before anything long begins: the four ports of a desk must be free."""
    for part in (Part(name, (), port + n) for n, name in enumerate(("pages", "live", "gate", "crews"))):
        refuse_taken_port(host, part)


@contextmanager
def hold_home() -> Iterator[None]:
    """Be the only desk of this folder: a lock that the system gives back when the process ends, however it ends."""
    home().mkdir(parents=True, exist_ok=True)
    with (home() / LOCK).open("a+") as lock:
        try:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such lock on Windows; the port is refused there
            pass
        except OSError:
            lock.seek(0)
            holder = lock.read().strip()
            raise Fault(
                T(f"{home()} 已由进程 {holder} 使用。", f"{home()}: already served or being made by process {holder}."),
                T("请用那一个，或先停掉它。", "Use that one, or stop it first."),
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def serve_desk(host: str, port: int, ready: Callable[[float], None], workers: int = 1, *, holds_home: bool = False) -> None:
    """Serve until told to stop; `ready` is called once, with the seconds it took."""
    began = time.monotonic()
    start_django()
    _refuse_old_database()
    from django.conf import settings

    from tongchou.interfaces.web.bundle import build_bundle

    build_bundle(Path(settings.STATIC_ROOT))
    environment = {**os.environ, "TONGCHOU_HOME": str(home()), "DJANGO_SETTINGS_MODULE": "tongchou.settings", "PYTHONUNBUFFERED": "1"}
    supervisor = Supervisor(desk_parts(host, port, workers), home() / "logs", say, host, environment)
    with nullcontext() if holds_home else hold_home():
        stop_on_signals(supervisor.stop)
        supervisor.run(lambda: ready(time.monotonic() - began))
    say(T("已停止。", "Stopped."))


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on. 监听地址。")] = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(help="Processes for the pages; one is right on SQLite. 页面进程数。", min=1, max=64)] = 1,
) -> None:
    """Serve the desk: pages, live updates, gate lane and worker; start again what dies. 启动并看护各进程。"""
    if host not in {"127.0.0.1", "localhost", "::1"} and not os.environ.get("TONGCHOU_HOSTS"):
        raise Fault(
            T(
                "未设置 TONGCHOU_HOSTS，页面会拒绝所有外部访问。",
                f"--host {host}: TONGCHOU_HOSTS is unset, so every request from outside would be refused.",
            ),
            T(
                "请设置主机名，例如 TONGCHOU_HOSTS=desk.example。",
                "Set it to the names people type, for example TONGCHOU_HOSTS=desk.example",
            ),
        )

    def ready(seconds: float) -> None:
        address = f"http://{host}:{port}/"
        say(T(f"{seconds:.1f} 秒后就绪：{address}（Ctrl-C 停止）", f"Ready after {seconds:.1f} s: {address} (stop with Ctrl-C)"))

    serve_desk(host, port, ready, workers)


def work(once: Annotated[bool, typer.Option("--once", help="Do what waits, then end. 做完即退出。")] = False) -> None:
    """Do the work that waits and keep the periodic duties, until stopped. 处理后台任务与定时事务。"""
    start_django()
    _refuse_old_database()
    from tongchou.interfaces.jobs import worker

    worker.run(once=once)


def _refuse_old_database() -> None:
    from django.db import connection, connections
    from django.db.migrations.executor import MigrationExecutor

    if not connection.introspection.table_names():
        raise Fault(
            T("数据库是空的。", "database: empty."),
            T(
                "TONGCHOU_DATABASE 指的是这个镇的数据库吗？新建请运行 tongchou init PACK。",
                "Does TONGCHOU_DATABASE name the one of this town? New here: tongchou init PACK",
            ),
        )
    executors = [MigrationExecutor(held) for held in connections.all()]
    if any(executor.migration_plan(executor.loader.graph.leaf_nodes()) for executor in executors):
        raise Fault(
            T("数据库结构不是这个版本的。", "database: not in the form of this version."),
            T("请先备份，再运行 tongchou upgrade。", "Back up, then: tongchou upgrade"),
        )
