"""A broker link that loses, doubles, delays and reorders publishes and their acknowledgements."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from simulators.faults.mqtt_packets import PacketSplitter, PacketType
from simulators.faults.proxy import Delivery, Filter

_AT_RISK: Final = frozenset({PacketType.PUBLISH, PacketType.PUBACK})


@dataclass(frozen=True, slots=True)
class Odds:
    """Probabilities in [0, 1], each judged by itself for every PUBLISH and PUBACK."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    """Held back by up to ``delay_s`` while later packets pass: also the way to reorder."""
    delay_s: float = 0.2


class LossyMqtt:
    """Judges one direction of one connection."""

    def __init__(self, odds: Callable[[], Odds], rng: random.Random) -> None:
        """Judge by odds.

        Args:
            odds: Gives the probabilities of the moment.
            rng: Source of every choice.
        """
        self._odds = odds
        self._rng = rng
        self._splitter = PacketSplitter()

    def feed(self, data: bytes) -> Sequence[Delivery]:
        """Take bytes that arrived; implements ``Filter``.

        Args:
            data: At least one byte.

        Returns:
            The packets that survive, twice where doubled.
        """
        return [
            Delivery(packet.raw, after_s)
            for packet in self._splitter.feed(data)
            for after_s in (self._fate() if packet.type in _AT_RISK else (0.0,))
        ]

    def _fate(self) -> tuple[float, ...]:
        drop, duplicate, delay, late_s = (self._rng.random() for _ in range(4))
        odds = self._odds()
        if drop < odds.drop:
            return ()
        after_s = late_s * odds.delay_s if delay < odds.delay else 0.0
        return (after_s, after_s) if duplicate < odds.duplicate else (after_s,)


class LossyLink:
    """Makes a pair of filters for each connection."""

    def __init__(self, odds: Odds, seed: int) -> None:
        """Judge every connection by the same odds.

        Args:
            odds: Probabilities.
            seed: Fixes the dice of the n-th connection.
        """
        self.odds = odds
        """Of every packet from now on; may be changed while connections are open."""
        self._seed = seed
        self._connections = 0

    def __call__(self) -> tuple[Filter, Filter]:
        """Make the filters of the next connection.

        Returns:
            Towards the broker, and back.
        """
        self._connections += 1
        there, back = (
            random.Random(f"{self._seed}/{self._connections}/{direction}") for direction in ("up", "down")
        )
        return LossyMqtt(lambda: self.odds, there), LossyMqtt(lambda: self.odds, back)
