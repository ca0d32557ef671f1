"""Adjustments in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection

from cloud.db import NamedStatements
from cloud.forecasting.overrides.domain import OverrideRow, Standing
from cloud.ledger.store import record_audit

_SQL: Final = NamedStatements("cloud.forecasting.overrides")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change


@dataclass(frozen=True, slots=True)
class BaseForecast:
    """The system's own forecast of an item, in force at a site, and what a unit costs there."""

    item_id: int
    item: str
    base_unit: str
    run_id: int
    first_day: date
    mean: list[float]
    horizons: list[int]
    cum_q: list[list[float]]
    cost: Decimal | None
    currency: str | None


class InForceRow(NamedTuple):
    """An approved adjustment of an item."""

    item_id: int
    override_id: int
    is_of_item: bool
    from_day: date
    until_day: date
    mode: str
    amount: float
    per_days: int | None


def overrides(
    conn: Connection,
    *,
    now: datetime,
    limit: int,
    override_id: int | None = None,
    site: str | None = None,
    item: str | None = None,
    author: str | None = None,
    standings: Sequence[Standing] | None = None,
    before: int | None = None,
) -> list[OverrideRow]:
    """List adjustments, the latest first.

    Args:
        conn: In a transaction that shows the actor's sites.
        now: The present, by which they stand where they do.
        limit: Most to give.
        override_id: Only this one.
        site: Only of this site.
        item: Only what concerns this item, its category's included.
        author: Only of this author.
        standings: Only those that stand so.
        before: Only numbers below this one.

    Returns:
        The adjustments.
    """
    return rows(
        conn,
        OverrideRow,
        "overrides",
        now=now,
        limit=limit,
        override_id=override_id,
        site=site,
        item=item,
        author=author,
        standings=None if standings is None else [each.value for each in standings],
        before=before,
    )


def add_override(conn: Connection, **columns: Any) -> int:
    """Store an adjustment that waits for its decision.

    Args:
        conn: In a transaction that shows its site.
        **columns: As the table has them; `basis` as a mapping.

    Returns:
        Its number.
    """
    basis = orjson.dumps(columns.pop("basis")).decode()
    ((number,),) = tuples(conn, "add_override", **columns, basis=basis)
    return int(number)


def audit(conn: Connection, actor: str, action: str, override_id: int, *, site: str, detail: Any) -> None:
    """Say in the audit trail what was done with an adjustment.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who did it.
        action: What, as a stable snake_case word.
        override_id: Which.
        site: Where.
        detail: More, as JSON.
    """
    target = f"forecast_override:{override_id}"
    text = orjson.dumps(detail, default=str).decode()
    record_audit(conn, actor=actor, action=action, target=target, site=site, detail=text)
