"""Bytes of real and simulated readers become raw reads; what is damaged becomes a count and nothing else."""

import base64
import json
import math
import random
import struct
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.readers.llrp.decoder import LlrpDecoder
from edge_agent.readers.llrp.profile import Quirks, load_llrp_profile
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen
from simulators.llrp_reader.element import element
from simulators.llrp_reader.messages import encode_message, message
from simulators.llrp_reader.report import (
    IMPINJ_FIELDS,
    Observation,
    ReportFields,
    Stamping,
    encode_report,
)

VECTORS: Final = Path(__file__).parents[4] / "shared" / "vectors" / "llrp"
NOW_US: Final = 1_772_431_200_000_000
EPC: Final = bytes.fromhex("3074257BF7194E4000001A85")

NAMES: Final = sorted(path.stem for path in VECTORS.glob("ROAccessReport-*.json"))


def framed(kind: int, body: bytes) -> bytes:
    return struct.pack(">HII", 1 << 10 | kind, 10 + len(body), 1) + body


def read(decoder: LlrpDecoder, data: bytes, arrived_us: int = NOW_US) -> list[RawRead]:
    reads = decoder.take(data, arrived_us)
    assert all(isinstance(each, RawRead) for each in reads)
    return [each for each in reads if isinstance(each, RawRead)]


def tag(at_us: int = NOW_US, **changes: Any) -> Observation:
    return Observation(at_us, 1, EPC, 96, -61.0)._replace(**changes)


@pytest.mark.skipif(not NAMES, reason="shared vectors are not beside the repository")
@pytest.mark.parametrize("name", NAMES)
def test_a_report_of_a_real_reader_is_read_as_its_makers_read_it(name: str) -> None:
    [meant] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["TagReportData"]
    body = (VECTORS / f"{name}.bytes").read_bytes()
    [seen] = read(LlrpDecoder("r1"), framed(61, body), meant["FirstSeenUTC"] + 1500)
    assert seen == RawRead(
        seen_us=meant["FirstSeenUTC"] + 1500,  # the first stamp is all that is known of the offset
        reader="r1",
        antenna=meant["AntennaID"],
        epc=base64.b64decode(meant["EPC96"]["EPC"]).hex().upper(),
        rssi_dbm=meant["PeakRSSI"],
    )


@pytest.mark.skipif(not NAMES, reason="shared vectors are not beside the repository")
def test_an_event_of_a_real_reader_tells_its_clock() -> None:
    decoder = LlrpDecoder("r1")
    body = (VECTORS / "ReaderEventNotification-000.bytes").read_bytes()
    stamp_us = json.loads((VECTORS / "ReaderEventNotification-000.json").read_text("utf-8"))[
        "ReaderEventNotificationData"
    ]["UTCTimestamp"]
    assert decoder.take(framed(63, body), stamp_us + 2_000_000) == []
    assert decoder.clock_offset_us == 2_000_000


@pytest.mark.parametrize(
    ("bits", "data", "epc"),
    [
        (96, EPC, EPC.hex().upper()),
        (128, bytes(range(16)), bytes(range(16)).hex().upper()),
        (198, bytes.fromhex("36") + b"\xff" * 24, "36" + "FF" * 23 + "FC"),
        (208, b"\xab" * 26, "AB" * 26),
        (16, b"\x30\x39", "3039"),
        (496, b"\x01" * 62, "01" * 62),
    ],
)
def test_an_epc_has_as_many_digits_as_the_tag_has(bits: int, data: bytes, epc: str) -> None:
    [seen] = read(LlrpDecoder("r1"), encode_report([tag(epc=data, epc_bits=bits)]))
    assert seen.epc == epc


def test_phase_doppler_and_fine_rssi_come_in_the_gateways_units() -> None:
    observed = tag(rssi_dbm=-61.37, phase_deg=90.0, doppler_hz=-3.5, times=4)
    [seen] = read(LlrpDecoder("r1"), encode_report([observed], IMPINJ_FIELDS))
    assert (seen.rssi_dbm, seen.phase_deg, seen.doppler_hz, seen.times) == (-61.37, 90.0, -3.5, 4)


def test_the_phase_of_a_zebra_is_read_although_sllurp_does_not_know_it() -> None:
    phase = struct.pack(">HHIIh", 1023, 14, 161, 709, -0x4000)
    inside = encode_report([tag()])[14:] + phase
    [seen] = read(LlrpDecoder("r1"), framed(61, struct.pack(">HH", 240, 4 + len(inside)) + inside))
    assert seen.phase_deg == 270.0


def test_a_custom_parameter_of_any_vendor_is_passed_over() -> None:
    unknown = struct.pack(">HHII", 1023, 15, 9999, 1) + b"???"
    inside = encode_report([tag()])[14:] + unknown
    report = framed(61, struct.pack(">HH", 240, 4 + len(inside)) + inside + unknown)
    decoder = LlrpDecoder("r1")
    [seen] = read(decoder, report)
    assert (seen.epc, seen.phase_deg, decoder.oddities.total()) == (EPC.hex().upper(), None, 0)


def test_an_epc_spelt_in_ascii_is_one_of_96_bits_where_the_profile_says_so() -> None:
    spelt = tag(epc=EPC.hex().encode(), epc_bits=192)
    quirks = load_llrp_profile("zebra_fx9600").quirks
    assert read(LlrpDecoder("r1", quirks), encode_report([spelt]))[0].epc == EPC.hex().upper()
    assert read(LlrpDecoder("r1"), encode_report([spelt]))[0].epc == EPC.hex().encode().hex().upper()
    text = tag(epc=b"PALLET-0000000000000007!", epc_bits=192)
    assert read(LlrpDecoder("r1", quirks), encode_report([text]))[0].epc == text.epc.hex().upper()


