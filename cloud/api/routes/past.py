"""`/v1/item-history` and `/v1/stock-differences`: any moment on both clocks, and why two of them differ."""

from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.movements import Movement, shown_movement
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import past, stock
from cloud.inquiry.domain import GREATEST, MovementRow
from cloud.inquiry.past import FOREVER, LATEST, DifferenceFilter, DifferenceRow, Moment
from contracts.base import UtcDatetime

router = APIRouter(prefix="/v1", tags=["stock"], route_class=ConditionalRoute)

Text = Annotated[str | None, Query(max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
At = Annotated[UtcDatetime | None, Query(description="What had occurred by then; null means everything")]
Known = Annotated[UtcDatetime | None, Query(description="As it was recorded by then")]
Position = Annotated[
    int | None, Query(ge=0, le=GREATEST, description="As the ledger knew it at this position")
]


class Difference(BaseModel):
    """A cell that held another quantity at one moment than at another."""

    model_config = ConfigDict(from_attributes=True)

    cell_id: int
    site: str
    item: str
    item_name: str | None
    base_unit: str
    location: str
    lot: str | None
    disposition: str | None
    owner: str | None
    before: Decimal
    after: Decimal
    change: Decimal


class Reason(BaseModel):
    """A movement that counts at one of two moments and not at the other."""

    change: Decimal = Field(description="What it makes of the difference, in the base unit of the item seen")
    movement: Movement


@router.get("/item-history")
def list_item_history(
    *,
    gate: TheGate,
    caller: Caller,
    item: Annotated[str, Query(min_length=1, max_length=256, description="Code of the item")],
    site: Annotated[str | None, Query(max_length=64)] = None,
    as_of: At = None,
    known_at: Known = None,
    position: Position = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Movement]:
    """List what moved of an item, the latest occurrence first."""
    with gate.acting(caller) as conn:
        rows = past.item_history(
            conn,
            caller,
            item=item,
            site=site,
            until=_moment(conn, caller, as_of, known_at, position),
            before=_place(after),
            limit=limit + 1,
        )
    return page_of(rows, limit, show=shown_movement, key=_key)


@router.get("/stock-differences")
def list_differences(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Text = None,
    from_at: At = None,
    from_known_at: Known = None,
    from_position: Position = None,
    to_at: At = None,
    to_known_at: Known = None,
    to_position: Position = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Difference]:
    """List the cells at real places that held another quantity at one moment than at another."""
    start = ("", "", 0)
    if after is not None:
        of_site, of_item, of_cell = decode_cursor(after, str, str, int)
        start = (str(of_site), str(of_item), int(of_cell))
    with gate.acting(caller) as conn:
        rows = past.differences(
            conn,
            caller,
            DifferenceFilter(site=site, item=item),
            first=_moment(conn, caller, from_at, from_known_at, from_position),
            second=_moment(conn, caller, to_at, to_known_at, to_position),
            after=start,
            limit=limit + 1,
        )
    return page_of(rows, limit, show=_difference, key=lambda row: [row.site, row.item, row.cell_id])


@router.get("/stock-differences/{cell_id}", responses=responses(404))
def explain_difference(
    *,
    gate: TheGate,
    caller: Caller,
    cell_id: Annotated[int, Path(ge=1, le=GREATEST)],
    from_at: At = None,
    from_known_at: Known = None,
    from_position: Position = None,
    to_at: At = None,
    to_known_at: Known = None,
    to_position: Position = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Reason]:
    """List the movements that make the difference of one cell, the latest occurrence first."""
    with gate.acting(caller) as conn:
        if stock.balance(conn, caller, cell_id=cell_id) is None:
            raise not_found("cell", cell_id)
        first = _moment(conn, caller, from_at, from_known_at, from_position)
        second = _moment(conn, caller, to_at, to_known_at, to_position)
        rows = past.cell_changes(
            conn, caller, cell_id=cell_id, first=first, second=second, before=_place(after), limit=limit + 1
        )

    def show(row: MovementRow) -> Reason:
        counts_after = row.occurred_at <= second.at and row.position <= second.position
        moved = row.quantity if row.to_cell == cell_id else -row.quantity
        return Reason(change=moved if counts_after else -moved, movement=shown_movement(row))

    return page_of(rows, limit, show=show, key=_key)


def _moment(
    conn: Connection, caller: Actor, at: datetime | None, known_at: datetime | None, position: int | None
) -> Moment:
    if known_at is not None:
        known = past.position_at(conn, caller, recorded_at=known_at)
        position = known if position is None else min(known, position)
    return Moment(FOREVER if at is None else at, GREATEST if position is None else position)


def _place(after: str | None) -> tuple[datetime, int, int, int]:
    if after is None:
        return LATEST
    at, gateway, epoch, seq = decode_cursor(after, str, int, int, int)
    try:
        instant = datetime.fromisoformat(str(at)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _not_ours(after) from error
    if abs(int(gateway)) >= 2**31 or max(abs(int(epoch)), abs(int(seq))) >= 2**63:
        raise _not_ours(after)
    return instant, int(gateway), int(epoch), int(seq)


def _not_ours(after: str) -> ProblemError:
    message = f"query.after: {after!r:.60} is not a `next` of this list; begin again without it"
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", message)


def _key(row: MovementRow) -> list[str | int]:
    return [row.occurred_at.isoformat(), row.gateway_key, row.epoch, row.seq]


def _difference(row: DifferenceRow) -> Difference:
    return Difference.model_validate(row)
