"""A score counts topmost units: each true crossing once, and every posting that none of them explains."""

from typing import Any

from simulators.warehouse.dock.judge import judge

PALLET, OTHER, CASE = "31" + "0" * 22, "31" + "1" * 22, "30" + "0" * 22


def crossed(
    epc: str = PALLET, *, second: int = 30, portal: str = "dock-1", direction: str = "in"
) -> dict[str, Any]:
    return {
        "kind": "crossing",
        "epc": epc,
        "portal": portal,
        "direction": direction,
        "at": f"2026-03-02T06:10:{second:02d}Z",
        "begin_at": f"2026-03-02T06:10:{second - 10:02d}Z",
        "end_at": f"2026-03-02T06:10:{second + 10:02d}Z",
    }


def stray(epc: str = OTHER) -> dict[str, Any]:
    return {**crossed(epc), "kind": "parked", "direction": None, "at": None}


def decided(
    epc: str = PALLET,
    posted: str | None = "posted",
    *,
    second: int = 31,
    portal: str = "dock-1",
    direction: str = "in",
    confidence: float = 0.99,
) -> dict[str, Any]:
    line = {
        "kind": "crossing",
        "epc": epc,
        "portal": portal,
        "direction": direction,
        "confidence": confidence,
        "occurred_at": f"2026-03-02T06:10:{second:02d}Z",
        "because": None,
    }
    return line if posted is None else {**line, "posted": posted}


def figures(truth: list[dict[str, Any]], lines: list[dict[str, Any]]) -> dict[str, float]:
    found = judge(truth, [*lines, {"kind": "summary"}]).figures()
    return {name: value for name, value in found.items() if value and name != "truth"}


def test_the_right_portal_and_direction_are_right() -> None:
    assert figures([crossed()], [decided()]) == {"right": 1}


def test_another_direction_or_portal_is_wrong() -> None:
    assert figures([crossed()], [decided(direction="out")]) == {"wrong": 1}
    assert figures([crossed()], [decided(portal="dock-2")]) == {"wrong": 1}


def test_a_second_posting_of_one_crossing_is_false() -> None:
    assert figures([crossed()], [decided(), decided(second=35)]) == {"right": 1, "false_movements": 1}
    both = [decided(portal="dock-2", second=29), decided()]
    assert figures([crossed()], both) == {"right": 1, "false_movements": 1}


def test_a_posting_without_a_crossing_is_false() -> None:
    assert figures([stray()], [decided(OTHER)]) == {"false_movements": 1}
    assert figures([crossed()], [decided(), decided(CASE)]) == {"right": 1, "false_movements": 1}
    assert figures([crossed(second=12)], [decided(second=12), decided(second=58, direction="out")]) == {
        "right": 1,
        "false_movements": 1,
    }


def test_what_is_held_is_asked_of_a_person_whether_it_crossed_or_not() -> None:
    assert figures([crossed()], [decided(posted="held")]) == {"held": 1}
    assert figures([stray()], [decided(OTHER, posted="held")]) == {"held": 1}
    assert figures([crossed()], [decided(posted="held", second=29), decided()]) == {"right": 1, "held": 1}


def test_what_is_neither_posted_nor_held_is_missed() -> None:
    assert figures([crossed()], []) == {"missed": 1}
    assert figures([crossed()], [decided(posted="evidence")]) == {"missed": 1}


def test_a_unit_that_crossed_twice_needs_two_postings() -> None:
    truth = [crossed(second=15), crossed(second=45, direction="out")]
    assert figures(truth, [decided(second=15), decided(second=45, direction="out")]) == {"right": 2}
    assert figures(truth, [decided(second=15)]) == {"right": 1, "missed": 1}


def test_without_posting_rules_confidence_decides_for_topmost_units() -> None:
    truth = [crossed(), stray()]
    lines = [
        decided(posted=None),
        decided(CASE, posted=None),
        decided(OTHER, posted=None, confidence=0.6),
        decided(OTHER, posted=None, direction="undecided", confidence=0.1, second=40),
        decided(OTHER, posted=None, direction="stray", second=50),
    ]
    assert figures(truth, lines) == {"right": 1, "held": 2}


def test_every_count_but_right_is_explained() -> None:
    found = judge([crossed(), crossed(CASE), stray()], [decided(direction="out"), decided(OTHER)])
    assert sorted(line.split()[0] for line in found.oddities) == ["false", "missed", "wrong"]
