"""A capture in JSON lines, as `edge-agent record` writes them: lines in, what one reader saw out."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from simulators.llrp_reader.report import Observation

_US_PER_S: Final = 1_000_000
_BITS_PER_BYTE: Final = 8
_EPOCH_ZONE: Final = "+00:00"


class CaptureError(ValueError):
    """A line is no capture line; the message names the line."""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """An input changed."""

    at_us: int
    port: int
    is_high: bool


Captured = Observation | LevelChange


def read_capture(lines: Iterable[str], reader: str | None = None) -> Iterator[Captured]:
    """Read the lines of one reader.

    Args:
        lines: Of the capture.
        reader: Whose lines; by default those of the one reader in it.

    Yields:
        Reads and level changes, in the order of the file.

    Raises:
        CaptureError: If a line is damaged, or of a second reader while none was chosen.
    """
    chosen = reader
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            name, captured = str(fields["reader"]), _captured(fields)
        except (KeyError, TypeError, ValueError) as error:
            kind = type(error).__name__
            raise CaptureError(f"line {number}: {kind} {error} in {line.strip()!r:.200}") from error
        if reader is None and name != (chosen := chosen or name):
            raise CaptureError(
                f"line {number} is of reader {name!r}, those before of {chosen!r}: choose one of them"
            )
        if name == chosen:
            yield captured


def _captured(fields: Mapping[str, object]) -> Captured:
    at_us = _microseconds(_text(fields, "seen_at"))
    if "gpi" in fields:
        return LevelChange(at_us, _whole(fields, "gpi"), _level(fields))
    epc = bytes.fromhex(_text(fields, "epc"))
    return Observation(
        at_us=at_us,
        antenna=_whole(fields, "antenna"),
        epc=epc,
        epc_bits=len(epc) * _BITS_PER_BYTE,
        rssi_dbm=_decimal(fields, "rssi_dbm"),
        phase_deg=_decimal_or_none(fields, "phase_deg"),
        doppler_hz=_decimal_or_none(fields, "doppler_hz"),
        times=_whole(fields, "count"),
    )


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text.replace("Z", _EPOCH_ZONE))
    if moment.tzinfo is None:
        raise ValueError(f"seen_at {text!r} has no time zone")
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * _US_PER_S + moment.microsecond


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}: expected text")
    return value


def _whole(fields: Mapping[str, object], name: str) -> int:
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError(f"{name} is {value!r}: expected a whole number from 1")
    return value


def _decimal(fields: Mapping[str, object], name: str) -> float:
    value = fields[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}: expected a number")
    return float(value)


def _decimal_or_none(fields: Mapping[str, object], name: str) -> float | None:
    return None if fields.get(name) is None else _decimal(fields, name)


def _level(fields: Mapping[str, object]) -> bool:
    value = fields["level"]
    if not isinstance(value, bool):
        raise TypeError(f"level is {value!r}: expected true or false")
    return value
