"""What a profile asks in, the configuration that the reader itself must keep, in its own JSON, out; pure."""

from typing import Any, Final

from edge_agent.readers.iot.profile import IotProfile
from edge_agent.readers.llrp.profile import Gate

_CENTI: Final = 100
_ENABLED: Final = "enabled"
_DISABLED: Final = "disabled"


def preset_of(profile: IotProfile) -> dict[str, Any]:
    """Write the reader's configuration.

    Args:
        profile: As the reader is to be run.

    Returns:
        For Impinj an inventory preset, for Zebra the payload of ``set_mode``.
    """
    return _impinj(profile) if profile.protocol == "impinj_iot" else _zebra(profile)


def _powers(profile: IotProfile) -> dict[int, float]:
    radio = profile.radio
    return {port: radio.power_dbm_by_antenna.get(str(port), radio.power_dbm) for port in radio.antennas}


def _sessions(profile: IotProfile) -> dict[int, int]:
    radio = profile.radio
    return {port: radio.session_by_antenna.get(str(port), radio.session) for port in radio.antennas}


def _impinj(profile: IotProfile) -> dict[str, Any]:
    radio, sessions = profile.radio, _sessions(profile)
    antennas = []
    for port, dbm in _powers(profile).items():
        antenna: dict[str, Any] = {
            "antennaPort": port,
            "transmitPowerCdbm": round(dbm * _CENTI),
            "inventorySession": sessions[port],
            "inventorySearchMode": radio.search_mode,
            "estimatedTagPopulation": radio.tag_population,
        }
        if radio.mode_index is not None:
            antenna["rfMode"] = radio.mode_index
        antennas.append(antenna)
    gate = {} if radio.gate is None else _triggers(radio.gate)
    told = ("epcHex", "antennaPort", "peakRssiCdbm", "lastSeenTime")
    return {
        "antennaConfigs": antennas,
        **gate,
        "eventConfig": {
            "common": {"hostname": _ENABLED},
            "tagInventory": {
                **dict.fromkeys(told, _ENABLED),
                "phaseAngle": _DISABLED if profile.phase_unit == "ignored" else _ENABLED,
                "epc": _DISABLED,
                "tagReporting": {
                    "reportingIntervalSeconds": 0,
                    "tagCacheSize": 2048,
                    "antennaIdentifier": "antennaPort",
                    "tagIdentifier": "epc",
                },
            },
        },
    }


def _triggers(gate: Gate) -> dict[str, Any]:
    def change(port: int | None, *, is_high: bool) -> list[dict[str, Any]]:
        way = "low-to-high" if is_high else "high-to-low"
        return [{"gpiTransitionEvent": {"gpi": port, "transition": way}}]

    return {
        "startTriggers": change(gate.start_gpi, is_high=gate.start_high),
        "stopTriggers": change(gate.stop_gpi, is_high=gate.stop_high),
    }


def _zebra(profile: IotProfile) -> dict[str, Any]:
    sessions = _sessions(profile)
    return {
        "type": "CUSTOM",
        "antennas": list(profile.radio.antennas),
        "transmitPower": list(_powers(profile).values()),
        "query": [
            {
                "tagPopulation": profile.radio.tag_population,
                "sel": "ALL",
                "session": f"S{session}",
                "target": "AB",
            }
            for session in sessions.values()
        ],
        "reportFilter": {"duration": 0, "type": "PER_ANTENNA"},
        "tagMetaData": ["ANTENNA", "RSSI", "SEEN_COUNT", "PHASE"],
    }
