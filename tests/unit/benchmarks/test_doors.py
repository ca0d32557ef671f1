"""The figures of doors: what counts as right, wrong and held, and what a confidence was worth."""

import pytest

from benchmarks.doors import Tally, add_world, told_units

TRULY = {
    "unit": None,
    "portal": "dock-1",
    "visit": "V-1",
    "begin_at": "2026-03-02T06:00:00Z",
    "end_at": "2026-03-02T06:00:20Z",
    "at": "2026-03-02T06:00:10Z",
}


def truly(epc: str, kind: str = "crossing", direction: str | None = "in") -> dict[str, object]:
    return TRULY | {"epc": epc, "kind": kind, "direction": direction}


def line(epc: str, direction: str, confidence: float, posted: str, at: str = "06:00:11") -> dict[str, object]:
    return {
        "kind": "crossing",
        "epc": epc,
        "portal": "dock-1",
        "direction": direction,
        "confidence": confidence,
        "occurred_at": f"2026-03-02T{at}Z",
        "posted": posted,
        "because": None,
    }


TRUTH = [{"kind": "world"}, truly("A1"), truly("B2"), truly("C3"), truly("D4", "parked", None)]
LINES = [
    line("A1", "in", 0.999, "posted"),
    line("B2", "out", 0.96, "posted"),
    line("D4", "in", 0.8, "held"),
    line("C3", "stray", 0.9, "evidence"),
    line("EE", "in", 0.99, "evidence"),
]


def test_f1_counts_the_decided_and_holds_are_apart() -> None:
    tally = Tally()
    add_world(tally, (TRUTH, LINES))
    assert (tally.truth, tally.right, tally.wrong, tally.false_movements) == (3, 1, 1, 0)
    assert (tally.held, tally.missed) == (1, 1)
    assert tally.f1 == pytest.approx(2 / (2 + 1 + 1 + 1))
    assert tally.share(tally.wrong) == pytest.approx(1 / 3)


def test_what_a_confidence_was_worth_is_of_units_that_were_told_a_way() -> None:
    assert told_units(TRUTH, LINES) == [(0.999, True), (0.96, False), (0.8, False)]
    tally = Tally(told=told_units(TRUTH, LINES))
    assert tally.reliability()[0.75] == (3, pytest.approx(1 / 3))
    assert tally.reliability()[0.98] == (1, 1.0)
    assert tally.worst_shortfall() == pytest.approx(0.8 - 1 / 3)


def test_a_telling_at_another_time_is_none_of_a_crossing() -> None:
    late = [line("A1", "in", 0.99, "posted", at="06:02:00")]
    assert told_units(TRUTH, late) == [(0.99, False)]
