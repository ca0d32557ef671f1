"""A profile and what the reader can do in, the bytes of an explicit, complete ROSpec out; pure.

Nothing is left to a reader's defaults. Without a gate the inventory begins when the ROSpec is enabled and
never stops by itself, so that the carrier stays on; with one, inputs start and stop the ROSpec. The AISpec
has no stop trigger, and each tag is reported as it is read.
Vendors' parameters stand only in the ROSpec of that vendor's profile, since others refuse them.
"""

import struct
from typing import Final

from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError
from edge_agent.readers.llrp.choice import AntennaChoice, Choice, choose
from edge_agent.readers.llrp.profile import Gate, LlrpProfile
from edge_agent.readers.llrp.requests import IMPINJ, ZEBRA, Request, custom, request, tlv

ROSPEC_ID: Final = 1

_DISABLED: Final = 0
_IMMEDIATE: Final = 1
_GPI: Final = 3
_NULL: Final = 0
_DURATION: Final = 1
_GPI_WITH_TIMEOUT: Final = 2
_GEN2: Final = 1
_UPON_N_TAGS_OR_END_OF_ROSPEC: Final = 2
_FLAG: Final = 0x80
_CONTENT: Final = 0b0001_1111_1000_0000
"""Antenna, channel, peak RSSI, first and last time, count; no ids of specs."""


def add_rospec(profile: LlrpProfile, can: Capabilities) -> Request:
    """Build ADD_ROSPEC.

    Args:
        profile: How the reader is to be run.
        can: What it can do.

    Returns:
        The request.

    Raises:
        ReaderRefusalError: If the reader cannot do what the profile asks; with everything that it cannot.
    """
    choice, mismatches = choose(profile, can)
    if choice is None:
        raise ReaderRefusalError("; ".join(mismatches))
    try:
        return _add_rospec(profile, choice)
    except struct.error as error:
        raise ReaderRefusalError(
            f"its tables hold a number that does not fit into a ROSpec: {error}"
        ) from error


def _add_rospec(profile: LlrpProfile, choice: Choice) -> Request:
    antennas = [_antenna(profile, choice, each) for each in choice.antennas]
    ports = [each.port for each in choice.antennas]
    inventory = tlv(186, "HB", 1, _GEN2, parameters=antennas)
    boundary = tlv(178, "", parameters=_triggers(choice.gate))
    stop = tlv(184, "BI", _NULL, 0)
    ai_spec = tlv(183, f"H{len(ports)}H", len(ports), *ports, parameters=(stop, inventory))
    parameters = (boundary, ai_spec, _report_spec(profile))
    return request("ADD_ROSPEC", tlv(177, "IBB", ROSPEC_ID, 0, _DISABLED, parameters=parameters))


def _triggers(gate: Gate | None) -> tuple[bytes, bytes]:
    if gate is None:
        return tlv(179, "B", _IMMEDIATE), tlv(182, "BI", _NULL, 0)
    start = tlv(179, "B", _GPI, parameters=(_input(gate.start_gpi, 0, is_high=gate.start_high),))
    longest_ms = round((gate.stop_after_s or 0) * 1000)
    if gate.stop_gpi is None:
        return start, tlv(182, "BI", _DURATION, longest_ms)
    level = _input(gate.stop_gpi, longest_ms, is_high=gate.stop_high)
    return start, tlv(182, "BI", _GPI_WITH_TIMEOUT, 0, parameters=(level,))


def _input(port: int, timeout_ms: int, *, is_high: bool) -> bytes:
    return tlv(181, "HBI", port, _FLAG if is_high else 0, timeout_ms)


def _antenna(profile: LlrpProfile, choice: Choice, antenna: AntennaChoice) -> bytes:
    parts = (
        tlv(223, "H", choice.sensitivity_index),
        tlv(224, "HHH", choice.hop_table_id, choice.channel_index, antenna.power_index),
        _inventory_command(profile, choice, antenna.session),
    )
    return tlv(222, "H", antenna.port, parameters=parts)


def _inventory_command(profile: LlrpProfile, choice: Choice, session: int) -> bytes:
    singulation = tlv(
        336,
        "BHI",
        session << 6,
        profile.radio.tag_population,
        0,
        parameters=(tlv(337, "B", 0),) if choice.by_state else (),
    )
    vendors = []
    if profile.impinj:
        vendors.append(custom(IMPINJ, 23, "H", profile.impinj.search_mode))
    if profile.zebra and profile.zebra.flip_target:
        query = custom(ZEBRA, 710, "H", 0x4000)
        vendors.append(custom(ZEBRA, 703, "", parameters=(query,)))
    parts = (tlv(335, "HH", choice.mode.mode_index, choice.tari_ns), singulation, *vendors)
    return tlv(330, "B", _FLAG if choice.by_state else 0, parameters=parts)


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
