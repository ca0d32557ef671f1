"""Demand that sources publish: taken from a session that lasts, stored, answered, and only then acknowledged.

One process of the network listens; it holds a lock of the database, and another takes over when it is gone.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from cloud.db import (
    RETRYABLE,
    Connection,
    ContentRefusedError,
    DatabaseAwayError,
    LastingConnection,
    in_transaction,
    statements,
)
from cloud.demand.sources.messages import Message, set_aside, take_message
from cloud.ingest import counters, crash
from cloud.ingest.arrival import Delivery
from cloud.ingest.inbox import Inbox
from cloud.ingest.mqtt import Link, Outgoing
from contracts.demand import DemandAnswer
from contracts.topics import DemandAddress, DemandChannel, demand_topic

CLIENT_ID: Final = "dockledger-demand"
"""Of the session, whichever process has it."""
MAX_GROUP: Final = 20
"""Messages per transaction."""
LOOK_EVERY_S: Final = 2.0
"""Between two looks whether the lock is ours, or can be had."""
_TAKE_WITHIN_S: Final = 0.2

Answer = tuple[DemandAddress | None, DemandAnswer]

_SQL: Final = statements("cloud.ingest", "demand_door.sql")
log = structlog.get_logger()


class DemandDoor:
    """A thread that listens while it is the one that may."""

    def __init__(self, *, dsn: str, broker_url: str) -> None:
        """Prepare it; `start` begins.

        Args:
            dsn: Connection of ``dockledger_app``.
            broker_url: ``mqtt://user:password@host:port``.
        """
        self._database = LastingConnection(dsn, "dockledger-demand-door")
        self._broker_url = broker_url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demand-door")

    def start(self) -> None:
        """Begin to listen, or to wait for the one that does."""
        self._thread.start()

    def close(self) -> None:
        """Listen no longer, and join the thread."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(1, "demand-store") as storing:
            while not self._stopping.is_set():
                try:
                    if self._is_ours():
                        self._listen(storing)
                except (DatabaseAwayError, ContentRefusedError, *RETRYABLE) as error:
                    counters.OUTAGES.labels("demand").inc()
                    log.warning("demand_not_stored", error=str(error), effect="sources' messages wait")
                except Exception:
                    counters.OUTAGES.labels("demand").inc()
                    log.exception("demand_door_broke", effect="sources' messages wait")
                self._stopping.wait(LOOK_EVERY_S)
        self._database.close()

    def _is_ours(self) -> bool:
        (is_ours,) = in_transaction(self._database, lambda conn: conn.execute(_SQL["hold"]).fetchone()) or (
            False,
        )
        return bool(is_ours)

    def _listen(self, storing: ThreadPoolExecutor) -> None:
        """Store what comes, until told to stop, or the lock or the database is lost."""
        inbox = Inbox()
        link = Link(
            self._broker_url,
            client_id=CLIENT_ID,
            will=None,
            on_delivery=inbox.put,
            on_listening=lambda: log.info("demand_listened_to"),
            is_lasting=True,
        )
        link.start()
        link.listen([demand_topic("+", "+", DemandChannel.LINES)])
        try:
            looked_s = time.monotonic()
            while not self._stopping.is_set() and link.is_alive:
                arrived = inbox.take(max_deliveries=MAX_GROUP, timeout_s=_TAKE_WITHIN_S)
                group = [each for each in arrived if each.receipt is None or link.is_current(each.receipt)]
                if group:
                    self._answer(link, group, self._stored(storing, group))
                if time.monotonic() - looked_s > LOOK_EVERY_S:
                    if not self._is_ours():
                        return
                    looked_s = time.monotonic()
        finally:
            link.close()

    def _stored(self, storing: ThreadPoolExecutor, group: Sequence[Delivery]) -> list[Answer]:
        """Store a group; one that an error nobody foresaw comes of is set aside, and holds up no other."""
        done = storing.submit(in_transaction, self._database, partial(_take, group=group))
        error = done.exception()
        if error is None:
            crash.point("after_commit")
            return done.result()
        if isinstance(error, (DatabaseAwayError, *RETRYABLE)):
            raise error
        if len(group) > 1:
            return [answer for each in group for answer in self._stored(storing, [each])]
        log.error("demand_message_broke", topic=group[0].topic, exc_info=error)
        message = Message(group[0].topic, group[0].payload)
        words = f"{type(error).__name__}: {error}"
        now = datetime.now(UTC)
        return [in_transaction(self._database, lambda conn: set_aside(conn, message, words, now=now))]

    def _answer(self, link: Link, group: Sequence[Delivery], answers: Sequence[Answer]) -> None:
        for delivery, (address, answer) in zip(group, answers, strict=True):
            counters.DEMAND.labels(answer.reason or answer.status.value).inc()
            if address is not None:
                topic = demand_topic(address.site, address.source, DemandChannel.ANSWER)
                link.publish(Outgoing(topic, answer.model_dump_json().encode(), retain=False))
            if delivery.receipt is not None:
                link.acknowledge(delivery.receipt)


def _take(conn: Connection, *, group: Sequence[Delivery]) -> list[Answer]:
    now = datetime.now(UTC)
    answers = [take_message(conn, Message(each.topic, each.payload), now=now) for each in group]
    crash.point("before_commit")
    return answers
