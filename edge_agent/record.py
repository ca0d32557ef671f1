"""``edge-agent record``: what readers say in, a capture out, as JSON lines or as the messages themselves."""

import argparse
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, Final, TextIO

import orjson

from contracts.llrp_recording import MAGIC, Entry, encode_entry
from edge_agent.readers.capture import written_at
from edge_agent.readers.iot.reader import IotReader
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.llrp.messages import LlrpMissingError
from edge_agent.readers.llrp.reader import LlrpReader, Timing
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.raw_read import RawRead, Seen

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

PROGRESS_S: Final = 1.0

_Settings = ReaderSettings | IotReaderSettings
_Reader = LlrpReader | IotReader


class Capture:
    """The file being written; from any thread."""

    def __init__(self, out: BinaryIO, stop: threading.Event) -> None:
        """Begin.

        Args:
            out: Where the capture goes.
            stop: Set when nobody takes it any more.
        """
        self._out = out
        self._stop = stop
        self._lock = threading.Lock()
        self.lines = 0

    def write(self, data: bytes, entries: int = 1) -> None:
        """Write whole entries.

        Args:
            data: Their bytes.
            entries: How many they are.
        """
        with self._lock:
            if self._stop.is_set() and self._out.closed:
                return
            try:
                self._out.write(data)
                self._out.flush()
            except BrokenPipeError:
                self._stop.set()
                return
            self.lines += entries


class JsonLines:
    """A listener that writes what it hears."""

    def __init__(self, capture: Capture) -> None:
        """Begin.

        Args:
            capture: Where lines go.
        """
        self._capture = capture

    def connected(self) -> None:
        """Tell nothing: a capture holds what was seen."""

    def seen(self, batch: list[Seen]) -> None:
        """Write a line for each."""
        self._capture.write(b"".join(spell(each) for each in batch), len(batch))

    def silent(self) -> None:
        """Tell nothing."""

    def disconnected(self) -> None:
        """Tell nothing."""


class Unheard:
    """A listener for recordings of messages, which are taken before they are decoded."""

    def connected(self) -> None:
        """Tell nothing."""

    def seen(self, batch: list[Seen]) -> None:
        """Tell nothing."""

    def silent(self) -> None:
        """Tell nothing."""

    def disconnected(self) -> None:
        """Tell nothing."""


def spell(seen: Seen) -> bytes:
    """Write one line of a capture, as ``readers.capture.parse_line`` reads it.

    Args:
        seen: A read or a change of an input.

    Returns:
        A JSON object and a newline.
    """
    line: dict[str, object] = {"seen_at": written_at(seen.seen_us), "reader": seen.reader}
    if isinstance(seen, RawRead):
        line |= {
            "antenna": seen.antenna,
            "epc": seen.epc,
            "rssi_dbm": None if math.isnan(seen.rssi_dbm) else seen.rssi_dbm,
            "phase_deg": seen.phase_deg,
            "doppler_hz": seen.doppler_hz,
            "count": seen.times,
        }
    else:
        line |= {"gpi": seen.port, "level": seen.is_high}
    return orjson.dumps(line) + b"\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be chosen.

    Args:
        parser: Of the command.
    """
    parser.add_argument(
        "--reader", action="append", metavar="ID", help="only this reader; may be repeated; default: all"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after so long; default: at Ctrl-C")
    parser.add_argument(
        "--format",
        choices=("jsonl", "llrp"),
        default="jsonl",
        help="JSON lines of reads, or the readers' messages with their arrivals",
    )


def record(options: argparse.Namespace, readers: Sequence[_Settings], errors: TextIO) -> int:
    """Run the command until its time is over, Ctrl-C or SIGTERM.

    Args:
        options: As parsed.
        readers: Of the settings.
        errors: Gets progress and faults.

    Returns:
        0; 1 if a reader never read; 2 if there is no such reader.
    """
    known = [each.id for each in readers]
    unknown = sorted(set(options.reader or ()) - set(known))
    if unknown or not readers:
        what = (
            f"reader {unknown[0]!r}: expected one of {known}"
            if unknown
            else "the settings have neither [[reader]] nor [[iot_reader]]"
        )
        print(what, file=errors)
        return USAGE
    chosen = [each for each in readers if not options.reader or each.id in options.reader]
    speaking = [each.id for each in chosen if isinstance(each, IotReaderSettings)]
    if speaking and options.format == "llrp":
        print(f"reader {speaking[0]!r} speaks JSON: expected --format jsonl", file=errors)
        return USAGE
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        return record_until(
            stop,
            chosen,
            sys.stdout.buffer,
            errors,
            as_messages=options.format == "llrp",
            seconds=options.seconds,
        )
    except LlrpMissingError as error:
        print(error, file=errors)
        return USAGE


def record_until(
    stop: threading.Event,
    settings: Sequence[_Settings],
    out: BinaryIO,
    errors: TextIO,
    *,
    as_messages: bool,
    seconds: float | None = None,
    timing: Timing | None = None,
) -> int:
    """Record.

    Args:
        stop: Ends it.
        settings: Of the readers to record.
        out: Gets the capture.
        errors: Gets progress.
        as_messages: Whether the messages themselves are wanted.
        seconds: Ends it too.
        timing: Of the readers.

    Returns:
        0; 1 if a reader never read.

    Raises:
        LlrpMissingError: If the extra ``llrp`` is not installed.
    """
    capture = Capture(out, stop)
    if as_messages:
        capture.write(MAGIC, 0)
    readers = [_reader(each, capture, as_messages=as_messages, timing=timing) for each in settings]
    for reader in readers:
        reader.start()
    until_s = math.inf if seconds is None else time.monotonic() + seconds
    try:
        while not stop.wait(max(0.0, min(PROGRESS_S, until_s - time.monotonic()))):
            print(_progress(readers), file=errors, flush=True)
            if time.monotonic() >= until_s or _has_failed(readers):
                break
    finally:
        for reader in readers:
            reader.stop()
    never = [reader for reader in readers if not reader.counters.opened]
    for reader in never:
        print(f"reader {reader.id} never read: {reader.counters.detail or 'not reached'}", file=errors)
    print(f"{capture.lines} entries recorded", file=errors)
    return FAILED if never or _has_failed(readers) else OK


def _reader(settings: _Settings, capture: Capture, *, as_messages: bool, timing: Timing | None) -> _Reader:
    if isinstance(settings, IotReaderSettings):
        return IotReader(settings, JsonLines(capture))
    if as_messages:
        return LlrpReader(settings, Unheard(), timing=timing, tap=_tap(capture, settings.id))
    return LlrpReader(settings, JsonLines(capture), timing=timing)


def _tap(capture: Capture, reader: str) -> Callable[[int, bytes], None]:
    return partial(_write_message, capture, reader)


def _write_message(capture: Capture, reader: str, arrived_us: int, message: bytes) -> None:
    capture.write(encode_entry(Entry(arrived_us, reader, message)))


def _has_failed(readers: Sequence[_Reader]) -> bool:
    return any(reader.counters.state is ReaderState.FAILED for reader in readers)


def _progress(readers: Sequence[_Reader]) -> str:
    parts = []
    for reader in readers:
        counters = reader.counters
        detail = f" ({counters.detail})" if counters.detail else ""
        parts.append(f"{reader.id} {counters.state}{detail}, {counters.reads} reads")
    return "; ".join(parts)
