"""From a balance down to its movements, and from a movement to its evidence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import stock
from cloud.inquiry.domain import GREATEST, BalanceRow, MovementRow
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.instants import instant_of
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import TheGate, Viewer
from contracts.base import EPOCH_PATTERN, epoch_from_int, epoch_to_int

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
_FOREVER: Final = datetime.fromisoformat("9999-12-31T00:00:00+00:00")

Text = Annotated[str, Query(max_length=128)]
Number = Annotated[str, Query(max_length=20, pattern=r"^\d*$")]
Place = tuple[datetime, int, int, int]
"""Occurrence, gateway, epoch and seq: where a page of movements ends."""


@router.get("/stock/{cell_id}/movements.{form:form}")
def export_movements(
    *,
    gate: TheGate,
    visitor: Viewer,
    cell_id: Annotated[int, Path(ge=1, le=GREATEST)],
    form: FileForm,
    as_of: Text = "",
    position: Number = "",
) -> Response:
    """Give what entered and left a cell as a file, with the balance after each movement."""
    with looking(gate, visitor) as conn:
        found = _found(conn, visitor.actor, cell_id, as_of=as_of, position=position)
        movements = whole(
            lambda before, limit: _movements(conn, visitor.actor, found, before=before, limit=limit),
            start=None,
            key=lambda row: (row.occurred_at, row.gateway_key, row.epoch, row.seq),
        )
        steps = steps_back(cell_id, movements, found.cell.quantity)
        at = found.until_at or gate.clock()
        return answer(f"movements-of-cell-{cell_id}", MOVED, steps, form, at=at, site=found.cell.site)


@router.get("/stock/{cell_id}")
def show_cell(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    cell_id: Annotated[int, Path(ge=1, le=GREATEST)],
    as_of: Text = "",
    position: Number = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show what entered and left a cell, with the balance after each movement."""
    with gate.acting(visitor.actor) as conn:
        story = _story(conn, visitor.actor, cell_id, as_of=as_of, position=position, after=after)
    return page(request, visitor, "cell.html", tab="/stock", now=gate.clock(), story=story)


@dataclass(frozen=True, slots=True)
class Step:
    """A movement as one cell lived it."""

    movement: MovementRow
    change: Decimal
    balance_after: Decimal

    @property
    def other(self) -> str:
        """Where it came from or went to."""
        return self.movement.from_location if self.change > 0 else self.movement.to_location


class _Found(NamedTuple):
    """A cell as of the moment asked for."""

    cell: BalanceRow
    until_at: datetime | None
    until_position: int | None


MOVED: Final = (
    *columns_of(Step, "change", "balance_after", "other"),
    Column("occurred_at", Kind.INSTANT, attrgetter("movement.occurred_at")),
    Column("recorded_at", Kind.INSTANT, attrgetter("movement.recorded_at")),
    Column("position", Kind.INTEGER, attrgetter("movement.position")),
    Column("item", Kind.TEXT, attrgetter("movement.item")),
    Column("unit", Kind.TEXT, attrgetter("movement.base_unit")),
    Column("reason", Kind.TEXT, attrgetter("movement.reason")),
    Column("actor", Kind.TEXT, attrgetter("movement.actor")),
    Column("gateway", Kind.TEXT, attrgetter("movement.gateway")),
    Column("epoch", Kind.TEXT, lambda step: epoch_from_int(step.movement.epoch)),
    Column("seq", Kind.INTEGER, attrgetter("movement.seq")),
)


@dataclass(frozen=True, slots=True)
class Story:
    """A cell's balance and the movements that made it, the latest occurrence first."""

    cell: BalanceRow
    until_at: datetime | None
    until_position: int | None
    steps: list[Step]
    following: str | None


def steps_back(cell_id: int, movements: Iterable[MovementRow], balance: Decimal) -> Iterator[Step]:
    """Walk back from a balance through the movements that made it.

    Args:
        cell_id: The cell.
        movements: What entered and left it, the latest first.
        balance: Its balance after the first of them.

    Yields:
        Each movement with its change and the balance after it.
    """
    for movement in movements:
        change = movement.quantity if movement.to_cell == cell_id else -movement.quantity
        yield Step(movement, change, balance)
        balance -= change


def _found(conn: Connection, actor: Actor, cell_id: int, *, as_of: str, position: str) -> _Found:
    try:
        until_at = instant_of(as_of, zone_of("UTC")) if as_of else None
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    until_position = min(int(position), GREATEST) if position else None
    cell = stock.balance(conn, actor, cell_id=cell_id, until_at=until_at, until_position=until_position)
    if cell is None:
        raise HTTPException(404, f"there is no cell {cell_id} at your sites")
    return _Found(cell, until_at, until_position)


def _movements(
    conn: Connection, actor: Actor, found: _Found, *, before: Place | None, limit: int
) -> list[MovementRow]:
    return stock.cell_history(
        conn,
        actor,
        cell_id=found.cell.cell_id,
        until_at=found.until_at or _FOREVER,
        until_position=GREATEST if found.until_position is None else found.until_position,
        before=before,
        limit=limit,
    )


def _story(conn: Connection, actor: Actor, cell_id: int, *, as_of: str, position: str, after: str) -> Story:
    found = _found(conn, actor, cell_id, as_of=as_of, position=position)
    try:
        before, balance = _resume(after)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    movements = _movements(conn, actor, found, before=before, limit=ROWS + 1)
    steps = list(steps_back(cell_id, movements, found.cell.quantity if balance is None else balance))
    following = None
    if len(steps) > ROWS:
        last, rest = steps[ROWS - 1].movement, steps[ROWS].balance_after
        place = f"{last.occurred_at.isoformat()}|{last.gateway_key}|{last.epoch}|{last.seq}|{rest}"
        asked = {"as_of": as_of, "position": position, "after": place}
        following = urlencode({name: value for name, value in asked.items() if value})
    return Story(found.cell, found.until_at, found.until_position, steps[:ROWS], following)


def _resume(after: str) -> tuple[Place | None, Decimal | None]:
    if not after:
        return None, None
    try:
        at, gateway, epoch, seq, balance = after.split("|")
        return (datetime.fromisoformat(at), int(gateway), int(epoch), int(seq)), Decimal(balance)
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"after={after!r:.60} is not the address of a next page") from error


@router.get("/movements/{gateway}/{epoch}/{seq}")
def show_movement(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    gateway: Annotated[str, Path(max_length=64)],
    epoch: Annotated[str, Path(pattern=EPOCH_PATTERN)],
    seq: Annotated[int, Path(ge=1, le=2**53 - 1)],
) -> Response:
    """Show one movement: both clocks, both sides, and everything it rests on."""
    with gate.acting(visitor.actor) as conn:
        found = stock.movement(conn, visitor.actor, gateway=gateway, epoch=epoch_to_int(epoch), seq=seq)
    if found is None:
        raise HTTPException(404, f"there is no movement {gateway}/{epoch}/{seq} at your sites")
    movement, batch = found
    return page(
        request,
        visitor,
        "movement.html",
        tab="/stock",
        movement=movement,
        batch=batch,
    )
