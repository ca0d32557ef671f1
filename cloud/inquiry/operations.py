"""Questions about gateways, batches, completeness and quarantine.

Every function checks its actor, shows the actor's sites only, runs on a connection from
`Gate.acting`, takes a keyset position where it lists, and gives at most `limit` rows.
"""

from datetime import UTC, datetime
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry.domain import (
    GREATEST,
    OPERATIONS_READERS,
    QUARANTINE_READERS,
    BatchRow,
    FlowRow,
    GapRow,
    GatewayHourRow,
    GatewayRow,
    LedgerState,
    QuarantineDetail,
    QuarantineRow,
    SiteCompleteness,
    SiteRow,
)
from cloud.inquiry.store import number, row, rows, see


def sites(conn: Connection, actor: Actor) -> list[SiteRow]:
    """List the actor's sites.

    Raises:
        NotAllowedError: If the actor may see neither stock nor operations.
    """
    see(conn, actor, OPERATIONS_READERS)
    return rows(conn, SiteRow, "sites")


LAST_HOUR: Final = (datetime(9999, 1, 1, tzinfo=UTC), "")
"""Before the first page of hours."""


def gateway_hours(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    gateway: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, str] = LAST_HOUR,
    limit: int,
) -> list[GatewayHourRow]:
    """List hours in which a gateway saw or said something, the latest first, then by name.

    Raises:
        NotAllowedError: If the actor may not see operations, or not at the site.
    """
    see(conn, actor, OPERATIONS_READERS, site=site)
    return rows(
        conn,
        GatewayHourRow,
        "gateway_hours",
        site=site,
        gateway=gateway,
        since=since,
        until=until,
        before_hour=before[0],
        before_gateway=before[1],
        limit=limit,
    )


def batches(
    conn: Connection,
    actor: Actor,
    *,
    gateway: str | None = None,
    before: tuple[int, int, int] = (GREATEST, 2**31 - 1, GREATEST),
    limit: int,
) -> list[BatchRow]:
    """List gateway batches, the latest position first.

    Raises:
        NotAllowedError: If the actor may not see operations.
    """
    see(conn, actor, OPERATIONS_READERS)
    return rows(
        conn,
        BatchRow,
        "batches",
        gateway=gateway,
        before_position=before[0],
        before_gateway=before[1],
        before_no=before[2],
        limit=limit,
    )


def completeness(conn: Connection, actor: Actor) -> tuple[LedgerState, list[SiteCompleteness]]:
    """Say how far the ledger goes, and up to when each of the actor's sites is whole.

    Raises:
        NotAllowedError: If the actor may not see operations.
        LookupError: If the database holds no ledger.
    """
    see(conn, actor, OPERATIONS_READERS)
    ledger = row(conn, LedgerState, "ledger")
    if ledger is None:
        raise LookupError("the database has no ledger identity; was it migrated?")
    return ledger, rows(conn, SiteCompleteness, "site_completeness")


def gateways(conn: Connection, actor: Actor, *, after: str = "", limit: int) -> list[GatewayRow]:
    """List gateways by name.

    Raises:
        NotAllowedError: If the actor may not see operations.
    """
    see(conn, actor, OPERATIONS_READERS)
    return rows(conn, GatewayRow, "gateways", after=after, limit=limit)


def gaps(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    open_only: bool = False,
    before: tuple[datetime | None, str, str] = (None, "", ""),
    limit: int,
) -> list[GapRow]:
    """List coverage gaps, the latest beginning first.

    Raises:
        NotAllowedError: If the actor may not see operations, or not at `site`.
    """
    see(conn, actor, OPERATIONS_READERS, site=site)
    return rows(
        conn,
        GapRow,
        "gaps",
        site=site,
        open_only=open_only,
        before_at=before[0],
        before_gateway=before[1],
        before_device=before[2],
        limit=limit,
    )


def flow(conn: Connection, actor: Actor, *, since_at: datetime) -> list[FlowRow]:
    """Count what the ledger took per gateway and minute.

    Raises:
        NotAllowedError: If the actor may not see operations.
    """
    see(conn, actor, OPERATIONS_READERS)
    return rows(conn, FlowRow, "flow", since_at=since_at)


def quarantine(
    conn: Connection,
    actor: Actor,
    *,
    state: str | None = None,
    reason: str | None = None,
    before: int = GREATEST,
    limit: int,
) -> list[QuarantineRow]:
    """List what could not be understood, the latest first.

    Raises:
        NotAllowedError: If the actor may not see quarantine.
    """
    seeing = see(conn, actor, QUARANTINE_READERS)
    return rows(
        conn,
        QuarantineRow,
        "quarantine",
        state=state,
        reason=reason,
        before=before,
        all_sites=seeing.all_sites,
        limit=limit,
    )


def quarantined(conn: Connection, actor: Actor, *, quarantine_id: int) -> QuarantineDetail | None:
    """Find one thing in quarantine, with its original bytes.

    Raises:
        NotAllowedError: If the actor may not see quarantine.
    """
    seeing = see(conn, actor, QUARANTINE_READERS)
    return row(conn, QuarantineDetail, "quarantined", quarantine_id=quarantine_id, all_sites=seeing.all_sites)


def held_count(conn: Connection, actor: Actor) -> int:
    """Count what waits in quarantine, at most 10,000.

    Raises:
        NotAllowedError: If the actor may not see operations.
    """
    seeing = see(conn, actor, OPERATIONS_READERS)
    return number(conn, "held", all_sites=seeing.all_sites)
