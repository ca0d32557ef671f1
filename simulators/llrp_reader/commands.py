"""`warehouse-sim llrp-reader`: a reader to point an agent at, that replays a capture and fails on command."""

import argparse
import contextlib
import dataclasses
import json
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from simulators.llrp_reader.capture import Captured, CaptureError, read_capture
from simulators.llrp_reader.faults import NAMED
from simulators.llrp_reader.models import GENERIC, IMPINJ, ZEBRA, ReaderModel
from simulators.llrp_reader.player import TimedFault, play
from simulators.llrp_reader.server import LlrpReaderServer, SteadyClock
from simulators.llrp_reader.tls import TlsFront

_MODELS: Final = {"impinj": IMPINJ, "zebra": ZEBRA, "generic": GENERIC}
_PORT: Final = 5084
_MOST_ANTENNAS: Final = 64
_LOOK_S: Final = 0.2
_EXAMPLES: Final = f"""\
The capture begins when a client has started its inventory; faults are counted in seconds from there.
faults: {", ".join(NAMED)}

examples:
  a reader like an Impinj that sees what a capture saw, again and again:
    warehouse-sim llrp-reader --model impinj --capture dock.jsonl --reader r1 --loop
  one that falls silent after 20 s, speaks again after 60 s, and resets in the middle of a report after 90 s:
    warehouse-sim llrp-reader --capture dock.jsonl --loop \\
        --fault silence@20 --fault speak@60 --fault reset-mid-frame@90
  eight antennas, no UTC clock, on a port of the system's choice:
    warehouse-sim llrp-reader --listen 127.0.0.1:0 --antennas 8 --no-utc-clock
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    parser = subparsers.add_parser(
        "llrp-reader",
        help="an RFID reader that speaks LLRP, replays a capture and fails on command",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=_address,
        default=("127.0.0.1", _PORT),
        metavar="HOST:PORT",
        help=f"default: 127.0.0.1:{_PORT}",
    )
    parser.add_argument("--model", choices=_MODELS, default="generic", help="default: generic")
    parser.add_argument("--antennas", type=_antennas, metavar="N", help="default: 4")
    parser.add_argument("--no-utc-clock", action="store_true", help="report uptime instead of UTC")
    parser.add_argument("--capture", type=Path, metavar="FILE", help="JSON lines; default: nothing is seen")
    parser.add_argument(
        "--reader", metavar="ID", help="whose lines; default: of the one reader in the capture"
    )
    parser.add_argument("--loop", action="store_true", help="begin the capture anew when it ends")
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="NAME@SECONDS", help="may be repeated"
    )
    text = "listen with TLS, as a reader's secure port; a PEM file with certificate and key"
    parser.add_argument("--tls", type=Path, metavar="FILE", help=text)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted.

    Args:
        arguments: As parsed.

    Returns:
        0, or 1 if the capture cannot be played or the port is taken.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    clock = SteadyClock()
    plain = ("127.0.0.1", 0) if arguments.tls else arguments.listen
    server = LlrpReaderServer(plain, model=_model(arguments), clock=clock)
    try:
        next(iter(_open(arguments.capture, arguments.reader)), None)
        with contextlib.ExitStack() as running:
            running.enter_context(server)
            host, port = server.address
            if arguments.tls:
                front = TlsFront(arguments.tls, server.address, arguments.listen)
                host, port = running.enter_context(front).address
            print(f"{arguments.model} reader at {host}:{port}", flush=True)
            while not stopped.is_set() and not server.wait_for(lambda: server.is_reporting, _LOOK_S):
                pass
            play(
                server,
                lambda: _open(arguments.capture, arguments.reader),
                arguments.fault,
                now_us=clock,
                wait_s=stopped.wait,
                is_endless=arguments.loop,
            )
            stopped.wait()
    except (OSError, CaptureError, ValueError) as error:
        print(f"warehouse-sim llrp-reader: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"reported": server.reported_tags, "unheard": server.unheard_tags}))
    return 0


def _model(arguments: argparse.Namespace) -> ReaderModel:
    model = _MODELS[arguments.model]
    return dataclasses.replace(
        model,
        antennas=arguments.antennas or model.antennas,
        has_utc_clock=model.has_utc_clock and not arguments.no_utc_clock,
    )


def _open(path: Path | None, reader: str | None) -> Iterable[Captured]:
    if path is not None:
        with path.open(encoding="utf-8") as lines:
            yield from read_capture(lines, reader)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) >= 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: expected HOST:PORT")
    return host, int(port)


def _antennas(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_ANTENNAS:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 1 to {_MOST_ANTENNAS}")
    return int(text)


def _fault(text: str) -> TimedFault:
    try:
        return TimedFault.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
