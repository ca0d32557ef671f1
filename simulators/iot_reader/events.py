"""What a reader saw in, the JSON of its make out; pure."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simulators.llrp_reader.capture import Captured, LevelChange
from simulators.llrp_reader.report import Observation

Event = dict[str, Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CENTI: Final = 100


def impinj(seen: Captured) -> Event:
    """Tell it as an R700 does.

    Args:
        seen: A read, or a change of an input.

    Returns:
        An event.
    """
    common: Event = {"timestamp": _stamp(seen.at_us), "hostname": "impinj-14-00-01"}
    if isinstance(seen, LevelChange):
        way = "low-to-high" if seen.is_high else "high-to-low"
        return common | {
            "eventType": "gpiTransition",
            "gpiTransitionEvent": {"gpi": seen.port, "transition": way},
        }
    tag: Event = {
        "epcHex": seen.epc.hex().upper(),
        "antennaPort": seen.antenna,
        "antennaName": f"Antenna {seen.antenna}",
        "peakRssiCdbm": round(seen.rssi_dbm * _CENTI),
        "lastSeenTime": _stamp(seen.at_us),
    }
    if seen.phase_deg is not None:
        tag["phaseAngle"] = seen.phase_deg
    return common | {"eventType": "tagInventory", "tagInventoryEvent": tag}


def zebra(seen: Captured) -> Event:
    """Tell it as an FX9600 or FXR90 does.

    Args:
        seen: A read, or a change of an input.

    Returns:
        An event.
    """
    stamp = _stamp(seen.at_us).replace("Z", "+0000")
    if isinstance(seen, LevelChange):
        level = "HIGH" if seen.is_high else "LOW"
        return {"type": "gpi", "timestamp": stamp, "data": {"pin": seen.port, "state": level}}
    tag: Event = {
        "eventNum": 1,
        "format": "epc",
        "idHex": seen.epc.hex(),
        "antenna": seen.antenna,
        "peakRssi": round(seen.rssi_dbm),
        "reads": seen.times,
    }
    if seen.phase_deg is not None:
        tag["phase"] = seen.phase_deg
    return {"type": "SIMPLE", "timestamp": stamp, "data": tag}


MAKES: Final[Mapping[str, Callable[[Captured], Event]]] = {"impinj": impinj, "zebra": zebra}
"""How each make tells it."""

HEARTBEATS: Final[Mapping[str, bytes]] = {
    "impinj": b"",
    "zebra": json.dumps({"type": "heartbeat", "data": {"radio_connection": "connected"}}).encode(),
}
"""What a make sends while it sees nothing; Impinj's stream has an empty line, and its posts nothing."""


def encode(events: list[Event]) -> bytes:
    """Write a payload.

    Args:
        events: At least one; one alone stands without an array.

    Returns:
        JSON.
    """
    return json.dumps(events[0] if len(events) == 1 else events).encode()


def shifted(seen: Captured, by_us: int) -> Captured:
    """Move what was seen in time.

    Args:
        seen: A read, or a change of an input.
        by_us: How far, in microseconds.

    Returns:
        The same, later.
    """
    if isinstance(seen, Observation):
        return seen._replace(at_us=seen.at_us + by_us)
    return LevelChange(seen.at_us + by_us, seen.port, seen.is_high)


def _stamp(at_us: int) -> str:
    text = (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")
