"""What the broker delivered and nobody has read: bounded, the quick first, a full one drops and counts."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from cloud.ingest import counters
from cloud.ingest.arrival import Delivery

MAX_BYTES: Final = 64 * 1024 * 1024
"""Payload that unread deliveries may hold; the edge sends a dropped one again (FAULTS F5)."""
MAX_DELIVERIES: Final = 50_000
"""How many may wait, however small: each takes some 500 bytes beside its payload."""
BULK_SHARE: Final = 0.875
"""Of the room that what is not quick may take, so that what is finds some."""


class Inbox:
    """A queue from the network thread to the worker."""

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        max_deliveries: int = MAX_DELIVERIES,
        *,
        is_quick: Callable[[Delivery], bool] = lambda _: True,
    ) -> None:
        """Open it empty.

        Args:
            max_bytes: Most payload bytes held; > 0.
            max_deliveries: Most deliveries held; > 0.
            is_quick: Which deliveries go before others; by default all are in one line.
        """
        self._is_quick = is_quick
        self._max_bytes = max_bytes
        self._max_deliveries = max_deliveries
        self._held_bytes = 0
        self._quick: deque[Delivery] = deque()
        self._bulk: deque[Delivery] = deque()
        self._changed = threading.Condition()

    @property
    def fullness(self) -> float:
        """How much of its room is taken, from 0 to 1."""
        held = len(self._quick) + len(self._bulk)
        return max(self._held_bytes / self._max_bytes, held / self._max_deliveries)

    def put(self, delivery: Delivery) -> None:
        """Add a delivery, or drop and count it when full; never blocks, never raises.

        Args:
            delivery: As the broker gave it.
        """
        size = len(delivery.payload)
        is_quick = self._is_quick(delivery)
        share = 1.0 if is_quick else BULK_SHARE
        with self._changed:
            is_too_many = len(self._quick) + len(self._bulk) >= self._max_deliveries * share
            if is_too_many or self._held_bytes + size > self._max_bytes * share:
                counters.DROPPED.inc()
                return
            (self._quick if is_quick else self._bulk).append(delivery)
            self._held_bytes += size
            self._changed.notify()

    def take(self, *, max_deliveries: int, max_bytes: int = MAX_BYTES, timeout_s: float) -> list[Delivery]:
        """Remove what is there, the quick first, waiting for the first one only.

        Args:
            max_deliveries: Most to give; >= 1.
            max_bytes: Most payload to give; one of each kind that waits is always given.
            timeout_s: How long to wait for the first one; >= 0.

        Returns:
            Deliveries, of each kind in order of arrival; empty when none came.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._quick or self._bulk), timeout_s)
            taken: list[Delivery] = []
            room = max_bytes
            for waiting in (self._quick, self._bulk):
                is_first = True
                while waiting and (
                    is_first or (len(taken) < max_deliveries and len(waiting[0].payload) <= room)
                ):
                    taken.append(waiting.popleft())
                    room -= len(taken[-1].payload)
                    is_first = False
            self._held_bytes -= max_bytes - room
            return taken
