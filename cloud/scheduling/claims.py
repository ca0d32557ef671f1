"""What one scheduler holds: claims of slots that run, and loops; renewed while it lives."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.scheduling import store
from cloud.scheduling.domain import Daily, Patience
from cloud.scheduling.job import Finish, Job
from cloud.scheduling.store import Claim


class Claims:
    """The claims and loops of one scheduler; used by many threads."""

    def __init__(self, source: Source, *, scheduler: str, patience: Patience) -> None:
        """Hold nothing yet.

        Args:
            source: Of connections as the application.
            scheduler: Whose claims; unique.
            patience: How long a lease is.
        """
        self._source = source
        self._scheduler = scheduler
        self._patience = patience
        self._lock = threading.Lock()
        self._running: dict[tuple[str, datetime], Claim] = {}
        self._loops: set[str] = set()

    @property
    def renew_every(self) -> timedelta:
        """How often `renew` must be called."""
        return self._patience.lease / 3

    def take(
        self, job: Job, slot: datetime, *, known_since: datetime, asked_by: str | None
    ) -> tuple[Claim, int, list[datetime]] | None:
        """Claim a slot, and say which slots before it nobody ran.

        Args:
            job: The job.
            slot: Its slot.
            known_since: Slots before are nobody's.
            asked_by: Who asked, if not the clock.

        Returns:
            The claim, which attempt it is, and the slots that it makes up for; None if it cannot be had.
        """
        wanted = Claim(job.name, slot, uuid4())

        def work(conn: Connection) -> tuple[Claim, int, list[datetime]] | None:
            attempt = store.claim(
                conn,
                wanted,
                scheduler=self._scheduler,
                lease=self._patience.lease,
                attempts=self._patience.attempts,
                asked_by=asked_by,
            )
            if attempt is None:
                return None
            missed: list[datetime] = []
            if asked_by is None and isinstance(job.trigger, Daily):
                before = store.last_slot_before(conn, job.name, slot)
                since = max(known_since, before) if before else known_since
                missed = list(job.trigger.between(since, slot))
                store.miss(conn, job.name, missed, slot)
                store.supersede(conn, job.name, slot)
            return wanted, attempt, missed

        return in_transaction(self._source, work)

    @contextmanager
    def kept(self, held: Claim) -> Iterator[None]:
        """Renew a claim for the length of a ``with`` block.

        Args:
            held: The claim.

        Yields:
            When it is renewed from now on; somebody who interrupts it leaves the slot to others at once.
        """
        place = (held.job, held.slot)
        with self._lock:
            self._running[place] = held
        try:
            yield
        except KeyboardInterrupt:
            in_transaction(self._source, lambda conn: store.release(conn, [held]))
            raise
        finally:
            with self._lock:
                del self._running[place]

    def finisher(self, held: Claim) -> Finish:
        """Say how a job finishes its slot inside its own transaction.

        Args:
            held: The claim.

        Returns:
            The function for `Occasion.finish`.
        """

        def finish(conn: Connection, outcome: Mapping[str, Any]) -> None:
            store.finish(conn, held, outcome)

        return finish

    def holds(self, loop: str) -> bool:
        """Take a loop that nobody holds.

        Args:
            loop: Name of its job.

        Returns:
            Whether it is ours.
        """
        if loop in self._loops:
            return True
        is_ours = in_transaction(
            self._source, lambda conn: store.hold(conn, loop, self._scheduler, self._patience.lease)
        )
        if is_ours:
            with self._lock:
                self._loops.add(loop)
        return is_ours

    def renew(self) -> None:
        """Keep what is held; a loop that another scheduler took meanwhile is its own."""
        with self._lock:
            running, loops = list(self._running.values()), sorted(self._loops)
        lease = self._patience.lease

        def work(conn: Connection) -> set[str]:
            if running:
                store.renew(conn, running, lease)
            return {loop for loop in loops if not store.hold(conn, loop, self._scheduler, lease)}

        lost = in_transaction(self._source, work)
        with self._lock:
            self._loops -= lost

    def release(self) -> None:
        """Give everything back, so that others need not wait for leases to end."""
        with self._lock:
            running = list(self._running.values())
            self._loops.clear()

        def work(conn: Connection) -> None:
            store.release(conn, running)
            store.let_go(conn, self._scheduler)

        in_transaction(self._source, work)