def test_what_a_reader_leaves_out_is_as_before_where_the_profile_says_so() -> None:
    decoder = LlrpDecoder("r1", Quirks(omitted_means_last=True))
    read(decoder, encode_report([tag(antenna=3, rssi_dbm=-50)]), NOW_US)
    only_epc = ReportFields(
        antenna_id=False, peak_rssi=False, first_seen_timestamp=False, tag_seen_count=False
    )
    [seen] = read(decoder, encode_report([tag()], only_epc), NOW_US + 1000)
    assert (seen.antenna, seen.rssi_dbm) == (3, -50)
    assert decoder.oddities.total() == 0


def test_a_read_without_an_antenna_is_counted_and_not_guessed() -> None:
    decoder = LlrpDecoder("r1")
    fields = ReportFields(antenna_id=False)
    assert read(decoder, encode_report([tag()], fields)) == []
    assert dict(decoder.oddities) == {"reader_reads_without_antenna": 1}


def test_a_read_without_rssi_time_or_count_is_a_read_all_the_same() -> None:
    fields = ReportFields(peak_rssi=False, first_seen_timestamp=False, tag_seen_count=False)
    [seen] = read(LlrpDecoder("r1"), encode_report([tag()], fields), NOW_US + 5)
    assert math.isnan(seen.rssi_dbm)
    assert (seen.seen_us, seen.times) == (NOW_US + 5, 1)


def test_the_uptime_of_a_reader_without_a_clock_is_mapped_to_utc() -> None:
    decoder = LlrpDecoder("r1")
    stamping = Stamping(is_utc=False, shift_us=-NOW_US + 60_000_000)
    observed = [tag(NOW_US + 1000 * n) for n in range(3)]
    seen = read(decoder, encode_report(observed, stamping=stamping), NOW_US + 12_000)
    assert [each.seen_us - seen[0].seen_us for each in seen] == [0, 1000, 2000]
    assert seen[2].seen_us == NOW_US + 12_000
    assert decoder.clock_offset_us is None


def test_a_beam_is_an_input_that_changed_at_the_readers_time() -> None:
    event = element(
        "ReaderEventNotificationData",
        element("UTCTimestamp", Microseconds=NOW_US),
        element("GPIEvent", GPIPortNumber=2, GPIEvent=1),
    )
    data = encode_message(message("READER_EVENT_NOTIFICATION", event, message_id=3))
    decoder = LlrpDecoder("r1")
    assert decoder.take(data, NOW_US + 400) == [GpiChange(NOW_US + 400, "r1", 2, is_high=True)]


def test_other_messages_say_nothing_about_tags() -> None:
    decoder = LlrpDecoder("r1")
    assert [decoder.take(framed(kind, b""), NOW_US) for kind in (62, 900, 30)] == [[], [], []]
    assert decoder.oddities.total() == 0


REPORT: Final = encode_report([tag(), tag(epc=b"\x77" * 25, epc_bits=198), tag(antenna=2)], IMPINJ_FIELDS)


@given(st.integers(11, len(REPORT) - 1))
def test_a_report_cut_anywhere_is_counted_and_gives_no_phantom(length: int) -> None:
    cut = REPORT[:2] + struct.pack(">I", length) + REPORT[6:length]
    decoder = LlrpDecoder("r1")
    assert {each.epc for each in read(decoder, cut)} <= {EPC.hex().upper(), "77" * 24 + "74"}
    whole = {10 + sum(sizes[:n]) for n, sizes in ((n, _sizes()) for n in range(4))}
    assert decoder.oddities["reader_messages_malformed"] == (length not in whole)


def _sizes() -> list[int]:
    sizes, offset = [], 10
    while offset < len(REPORT):
        sizes.append(struct.unpack_from(">H", REPORT, offset + 2)[0])
        offset += sizes[-1]
    return sizes


@pytest.mark.parametrize("seed", range(40))
def test_garbled_messages_never_raise_and_the_next_one_is_read(seed: int) -> None:
    source = random.Random(seed)
    decoder = LlrpDecoder("r1")
    for _ in range(200):
        garbled = bytearray(REPORT)
        for _ in range(source.randint(1, 12)):
            garbled[source.randrange(10, len(garbled))] = source.randrange(256)
        taken: list[Seen] = decoder.take(bytes(garbled), NOW_US)
        assert all(isinstance(each, RawRead) and each.antenna >= 0 for each in taken)
    assert decoder.oddities["reader_messages_malformed"] > 0
    assert len(read(decoder, REPORT)) == 3


@pytest.mark.parametrize("seed", range(10))
def test_noise_in_the_place_of_a_body_never_raises(seed: int) -> None:
    source = random.Random(seed)
    decoder = LlrpDecoder("r1")
    for kind in (61, 63):
        for size in range(1, 120):
            assert decoder.take(framed(kind, source.randbytes(size)), NOW_US) is not None
    assert decoder.oddities["reader_messages_malformed"] > 100


def test_parameters_nested_without_end_are_malformed() -> None:
    body = b""
    for _ in range(3000):
        body = struct.pack(">HH", 246, 4 + len(body)) + body
    decoder = LlrpDecoder("r1")
    decoder.take(framed(63, body), NOW_US)
    assert decoder.oddities["reader_messages_malformed"] == 1
