"""A report tells of each observation exactly what its fields ask for."""

import binascii
import dataclasses
from typing import Final

import pytest

from simulators.llrp_reader.element import Bits, Element
from simulators.llrp_reader.messages import decode_message, encode_message
from simulators.llrp_reader.omission import Omission
from simulators.llrp_reader.report import (
    DEFAULT_FIELDS,
    IMPINJ_FIELDS,
    Observation,
    Origin,
    ReportFields,
    Stamping,
    encode_report,
)

AT_US: Final = 1_790_000_000_123_456
EVERYTHING: Final = ReportFields(**{field.name: True for field in dataclasses.fields(ReportFields)})
NOTHING: Final = ReportFields(**{field.name: False for field in dataclasses.fields(ReportFields)})
SEEN: Final = Observation(
    AT_US,
    3,
    bytes.fromhex("3034257bf7194e4000001a85"),
    96,
    -55.46,
    phase_deg=123.4,
    doppler_hz=-3.5,
    channel=2,
    times=4,
    last_us=AT_US + 777,
)


def tags_of(report: bytes) -> tuple[Element, ...]:
    return decode_message(report).body.parameters


def told(tag: Element) -> dict[str, object]:
    return {each.name: next(iter(each.fields.values())) for each in tag.parameters}


def test_everything_is_told_in_the_standards_order() -> None:
    (tag,) = tags_of(encode_report([SEEN], EVERYTHING, origin=Origin(7, 2, 9), message_id=41))
    protocol_control = 6 << 11
    crc = binascii.crc_hqx(protocol_control.to_bytes(2, "big") + SEEN.epc, 0xFFFF) ^ 0xFFFF
    assert told(tag) == {
        "EPC_96": SEEN.epc,
        "ROSpecID": 7,
        "SpecIndex": 2,
        "InventoryParameterSpecID": 9,
        "AntennaID": 3,
        "PeakRSSI": -55,
        "ChannelIndex": 2,
        "FirstSeenTimestampUTC": AT_US,
        "LastSeenTimestampUTC": AT_US + 777,
        "TagSeenCount": 4,
        "C1G2_PC": protocol_control,
        "C1G2_CRC": crc,
        "AccessSpecID": 0,
        "ImpinjRFPhaseAngle": round(123.4 / 360 * 4096),
        "ImpinjPeakRSSI": -5546,
        "ImpinjRFDopplerFrequency": -56,
    }
    assert encode_message(decode_message(encode_report([SEEN], EVERYTHING))) == encode_report(
        [SEEN], EVERYTHING
    )


def test_a_tags_crc_leaves_the_residue_of_gen2() -> None:
    (tag,) = tags_of(encode_report([SEEN], EVERYTHING))
    stored = (6 << 11).to_bytes(2, "big") + SEEN.epc + tag.one("C1G2_CRC").number("CRC").to_bytes(2, "big")
    assert binascii.crc_hqx(stored, 0xFFFF) == 0x1D0F


def test_nothing_but_the_epc_is_told_to_one_who_asks_for_nothing() -> None:
    assert [told(tag) for tag in tags_of(encode_report([SEEN], NOTHING))] == [{"EPC_96": SEEN.epc}]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ReportFields)])
def test_each_field_adds_exactly_one_parameter(field: str) -> None:
    (tag,) = tags_of(encode_report([SEEN], dataclasses.replace(NOTHING, **{field: True})))
    assert len(tag.parameters) == 2


