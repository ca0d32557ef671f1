"""One event of Zebra's IoT Connector (FX9600, FX7500, FXR90) in, what it says out; pure.

``{"type": "SIMPLE", "timestamp": "…", "data": {"idHex": "…", "antenna": 1, "peakRssi": -54, "reads": 3}}``;
the type is that of the operating mode. Inputs: ``{"type": "gpi", "data": {"pin": 1, "state": "HIGH"}}``.
"""

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

_LEVELS: Final[Mapping[str, bool]] = {"HIGH": True, "LOW": False}


def read_event(event: Mapping[str, object]) -> Said:
    """Read one event.

    Args:
        event: An object.

    Returns:
        What it says.

    Raises:
        PayloadError: If a field is missing or wrong.
    """
    kind = event.get("type")
    if not isinstance(kind, str):
        raise PayloadError(f"type = {kind!r}: expected the operating mode's, gpi or another name")
    data = event.get("data")
    if isinstance(data, dict) and "idHex" in data:
        return _tag(event, data)
    if kind.lower() == "gpi":
        change = part_of(event, "data")
        level = level_of(change, "state", _LEVELS)
        return InputSaid(stamp_us(event, "timestamp"), port_of(change, "pin"), level)
    return OtherSaid(kind)


def _tag(event: Mapping[str, object], tag: Mapping[str, object]) -> TagSaid:
    rssi_dbm = number_of(tag, "peakRssi", LEAST_DBM, MOST_DBM)
    return TagSaid(
        stamp_us=stamp_us(event, "timestamp"),
        antenna=port_of(tag, "antenna"),
        digits=digits_of(tag.get("idHex"), "idHex"),
        rssi_dbm=nan if rssi_dbm is None else rssi_dbm,
        phase=number_of(tag, "phase", -MOST_TURN, MOST_TURN),
        times=port_of(tag, "reads") if "reads" in tag else 1,
    )
