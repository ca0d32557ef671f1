from datetime import UTC, datetime, timedelta

from contracts.vocabulary import GapCause
from edge_agent.clock import ClockGap, Stamp
from edge_agent.coverage import Coverage

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def stamp(seconds: float) -> Stamp:
    return Stamp(START + timedelta(seconds=seconds), int(seconds * 1e9), "boot-a", clock_ok=True)


def observe(
    coverage: Coverage, seconds: float, *, is_open: bool = True, is_full: bool = False
) -> list[tuple]:
    found = coverage.observe(stamp(seconds), is_open={"scan-1": is_open}, is_full=is_full, clock_gaps=())
    return [(d.record.gap_device, d.record.cause, d.record.from_at, d.record.to_at) for d in found]


def test_a_scanner_that_is_away_is_told_once_and_again_when_it_is_back() -> None:
    coverage = Coverage("gw-1")
    assert observe(coverage, 0) == []
    assert observe(coverage, 10, is_open=False) == []
    gone_at = START + timedelta(seconds=10)
    assert observe(coverage, 16, is_open=False) == [("scan-1", GapCause.DOWN, gone_at, None)]
    assert observe(coverage, 60, is_open=False) == []
    back_at = START + timedelta(seconds=70)
    assert observe(coverage, 70) == [("scan-1", GapCause.DOWN, gone_at, back_at)]
    assert observe(coverage, 80) == []


def test_a_moment_without_a_scanner_is_no_gap() -> None:
    coverage = Coverage("gw-1")
    observe(coverage, 0, is_open=False)
    assert observe(coverage, 3) == []


def test_a_full_outbox_is_a_gap_once_it_can_be_written() -> None:
    coverage = Coverage("gw-1")
    assert observe(coverage, 0, is_full=True) == []
    assert observe(coverage, 30, is_full=True) == []
    assert observe(coverage, 40) == [("gw-1", GapCause.FULL, START, START + timedelta(seconds=40))]


def test_a_clock_that_went_back_gives_a_gap_that_does_not_end_before_it_begins() -> None:
    gap = ClockGap(START, START - timedelta(hours=1), -3600)
    (found,) = Coverage("gw-1").observe(stamp(0), is_open={}, is_full=False, clock_gaps=[gap])
    assert (found.record.from_at, found.record.to_at) == (START, START)
    assert found.record.cause is GapCause.CLOCK


def test_what_came_too_late_is_a_gap_of_its_reader() -> None:
    begin, end = START, START + timedelta(seconds=3)
    gap = Coverage("gw-1").was_late("r1", begin, end, stamp(30)).record
    assert (gap.gap_device, gap.cause, gap.from_at, gap.to_at) == ("r1", GapCause.SILENT, begin, end)
