"""The thread beside a worker: renews its lease, follows its sites, carries messages to gateways."""

import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Final

import structlog
from pydantic import TypeAdapter

from cloud.crossings import service as crossings
from cloud.db import RETRYABLE, Connection, DatabaseAwayError, LastingConnection, in_transaction
from cloud.documents.assignments import follow_time
from cloud.identity.actor import INGEST
from cloud.ingest import counters
from cloud.ingest.mqtt import Link, Outgoing
from cloud.ingest.presence import service as presence
from cloud.ingest.quarantine import requests
from cloud.ingest.workers import store
from cloud.ingest.workers.inside_acks import said_inside
from contracts.topics import INGEST_STATE, UPSTREAM, Channel, site_filter, topic

PERIOD_S: Final = 1.0
SILENCE_EVERY: Final = 10
"""Periods between two looks for silent gateways, old dock exceptions and visits that have come near."""
SEND_AGAIN_AFTER_S: Final = 10.0

log = structlog.get_logger()


class Keeper:
    """Renews each second; what it learns is read by the worker's own thread."""

    def __init__(self, dsn: str, worker: str, link: Link) -> None:
        """Prepare it; `start` begins.

        Args:
            dsn: Connection of ``dockledger_ingest``.
            worker: Id of the worker it keeps.
            link: Whose subscriptions follow the sites.
        """
        self._worker = worker
        self._link = link
        self._database = LastingConnection(dsn, store.KEEPER_PREFIX + worker)
        self._sites: frozenset[str] = frozenset()
        self._suspects: dict[str, int] = {}
        self._is_replay_due = False
        self._sent_at: dict[int, float] = {}
        self._accepted: deque[int] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest-keeper")

    @property
    def is_alive(self) -> bool:
        """Whether the thread lives; if not, the process should end and be started again."""
        return self._thread.is_alive()

    @property
    def sites(self) -> frozenset[str]:
        """The sites that its worker serves, as of the last renewal; without what stands for no site."""
        return self._sites - {store.ELSEWHERE}

    @property
    def suspects(self) -> dict[str, int]:
        """How many deaths each batch was present at, by sha256."""
        return self._suspects

    @property
    def is_replay_due(self) -> bool:
        """Whether somebody asked for a replay that waited at the last renewal."""
        return self._is_replay_due

    def start(self) -> None:
        """Begin renewing."""
        self._thread.start()

    def close(self) -> None:
        """Stop renewing, hand the sites over, and join the thread."""
        self._stopping.set()
        self._thread.join()
        self._database.close()

    def _run(self) -> None:
        period = 0
        while not self._stopping.is_set():
            try:
                self._renew()
                self._carry()
                if period % SILENCE_EVERY == 0 and self._sites:
                    self.look_around()
            except (DatabaseAwayError, *RETRYABLE) as error:
                log.warning("lease_not_renewed", worker=self._worker, error=str(error))
            period += 1
            self._stopping.wait(PERIOD_S)
        try:
            in_transaction(self._database, lambda conn: store.leave(conn, self._worker))
        except (DatabaseAwayError, *RETRYABLE) as error:
            log.warning("lease_not_handed_over", worker=self._worker, error=str(error))

    def look_around(self) -> None:
        """Tell people of silent gateways and old dock exceptions, gateways of visits that come near."""
        in_transaction(self._database, presence.watch_silence)
        now = datetime.now(UTC)
        in_transaction(self._database, lambda conn: crossings.escalate(conn, now=now))
        in_transaction(self._database, lambda conn: follow_time(conn, sent_by=INGEST.id, now=now))

    def _renew(self) -> None:
        metrics = counters.snapshot()

        def turn(conn: Connection) -> tuple[frozenset[str], dict[str, int], bool]:
            return store.renew(conn, self._worker, metrics), store.suspects(conn), requests.is_any_due(conn)

        sites, self._suspects, self._is_replay_due = in_transaction(self._database, turn)
        if sites != self._sites:
            log.info("sites_leased", worker=self._worker, sites=sorted(sites))
        self._link.listen(filters_of(sites | self._sites))
        self._sites = sites
        counters.SITES.set(len(sites))

    def _carry(self) -> None:
        accepted = [self._accepted.popleft() for _ in range(len(self._accepted))]

        def turn(conn: Connection) -> list[tuple[int, Outgoing]]:
            if accepted:
                store.mark_published(conn, accepted)
            return [
                (message.message_id, _outgoing(conn, message))
                for message in store.due_messages(conn, self._sites)
            ]

        due = in_transaction(self._database, turn)
        now = time.monotonic()
        self._sent_at = {number: self._sent_at[number] for number, _ in due if number in self._sent_at}
        for number, outgoing in due:
            if now - self._sent_at.get(number, -SEND_AGAIN_AFTER_S) >= SEND_AGAIN_AFTER_S:
                self._sent_at[number] = now
                accept = lambda number=number: self._accepted.append(number)  # noqa: E731  a name keeps the next line short
                self._link.publish(Outgoing(outgoing.topic, outgoing.payload, on_accepted=accept))


def filters_of(sites: frozenset[str]) -> set[str]:
    """Name what a worker subscribes to.

    Args:
        sites: The sites it serves; ``+`` stands for gateways of no registered site.

    Returns:
        Topic filters.
    """
    filters = {site_filter(site, channel) for site in sites - {store.ELSEWHERE} for channel in UPSTREAM}
    if store.ELSEWHERE in sites:
        filters.add(site_filter(store.ELSEWHERE, Channel.STATUS))
    return filters | {INGEST_STATE}


def _outgoing(conn: Connection, message: store.Message) -> Outgoing:
    """Spell a message as its gateway will receive it."""
    inside = said_inside(conn, gateway=message.gateway, channel=message.channel, payload=message.payload)
    if inside is None:
        payload = TypeAdapter(dict).dump_json(message.payload)
        return Outgoing(topic(message.site, message.gateway, Channel(message.channel)), payload)
    return Outgoing(topic(message.site, message.gateway, Channel.ACK), inside.model_dump_json().encode())
