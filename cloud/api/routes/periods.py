"""`/v1/periods` and `/v1/stock-value`: closed figures, what came later, what stock was worth."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.periods import reading, service, standing
from cloud.periods.domain import GREATEST, Close, Figure, PriorFact
from cloud.periods.reading import LineFilter, Moment
from cloud.periods.standing import Standing, Story
from contracts.base import EpochId, Site, UtcDatetime, epoch_from_int

router = APIRouter(prefix="/v1", tags=["periods"], route_class=ConditionalRoute)

SiteId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
PeriodName = Annotated[str, Path(max_length=8, pattern=r"^[0-9]{4}-P?[0-9]{2}$", description="As `2026-03`")]
CloseId = Annotated[int | None, Query(ge=1, le=2**62, description="An earlier close of the period")]
Category = Annotated[str | None, Query(max_length=128, description="Empty: items without one")]
Zone = Annotated[str | None, Query(max_length=128, description="Code of a zone, or of a place in none")]
Text = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]


class Point(BaseModel):
    """Something that speaks against closing a period, or did."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    number: int
    words: str
    detail: JsonValue


class Share(BaseModel):
    """A part of a figure; `value` is null while any of its lines' value is unknown."""

    model_config = ConfigDict(from_attributes=True)

    name: str | None
    lines: int
    value: Decimal | None
    known_value: Decimal | None = Field(description="Of the lines whose value is known; null if none is")
    unknown: int


class Value(BaseModel):
    """What a site's stock was worth: own goods at real places and on the way between sites."""

    model_config = ConfigDict(from_attributes=True)

    currency: str | None
    value: Decimal | None = Field(
        description="The sum of lines that are each rounded; null while any line's value is unknown"
    )
    known_value: Decimal | None = Field(
        description="Of the lines whose value is known; null if there are lines and none is"
    )
    lines: int
    unknown_items: int = Field(description="Items without a cost: their value is unknown, never zero")
    consigned_lines: int = Field(description="Of goods of other owners, which are not in the value")
    categories: list[Share]
    zones: list[Share]
    points: list[Point]


class CloseOfPeriod(BaseModel):
    """One close of a period; it is never changed."""

    model_config = ConfigDict(from_attributes=True)

    close_id: int
    revision: int
    as_of_position: int = Field(description="It holds what was posted up to here")
    closed_at: datetime
    closed_by: str
    asked_by: str | None
    reason: str | None
    note: str
    currency: str | None
    decision_id: int | None
    is_last: bool = Field(description="Whether it is the period's figure")
    points: list[Point] = Field(description="What was open when it was closed")


class Period(BaseModel):
    """A period of a site's calendar."""

    name: str
    starts_at: datetime
    ends_at: datetime = Field(description="Its last instant")
    state: Literal["open", "over", "closed"]
    close: CloseOfPeriod | None


class WholePeriod(Period):
    """A period with its figure, what speaks against closing it, and every close."""

    points: list[Point]
    figure: Value | None = Field(description="Kept if it is closed; else derived, if it was asked for")
    closes: list[CloseOfPeriod]
    decision_id: int | None = Field(description="Of a close that waits for an approver")


class ValueLine(BaseModel):
    """What one cell held and its value; null: not known."""

    model_config = ConfigDict(from_attributes=True)

    cell_id: int
    item: str
    item_name: str | None
    category: str | None
    base_unit: str
    location: str
    lot: str | None
    disposition: str | None
    quantity: Decimal
    basis: str | None = Field(description="standard or average")
    cost: Decimal | None
    value: Decimal | None


class LateFact(BaseModel):
    """A movement of a closed period that was posted after its close."""

    gateway: str
    epoch: EpochId
    seq: int
    position: int
    recorded_at: datetime
    occurred_at: datetime
    item: str
    quantity: Decimal
    from_location: str
    to_location: str
    change: Decimal = Field(description="Of own stock; zero for a move within it")
    value: Decimal | None = Field(description="Of the change, at the cost of the close that did without it")
    currency: str | None
    author: str
    reason: str | None


class Wish(BaseModel):
    """Why a period is to be closed."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=64)] = Field(
        "period_end", description="Another one is needed to close with open points, or again"
    )
    note: Text = ""


class Asked(BaseModel):
    """The decision that waits for another person."""

    decision_id: int
    state: str
    revision: int
    value: Decimal | None
    currency: str | None


class Pattern(BaseModel):
    """How a site's year is cut."""

    model_config = ConfigDict(extra="forbid")

    pattern: Literal["month", "4-4-5", "4-5-4", "5-4-4"]


class Changed(BaseModel):
    """Whether it was another before."""

    changed: bool


@router.get("/periods/{site}", responses=responses(404))
def list_periods(
    *, gate: TheGate, caller: Caller, site: SiteId, limit: Limit = 24, after: After = None
) -> Page[Period]:
    """List a site's periods, the present one first."""
    before = None if after is None else str(decode_cursor(after, str)[0])
    with gate.acting(caller) as conn:
        rows = standing.periods(conn, caller, site=site, now=gate.clock(), before=before, limit=limit + 1)
    return page_of(rows, limit, show=_period, key=lambda row: [row.period.name])


