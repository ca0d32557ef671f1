"""F3: the wall clock steps, drifts and lies; the gateway notices and says so."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.occurrence import TimeBasis, effective_occurred_at
from edge_agent.clock import DISTRUST_NS, Clock, StepDetector

S = 1_000_000_000
START = 1_790_000_000 * S


@dataclass
class Hands:
    wall: int = START
    mono: int = 7 * S

    def advance(self, seconds: float) -> None:
        self.wall += int(seconds * S)
        self.mono += int(seconds * S)


def make(hands: Hands, *, synchronised: bool = True) -> Clock:
    return Clock(
        wall_ns=lambda: hands.wall,
        mono_ns=lambda: hands.mono,
        boot_id="boot-a",
        is_synchronised=lambda: synchronised,
    )


@pytest.mark.parametrize("step_s", [3600, -3600, 10 * 365 * 86_400, -START // S + 60, 1, -1])
def test_a_step_is_noticed_distrusted_for_a_minute_and_recorded_as_a_gap(step_s: int) -> None:
    hands = Hands()
    clock = make(hands)
    before = clock.now()
    hands.advance(5)
    hands.wall += step_s * S
    assert before.clock_ok
    assert not clock.now().clock_ok
    (opened,) = clock.take_gaps()
    assert (opened.from_at, opened.to_at) == (before.at, None)
    assert opened.step_s == pytest.approx(step_s)
    hands.advance(DISTRUST_NS / S)
    after = clock.now()
    if step_s > -START // S + 60:
        assert after.clock_ok
        (closed,) = clock.take_gaps()
        assert closed.to_at == max(after.at, before.at)
    else:
        assert not after.clock_ok, "1970 is never believed"


def test_jitter_and_slewing_are_not_steps() -> None:
    chance = random.Random(5)
    hands = Hands()
    clock = make(hands)
    for _ in range(10_000):
        hands.advance(0.01)
        true_wall = hands.wall
        hands.wall += chance.randint(-200_000_000, 200_000_000)
        assert clock.now().clock_ok
        hands.wall = true_wall + 5_000  # 500 ppm
    assert clock.steps == 0


def test_an_unsynchronised_clock_is_never_called_good() -> None:
    assert not make(Hands(), synchronised=False).now().clock_ok


def test_a_step_between_two_distant_readings_is_noticed() -> None:
    hands = Hands()
    clock = make(hands)
    clock.now()
    hands.advance(86_400)
    hands.wall += 3600 * S
    assert not clock.now().clock_ok


@given(
    st.lists(st.tuples(st.integers(1, 3600), st.integers(-(10**6), 10**6)), min_size=1, max_size=30),
)
def test_whatever_the_wall_clock_does_the_ledger_files_rows_within_a_second(
    moves: list[tuple[int, int]],
) -> None:
    hands = Hands()
    clock = make(hands)
    true_ns = hands.wall
    clock.now()
    for elapsed_s, step_s in moves:
        hands.advance(elapsed_s)
        true_ns += elapsed_s * S
        hands.wall += step_s * S
        stamp = clock.now()
        hands.advance(2)
        true_ns += 2 * S
        received_at = datetime.fromtimestamp(true_ns / S, UTC)
        effective = effective_occurred_at(
            claimed_at=stamp.at,
            clock_ok=stamp.clock_ok,
            mono_ns=stamp.mono_ns,
            boot_id="boot-a",
            sent_mono_ns=hands.mono,
            sent_boot_id="boot-a",
            received_at=received_at,
        )
        if effective.basis is TimeBasis.MONOTONIC:
            assert abs((received_at - effective.at).total_seconds() - 2) < 1
        hands.wall = true_ns
        clock.now()


def test_the_first_reading_is_no_step() -> None:
    assert StepDetector().observe(START, 5) == 0
