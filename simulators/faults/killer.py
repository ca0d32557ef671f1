"""A seeded schedule of kills: who dies or freezes, when, and for how long."""

import random
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Blow(Enum):
    """What is done to a process."""

    KILL = signal.SIGKILL
    """It ends at once and is started again."""
    FREEZE = signal.SIGSTOP
    """It stops, keeps its connections, and goes on later."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One blow of a schedule."""

    after_s: float
    """Seconds since the blow before."""
    victim: str
    blow: Blow
    down_s: float
    """How long the victim stays down."""


@dataclass(frozen=True, slots=True)
class Cruelty:
    """How a schedule is drawn."""

    pause_s: float
    """Mean time between blows."""
    down_s: float
    """Mean time a victim stays down."""
    freeze_share: float = 0.1


def schedule(victims: Sequence[str], *, kills: int, cruelty: Cruelty, seed: int) -> Iterator[Kill]:
    """Draw a schedule in which every victim is hit about equally often.

    Args:
        victims: Names, at least one.
        kills: Number of blows.
        cruelty: Pauses and the share of freezes.
        seed: Fixes the schedule.

    Yields:
        The blows, in order.
    """
    rng = random.Random(seed)
    for n in range(kills):
        if n % len(victims) == 0:
            round_of = rng.sample(list(victims), len(victims))
        yield Kill(
            after_s=rng.expovariate(1 / cruelty.pause_s),
            victim=round_of[n % len(victims)],
            blow=Blow.FREEZE if rng.random() < cruelty.freeze_share else Blow.KILL,
            down_s=rng.expovariate(1 / cruelty.down_s),
        )
