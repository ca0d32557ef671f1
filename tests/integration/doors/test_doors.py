"""A pallet passes a simulated reader; what the agent stores, lights and says is looked at from outside."""

import json
import urllib.request

from contracts.records import Crossing, UnitPosition
from edge_agent.decode.epc import decode_epc
from tests.integration.doors.conftest import PALLET, Dock, assignment, now_us, until, visit, walk

SSCC = decode_epc(PALLET).sscc or ""


def test_a_pallet_that_comes_in_is_one_crossing_and_one_position(dock: Dock) -> None:
    agent = dock.start()
    agent.assign(assignment(1, [visit("V-1", "dock-1", "inbound", [SSCC])]))
    until(lambda: dock.reader.is_reporting, "the reader reports")
    dock.reader.report(walk([PALLET], begin_us=now_us() - 3_000_000))
    until(lambda: bool(dock.of(UnitPosition)), "a unit position is stored")
    (position,) = dock.of(UnitPosition)
    (crossing,) = dock.of(Crossing)
    assert isinstance(position, UnitPosition)
    assert isinstance(crossing, Crossing)
    assert (position.unit, position.location, position.from_location) == (SSCC, "STAGE-1", "@clearing/V-1")
    assert position.evidence_id == crossing.evidence_id
    assert (crossing.posted, crossing.because, crossing.visit, crossing.reads) == ("posted", None, "V-1", 120)
    with urllib.request.urlopen(f"http://127.0.0.1:{dock.page_port}/status.json") as answer:
        said = json.load(answer)
    assert said
