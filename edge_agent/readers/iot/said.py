"""What one event of a reader says, in its own times, and how its fields are read; each fault named."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HEX: Final = re.compile("(?:[0-9A-Fa-f]{2}){1,62}")
_MOST_PORT: Final = 65_535
LEAST_DBM, MOST_DBM = -150.0, 30.0
"""No tag's answer is weaker or louder."""
MOST_TURN: Final = 3600.0
"""Of a phase, in any unit and either direction."""


class PayloadError(ValueError):
    """An event that says nothing usable; the message names value and expectation."""


class TagSaid(NamedTuple):
    """One tag, as the reader tells of it."""

    stamp_us: int | None
    """By the reader's clock; None if it says none."""
    antenna: int
    digits: str
    """Of the EPC, whole bytes."""
    rssi_dbm: float
    phase: float | None
    """In the reader's unit."""
    times: int


class InputSaid(NamedTuple):
    """An input changed."""

    stamp_us: int | None
    port: int
    is_high: bool


class OtherSaid(NamedTuple):
    """Anything else: a heartbeat, a status."""

    kind: str


Said = TagSaid | InputSaid | OtherSaid


def stamp_us(fields: Mapping[str, object], name: str) -> int | None:
    """Read a time.

    Args:
        fields: Of an event.
        name: Of the field.

    Returns:
        Microseconds since 1970, UTC; None if there is none.

    Raises:
        PayloadError: If it is no time with its zone.
    """
    text = fields.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        raise PayloadError(f"{name} = {text!r}: expected RFC 3339, as in '2026-03-02T06:15:00.25Z'")
    return (at - EPOCH) // _MICROSECOND


def port_of(fields: Mapping[str, object], name: str) -> int:
    """Read the number of an antenna or input.

    Args:
        fields: Of an event.
        name: Of the field.

    Returns:
        From 1.

    Raises:
        PayloadError: If it is none.
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_PORT:
        raise PayloadError(f"{name} = {value!r}: expected a whole number from 1 to {_MOST_PORT}")
    return value


def number_of(fields: Mapping[str, object], name: str, least: float, most: float) -> float | None:
    """Read a number that may be missing.

    Args:
        fields: Of an event.
        name: Of the field.
        least: What it can be.
        most: What it can be.

    Returns:
        The number.

    Raises:
        PayloadError: If it is something else.
    """
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise PayloadError(f"{name} = {value!r}: expected a number from {least:g} to {most:g}")
    return float(value)


def level_of(fields: Mapping[str, object], name: str, levels: Mapping[str, bool]) -> bool:
    """Read the level of an input.

    Args:
        fields: Of an event.
        name: Of the field.
        levels: What it can say, and whether that is high.

    Returns:
        Whether it is high.

    Raises:
        PayloadError: If it is something else.
    """
    value = fields.get(name)
    if not isinstance(value, str) or value not in levels:
        raise PayloadError(f"{name} = {value!r:.80}: expected one of {sorted(levels)}")
    return levels[value]


def digits_of(text: object, name: str) -> str:
    """Read hexadecimal digits.

    Args:
        text: What stands there.
        name: Of the field.

    Returns:
        The digits.

    Raises:
        PayloadError: If it is something else, half a byte, or nothing.
    """
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise PayloadError(f"{name} = {text!r}: expected 1 to 62 bytes in hexadecimal digits")
    return text


def part_of(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Read an object inside.

    Args:
        fields: Of an event.
        name: Of the field.

    Returns:
        Its fields.

    Raises:
        PayloadError: If it is something else.
    """
    value = fields.get(name)
    if not isinstance(value, dict):
        raise PayloadError(f"{name} = {value!r:.80}: expected an object")
    return value
