"""A light stack shows one thing at a time: what was decided last, what is wrong, or that nothing happens."""

from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.doors.light_stack import EVERYWHERE, LightStacks
from edge_agent.filters.site import Portal

COLOURS = {"idle_gpo": 1, "in_gpo": 2, "out_gpo": 3, "undecided_gpo": 4, "error_gpo": "r2:1"}


def portal(**changes: Any) -> Portal:
    fields = {
        "id": "dock-1",
        "kind": "two_sided",
        "inside": ["r1:1"],
        "outside": ["r1:2"],
        "inside_location": "STAGE-1",
        "outside_location": "@clearing/dock-1",
        "feedback": COLOURS,
    }
    return Portal.model_validate(fields | changes)


class Lamps:
    """Outputs that remember what they are."""

    def __init__(self, *portals: Portal) -> None:
        self.lit: set[str] = set()
        self.written = 0
        self.stacks = LightStacks(portals, self._set)

    def _set(self, reader: str, port: int, is_on: bool) -> None:  # noqa: FBT001  a reader's own order
        self.written += 1
        (self.lit.add if is_on else self.lit.discard)(f"{reader}:{port}")


def test_it_shows_what_was_decided_for_a_moment_and_then_that_nothing_happens() -> None:
    lamps = Lamps(portal())
    lamps.stacks.tick(0.0)
    assert lamps.lit == {"r2:1"}  # no reader was heard yet
    lamps.stacks.fault("r1", is_there=False)
    lamps.stacks.tick(0.1)
    assert lamps.lit == {"r1:1"}
    lamps.stacks.show("dock-1", "in", 1.0)
    assert lamps.lit == {"r1:2"}
    lamps.stacks.show("dock-1", "undecided", 1.5)
    lamps.stacks.tick(2.2)
    assert lamps.lit == {"r1:4"}
    lamps.stacks.tick(2.5)
    assert lamps.lit == {"r1:1"}
    lamps.stacks.show("dock-1", "out", 3.0)
    assert lamps.lit == {"r1:3"}
    written = lamps.written
    for tenth in range(9):
        lamps.stacks.tick(3.0 + tenth / 10)
    assert lamps.written == written  # a reader is told changes only
    lamps.stacks.all_off()
    assert lamps.lit == set()


def test_what_an_agent_before_left_lit_goes_out() -> None:
    lamps = Lamps(portal())
    lamps.lit = {"r1:1", "r1:2", "r1:3", "r1:4", "r2:1"}
    lamps.stacks.tick(0.0)
    assert lamps.lit == {"r2:1"}


def test_a_reader_that_takes_the_place_of_another_is_told_what_is_to_be_lit() -> None:
    lamps = Lamps(portal())
    lamps.stacks.fault("r1", is_there=False)
    lamps.stacks.tick(0.0)
    lamps.lit = {"r1:3", "r2:1"}  # as the new reader's outputs happen to be
    lamps.stacks.tick(0.1)
    lamps.stacks.connected("r1")
    lamps.stacks.tick(0.2)
    assert lamps.lit == {"r1:1", "r2:1"}  # r2 was connected all the time
    lamps.stacks.connected("r2")
    lamps.stacks.tick(0.3)
    assert lamps.lit == {"r1:1"}


def test_what_is_wrong_stays_lit_until_all_of_it_is_right() -> None:
    lamps = Lamps(portal())
    lamps.stacks.fault("r1", is_there=False)
    lamps.stacks.fault("r1", is_there=True)
    lamps.stacks.fault(EVERYWHERE, is_there=True)
    lamps.stacks.fault("r9", is_there=True)  # of another door
    lamps.stacks.show("dock-1", "in", 1.0)
    assert lamps.lit == {"r1:2", "r2:1"}
    lamps.stacks.fault("r1", is_there=False)
    lamps.stacks.tick(5.0)
    assert lamps.lit == {"r2:1"}
    lamps.stacks.fault(EVERYWHERE, is_there=False)
    lamps.stacks.tick(5.1)
    assert lamps.lit == {"r1:1"}


def test_a_portal_without_a_stack_lights_nothing() -> None:
    for plain in (portal(feedback=None), portal(feedback={"ok_gpo": 1})):
        lamps = Lamps(plain)
        lamps.stacks.show("dock-1", "in", 1.0)
        lamps.stacks.tick(2.0)
        assert lamps.written == 0


def test_outputs_are_named_once_each() -> None:
    assert portal().outputs == ("r1:1", "r1:2", "r1:3", "r1:4", "r2:1")
    with pytest.raises(ValidationError, match="in_gpo and out_gpo are both '2', expected two outputs"):
        portal(feedback={"in_gpo": 2, "out_gpo": 2})
    with pytest.raises(ValidationError, match="feedback lights nothing, expected one of ok_gpo, wrong_gpo"):
        portal(feedback={})
