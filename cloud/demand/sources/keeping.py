"""What a pull read, stored: the lines and the cursor behind them in one transaction, or neither."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cloud.db import Connection, in_transaction
from cloud.db.retry import Source as Connections
from cloud.demand.domain import Faults, Imported, StagedLine
from cloud.demand.service import import_lines
from cloud.demand.sources import store
from cloud.demand.sources.domain import OvertakenError, Source, SourceKind, SourceState
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from contracts.base import SiteId

_JOBS: Final = {SourceKind.PUSH.value: "job:demand_events", SourceKind.MQTT.value: "job:demand_messages"}
LEASE: Final = timedelta(minutes=5)
"""Longer than a page can take; renewed with each. A process that died is taken over from then on."""


@dataclass(slots=True)
class Pull:
    """One pull of one source."""

    connections: Connections
    source: Source
    now: datetime
    is_over: Callable[[], bool]
    """Whether it has taken so long that the rest waits for the next one."""
    cursor: str | None = field(init=False)
    """Where it is."""
    lines: int = 0
    """New and corrected ones so far."""

    def __post_init__(self) -> None:
        """Begin where the last one ended."""
        self.cursor = self.source.cursor

    @property
    def actor(self) -> Actor:
        """Who imports: a job that can reach this one site."""
        return importer(self.source)

    def keep(
        self,
        read: Callable[[Faults], Iterable[StagedLine]],
        *,
        origin: str,
        cursor: str | None,
        sha256: str,
        about: dict[str, object],
        beside: Callable[[Connection], object] | None = None,
    ) -> Imported:
        """Store a page or file, and where to go on behind it.

        Args:
            read: Gives its lines, each time anew.
            origin: What a line's place follows.
            cursor: Behind it; None: as before.
            sha256: Of its bytes.
            about: What the audit trail says of it.
            beside: Done in the same transaction.

        Returns:
            What was new.
        """

        def work(conn: Connection) -> Imported:
            self._hold(conn)
            faults = Faults()
            done = import_lines(
                conn,
                self.actor,
                read(faults),
                faults=faults,
                origin=origin,
                now=self.now,
                makes_items=self.source.how.new_items,
                twice=self.source.how.twice,
                about={"source_id": self.source.source_id, **about},
            )
            if beside is not None:
                beside(conn)
            self._advance(conn, cursor, sha256, done.added + done.corrected)
            return done

        done = in_transaction(self.connections, work)
        self.cursor = cursor or self.cursor
        self.lines += done.added + done.corrected
        return done

    def skip(
        self,
        *,
        cursor: str | None,
        sha256: str | None,
        beside: Callable[[Connection], object] | None = None,
    ) -> None:
        """Go on behind a page that holds nothing new.

        Args:
            cursor: Behind it; None: as before.
            sha256: Of the last page that held lines.
            beside: Done in the same transaction.
        """

        def work(conn: Connection) -> None:
            self._hold(conn)
            if beside is not None:
                beside(conn)
            self._advance(conn, cursor, sha256, 0)

        in_transaction(self.connections, work)
        self.cursor = cursor or self.cursor

    def _hold(self, conn: Connection) -> None:
        """Take the source's row for this transaction, if it is as this pull knows it."""
        store.change(conn, "take_long")
        act_as(conn, self.actor)
        held = store.rows(conn, Source, "hold", source_id=self.source.source_id)
        known = (self.source.revision, SourceState.ACTIVE, self.cursor)
        if not held or (held[0].revision, held[0].state, held[0].cursor) != known:
            raise OvertakenError

    def _advance(self, conn: Connection, cursor: str | None, sha256: str | None, lines: int) -> None:
        store.change(
            conn,
            "advance",
            source_id=self.source.source_id,
            cursor=cursor,
            sha256=sha256,
            lines=lines,
            now=self.now,
            lease=LEASE,
        )


def importer(source: Source) -> Actor:
    """Give who imports a source's lines.

    Args:
        source: It.

    Returns:
        An actor that reaches its site and no other.
    """
    job = _JOBS.get(source.kind, "job:pull_demand")
    return Actor(job, frozenset({Role.PLANNER}), frozenset({SiteId(source.site)}))
