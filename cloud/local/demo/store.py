"""What the ledger says of one demonstration, read as its owner."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row, dict_row

from cloud.db import LastingConnection, statements
from cloud.local.demo.domain import Content, Line, Movement

SQL: Final = statements("cloud.local.demo")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the ledger is."""

    position: int
    movements: int
    """Of people's scans, posted since the demonstration began."""
    crossings: int
    quarantined: int
    alerts: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of desk work since the demonstration began."""

    counts: int
    variances: int
    """Records of these counts that differ from the book."""
    forecasts: int
    proposals: int
    approved: int
    """Adjustments and purchases that another person approved, and that were done."""


@dataclass(frozen=True, slots=True)
class Latency:
    """From the scan to its position in the ledger, in milliseconds; None where nothing was posted."""

    p50_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class GatewayLine:
    """A gateway as the cloud sees it."""

    name: str
    site_id: str
    presence: str
    unacked_rows: int | None
    movements: int


class DemoStore:
    """Reads one demonstration's share of the ledger; raises DatabaseAwayError while there is none."""

    def __init__(
        self, source: LastingConnection, *, since: datetime, scanning: Sequence[str], doors: Sequence[str]
    ) -> None:
        """Remember where the ledger stands now.

        Args:
            source: Of the ledger's owner.
            since: When the demonstration began.
            scanning: Gateways where people scan.
            doors: Gateways with RFID readers.
        """
        self._source = source
        self._scope: dict[str, object] = {
            "after": 0,
            "since": since,
            "scanning": list(scanning),
            "doors": list(doors),
        }
        self._scope["after"] = self.progress().position

    def progress(self) -> Progress:
        """Read how far the ledger is."""
        with self._source.connection() as conn:
            cursor = conn.cursor(row_factory=class_row(Progress))
            row = cursor.execute(SQL["progress"], self._scope).fetchone()
        if row is None:
            raise LookupError("ledger_head has no shard 0: expected one row")
        return row

    def are_doors_whole(self, until: datetime) -> bool:
        """Tell whether all that the doors saw before an instant is decided and in the ledger (PROTOCOL P6).

        Args:
            until: The instant.

        Returns:
            Whether their gateways are complete up to then.
        """
        with self._source.connection() as conn:
            row = conn.execute(SQL["doors_whole"], self._scope | {"until": until}).fetchone()
        return row is not None and bool(row[0])

    def decided(self) -> Decided:
        """Read what was counted, forecast, proposed and approved."""
        with self._source.connection() as conn:
            cursor = conn.cursor(row_factory=class_row(Decided))
            row = cursor.execute(SQL["decided"], self._scope).fetchone()
        return row or Decided(0, 0, 0, 0, 0)

    def latency(self, since: datetime) -> Latency:
        """Measure from scan to ledger.

        Args:
            since: Only postings recorded after this instant count.

        Returns:
            Median and 99th percentile.
        """
        with self._source.connection() as conn:
            cursor = conn.cursor(row_factory=class_row(Latency))
            row = cursor.execute(SQL["latency"], self._scope | {"posted_since": since}).fetchone()
        return row or Latency(None, None)

    def gateways(self, names: Sequence[str]) -> list[GatewayLine]:
        """Read what the cloud knows of gateways.

        Args:
            names: Their ids.

        Returns:
            One line each, in order of id.
        """
        with self._source.connection() as conn:
            cursor = conn.cursor(row_factory=class_row(GatewayLine))
            return cursor.execute(SQL["gateways"], self._scope | {"gateways": list(names)}).fetchall()

    def movements(self) -> Iterator[Movement]:
        """Read every movement posted since the demonstration began.

        Yields:
            Movements in ledger order.
        """
        with self._source.connection() as conn:
            for site, document, line, *content in conn.execute(SQL["movements"], self._scope):
                yield Movement(Line(site, document or "", line or ""), Content(*content))

    def crossings(self) -> list[Mapping[str, object]]:
        """Read every crossing posted since the demonstration began.

        Returns:
            Crossings in order of occurrence, in the words of ``edge-agent replay``.
        """
        with self._source.connection() as conn:
            rows = conn.cursor(row_factory=dict_row).execute(SQL["crossings"], self._scope).fetchall()
        return [row | {"kind": "crossing", "occurred_at": row["occurred_at"].isoformat()} for row in rows]

    def moved_by_doors(self) -> int:
        """Count the movements and unit positions that doors posted."""
        return self._number("moved_by_doors")

    def raw_reads(self) -> int:
        """Sum the reads that the doors' gateways have reported."""
        return self._number("raw_reads")

    def _number(self, statement: str) -> int:
        with self._source.connection() as conn:
            row = conn.execute(SQL[statement], self._scope).fetchone()
        return int(row[0]) if row else 0

    def server_version(self) -> str:
        """Tell the database server's version."""
        with self._source.connection() as conn:
            row = conn.execute(SQL["server_version"]).fetchone()
        return str(row[0]) if row else "unknown"
