"""The doors drive their light stack: what they decide, what they lose, and what they cannot store."""

from pathlib import Path
from typing import Any

import pytest

from edge_agent import floor as floors
from edge_agent.config.settings import AgentSettings
from edge_agent.decode.tag_role import TagRoles, TagRules
from edge_agent.doors.assignments import Assignments
from edge_agent.doors.door import Doors
from edge_agent.filters.site import Portal
from edge_agent.readers.llrp.listener import ReaderCounters
from tests.integration.doors.conftest import until
from tests.integration.doors.test_door_thread import PORTAL, Shelf, Watch, pallets

LIGHTS = {"idle_gpo": 1, "in_gpo": 2, "out_gpo": 3, "undecided_gpo": 4, "error_gpo": 5, "seconds": 60}


def test_a_light_stack_follows_decisions_readers_and_the_outbox(tmp_path: Path) -> None:
    shelf, watch, lit = Shelf(), Watch(), set[int]()

    def set_gpo(_reader: str, port: int, is_on: bool) -> None:  # noqa: FBT001  a reader's own order
        (lit.add if is_on else lit.discard)(port)

    portal = Portal.model_validate(PORTAL.model_dump(exclude_defaults=True) | {"feedback": LIGHTS})
    assignments = Assignments(tmp_path / "assignments.json", "leeds")
    doors = Doors((portal,), TagRoles(TagRules()), assignments, shelf, watch.clock(), set_gpo=set_gpo)
    doors.start()
    try:
        until(lambda: lit == {5}, "no reader is heard yet")
        doors.silent("r1")
        until(lambda: lit == {1}, "the reader is there, and nothing happens")
        shelf.is_full = True
        doors.take(pallets(1))
        watch.at_us += 60_000_000
        until(lambda: lit == {5}, "nothing can be stored")
        shelf.is_full = False
        until(lambda: len(lit & {2, 3, 4}) == 1 and 5 not in lit, "it is stored, and its way is shown")
        doors.gone("r1")
        until(lambda: 5 in lit, "the reader is lost")
    finally:
        doors.stop()
    assert lit == set()


class Outputs:
    """A reader that is nothing but its outputs, and can drive none once it was let go."""

    def __init__(self, settings: Any, _listener: Any, lit: set[int]) -> None:
        self.id, self.counters, self._lit = settings.id, ReaderCounters(), lit
        self._is_there = True

    def start(self) -> None:
        self._is_there = True

    def stop(self) -> None:
        self._is_there = False

    def set_gpo(self, port: int, on: bool) -> None:  # noqa: FBT001  a reader's own order
        if self._is_there:
            (self._lit.add if on else self._lit.discard)(port)


def test_a_door_that_changes_leaves_no_lamp_lit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lit = {2, 5}  # by an agent that was killed
    monkeypatch.setattr(floors, "LlrpReader", lambda settings, listener: Outputs(settings, listener, lit))
    portal = PORTAL.model_dump(exclude_defaults=True) | {"feedback": LIGHTS}

    def settings(portal: dict[str, Any]) -> AgentSettings:
        return AgentSettings.model_validate(
            {
                "site": "leeds",
                "gateway": "g1",
                "broker_url": "mqtt://u:p@127.0.0.1:1",
                "outbox": tmp_path / "outbox.db",
                "reader": [{"id": "r1", "host": "192.0.2.9", "profile": "impinj_r700"}],
                "portal": [portal],
            }
        )

    floor = floors.Floor(settings(portal), Shelf(), Watch().clock(), lambda _unit: None)
    floor.start()
    try:
        until(lambda: lit == {5}, "no reader is heard yet, and what was lit before is out")
        readers = floor._readers.members()
        floor.apply(settings(PORTAL.model_dump(exclude_defaults=True)))
        assert lit == set()
        assert floor._readers.members() == readers, "what did not change stays connected"
    finally:
        floor.stop()
