"""The door of demand goes on after an error that nobody foresaw."""

import threading

import pytest

from cloud.ingest import demand_door
from cloud.ingest.demand_door import DemandDoor
from tests.patience import PATIENCE_S


class Breaking(DemandDoor):
    """Breaks once."""

    looks = 0
    looked_again = threading.Event()

    def _is_ours(self) -> bool:
        self.looks += 1
        if self.looks == 1:
            raise KeyError("nobody foresaw this")
        self.looked_again.set()
        return False


def test_an_error_that_nobody_foresaw_does_not_end_the_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand_door, "LOOK_EVERY_S", 0.001)
    door = Breaking(dsn="", broker_url="")
    door.start()
    try:
        assert door.looked_again.wait(PATIENCE_S)
    finally:
        door.close()
