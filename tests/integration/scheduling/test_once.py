"""However many schedulers, killed in the middle, across clock changes: each slot has one effective run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.scheduling.world import ZONES, World, live_through, open_world

SPRING = datetime(2026, 3, 28, 12, 15, tzinfo=UTC), datetime(2026, 3, 30, 6, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, 15, tzinfo=UTC), datetime(2026, 10, 26, 6, tzinfo=UTC)


@pytest.mark.parametrize(("begin", "until"), [SPRING, AUTUMN], ids=["23 hours", "25 hours"])
def test_five_schedulers_killed_mid_job_run_each_slot_once_across_a_clock_change(
    database: object, tmp_path: Path, begin: datetime, until: datetime
) -> None:
    with open_world(database, tmp_path, seed=4) as world:
        live_through(world, begin, until, step=timedelta(hours=10), kills=2)
        judge(world, begin, until)
        assert world.killed >= 5


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_year_of_slots_has_one_effective_run_each(database: object, tmp_path: Path) -> None:
    begin, until = datetime(2026, 1, 1, 0, 15, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    with open_world(database, tmp_path, seed=5) as world:
        live_through(world, begin, until, step=timedelta(hours=10), kills=1)
        judge(world, begin, until)
        assert len(world.query("SELECT FROM effect")) > 5_000


def judge(world: World, begin: datetime, until: datetime) -> None:
    """Each job has one effect on each local day whose slot lies in the time lived through, and no other."""
    assert world.query("SELECT job, slot, count(*) FROM effect GROUP BY job, slot HAVING count(*) <> 1") == []
    assert world.query("SELECT job, slot, state, error FROM job_run WHERE state <> 'done'") == []
    days = world.query(
        "SELECT split_part(job, '/', 1), substr(job, strpos(job, '/') + 1) AS zone, "
        "array_agg((slot AT TIME ZONE substr(job, strpos(job, '/') + 1))::date::text ORDER BY slot) "
        "FROM effect GROUP BY job ORDER BY job"
    )
    assert len(days) == 3 * len(ZONES)
    for kind, zone, seen in days:
        hour = "12:00" if kind == "noon" else "02:30"
        expected = world.query(
            "SELECT array_agg(d::date::text ORDER BY d) FROM generate_series(%s::date - 1, %s::date + 1, "
            "INTERVAL '1 day') d WHERE (d::date + %s::time) AT TIME ZONE %s BETWEEN %s AND %s",
            begin,
            until,
            hour,
            zone,
            begin,
            until,
        )
        assert [(seen,)] == expected, (kind, zone)
