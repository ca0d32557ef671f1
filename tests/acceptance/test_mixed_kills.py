"""Edges, ingest, broker and database die at random; the ledger equals the truth (F1, F4, F9, F14)."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.mayhem import unleash
from simulators.faults.killer import Cruelty, schedule
from tests.patience import PATIENCE_S

VICTIMS = ("edge-1", "ingest-1", "broker", "edge-2", "ingest-2", "postgres")
CRUELTY = Cruelty(pause_s=0.4, down_s=0.25)


def survive(system: Callable[..., Any], *, kills: int, seed: int, seconds: float) -> None:
    running = system()
    running.add_edges()
    streaming = running.stream(rate=200, seconds=seconds)
    scanning = running.scan(rate=60, seconds=seconds)
    assert unleash(running.stage, schedule(VICTIMS, kills=kills, cruelty=CRUELTY, seed=seed)) == kills
    scanned = scanning.finish(within_s=seconds + PATIENCE_S)
    streamed = streaming.finish(within_s=seconds + PATIENCE_S)
    assert streamed["acknowledged_rows"] == streamed["records"]
    assert scanned["hosts_resumed"] > 2
    running.drain(within_s=PATIENCE_S)
    running.check()


def test_sixty_kills_lose_nothing_and_double_nothing(system: Callable[..., Any]) -> None:
    survive(system, kills=60, seed=60, seconds=40)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_kills_lose_nothing_and_double_nothing(system: Callable[..., Any]) -> None:
    survive(system, kills=1000, seed=1000, seconds=800)