@router.get("/periods/{site}/{period}", responses=responses(404))
def get_period(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    period: PeriodName,
    figure: Annotated[bool, Query(description="Derive the figure of one that is not closed")] = False,
) -> WholePeriod:
    """Give a period with everything that is known of it."""
    with gate.acting(caller) as conn:
        told = standing.story(conn, caller, site=site, name=period, now=gate.clock(), with_figure=figure)
    return _whole(told)


@router.get("/periods/{site}/{period}/lines", responses=responses(404))
def list_lines(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    period: PeriodName,
    close: CloseId = None,
    category: Category = None,
    zone: Zone = None,
    only_unknown: bool = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[ValueLine]:
    """List the lines of a closed figure, by item and cell; of an open period as they are now."""
    start = ("", 0)
    if after is not None:
        item, cell = decode_cursor(after, str, int)
        start = (str(item), int(cell))
    with gate.acting(caller) as conn:
        moment = standing.moment(conn, caller, site=site, name=period, close_id=close)
        wanted = LineFilter(category, zone, only_unknown)
        rows = reading.value_lines(conn, caller, moment, only=wanted, after=start, limit=limit + 1)
    return page_of(rows, limit, show=ValueLine.model_validate, key=lambda row: [row.item, row.cell_id])


@router.get("/periods/{site}/{period}/late-facts", responses=responses(404))
def list_late_facts(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteId,
    period: PeriodName,
    limit: Limit = 100,
    after: After = None,
) -> Page[LateFact]:
    """List what came after the period's last close did without it: it counts in the next period."""
    place = (0, 0, 0, 0)
    if after is not None:
        position, gateway, epoch, seq = map(int, decode_cursor(after, int, int, int, int))
        place = (position, gateway, epoch, seq)
    with gate.acting(caller) as conn:
        found = reading.calendar(conn, caller, site=site).named(period)
        last = reading.closes(conn, caller, site=site, period=found, limit=1)
        rows = (
            reading.prior_facts(conn, caller, close_id=last[0].close_id, after=place, limit=limit + 1)
            if last
            else []
        )
    return page_of(
        rows, limit, show=_fact, key=lambda row: [row.position, row.gateway_key, row.epoch, row.seq]
    )


@router.post(
    "/periods/{site}/{period}/close",
    status_code=201,
    response_model=Asked,
    responses=responses(400, 404, 409, 413),
)
def ask_to_close(
    *, gate: TheGate, caller: Caller, once: Once, site: SiteId, period: PeriodName, body: Wish
) -> JSONResponse:
    """Ask for a period to be closed, or closed again; another person approves it."""

    def effect(conn: Connection) -> Asked:
        made = service.ask_to_close(
            conn, caller, site=site, period=period, reason=body.reason, note=body.note, now=gate.clock()
        )
        return Asked(
            decision_id=made.decision_id,
            state=made.state,
            revision=made.revision,
            value=made.value,
            currency=made.currency,
        )

    return once.answer(body, effect)


@router.post(
    "/sites/{site}/period-calendar",
    status_code=201,
    response_model=Changed,
    responses=responses(400, 404, 413),
)
def set_period_calendar(*, caller: Caller, once: Once, site: SiteId, body: Pattern) -> JSONResponse:
    """Say how a site's year is cut into periods; before the first is closed."""

    def effect(conn: Connection) -> Changed:
        return Changed(changed=service.set_period_calendar(conn, caller, site=site, pattern=body.pattern))

    return once.answer(body, effect)


@router.get("/stock-value")
def get_stock_value(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[Site, Query()],
    as_of: Annotated[UtcDatetime | None, Query(description="As of what had occurred by then")] = None,
    position: Annotated[
        int | None, Query(ge=0, le=2**62, description="As the ledger knew it at this position")
    ] = None,
) -> Value:
    """Tell what a site's stock was worth as of any instant and position."""
    moment = Moment(site, as_of or gate.clock(), GREATEST if position is None else position)
    with gate.acting(caller) as conn:
        return _value(reading.figure(conn, caller, moment))


def _period(row: Standing) -> Period:
    return Period(**_of(row))


def _of(row: Standing) -> dict[str, Any]:
    return {
        "name": row.period.name,
        "starts_at": row.period.starts_at,
        "ends_at": row.period.ends_at,
        "state": row.state,
        "close": None if row.close is None else _close(row.close),
    }


def _whole(told: Story) -> WholePeriod:
    return WholePeriod(
        **_of(told.standing),
        points=[Point.model_validate(point) for point in told.points],
        figure=None if told.figure is None else _value(told.figure),
        closes=[_close(row) for row in told.closes],
        decision_id=told.decision_id,
    )


def _close(row: Close) -> CloseOfPeriod:
    return CloseOfPeriod.model_validate(row)


def _value(row: Figure) -> Value:
    return Value.model_validate(row)


def _fact(row: PriorFact) -> LateFact:
    return LateFact(
        gateway=row.gateway,
        epoch=epoch_from_int(row.epoch),
        seq=row.seq,
        position=row.position,
        recorded_at=row.recorded_at,
        occurred_at=row.occurred_at,
        item=row.item,
        quantity=row.quantity,
        from_location=row.from_location,
        to_location=row.to_location,
        change=row.change,
        value=row.value,
        currency=row.currency,
        author=row.author,
        reason=row.reason,
    )
