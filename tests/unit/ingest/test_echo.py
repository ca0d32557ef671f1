"""When ingest calls to itself through the broker, and when it gives a connection up."""

import pytest

from cloud.ingest.echo import DEAF_AFTER_S, EVERY_S, Echo


def test_a_call_is_due_at_once_and_then_once_a_period() -> None:
    echo = Echo(heard_s=100.0)
    asked_at = [100.0 + tick / 10 for tick in range(100)]
    calls = [now for now in asked_at if echo.is_due(now)]
    assert calls == pytest.approx([100.0, 100.0 + EVERY_S, 100.0 + 2 * EVERY_S, 100.0 + 3 * EVERY_S])


def test_an_echo_keeps_the_connection_and_its_absence_ends_it() -> None:
    echo = Echo(heard_s=0.0)
    assert not echo.is_deaf(DEAF_AFTER_S)
    echo.heard_s = 7.0
    assert not echo.is_deaf(7.0 + DEAF_AFTER_S)
    assert echo.is_deaf(7.1 + DEAF_AFTER_S)


def test_three_lost_calls_in_a_row_do_not_end_a_connection() -> None:
    assert DEAF_AFTER_S > 3 * EVERY_S
