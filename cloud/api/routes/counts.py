"""`/v1/counts`: what was seen in bins, as observations that move nothing."""

from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, page_of
from cloud.api.problems import not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.variances import Variance, place_of, shown_variance
from cloud.counting import reading, service
from cloud.counting.reading import CountLineRow, CountRow
from cloud.counting.reporting import (
    LONGEST_COUNT,
    CountPaper,
    TypedLine,
    confirm_zero,
    named_lines,
    report_count,
)
from cloud.db import Connection
from contracts.base import (
    EPOCH_PATTERN,
    Code,
    CountedQuantity,
    EpochId,
    Site,
    UtcDatetime,
    epoch_from_int,
)
from contracts.records import CountLine, Identifier, RowRef
from contracts.vocabulary import CountScope

router = APIRouter(prefix="/v1/counts", tags=["counts"], route_class=ConditionalRoute)

GatewayName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Epoch = Annotated[str, Path(pattern=EPOCH_PATTERN, description="16 hexadecimal digits")]
Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]
Text = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Count(BaseModel):
    """A count as it was reported."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    epoch: EpochId
    seq: int
    site: str
    scope: CountScope
    location: str
    observed_at: datetime
    uncertainty_s: float = Field(description="How long it took: movements within it are uncertain")
    counted_by: str | None
    device: str | None
    count_task: str | None
    blind: bool = Field(description="Whether the counter did not see the book")
    lines: int
    position: int
    recorded_at: datetime
    settled_at: datetime | None = Field(description="null while later facts may still arrive: provisional")
    settled_by: str | None
    forced_reason: str | None


class CountedLine(BaseModel):
    """One line of a count, as seen and in base units."""

    model_config = ConfigDict(from_attributes=True)

    line_no: int
    item: str
    item_name: str | None
    identifier: Identifier
    quantity_seen: Decimal
    unit_seen: str
    quantity: Decimal
    base_unit: str
    is_confirmed_zero: bool
    unit: str | None
    lot: str | None
    disposition: str | None
    owner: str | None


class CountDetail(Count):
    """A count with what was seen, and each record beside its book."""

    counted: list[CountedLine]
    variances: list[Variance]


class NamedLine(BaseModel):
    """A quantity of whatever bears a name: an item's code, SKU, or GTIN with or without leading zeros."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    quantity: CountedQuantity = Field(description="In base units, or in those of the packaging level named")
    lot: Code | None = None


class NewCount(BaseModel):
    """What somebody saw. A line that is absent was not counted: blank is never zero."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    scope: CountScope = Field(CountScope.BIN, description="What the count claims to have looked at")
    location: Code
    lines: Annotated[tuple[CountLine, ...], Field(max_length=500)] = ()
    named: Annotated[
        tuple[NamedLine, ...],
        Field(max_length=500, description="Lines by any one name of the item, as a person types it"),
    ] = ()
    zero_confirmed: Annotated[tuple[Identifier, ...], Field(max_length=500)] = ()
    observed_at: UtcDatetime | None = Field(None, description="When; null means now")
    took_s: Annotated[float, Field(ge=0, le=LONGEST_COUNT / timedelta(seconds=1), allow_inf_nan=False)] = 0.0
    count_task: Code | None = Field(None, description="The task it answers; such a count is no random sample")
    blind: bool = True


class PostedCount(BaseModel):
    """Where in the ledger's order it stands, and its identity."""

    position: int
    recorded_at: datetime
    count: RowRef


class Settled(BaseModel):
    """A count's records as they were settled."""

    variances: list[Variance]


class Forcing(BaseModel):
    """Why a count cannot wait for the watermark."""

    model_config = ConfigDict(extra="forbid")

    reason: Code


class Zero(BaseModel):
    """What was in scope, was not reported and was not there."""

    model_config = ConfigDict(extra="forbid")

    item: Code = Field(description="Code of the item")
    lot: Code | None = None


@router.get("")
def list_counts(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    location: Text = None,
    count_task: Text = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Count]:
    """List counts, the latest first."""
    with gate.acting(caller) as conn:
        rows = reading.counts(
            conn,
            caller,
            site=site,
            location=location,
            task=count_task,
            before=place_of(after),
            limit=limit + 1,
        )
    return page_of(
        rows,
        limit,
        show=_shown,
        key=lambda row: [row.observed_at.isoformat(), row.gateway_key, row.epoch, row.seq, 0],
    )


