"""What scanners and doors hand over: a device's state and its records in, durable together on return."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from contracts.records import RowRef
from edge_agent.outbox.draft import Draft
from edge_agent.outbox.errors import OutboxError
from edge_agent.outbox.outbox import Outbox


class OutboxJournal:
    """Makes a device's work durable in the outbox, and tells the publisher. Safe from any thread."""

    def __init__(self, on_stored: Callable[[Sequence[Draft], Sequence[RowRef]], None]) -> None:
        """Prepare; ``attach`` gives the outbox, which in turn asks for ``undecided_since``.

        Args:
            on_stored: Told of records that became durable, by name, on the thread that stored them.
        """
        self._on_stored = on_stored
        self._outbox: Outbox | None = None
        self._notify: Callable[[], None] = lambda: None
        self._waiting: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def attach(self, outbox: Outbox, notify: Callable[[], None]) -> None:
        """Say where rows go.

        Args:
            outbox: The outbox.
            notify: Called after rows became durable.
        """
        self._outbox, self._notify = outbox, notify

    def undecided_since(self) -> datetime | None:
        """Tell from when on rows may still be on their way into the outbox.

        Returns:
            The oldest claimed time among them; None if there are none.
        """
        with self._lock:
            return min(self._waiting.values(), default=None)

    def commit(self, device: str, state: bytes, drafts: Sequence[Draft]) -> Sequence[RowRef]:
        """Store a device's state and its records in one transaction.

        Args:
            device: The scanner, or the doors.
            state: What ``recall`` gives after a restart.
            drafts: Records, perhaps none.

        Returns:
            The identity of each record, in order.

        Raises:
            OutboxError: If nothing was stored.
        """
        if self._outbox is None:
            raise OutboxError("the agent is still starting; nothing was stored")
        times = [each.record.occurred_at_claimed for each in drafts]
        with self._lock:
            self._waiting |= {id(drafts): min(times)} if times else {}
        try:
            stored = self._outbox.append(drafts, (device, state))
        finally:
            with self._lock:
                self._waiting.pop(id(drafts), None)
        refs = stored.refs(self._outbox.gateway)
        if drafts:
            self._on_stored(drafts, refs)
            self._notify()
        return refs

    def recall(self, device: str) -> bytes | None:
        """Give the last stored state of a device.

        Args:
            device: As given to ``commit``.

        Returns:
            What ``commit`` stored; None if it never did.
        """
        return None if self._outbox is None else self._outbox.recall(device)
