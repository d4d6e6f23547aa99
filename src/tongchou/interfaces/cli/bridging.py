"""`tongchou bridge`: carries scans from a broker to the gate lane."""

import threading
from collections.abc import Callable
from typing import Annotated, Protocol

import typer

from tongchou.core.wording import T
from tongchou.interfaces.cli.shell import Fault
from tongchou.interfaces.cli.supervision import stop_on_signals
from tongchou.interfaces.gate.bridges import LaneLine

app = typer.Typer(no_args_is_help=True, help="Carry scans from a broker to the gate lane. 把闸机扫码从消息代理送到门岗通道。")
Lane = Annotated[str, typer.Option(help="Address of the gate lane. 门岗通道地址。")]
Ca = Annotated[str, typer.Option(help="Certificates that the broker's is checked against; empty: those of the system. 证书文件。")]


@app.command("mqtt")
def mqtt(
    broker: Annotated[str, typer.Option(help="mqtt://USER:PASSWORD@HOST:PORT or mqtts://… 代理地址。", envvar="TONGCHOU_MQTT")],
    lane: Lane = "http://127.0.0.1:8002",
    ca: Ca = "",
) -> None:
    """Take scans from an MQTT broker; answer each when it is on disk. 从 MQTT 接入。"""
    try:
        from tongchou.interfaces.gate.mqtt_bridge import MqttBridge
    except ImportError:
        raise _missing("mqtt") from None
    _carry(MqttBridge, broker, lane, ca)


@app.command("nats")
def nats(
    broker: Annotated[str, typer.Option(help="nats://USER:PASSWORD@HOST:PORT or tls://… 代理地址。", envvar="TONGCHOU_NATS")],
    lane: Lane = "http://127.0.0.1:8002",
    ca: Ca = "",
) -> None:
    """Take scans from NATS JetStream; answer each when it is on disk. 从 NATS JetStream 接入。"""
    try:
        from tongchou.interfaces.gate.nats_bridge import NatsBridge
    except ImportError:
        raise _missing("nats") from None
    _carry(NatsBridge, broker, lane, ca)


class _Bridge(Protocol):
    def run(self, stop: threading.Event) -> None: ...


def _carry(make: Callable[[str, LaneLine, str | None], _Bridge], broker: str, lane: str, ca: str) -> None:
    stop = threading.Event()
    stop_on_signals(stop)
    try:
        bridge = make(broker, LaneLine(lane), ca or None)
    except (ValueError, OSError) as error:
        raise _wrong_address(error) from None
    bridge.run(stop)


def _missing(extra: str) -> Fault:
    return Fault(
        T(f"缺少 {extra} 组件。", f"the extra {extra} is not installed."),
        T(f"请运行 pip install 'tongchou[{extra}]'。", f"Install it: pip install 'tongchou[{extra}]'"),
    )


def _wrong_address(error: Exception) -> Fault:
    return Fault(
        T(f"地址或证书不对：{error}。", f"An address or the certificates are wrong: {error}."),
        T("请核对 --broker、--lane 与 --ca。", "Check --broker, --lane and --ca."),
    )
