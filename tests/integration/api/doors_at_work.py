"""What the doors of the served sites saw: rows of one gateway per site, posted as batches."""

from datetime import datetime, timedelta
from typing import Any

from serving import OTHER, OWN

from cloud.db import ConnectionPool
from cloud.identity.actor import INGEST
from cloud.ledger.domain import PostingKind
from cloud.ledger.service import post
from contracts.records import Crossing, Record
from tests.integration.crossings.doors import INSIDE, carried, passage, stood
from tests.integration.ledger.scenario import Outbox


def passed(posted: str, at: datetime, *, portal: str = "dock-1", **fields: Any) -> Crossing:
    """State a crossing at an instant of a portal that names its own account."""
    when = {"occurred_at_claimed": at, "first_seen_at": at - timedelta(seconds=1)}
    places = {"portal": portal, "read_point": portal, "outside_location": f"@clearing/{portal}"}
    evidence = {"evidence_id": f"e-{portal}-{at:%H%M%S%f}"}
    return passage(posted, **when | places | evidence | fields)


def send(ingest: ConnectionPool, outbox: Outbox, *records: Record) -> None:
    """Post records as one batch of a gateway."""
    with ingest.connection() as conn:
        post(conn, INGEST, kind=PostingKind.BATCH, batches=[outbox.seal(records)])


def dock(ingest: ConnectionPool, now: datetime) -> None:
    """Let the doors of both sites see something; madrid's third row stands posted by its fourth."""
    at = [now - timedelta(hours=h) for h in (6, 5, 3, 3, 0.4, 0.2)]
    posted = passed("posted", at[2], loose=True, direction="in", because="no_visit", confidence=0.99)
    send(
        ingest,
        Outbox("dock-m1", OWN),
        passed("held", at[0], visit="V-1"),
        stood("A-07", minute=0, source=INSIDE, occurred_at_claimed=at[1], actor="kim"),
        posted,
        carried(
            "@clearing/dock-1", INSIDE, minute=0, occurred_at_claimed=at[3], evidence_id=posted.evidence_id
        ),
        passed("held", at[4], because="undecided"),
        passed("evidence", at[5], portal="dock-2", because="stray", direction="stray", confidence=0.1),
    )
    send(ingest, Outbox("dock-l1", OTHER), passed("held", at[0], portal="bay-1"))
