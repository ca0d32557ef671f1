"""A link that breaks in the ways TCP links do: reset, stall, half-close, crumbs."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.faults.proxy import Delivery, Ending, Filter


@dataclass(frozen=True, slots=True)
class Breakage:
    """How each connection fares; the byte at which it breaks is drawn for each direction."""

    ending: Ending | None = None
    """None: it never breaks."""
    after_bytes: int = 4096
    """It breaks after this many bytes at most."""
    crumb_bytes: int = 0
    """Above 0, data is passed on in pieces of at most so many bytes, each a separate write."""


class BrokenTcp:
    """Judges one direction of one connection."""

    def __init__(self, breakage: Breakage, rng: random.Random) -> None:
        """Draw where the connection breaks.

        Args:
            breakage: How.
            rng: Source of every choice.
        """
        self._breakage = breakage
        self._rng = rng
        self._left = rng.randrange(breakage.after_bytes) if breakage.ending else None

    def feed(self, data: bytes) -> Sequence[Delivery]:
        """Take bytes that arrived; implements ``Filter``.

        Args:
            data: At least one byte.

        Returns:
            What still passes; the last piece may be cut short and end the connection.
        """
        if self._left is None:
            return self._crumbs(data)
        passing, self._left = data[: self._left], self._left - len(data)
        if self._left > 0:
            return self._crumbs(passing)
        self._left = 0
        return [*self._crumbs(passing), Delivery(b"", ending=self._breakage.ending)]

    def _crumbs(self, data: bytes) -> list[Delivery]:
        if not self._breakage.crumb_bytes:
            return [Delivery(data)]
        pieces: list[Delivery] = []
        while data:
            size = self._rng.randint(1, self._breakage.crumb_bytes)
            pieces.append(Delivery(data[:size]))
            data = data[size:]
        return pieces


class BrokenLink:
    """Makes a pair of filters for each connection."""

    def __init__(self, breakage: Breakage, *, seed: int) -> None:
        """Break every connection the same way, at drawn bytes.

        Args:
            breakage: How.
            seed: Fixes the dice of the n-th connection.
        """
        self._breakage = breakage
        self._seed = seed
        self._connections = 0

    def __call__(self) -> tuple[Filter, Filter]:
        """Make the filters of the next connection.

        Returns:
            Towards the upstream, and back.
        """
        self._connections += 1
        there, back = (
            random.Random(f"{self._seed}/{self._connections}/{direction}") for direction in ("up", "down")
        )
        return BrokenTcp(self._breakage, there), BrokenTcp(self._breakage, back)
