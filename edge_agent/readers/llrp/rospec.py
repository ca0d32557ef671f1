"""A profile and what the reader can do in, the bytes of an explicit, complete ROSpec out; pure.

Nothing is left to a reader's defaults. The inventory begins when the ROSpec is enabled and never stops by
itself, so that the carrier stays on: the AISpec has no stop trigger, and each tag is reported as it is read.
Vendors' parameters stand only in the ROSpec of that vendor's profile, since others refuse them.
"""

import struct
from collections.abc import Mapping
from typing import Final

from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError
from edge_agent.readers.llrp.profile import LlrpProfile
from edge_agent.readers.llrp.requests import IMPINJ, ZEBRA, Request, custom, request, tlv

ROSPEC_ID: Final = 1

_DISABLED: Final = 0
_IMMEDIATE: Final = 1
_NULL: Final = 0
_GEN2: Final = 1
_UPON_N_TAGS_OR_END_OF_ROSPEC: Final = 2
_FLAG: Final = 0x80
_CONTENT: Final = 0b0001_1111_1000_0000
"""Antenna, channel, peak RSSI, first and last time, count; no ids of specs."""


def add_rospec(
    profile: LlrpProfile, can: Capabilities, power_dbm_by_antenna: Mapping[int, float] | None = None
) -> Request:
    """Build ADD_ROSPEC.

    Args:
        profile: How the reader is to be run.
        can: What it can do.
        power_dbm_by_antenna: Exceptions from the profile's power.

    Returns:
        The request.

    Raises:
        ReaderRefusalError: If the reader cannot do what the profile asks.
    """
    try:
        return _add_rospec(profile, can, power_dbm_by_antenna or {})
    except struct.error as error:
        raise ReaderRefusalError(
            f"its tables hold a number that does not fit into a ROSpec: {error}"
        ) from error


def _add_rospec(
    profile: LlrpProfile, can: Capabilities, power_dbm_by_antenna: Mapping[int, float]
) -> Request:
    radio = profile.radio
    if radio.sensitivity_index and radio.sensitivity_index not in can.sensitivities:
        raise ReaderRefusalError(
            f"sensitivity_index = {radio.sensitivity_index}: expected one of {sorted(can.sensitivities)}, "
            "the reader's table"
        )
    ports = can.ports(radio.antennas)
    can.ports(tuple(power_dbm_by_antenna))
    command = _inventory_command(profile, can)
    powers = [can.power_index(port, power_dbm_by_antenna.get(port, radio.power_dbm)) for port in ports]
    antennas = [
        _antenna(profile, can, port, power, command) for port, power in zip(ports, powers, strict=True)
    ]
    inventory = tlv(186, "HB", 1, _GEN2, parameters=antennas)
    boundary = tlv(178, "", parameters=(tlv(179, "B", _IMMEDIATE), tlv(182, "BI", _NULL, 0)))
    stop = tlv(184, "BI", _NULL, 0)
    ai_spec = tlv(183, f"H{len(ports)}H", len(ports), *ports, parameters=(stop, inventory))
    parameters = (boundary, ai_spec, _report_spec(profile))
    return request("ADD_ROSPEC", tlv(177, "IBB", ROSPEC_ID, 0, _DISABLED, parameters=parameters))


def _antenna(profile: LlrpProfile, can: Capabilities, port: int, power_index: int, command: bytes) -> bytes:
    channel = 0 if can.hop_table_id else 1
    parts = (
        tlv(223, "H", profile.radio.sensitivity_index),
        tlv(224, "HHH", can.hop_table_id, channel, power_index),
        command,
    )
    return tlv(222, "H", port, parameters=parts)


def _inventory_command(profile: LlrpProfile, can: Capabilities) -> bytes:
    radio = profile.radio
    mode = can.rf_mode(radio.mode_index)
    tari_ns = mode.max_tari_ns if radio.tari_ns is None else radio.tari_ns
    by_state = profile.quirks.state_aware and can.is_state_aware
    singulation = tlv(
        336,
        "BHI",
        radio.session << 6,
        radio.tag_population,
        0,
        parameters=(tlv(337, "B", 0),) if by_state else (),
    )
    vendors = []
    if profile.impinj:
        vendors.append(custom(IMPINJ, 23, "H", profile.impinj.search_mode))
    if profile.zebra and profile.zebra.flip_target:
        query = custom(ZEBRA, 710, "H", 0x4000)
        vendors.append(custom(ZEBRA, 703, "", parameters=(query,)))
    parts = (tlv(335, "HH", mode.mode_index, tari_ns), singulation, *vendors)
    return tlv(330, "B", _FLAG if by_state else 0, parameters=parts)


def _report_spec(profile: LlrpProfile) -> bytes:
    parts = [tlv(238, "H", _CONTENT)]
    if profile.impinj:
        wanted = ((52, profile.impinj.phase), (53, profile.impinj.fine_rssi), (67, profile.impinj.doppler))
        parts.append(
            custom(
                IMPINJ,
                50,
                "",
                parameters=[custom(IMPINJ, subtype, "H", 1) for subtype, is_on in wanted if is_on],
            )
        )
    if profile.zebra and profile.zebra.phase:
        parts.append(custom(ZEBRA, 708, "I", 1 << 28))
    return tlv(237, "BH", _UPON_N_TAGS_OR_END_OF_ROSPEC, 1, parameters=parts)
