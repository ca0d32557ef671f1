"""Replenishment in the database."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb

from cloud.db import NamedStatements
from cloud.replenishment.domain import PlannedTransfer, Proposed

_SQL: Final = NamedStatements("cloud.replenishment")
rows, tuples, change = _SQL.rows, _SQL.tuples, _SQL.change


class ProposalRow(NamedTuple):
    """A proposal as people see it."""

    proposal_id: str
    run_id: int
    site: str
    time_zone: str
    item: str
    item_name: str | None
    base_unit: str
    kind: str
    supplier: str | None
    quantity: Decimal
    price: Decimal | None
    currency: str | None
    value: Decimal | None
    order_by: date
    needed_by: date
    arrives_on: date
    summary: str
    arithmetic: dict[str, Any]
    inputs_at: datetime
    created_at: datetime
    state: str
    chosen: dict[str, Any] | None
    reason: str | None
    note: str | None
    decided_at: datetime | None
    decided_by: str | None
    decision_id: int | None
    decision_state: str | None
    settled_at: datetime | None
    settled_why: str | None
    order_id: str | None
    order_state: str | None


class ParameterRow(NamedTuple):
    """Planning parameters in force for an item at a site."""

    parameter_id: int
    run_id: int
    site: str
    item_id: int
    item: str
    review_days: int
    protection_days: int
    bucket: str
    bucket_choice_id: int | None
    target_kind: str
    target: float
    defaults: list[str]
    approved_at: datetime
    approved_by: str
    supplier: str | None
    days: list[int]
    probability: list[float]
    source: str
    samples: int


def as_json(value: Mapping[str, Any] | None) -> Jsonb | None:
    """Make an object a parameter.

    Args:
        value: The object, or None.

    Returns:
        The parameter; None stays NULL.
    """
    return None if value is None else Jsonb(dict(value))


def add_proposals(conn: Connection, site: str, run_id: int, proposals: Sequence[Proposed]) -> int:
    """Store proposals; one that is there already stays as people left it.

    Args:
        conn: In a transaction that holds the site's lock.
        site: Site id.
        run_id: The run.
        proposals: At most one per item, none of an item with another unsent one.

    Returns:
        How many are new, or proposed again.
    """
    return sum(
        change(
            conn,
            "add_proposal",
            proposal_id=each.proposal_id,
            run_id=run_id,
            site=site,
            item_id=each.item_id,
            kind=each.kind,
            supplier=each.supplier,
            quantity=each.quantity,
            price=each.price,
            currency=each.currency,
            value=each.value,
            order_by=each.order_by,
            needed_by=each.needed_by,
            arrives_on=each.arrives_on,
            summary=each.summary,
            arithmetic=Jsonb(each.arithmetic),
            inputs_at=each.inputs_at,
        )
        for each in proposals
    )


def plan_transfers(conn: Connection, site: str, run_id: int, planned: Sequence[PlannedTransfer]) -> None:
    """Keep what a site plans to draw from sites of ours in place of what it planned before.

    Args:
        conn: In a transaction that holds the site's lock.
        site: Site id.
        run_id: The run.
        planned: At most one per item and day.
    """
    change(conn, "forget_planned_transfers", site=site)
    change(
        conn,
        "add_planned_transfers",
        run_id=run_id,
        site=site,
        items=[one.item_id for one in planned],
        from_sites=[one.from_site for one in planned],
        days=[one.leaves_on for one in planned],
        quantities=[one.quantity for one in planned],
    )
