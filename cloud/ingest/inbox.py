"""What the broker delivered and nobody has read yet: bounded, a full one drops and counts."""

import threading
from collections import deque
from typing import Final

from cloud.ingest import counters
from cloud.ingest.arrival import Delivery

MAX_BYTES: Final = 64 * 1024 * 1024
"""Payload that unread deliveries may hold; the edge sends a dropped one again (FAULTS F5)."""
MAX_DELIVERIES: Final = 50_000
"""How many may wait, however small: each takes some 500 bytes beside its payload."""


class Inbox:
    """A queue from the network thread to the worker."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_deliveries: int = MAX_DELIVERIES) -> None:
        """Open it empty.

        Args:
            max_bytes: Most payload bytes held; > 0.
            max_deliveries: Most deliveries held; > 0.
        """
        self._max_bytes = max_bytes
        self._max_deliveries = max_deliveries
        self._held_bytes = 0
        self._waiting: deque[Delivery] = deque()
        self._changed = threading.Condition()

    def put(self, delivery: Delivery) -> None:
        """Add a delivery, or drop and count it when full; never blocks, never raises.

        Args:
            delivery: As the broker gave it.
        """
        with self._changed:
            is_too_many = len(self._waiting) >= self._max_deliveries
            if is_too_many or self._held_bytes + len(delivery.payload) > self._max_bytes:
                counters.DROPPED.inc()
                return
            self._waiting.append(delivery)
            self._held_bytes += len(delivery.payload)
            self._changed.notify()

    def take(self, *, max_deliveries: int, timeout_s: float) -> list[Delivery]:
        """Remove what is there, waiting for the first delivery only.

        Args:
            max_deliveries: Most to give; >= 1.
            timeout_s: How long to wait for the first one; >= 0.

        Returns:
            Deliveries in order of arrival; empty when none came.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), timeout_s)
            taken = [self._waiting.popleft() for _ in range(min(max_deliveries, len(self._waiting)))]
            self._held_bytes -= sum(len(delivery.payload) for delivery in taken)
            return taken