@router.get("/{gateway}/{epoch}/{seq}", responses=responses(404))
def get_count(gate: TheGate, caller: Caller, gateway: GatewayName, epoch: Epoch, seq: Seq) -> CountDetail:
    """Give one count with its records beside the book."""
    with gate.acting(caller) as conn:
        found = reading.count(conn, caller, RowRef(gateway=gateway, epoch=epoch, seq=seq))
    if found is None:
        raise not_found("count", f"{gateway}/{epoch}/{seq}")
    row, lines, records = found
    return CountDetail(
        **_shown(row).model_dump(),
        counted=[_shown_line(line) for line in lines],
        variances=[shown_variance(record) for record in records],
    )


@router.post("", status_code=201, response_model=PostedCount, responses=responses(400, 404, 413))
def create_count(
    *, gate: TheGate, caller: Caller, body: NewCount, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Post a count; it moves nothing."""
    typed = [TypedLine(line.item, line.quantity, line.lot) for line in body.named]

    def effect(conn: Connection) -> PostedCount:
        now = gate.clock()
        paper = CountPaper(
            site=body.site,
            location=body.location,
            scope=body.scope,
            lines=(*body.lines, *named_lines(conn, typed, now=now)),
            zero_confirmed=body.zero_confirmed,
            observed_at=body.observed_at,
            took_s=body.took_s,
            count_task=body.count_task,
            is_blind=body.blind,
        )
        posted = report_count(conn, caller, paper, now=now)
        return PostedCount(position=posted.position, recorded_at=posted.recorded_at, count=posted.rows[0])

    return post_once(gate, caller, idempotency_key, target="/v1/counts", body=body, effect=effect)


@router.post(
    "/{gateway}/{epoch}/{seq}/force", response_model=Settled, responses=responses(400, 404, 409, 413)
)
def force_count(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: GatewayName,
    epoch: Epoch,
    seq: Seq,
    body: Forcing,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Settle a count now, though later facts may still arrive for it; a supervisor may."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def effect(conn: Connection) -> Settled:
        settled = service.force(conn, caller, ref, reason=body.reason)
        return Settled(variances=[shown_variance(row) for row in settled])

    target = f"/v1/counts/{gateway}/{epoch}/{seq}/force"
    return post_once(
        gate, caller, idempotency_key, target=target, body=body, effect=effect, status=HTTPStatus.OK
    )


@router.post(
    "/{gateway}/{epoch}/{seq}/zero",
    status_code=201,
    response_model=PostedCount,
    responses=responses(400, 404, 409, 413),
)
def confirm_absent(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: GatewayName,
    epoch: Epoch,
    seq: Seq,
    body: Zero,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Answer "zero or not counted?" with zero: a further count at the instant of the first."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def effect(conn: Connection) -> PostedCount:
        posted = confirm_zero(conn, caller, ref, item=body.item, lot=body.lot, now=gate.clock())
        return PostedCount(position=posted.position, recorded_at=posted.recorded_at, count=posted.rows[0])

    target = f"/v1/counts/{gateway}/{epoch}/{seq}/zero"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


def _shown(row: CountRow) -> Count:
    return Count(
        gateway=row.gateway,
        epoch=epoch_from_int(row.epoch),
        seq=row.seq,
        site=row.site,
        scope=CountScope(row.scope),
        location=row.location,
        observed_at=row.observed_at,
        uncertainty_s=row.uncertainty_s,
        counted_by=row.counted_by,
        device=row.device,
        count_task=row.count_task,
        blind=row.is_blind,
        lines=row.lines,
        position=row.position,
        recorded_at=row.recorded_at,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        forced_reason=row.forced_reason,
    )


def _shown_line(row: CountLineRow) -> CountedLine:
    return CountedLine(
        line_no=row.line_no,
        item=row.item,
        item_name=row.item_name,
        identifier=Identifier.model_validate({"scheme": row.identifier_scheme, "value": row.identifier}),
        quantity_seen=row.quantity_seen,
        unit_seen=row.unit_seen,
        quantity=row.quantity,
        base_unit=row.base_unit,
        is_confirmed_zero=row.is_confirmed_zero,
        unit=row.unit,
        lot=row.lot,
        disposition=row.disposition,
        owner=row.owner,
    )
