"""What a layout reads of a report is what sllurp reads of it, whoever wrote it and whatever befell it."""

import random
import struct
from typing import Any, Final

import pytest

from edge_agent.readers.epc_digits import spell_epc, spell_epcs
from edge_agent.readers.llrp.layout import Columns, Layouts
from edge_agent.readers.llrp.messages import MalformedMessageError, decode_report
from simulators.llrp_reader.report import EVERY_FIELD, IMPINJ_FIELDS, Observation, ReportFields, encode_report
from tests.unit.edge_fuzz.mutation import damaged

NOW_US: Final = 1_772_431_200_000_000
ZEBRA_PHASE: Final = struct.pack(">HHIIh", 1023, 14, 161, 709, -0x4000)


def observed(source: random.Random, count: int, bits: int) -> list[Observation]:
    return [
        Observation(
            NOW_US + 900 * n,
            source.randrange(1, 9),
            source.randbytes((bits + 7) // 8),
            bits,
            source.uniform(-80.0, -20.0),
            source.uniform(0.0, 359.0),
            source.uniform(-30.0, 30.0),
            times=source.randrange(1, 5),
        )
        for n in range(count)
    ]


def framed(body: bytes) -> bytes:
    return struct.pack(">HII", 1 << 10 | 61, 10 + len(body), 0) + body


def zebras(report: bytes) -> bytes:
    """Write MotoTagPhase behind a report's only tag."""
    inside = report[14:] + ZEBRA_PHASE
    return framed(struct.pack(">HH", 240, 4 + len(inside)) + inside)


def reports(source: random.Random) -> list[bytes]:
    no_rssi = ReportFields(peak_rssi=False, first_seen_timestamp=False, tag_seen_count=False)
    made = [
        encode_report(observed(source, source.randrange(1, 20), bits), fields)
        for bits in (16, 96, 128, 192, 198)
        for fields in (ReportFields(), IMPINJ_FIELDS, EVERY_FIELD, no_rssi)
    ]
    return [*made, zebras(encode_report(observed(source, 1, 96), EVERY_FIELD))]


def by_sllurp(report: bytes) -> list[dict[str, Any]]:
    """Give what sllurp reads in the columns' words."""
    tags = decode_report(report)
    for tag in tags:
        tag["spelt"] = spell_epc(tag.pop("EPC"), tag.get("bits", 96), may_be_ascii=False)
        for vendors in tag.get("SllurpDecodeError", ()):
            tag["MotoTagPhase"] = int.from_bytes(vendors["Data"], "big", signed=True)
    return tags


def by_layout(columns: Columns, bits: int) -> list[dict[str, Any]]:
    spelt = spell_epcs(columns["EPC"], bits, may_be_ascii=False)
    rows = zip(*columns.values(), strict=True)
    return [
        {**dict(zip(columns, row, strict=True)), "spelt": epc} for row, epc in zip(rows, spelt, strict=True)
    ]


def check(layouts: Layouts, report: bytes) -> bool:
    """Compare, if the report has one layout; anything that it reads must be right."""
    read = layouts.read(report)
    if read is None:
        return False
    for mine, theirs in zip(by_layout(*read), by_sllurp(report), strict=True):
        del mine["EPC"]
        assert mine == {name: theirs[name] for name in mine}
    return True


def test_what_a_layout_reads_is_what_sllurp_reads() -> None:
    source, layouts = random.Random(1), Layouts()
    for report in (*reports(source), *reports(source)):
        assert check(layouts, report)


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_report_is_read_as_sllurp_reads_it_or_left_to_it(seed: int) -> None:
    source, layouts = random.Random(seed), Layouts()
    whole = reports(source)
    taken = 0
    for _ in range(2_000):
        harmed = framed(damaged(source.choice(whole)[10:], source))
        try:
            taken += check(layouts, harmed)
        except MalformedMessageError as error:
            pytest.fail(f"{harmed.hex()}: {error}")
    assert taken > 100
