"""`warehouse-sim mqtt-proxy` and `tcp-proxy`: faulty links to put between real processes."""

import argparse
import signal
import threading
from collections.abc import Callable

from simulators.faults.broken_tcp import Breakage, BrokenLink
from simulators.faults.lossy_mqtt import LossyLink, Odds
from simulators.faults.proxy import Ending, Filter, Proxy

_MQTT_EXAMPLE = """\
example: lose one publish or acknowledgement in ten
    warehouse-sim mqtt-proxy --listen 1884 --upstream 127.0.0.1:1883 --drop 0.1
"""
_TCP_EXAMPLE = """\
example: a serial-over-TCP scanner whose link resets within 4 kB and crumbles before
    warehouse-sim tcp-proxy --listen 4001 --upstream 10.0.0.7:4001 --ending reset --crumb-bytes 3
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the commands.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    mqtt = _add(subparsers, "mqtt-proxy", "a broker link that loses, doubles and delays", _MQTT_EXAMPLE)
    for name in ("drop", "duplicate", "delay"):
        mqtt.add_argument(f"--{name}", type=float, default=0.0, metavar="P", help="probability, default: 0")
    mqtt.add_argument("--delay-s", type=float, default=0.2, help="longest delay, default: 0.2")
    mqtt.set_defaults(run=run_mqtt_proxy)
    tcp = _add(subparsers, "tcp-proxy", "a link that resets, stalls, half-closes or crumbles", _TCP_EXAMPLE)
    tcp.add_argument("--ending", choices=[ending.name.lower() for ending in Ending], help="default: none")
    tcp.add_argument("--after-bytes", type=int, default=4096, help="breaks within so many, default: 4096")
    tcp.add_argument("--crumb-bytes", type=int, default=0, help="largest write; default: as it comes")
    tcp.set_defaults(run=run_tcp_proxy)


def run_mqtt_proxy(arguments: argparse.Namespace) -> int:
    """Pass MQTT on with losses until interrupted.

    Args:
        arguments: As parsed.

    Returns:
        0.
    """
    odds = Odds(arguments.drop, arguments.duplicate, arguments.delay, arguments.delay_s)
    return _serve(arguments, LossyLink(odds, arguments.seed))


def run_tcp_proxy(arguments: argparse.Namespace) -> int:
    """Pass TCP on until it breaks, for each connection anew, until interrupted.

    Args:
        arguments: As parsed.

    Returns:
        0.
    """
    ending = Ending[arguments.ending.upper()] if arguments.ending else None
    breakage = Breakage(ending, arguments.after_bytes, arguments.crumb_bytes)
    return _serve(arguments, BrokenLink(breakage, seed=arguments.seed))


def _add(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, example: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=about, epilog=example, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listen", type=int, required=True, metavar="PORT", help="on loopback")
    parser.add_argument("--upstream", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    return parser


def _serve(arguments: argparse.Namespace, link: Callable[[], tuple[Filter, Filter]]) -> int:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with Proxy(arguments.upstream, link, port=arguments.listen) as proxy:
        print(f"127.0.0.1:{proxy.port} -> {arguments.upstream[0]}:{arguments.upstream[1]}", flush=True)
        stopped.wait()
    return 0


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: expected HOST:PORT")
    return host, int(port)
