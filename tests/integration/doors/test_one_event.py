"""D3 with everything real: a reader, a scanner on a pseudo-terminal, and the outbox they share."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.records import Record
from simulators.scanner.device import LineStyle, PtyScanner
from simulators.warehouse.dock import epc
from tests.integration.doors.conftest import Dock, assignment, until, visit, walk

_BODY = "09506000000000123"
SSCC = _BODY + epc.check_digit(_BODY)
CASE, ITEM = (body + epc.check_digit(body) for body in ("1950600013435", "0950600013435"))
PALLET = epc.sscc96(SSCC, 7).hex()
CONTENT = [
    epc.sgtin96(gtin, 7, serial, filter_value=level).hex()
    for gtin, count, level in ((CASE, 40, 2), (ITEM, 480, 1))
    for serial in range(count)
]
WORKFLOW = """
[[scanner]]
id = "scan-1"
port = "{port}"
profile = "generic_terminal"

[workflow]
staging = "STAGE-1"
returns = "RETURNS"
badge_required = false
"""


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[PtyScanner]:
    with PtyScanner(tmp_path / "scanner", LineStyle.of_profile("generic_terminal")) as device:
        yield device


def declared() -> list[dict[str, object]]:
    one = visit("V-1", "dock-1", "inbound", [SSCC])
    named = {"identifier": {"scheme": "gtin", "value": CASE}, "quantity": 40, "levels": [ITEM, CASE]}
    return [one | {"lines": [line | named for line in one["lines"]]}]


def decided(dock: Dock) -> int:
    counters = dock.counters()
    return sum(counters.get(f"crossings_{outcome}", 0) for outcome in ("posted", "held", "evidence"))


def kinds(records: list[Record]) -> Counter[str]:
    return Counter(record.kind for record in records)


@pytest.mark.parametrize("hand_is_first", [False, True])
def test_a_pallet_with_forty_cases_and_480_items_that_is_scanned_too_is_one_position(
    dock: Dock, scanner: PtyScanner, tmp_path: Path, *, hand_is_first: bool
) -> None:
    dock.write(WORKFLOW.format(port=tmp_path / "scanner"))
    dock.start().assign(assignment(1, declared()))
    until(lambda: dock.reader.is_reporting and b"resume" in scanner.hear(), "reader and scanner are there")

    def scan_by_hand() -> None:
        for text in ("]C0$RECEIVE/ASN-1", f"]C100{SSCC}", "]C0$DONE"):
            scanner.scan(text)
        until(lambda: kinds(dock.records())["workflow_event"] >= 2, "the scans are stored")

    def pass_the_door() -> None:
        dock.play([*walk([PALLET]), *walk(CONTENT, every=10)])
        until(lambda: decided(dock) >= 521, "every tag is decided")

    for act in (scan_by_hand, pass_the_door) if hand_is_first else (pass_the_door, scan_by_hand):
        act()
    found = kinds(dock.records())
    assert (found["crossing"], found["unit_position"], found["movement"]) == (521, 1, 0)
    assert dock.page()["visits"] == {"dock-1": "V-1: seen 1 of 1"}
