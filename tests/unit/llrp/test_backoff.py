"""Tried again for ever: at once at first, never later than a tenth of the absence, by chance apart."""

import random

from edge_agent.readers.backoff import Backoff


def tries(away_s: float, seed: int) -> list[float]:
    """Give when a reader that is away so long is tried."""
    source, at_s, made, backoff = random.Random(seed), 0.0, list[float](), Backoff()
    while at_s < away_s:
        at_s += backoff.wait_s(at_s, source.random())
        made.append(at_s)
    return made


def test_it_begins_at_fifty_milliseconds_and_ends_at_thirty_seconds() -> None:
    backoff = Backoff()
    assert backoff.wait_s(0, 1.0) == 0.05
    assert [backoff.wait_s(away_s, 1.0) for away_s in (1, 60, 300, 86_400)] == [0.1, 6.0, 30.0, 30.0]
    assert [backoff.wait_s(away_s, 0.0) for away_s in (0, 60, 86_400)] == [0.025, 3.0, 15.0]


def test_a_reader_that_is_back_within_two_minutes_is_tried_within_fifteen_seconds() -> None:
    for away_s in (0.1, 1, 10, 60, 120):
        for seed in range(50):
            assert tries(away_s, seed)[-1] - away_s <= min(15.0, 0.1 * away_s + 0.05)


def test_a_reader_that_was_away_for_a_day_is_still_tried() -> None:
    made = tries(86_400, 1)
    assert made[-1] >= 86_400
    assert 2900 < len(made) < 6500


def test_readers_behind_one_switch_come_back_apart() -> None:
    first = sorted(tries(60, seed)[-1] for seed in range(200))
    assert first[-1] - first[0] > 2.0
