"""`warehouse-sim iot-reader`: a reader that tells in JSON what a capture saw, in real time."""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from simulators.iot_reader.events import HEARTBEATS, MAKES, encode, shifted
from simulators.iot_reader.senders import Poster, Publisher
from simulators.iot_reader.stream import StreamServer
from simulators.llrp_reader.capture import Captured, CaptureError, read_capture

_US_PER_S: Final = 1_000_000
_GATHER_US: Final = 50_000
"""Reads so close together are one payload."""
_HEARTBEAT_S: Final = 30.0
_EXAMPLES: Final = """examples:
  an R700 whose stream the agent reads (user root):
    warehouse-sim iot-reader --make impinj --capture dock.jsonl --stream 127.0.0.1:8080 --password WORD
  an FX9600 that posts to the agent's listen:// address:
    warehouse-sim iot-reader --make zebra --capture dock.jsonl --post http://127.0.0.1:8422/ --password WORD
  the same through a broker:
    warehouse-sim iot-reader --make zebra --capture dock.jsonl --mqtt mqtt://u:p@127.0.0.1/rfid/dock-1
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    parser = subparsers.add_parser(
        "iot-reader",
        help="an RFID reader that tells in JSON what a capture saw, over HTTP or MQTT",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--make", choices=sorted(MAKES), required=True)
    parser.add_argument("--capture", type=Path, metavar="FILE", required=True, help="JSON lines")
    parser.add_argument("--reader", metavar="ID", help="whose lines; default: of the one reader in it")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--stream", metavar="HOST:PORT", help="listen, and give a stream to who asks")
    way.add_argument("--post", metavar="URL", help="post to this address")
    way.add_argument("--mqtt", metavar="URL", help="publish: mqtt://user:password@host:port/topic")
    parser.add_argument("--user", default="reader", help="for --post; default: reader")
    parser.add_argument("--password", default="", help="for --post, or of the stream's user root")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play the capture once, then keep saying that it lives until interrupted.

    Args:
        arguments: As parsed.

    Returns:
        0, or 1 if the capture cannot be played or nobody takes it.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with arguments.capture.open(encoding="utf-8") as lines, ExitStack() as running:
            send = _way(arguments, running)
            together_us = 0 if arguments.stream else _GATHER_US
            captured = read_capture(lines, arguments.reader)
            sent = play(captured, arguments.make, send, stopped.wait, together_us=together_us)
            print(json.dumps({"events": sent}), flush=True)
            while not stopped.wait(_HEARTBEAT_S):
                if HEARTBEATS[arguments.make]:
                    send(HEARTBEATS[arguments.make])
    except (OSError, CaptureError, ValueError) as error:
        print(f"warehouse-sim iot-reader: {error}", file=sys.stderr)
        return 1
    return 0


def play(
    captured: Iterable[Captured],
    make: str,
    send: Callable[[bytes], object],
    wait_s: Callable[[float], bool],
    *,
    together_us: int = _GATHER_US,
) -> int:
    """Send a capture in its own time, beginning now.

    Args:
        captured: In its order.
        make: How it is told.
        send: Takes each payload.
        wait_s: Waits so many seconds and tells whether to break off.
        together_us: What is so close together is one payload; 0 sends each event alone.

    Returns:
        How many events were sent.
    """
    began_us, sent = time.time_ns() // 1000, 0
    first_us: int | None = None
    for group in _gathered(captured, together_us):
        first_us = group[0].at_us if first_us is None else first_us
        by_us = began_us - first_us
        if wait_s(max(0.0, (group[-1].at_us + by_us - time.time_ns() / 1000) / _US_PER_S)):
            break
        send(encode([MAKES[make](shifted(each, by_us)) for each in group]))
        sent += len(group)
    return sent


def _gathered(captured: Iterable[Captured], together_us: int) -> Iterator[list[Captured]]:
    group: list[Captured] = []
    for each in captured:
        if group and each.at_us - group[0].at_us >= together_us:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _way(arguments: argparse.Namespace, running: ExitStack) -> Callable[[bytes], object]:
    if arguments.stream:
        host, _, port = arguments.stream.rpartition(":")
        stream = running.enter_context(StreamServer(arguments.password, listen=(host, int(port))))
        print(f"{arguments.make} stream at {stream.url}", flush=True)
        stream.wait_for_clients(1, threading.TIMEOUT_MAX)
        return stream.send
    sender = (
        Poster(arguments.post, arguments.user, arguments.password)
        if arguments.post
        else Publisher(arguments.mqtt)
    )
    running.callback(sender.close)
    return sender.send
