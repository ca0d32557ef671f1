"""`/v1/movements`: what moved, in the ledger's order; movements by hand; reversals."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.documents.judging.by_hand import move_by_hand
from cloud.inquiry import stock
from cloud.inquiry.domain import GREATEST, MovementFilter, MovementRow
from cloud.ledger.corrections import post_reversal
from cloud.ledger.manual import ManualMovement
from contracts.base import (
    EPOCH_PATTERN,
    ID_PATTERN,
    Code,
    EpochId,
    PositiveQuantity,
    Site,
    UtcDatetime,
    epoch_from_int,
    epoch_to_int,
)
from contracts.records import DocumentRef, Identifier, RowRef, Side

router = APIRouter(prefix="/v1/movements", tags=["movements"], route_class=ConditionalRoute)

Epoch = Annotated[str, Path(pattern=EPOCH_PATTERN, description="16 hexadecimal digits")]
Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]
Name = Annotated[str, Path(pattern=ID_PATTERN)]


class Half(BaseModel):
    """One side of a movement; null is *not known*."""

    cell: int
    location: str
    lot: str | None
    disposition: str | None
    owner: str | None


class Movement(BaseModel):
    """A quantity of one item left one cell and entered another."""

    gateway: str
    epoch: EpochId
    seq: int
    site: str
    occurred_at: datetime = Field(description="In the world, by the gateway's clock where it is believed")
    occurred_at_claimed: datetime
    time_basis: str
    recorded_at: datetime = Field(description="In the ledger")
    position: int
    item: str = Field(description="Code of the item as it reads now, after merging")
    item_seen: str
    quantity: Decimal = Field(description="In the base unit of the item seen; always above zero")
    identifier: Identifier
    quantity_seen: Decimal
    unit_seen: str
    source: Half
    destination: Half
    reason: str | None
    reverses: RowRef | None
    actor: str | None
    device: str | None
    posted_by: str
    detail: dict[str, JsonValue]


class NewMovement(BaseModel):
    """A movement stated by a person or a program."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    identifier: Identifier
    quantity: PositiveQuantity = Field(description="In `unit`")
    unit: Code = Field("base", description="`base`, or the GTIN of a packaging level")
    source: Side
    destination: Side
    occurred_at: UtcDatetime | None = Field(None, description="When it happened; null means now")
    reason: Code
    documents: Annotated[tuple[DocumentRef, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _moves_something(self) -> Self:
        if self.source == self.destination:
            raise ValueError("source and destination are the same; a movement changes something")
        return self


class Reversal(BaseModel):
    """Why a movement is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: Code


class Posted(BaseModel):
    """Where in the ledger's order it stands, and the new movement's identity."""

    position: int
    recorded_at: datetime
    movement: RowRef


@router.get("")
def list_movements(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Annotated[str | None, Query(max_length=128, description="Code of an item")] = None,
    location: Annotated[str | None, Query(max_length=128, description="Left or entered")] = None,
    gateway: Annotated[str | None, Query(max_length=64)] = None,
    reason: Annotated[str | None, Query(max_length=128)] = None,
    occurred_from: Annotated[UtcDatetime | None, Query()] = None,
    occurred_until: Annotated[UtcDatetime | None, Query()] = None,
    above_position: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="Only what the ledger took after this position")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Movement]:
    """List movements, the latest position first."""
    wanted = MovementFilter(
        site=site,
        item=item,
        location=location,
        gateway=gateway,
        reason=reason,
        occurred_from=occurred_from,
        occurred_until=occurred_until,
        above_position=above_position,
    )
    before = (GREATEST, "", 0)
    if after is not None:
        position, name, seq = decode_cursor(after, int, str, int)
        before = (int(position), str(name), int(seq))
    with gate.acting(caller) as conn:
        rows = stock.movements(conn, caller, wanted, before=before, limit=limit + 1)
    return page_of(rows, limit, show=shown_movement, key=lambda row: [row.position, row.gateway, row.seq])


@router.get("/{gateway}/{epoch}/{seq}", responses=responses(404))
def get_movement(gate: TheGate, caller: Caller, gateway: Name, epoch: Epoch, seq: Seq) -> Movement:
    """Give one movement."""
    with gate.acting(caller) as conn:
        found = stock.movement(conn, caller, gateway=gateway, epoch=epoch_to_int(epoch), seq=seq)
    if found is None:
        raise not_found("movement", f"{gateway}/{epoch}/{seq}")
    return shown_movement(found[0])


@router.post("", status_code=201, response_model=Posted, responses=responses(400, 413))
def create_movement(
    *, gate: TheGate, caller: Caller, body: NewMovement, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Post a movement by hand; goods of receipts that wait are judged instead."""
    movement = ManualMovement(
        site=body.site,
        identifier=body.identifier,
        quantity=body.quantity,
        unit=body.unit,
        source=body.source,
        destination=body.destination,
        occurred_at=body.occurred_at,
        reason=body.reason,
        documents=body.documents,
    )

    def effect(conn: Connection) -> Posted:
        posted = move_by_hand(conn, caller, movement, now=gate.clock())
        return Posted(position=posted.position, recorded_at=posted.recorded_at, movement=posted.rows[0])

    return post_once(gate, caller, idempotency_key, target="/v1/movements", body=body, effect=effect)


@router.post(
    "/{gateway}/{epoch}/{seq}/reversal",
    status_code=201,
    response_model=Posted,
    responses=responses(400, 404, 409, 413),
)
def reverse_movement(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: Name,
    epoch: Epoch,
    seq: Seq,
    body: Reversal,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Take a movement back; it can be done once."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def effect(conn: Connection) -> Posted:
        posted = post_reversal(conn, caller, ref, reason=body.reason)
        return Posted(position=posted.position, recorded_at=posted.recorded_at, movement=posted.rows[0])

    target = f"/v1/movements/{gateway}/{epoch}/{seq}/reversal"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


def shown_movement(row: MovementRow) -> Movement:
    """Show a movement as the API does."""
    reverses = None
    if row.reverses_gateway and row.reverses_epoch is not None and row.reverses_seq:
        epoch = epoch_from_int(row.reverses_epoch)
        reverses = RowRef(gateway=row.reverses_gateway, epoch=epoch, seq=row.reverses_seq)
    return Movement(
        gateway=row.gateway,
        epoch=epoch_from_int(row.epoch),
        seq=row.seq,
        site=row.site,
        occurred_at=row.occurred_at,
        occurred_at_claimed=row.occurred_at_claimed,
        time_basis=row.time_basis,
        recorded_at=row.recorded_at,
        position=row.position,
        item=row.item,
        item_seen=row.item_seen,
        quantity=row.quantity,
        identifier=Identifier.model_validate({"scheme": row.identifier_scheme, "value": row.identifier}),
        quantity_seen=row.quantity_seen,
        unit_seen=row.unit_seen,
        source=Half(
            cell=row.from_cell,
            location=row.from_location,
            lot=row.from_lot,
            disposition=row.from_disposition,
            owner=row.from_owner,
        ),
        destination=Half(
            cell=row.to_cell,
            location=row.to_location,
            lot=row.to_lot,
            disposition=row.to_disposition,
            owner=row.to_owner,
        ),
        reason=row.reason,
        reverses=reverses,
        actor=row.actor,
        device=row.device,
        posted_by=row.posted_by,
        detail=row.detail,
    )
