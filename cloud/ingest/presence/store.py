"""Presence and health of gateways in the database."""

from datetime import datetime, timedelta
from typing import Final

from psycopg import Connection
from psycopg.types.json import Jsonb

from cloud.db import statements
from contracts.base import epoch_to_int
from contracts.gateway import Health, Status

SQL: Final = statements("cloud.ingest.presence")


def hear(conn: Connection, gateway_id: int, received_at: datetime, statement: Status | Health) -> None:
    """Write what a gateway said of itself.

    Args:
        conn: A connection inside a transaction.
        gateway_id: Who said it.
        received_at: When it was received.
        statement: What it said.
    """
    said = Jsonb(statement.model_dump(mode="json", by_alias=True))
    asked = {"gateway_id": gateway_id, "received_at": received_at, "said": said}
    if isinstance(statement, Status):
        conn.execute(SQL["hear_status"], asked | {"presence": statement.presence})
        stated = {
            "epoch": epoch_to_int(statement.epoch),
            "stated_no": statement.last_batch_no,
            "stated_until": statement.complete_until,
        }
        conn.execute(SQL["hear_completeness"], asked | stated)
    else:
        conn.execute(SQL["hear_health"], asked)


def silent_gateways(conn: Connection, silence: timedelta) -> list[tuple[str, str, datetime]]:
    """Find active gateways that were heard once and not since.

    Args:
        conn: A connection.
        silence: For how long.

    Returns:
        Name, site and last time of each.
    """
    rows = conn.execute(SQL["silent_gateways"], {"silence": silence}).fetchall()
    return [(str(name), str(site), heard_at) for name, site, heard_at in rows]
