"""Captures: JSON lines or an LLRP recording in, what readers said out, each fault with its place."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from edge_agent.readers.raw_read import GpiChange, RawRead, Seen

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HEX: Final = re.compile("(?:[0-9A-Fa-f]{2}){1,62}")
_READ_KEYS: Final = frozenset(
    {"seen_at", "reader", "antenna", "epc", "rssi_dbm", "phase_deg", "doppler_hz", "count"}
)
_INPUT_KEYS: Final = frozenset({"seen_at", "reader", "gpi", "level"})


class CaptureError(ValueError):
    """A line that says nothing usable; the message names value and expectation."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One unusable part of a capture."""

    place: str
    """``line 7`` or ``entry at offset 4096``."""
    text: str


def read_json_lines(lines: Iterable[bytes]) -> Iterator[Seen | Fault]:
    """Read a capture of JSON lines.

    Args:
        lines: One object each; empty ones are passed over.

    Yields:
        Reads and changes of inputs in the capture's order, and a fault for each line that is none.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield parse_line(line)
        except CaptureError as error:
            yield Fault(f"line {number}", str(error))


def parse_line(line: bytes) -> Seen:
    """Read one line.

    Args:
        line: A JSON object.

    Returns:
        What it says.

    Raises:
        CaptureError: If it is not JSON, or a key is missing, unknown or of another kind than expected.
    """
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise CaptureError(f"{_shown(line)} is not JSON: {error}") from error
    if not isinstance(said, dict):
        raise CaptureError(f"{_shown(line)}: expected an object")
    allowed = _INPUT_KEYS if "gpi" in said else _READ_KEYS
    if not said.keys() <= allowed:
        raise CaptureError(
            f"unknown key {min(said.keys() - allowed)!r}: expected {', '.join(sorted(allowed))}"
        )
    seen_us = _microseconds(said.get("seen_at"))
    reader = said.get("reader")
    if not isinstance(reader, str) or not reader:
        raise CaptureError(f"reader = {reader!r}: expected the reader's id")
    if "gpi" in said:
        if not isinstance(said.get("level"), bool):
            raise CaptureError(f"level = {said.get('level')!r}: expected true or false")
        return GpiChange(seen_us, reader, _whole("gpi", said["gpi"]), said["level"])
    epc = said.get("epc")
    if not isinstance(epc, str) or not _HEX.fullmatch(epc):
        raise CaptureError(f"epc = {epc!r}: expected 1 to 62 bytes in hexadecimal digits")
    rssi_dbm = _number("rssi_dbm", said.get("rssi_dbm"))
    return RawRead(
        seen_us,
        reader,
        _whole("antenna", said.get("antenna")),
        epc,
        float("nan") if rssi_dbm is None else rssi_dbm,
        _number("phase_deg", said.get("phase_deg")),
        _number("doppler_hz", said.get("doppler_hz")),
        _whole("count", said.get("count", 1)),
    )


def written_at(at_us: int) -> str:
    """Write an instant as captures have it.

    Args:
        at_us: Microseconds since 1970, UTC.

    Returns:
        RFC 3339 with microseconds.
    """
    return (EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _microseconds(text: object) -> int:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise CaptureError(
            f"seen_at = {text!r}: expected RFC 3339 in UTC, as in '2026-03-02T06:15:00.250000Z'"
        )
    return (at - EPOCH) // _MICROSECOND


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:  # noqa: PLR2004  16 bits
        raise CaptureError(f"{name} = {value!r}: expected a whole number from 1 to 65535")
    return value


def _number(name: str, value: object) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise CaptureError(f"{name} = {value!r}: expected a number or null")
    return None if value is None else float(value)


def _shown(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 80 else text[:77] + "...")  # noqa: PLR2004  one line of a terminal
