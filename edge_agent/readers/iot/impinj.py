"""One event of Impinj's IoT device interface (R700) in, what it says out; pure.

``{"timestamp": "…", "eventType": "tagInventory", "tagInventoryEvent": {"epcHex": "…", "antennaPort": 1,
"peakRssiCdbm": -5450, "lastSeenTime": "…", "phaseAngle": 12.5}}``, and ``gpiTransition`` with port and way.
"""

import base64
from collections.abc import Mapping
from math import nan
from typing import Final

from edge_agent.readers.iot.said import (
    LEAST_DBM,
    MOST_DBM,
    MOST_TURN,
    InputSaid,
    OtherSaid,
    PayloadError,
    Said,
    TagSaid,
    digits_of,
    level_of,
    number_of,
    part_of,
    port_of,
    stamp_us,
)

_LEVELS: Final[Mapping[str, bool]] = {"low-to-high": True, "high-to-low": False}
_CENTI: Final = 100


def read_event(event: Mapping[str, object]) -> Said:
    """Read one event.

    Args:
        event: An object.

    Returns:
        What it says.

    Raises:
        PayloadError: If a field is missing or wrong.
    """
    kind = event.get("eventType")
    if kind == "tagInventory" or (kind is None and "tagInventoryEvent" in event):
        return _tag(event, part_of(event, "tagInventoryEvent"))
    if kind == "gpiTransition" or (kind is None and "gpiTransitionEvent" in event):
        change = part_of(event, "gpiTransitionEvent")
        level = level_of(change, "transition", _LEVELS)
        return InputSaid(stamp_us(event, "timestamp"), port_of(change, "gpi"), level)
    if not isinstance(kind, str):
        raise PayloadError(f"eventType = {kind!r}: expected tagInventory, gpiTransition or another name")
    return OtherSaid(kind)


def _tag(event: Mapping[str, object], tag: Mapping[str, object]) -> TagSaid:
    rssi_cdbm = number_of(tag, "peakRssiCdbm", LEAST_DBM * _CENTI, MOST_DBM * _CENTI)
    seen_us = stamp_us(tag, "lastSeenTime")
    return TagSaid(
        stamp_us=stamp_us(event, "timestamp") if seen_us is None else seen_us,
        antenna=port_of(tag, "antennaPort"),
        digits=digits_of(tag["epcHex"], "epcHex") if "epcHex" in tag else _from_base64(tag.get("epc")),
        rssi_dbm=nan if rssi_cdbm is None else rssi_cdbm / _CENTI,
        phase=number_of(tag, "phaseAngle", -MOST_TURN, MOST_TURN),
        times=1,
    )


def _from_base64(text: object) -> str:
    try:
        data = base64.b64decode(str(text).replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:  # a character beyond ASCII, or one that base64 does not know
        data = b""
    if not isinstance(text, str) or not data:
        raise PayloadError(f"epc = {text!r}: expected base64, or epcHex")
    return digits_of(data.hex(), "epc")
