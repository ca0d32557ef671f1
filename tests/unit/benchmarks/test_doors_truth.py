"""What doors' weights are fitted on: reads that a crowd would have left out are left out, alike each time."""

import random

from benchmarks.doors_truth import thinned
from edge_agent.readers.raw_read import GpiChange, RawRead, Seen

TOP, CASE = "31D6450E2C13F1E9CF000000", "3056450E2C61AB4033310F77"


def crowd() -> list[Seen]:
    beam = GpiChange(reader="r1", port=1, is_high=True, seen_us=0)
    reads = [
        RawRead(reader="r1", antenna=1, epc=epc, seen_us=at_us, rssi_dbm=-50.0)
        for at_us in range(2000)
        for epc in (TOP, CASE)
    ]
    return [beam, *reads]


def test_a_crowd_leaves_a_share_of_each_tags_reads_in_their_order_and_all_that_beams_say() -> None:
    seen = crowd()
    left = thinned(seen, {TOP}, random.Random(3))
    of_top = sum(isinstance(each, RawRead) and each.epc == TOP for each in left)
    of_case = sum(isinstance(each, RawRead) and each.epc == CASE for each in left)
    assert 0.02 * 2000 < of_top < 0.65 * 2000
    assert 0.3 * 2000 < of_case < 0.4 * 2000
    assert left[0] == seen[0]
    assert left == sorted(left, key=seen.index)
    assert left == thinned(seen, {TOP}, random.Random(3))
