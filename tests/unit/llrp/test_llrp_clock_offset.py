"""A clock is followed: late messages do not bend it, a set one is noticed, nothing is from the future."""

import random

import pytest

from edge_agent.readers.llrp.clock_offset import ClockOffset

START_US = 1_772_431_200_000_000
SECOND_US = 1_000_000


def follow(
    clock: ClockOffset, *, offset_us: float, from_s: float, seconds: float, seed: int = 1, ppm: float = 0.0
) -> list[int]:
    """Let messages arrive ten times a second, 2 to 30 ms late; give the error of each stamp, in µs."""
    source = random.Random(seed)
    errors = []
    for n in range(round(seconds * 10)):
        true_us = START_US + round((from_s + n / 10) * SECOND_US)
        stamp_us = true_us - round(offset_us + ppm * n / 10)
        errors.append(stamp_us + clock.observe(stamp_us, true_us + source.randint(2000, 30_000)) - true_us)
    return errors


def test_the_least_late_message_is_nearest_to_the_offset() -> None:
    clock = ClockOffset()
    errors = follow(clock, offset_us=7_200 * SECOND_US, from_s=0, seconds=30)
    assert errors[0] <= 30_000
    assert max(errors[100:]) <= 2600
    assert min(errors) >= 0
    assert clock.resets == 0


def test_a_message_that_was_held_up_changes_nothing() -> None:
    clock = ClockOffset()
    follow(clock, offset_us=0, from_s=0, seconds=10)
    before_us = clock.offset_us
    for late_s in (12, 9, 6, 3, 1):
        arrived_us = START_US + 25 * SECOND_US
        assert clock.observe(arrived_us - late_s * SECOND_US, arrived_us) == before_us
    assert clock.resets == 0


@pytest.mark.parametrize("step_s", [3600, 2, 0.7, -0.7, -2, -3600, -1_772_431_200])
def test_a_set_clock_is_measured_anew_within_three_seconds(step_s: float) -> None:
    clock = ClockOffset()
    follow(clock, offset_us=0, from_s=0, seconds=10)
    errors = follow(clock, offset_us=-step_s * SECOND_US, from_s=10, seconds=10)
    assert max(abs(error) for error in errors[35:]) <= 30_000
    assert clock.resets == 1


def test_a_drifting_clock_is_followed() -> None:
    clock = ClockOffset()
    errors = follow(clock, offset_us=0, from_s=0, seconds=1200, ppm=50)
    assert max(abs(error) for error in errors) <= 40_000
    errors = follow(clock, offset_us=0, from_s=1200, seconds=1200, ppm=-50)
    assert max(abs(error) for error in errors) <= 40_000
    assert clock.resets == 0
