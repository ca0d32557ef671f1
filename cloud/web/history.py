"""From a balance down to its movements, and from a movement to its evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import stock
from cloud.inquiry.domain import GREATEST, BalanceRow, MovementRow
from cloud.web.instants import instant_of
from cloud.web.rendering import page, zone_of
from cloud.web.visitors import TheGate, Viewer
from contracts.base import EPOCH_PATTERN, epoch_to_int

router: Final = APIRouter()

ROWS: Final = 100
_FOREVER: Final = datetime.fromisoformat("9999-12-31T00:00:00+00:00")

Text = Annotated[str, Query(max_length=128)]
Number = Annotated[str, Query(max_length=20, pattern=r"^\d*$")]


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


@dataclass(frozen=True, slots=True)
class Story:
    """A cell's balance and the movements that made it, the latest occurrence first."""

    cell: BalanceRow
    until_at: datetime | None
    until_position: int | None
    steps: list[Step]
    following: str | None


def steps_back(cell_id: int, movements: list[MovementRow], balance: Decimal) -> Iterator[Step]:
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


def _story(conn: Connection, actor: Actor, cell_id: int, *, as_of: str, position: str, after: str) -> Story:
    try:
        until_at = instant_of(as_of, zone_of("UTC")) if as_of else None
        before, balance = _resume(after)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    until_position = min(int(position), GREATEST) if position else None
    cell = stock.balance(conn, actor, cell_id=cell_id, until_at=until_at, until_position=until_position)
    if cell is None:
        raise HTTPException(404, f"there is no cell {cell_id} at your sites")
    movements = stock.cell_history(
        conn,
        actor,
        cell_id=cell_id,
        until_at=until_at or _FOREVER,
        until_position=GREATEST if until_position is None else until_position,
        before=before,
        limit=ROWS + 1,
    )
    steps = list(steps_back(cell_id, movements, cell.quantity if balance is None else balance))
    following = None
    if len(steps) > ROWS:
        last, rest = steps[ROWS - 1].movement, steps[ROWS].balance_after
        place = f"{last.occurred_at.isoformat()}|{last.gateway_key}|{last.epoch}|{last.seq}|{rest}"
        asked = {"as_of": as_of, "position": position, "after": place}
        following = urlencode({name: value for name, value in asked.items() if value})
    return Story(cell, until_at, until_position, steps[:ROWS], following)


def _resume(after: str) -> tuple[tuple[datetime, int, int, int] | None, Decimal | None]:
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