@pytest.mark.parametrize("bits", [0, 16, 95, 128, 198, 496])
def test_an_epc_of_any_other_length_is_told_with_its_length(bits: int) -> None:
    epc = bytes(range(1, (bits + 7) // 8 + 1))
    (tag,) = tags_of(encode_report([SEEN._replace(epc=epc, epc_bits=bits)]))
    assert tag.one("EPCData").fields["EPC"] == Bits(bits, epc)


def test_tags_of_all_shapes_stay_in_their_order() -> None:
    shapes = [
        SEEN,
        SEEN._replace(epc=bytes(25), epc_bits=198),
        SEEN._replace(phase_deg=None),
        SEEN._replace(doppler_hz=None, antenna=1),
        SEEN,
    ]
    tags = tags_of(encode_report(shapes, IMPINJ_FIELDS))
    assert [tag.find("EPC_96") is not None for tag in tags] == [True, False, True, True, True]
    assert [tag.find("ImpinjRFPhaseAngle") is not None for tag in tags] == [True, True, False, True, True]
    assert [tag.find("ImpinjRFDopplerFrequency") is not None for tag in tags] == [
        *(True, True, True, False, True)
    ]


def test_a_report_of_no_tag_is_a_message_of_a_header() -> None:
    assert encode_report([]) == bytes.fromhex("043d0000000a00000000")


def test_a_reader_without_a_clock_tells_its_uptime() -> None:
    started_us = AT_US - 5_000_000
    (tag,) = tags_of(encode_report([SEEN], EVERYTHING, stamping=Stamping(is_utc=False, shift_us=-started_us)))
    assert told(tag)["FirstSeenTimestampUptime"] == 5_000_000
    assert told(tag)["LastSeenTimestampUptime"] == 5_000_777
    assert "FirstSeenTimestampUTC" not in told(tag)


def test_a_clock_that_is_off_shows_in_the_times() -> None:
    (tag,) = tags_of(
        encode_report([SEEN._replace(last_us=None)], IMPINJ_FIELDS, stamping=Stamping(shift_us=-9))
    )
    assert (told(tag)["FirstSeenTimestampUTC"], told(tag)["LastSeenTimestampUTC"]) == (AT_US - 9, AT_US - 9)


@pytest.mark.parametrize(("phase", "steps"), [(0.0, 0), (359.99, 0), (180.0, 2048), (-90.0, 3072)])
def test_a_phase_is_told_in_4096ths_of_a_turn(phase: float, steps: int) -> None:
    (tag,) = tags_of(encode_report([SEEN._replace(phase_deg=phase)], IMPINJ_FIELDS))
    assert told(tag)["ImpinjRFPhaseAngle"] == steps


@pytest.mark.parametrize(("hertz", "steps"), [(1e6, 32767), (-1e6, -32768), (0.03, 0), (-2.0, -32)])
def test_a_doppler_frequency_saturates_as_in_the_reader(hertz: float, steps: int) -> None:
    (tag,) = tags_of(encode_report([SEEN._replace(doppler_hz=hertz)], IMPINJ_FIELDS))
    assert told(tag)["ImpinjRFDopplerFrequency"] == steps


@pytest.mark.parametrize(
    "broken",
    [
        SEEN._replace(epc=bytes(11)),
        SEEN._replace(epc_bits=97),
        SEEN._replace(rssi_dbm=-200.0),
        SEEN._replace(antenna=-1),
        SEEN._replace(times=70_000),
        SEEN._replace(at_us=-1),
    ],
)
def test_an_observation_that_cannot_be_told_is_refused(broken: Observation) -> None:
    with pytest.raises(ValueError, match=r"expected \d+ bytes|does not fit"):
        encode_report([SEEN, broken], DEFAULT_FIELDS)


def test_what_repeats_is_left_out_and_means_the_same_again() -> None:
    omission = Omission()
    seen = [SEEN, SEEN._replace(rssi_dbm=-60.0), SEEN._replace(antenna=1)]
    shortened = [omission.shorten(encode_report([each], DEFAULT_FIELDS)) for each in seen]
    names = [set(told(tags_of(report)[0])) for report in shortened]
    assert names == [
        {"EPC_96", "AntennaID", "PeakRSSI", "FirstSeenTimestampUTC", "TagSeenCount"},
        {"EPC_96", "PeakRSSI"},
        {"EPC_96", "AntennaID", "PeakRSSI"},
    ]
    omission.forget()
    assert omission.shorten(encode_report([SEEN])) == encode_report([SEEN])
