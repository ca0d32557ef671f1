"""Time goes on for doors only as far as every reader that is there has been heard."""

from edge_agent.doors.horizon import LATE_US, REPORT_US, STALE_US, Horizon

NOW = 1_772_438_400_000_000


def test_without_readers_time_goes_by_the_clock() -> None:
    assert Horizon().at(NOW) == NOW - LATE_US


def test_a_reader_whose_reports_are_taken_late_holds_time_back() -> None:
    horizon = Horizon()
    horizon.read("r1", NOW - 5_000_000)
    horizon.silent("r2", NOW)
    assert horizon.at(NOW) == NOW - 5_000_000 - REPORT_US
    horizon.silent("r1", NOW)
    assert horizon.at(NOW) == NOW - LATE_US


def test_a_reader_that_is_gone_or_was_never_heard_again_holds_nobody_up() -> None:
    horizon = Horizon()
    horizon.read("r1", NOW - 5_000_000)
    assert horizon.at(NOW + STALE_US) == NOW + STALE_US - LATE_US
    horizon.gone("r1")
    assert horizon.at(NOW) == NOW - LATE_US


def test_a_reader_ahead_of_the_clock_does_not_drive_it() -> None:
    horizon = Horizon()
    horizon.read("r1", NOW + 10_000_000)
    assert horizon.at(NOW) == NOW - LATE_US
