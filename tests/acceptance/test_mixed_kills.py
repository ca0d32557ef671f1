"""Edge, ingest, broker without memory and database die at random, and the ledger equals the truth (FAULTS F4, F9)."""

from collections.abc import Callable

import pytest

from benchmarks.mayhem import unleash
from benchmarks.stage import Stage
from simulators.faults.killer import Cruelty, schedule

VICTIMS = ("ingest-1", "ingest-2", "broker", "postgres")


@pytest.mark.timeout(150)
def test_sixty_kills_lose_nothing_and_double_nothing(make_stage, stream, check) -> None:
    stage = make_stage()
    running = stream(stage.gateways_url, rate=300, seconds=45)
    cruelty = Cruelty(pause_s=0.4, down_s=0.3)
    assert unleash(stage, schedule(VICTIMS, kills=60, cruelty=cruelty, seed=60)) == 60
    report = running.finish(within_s=60)
    assert report["acknowledged_rows"] == report["records"]
    check(stage, running.truth)
