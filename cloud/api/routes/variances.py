"""`/v1/variances` and what belongs to them: records beside the book, tolerances, costs, record accuracy."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.counting import adjustments, reading
from cloud.counting.accuracy import Accuracy, record_accuracy
from cloud.counting.domain import VarianceRow
from cloud.counting.tolerances import TolerancePaper, put_tolerance, tolerances
from cloud.db import Connection
from contracts.base import EPOCH_PATTERN, Code, EpochId, Site, UtcDatetime, epoch_from_int
from contracts.records import RowRef

router = APIRouter(prefix="/v1", tags=["counts"], route_class=ConditionalRoute)

GatewayName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Epoch = Annotated[str, Path(pattern=EPOCH_PATTERN, description="16 hexadecimal digits")]
Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]
Line = Annotated[int, Path(ge=1, le=2**31 - 1)]
Text = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Note = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=6, allow_inf_nan=False)]
State = Literal["provisional", "within", "beyond", "unreported", "superseded", "adjusted"]
_FIRST_ID: Final = 0


class Variance(BaseModel):
    """A record of a count (an item at a place, and what else was told apart) beside the book."""

    gateway: str
    epoch: EpochId
    seq: int
    line: int = Field(description="Of the count; below zero for what was in scope and not reported")
    site: str
    observed_at: datetime
    uncertainty_s: float
    stage: Literal["provisional", "final", "forced"] = Field(
        description="provisional while later facts may still change it"
    )
    state: str = Field(description="within, beyond, unreported, superseded or adjusted")
    location: str
    place: str = Field(description="The location, or the unit standing there that was counted")
    item: str
    item_name: str | None
    base_unit: str
    lot: str | None
    disposition: str | None
    owner: str | None
    counted: Decimal | None = Field(description="null: not reported, and blank is never zero")
    book: Decimal = Field(description="As of the instant of the count")
    difference: Decimal | None
    possible_differences: list[Decimal] = Field(
        description="More than one where something moved within the count's uncertainty"
    )
    value: Decimal | None = Field(description="Of the difference; null: the cost is not known")
    currency: str | None
    tolerance: dict[str, str | None]
    counted_by: str | None
    superseded_by: str | None
    decision_id: int | None
    decision_state: str | None
    late_facts_wait: bool = Field(description="Adjusted, and what arrived late waits for an approver again")


class Proposal(BaseModel):
    """A wish to adjust the book to a count."""

    model_config = ConfigDict(extra="forbid")

    note: Note = ""


class Proposed(BaseModel):
    """The decision that waits for an approver."""

    decision_id: int
    state: str
    revision: int
    author: str


class Tolerance(BaseModel):
    """How much a record may be off; every limit that is given must hold."""

    model_config = ConfigDict(from_attributes=True)

    tolerance_id: int
    site: str | None
    item: str | None
    category: str | None
    quantity: Decimal | None
    percent: Decimal | None
    value: Decimal | None
    set_by: str
    set_at: datetime


class NewTolerance(BaseModel):
    """A tolerance for an item, a category, a site or all; without any limit, what is set there is removed."""

    model_config = ConfigDict(extra="forbid")

    site: Site | None = Field(None, description="null: every site without one of its own")
    item: Code | None = None
    category: Code | None = None
    quantity: Amount | None = Field(None, description="In base units")
    percent: Amount | None = Field(None, description="Of the book")
    value: Amount | None = Field(None, description="In the site's currency; an unknown cost is above it")


class Kept(BaseModel):
    """What is set now."""

    tolerances: list[Tolerance]


class SiteAccuracy(BaseModel):
    """Accuracy of the records of one site, directed counts and others apart."""

    site: str
    sample: Literal["undirected", "directed"]
    records: int
    accurate: int
    empty_and_zero: int = Field(description="Nothing there and nothing on the books; not among `records`")
    ira: float | None = Field(description="accurate / records; never netted")
    low: float | None = Field(description="Lower bound of Wilson's 95 % interval")
    high: float | None


class RecordAccuracy(BaseModel):
    """Inventory record accuracy of a period by the first blind count of each record."""

    from_at: datetime
    until_at: datetime
    provisional_counts: int = Field(description="Counts of the period that are not in it yet")
    sites: list[SiteAccuracy]


@router.get("/variances")
def list_variances(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Text = None,
    location: Text = None,
    count_task: Text = None,
    state: State | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Variance]:
    """List records of counts beside the book, the latest first; provisional ones as they are now."""
    wanted = reading.VarianceFilter(
        site=site, item=item, location=location, count_task=count_task, state=state
    )
    with gate.acting(caller) as conn:
        rows = reading.variances(conn, caller, wanted, before=place_of(after), limit=limit + 1)
    return page_of(
        rows,
        limit,
        show=shown_variance,
        key=lambda row: [row.observed_at.isoformat(), row.gateway_key, row.epoch, row.seq, row.line_no],
    )


@router.post(
    "/variances/{gateway}/{epoch}/{seq}/{line}/adjustment",
    status_code=201,
    response_model=Proposed,
    responses=responses(400, 404, 409, 413),
)
def propose_adjustment(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: GatewayName,
    epoch: Epoch,
    seq: Seq,
    line: Line,
    body: Proposal,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Ask for an adjustment that nobody was asked for: the counter was not known, or it was rejected."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def effect(conn: Connection) -> Proposed:
        made = adjustments.propose(conn, caller, ref, line, note=body.note)
        return Proposed(
            decision_id=made.decision_id, state=made.state, revision=made.revision, author=made.author
        )

    target = f"/v1/variances/{gateway}/{epoch}/{seq}/{line}/adjustment"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.get("/count-tolerances")
def list_tolerances(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Tolerance]:
    """List how much records may be off."""
    (start,) = decode_cursor(after, int) if after else (_FIRST_ID,)
    with gate.acting(caller) as conn:
        rows = tolerances(conn, caller, site=site, after=int(start), limit=limit + 1)
    return page_of(rows, limit, show=Tolerance.model_validate, key=lambda row: [row.tolerance_id])


@router.post("/count-tolerances", response_model=Kept, responses=responses(400, 404, 413))
def set_tolerance(
    *, gate: TheGate, caller: Caller, body: NewTolerance, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set a tolerance, or remove it by giving no limit; settled counts stay as they were judged."""

    def effect(conn: Connection) -> Kept:
        put_tolerance(conn, caller, TolerancePaper(**body.model_dump()))
        kept = tolerances(conn, caller, site=body.site, limit=1_000)
        return Kept(tolerances=[Tolerance.model_validate(row) for row in kept])

    return post_once(
        gate,
        caller,
        idempotency_key,
        target="/v1/count-tolerances",
        body=body,
        effect=effect,
        status=HTTPStatus.OK,
    )


@router.get("/record-accuracy")
def get_record_accuracy(
    *,
    gate: TheGate,
    caller: Caller,
    from_at: Annotated[UtcDatetime, Query(description="First instant of the period")],
    until_at: Annotated[UtcDatetime, Query(description="The instant after its last")],
    site: Annotated[str | None, Query(max_length=64)] = None,
    category: Text = None,
) -> RecordAccuracy:
    """Measure inventory record accuracy by the first blind count of each record in a period."""
    with gate.acting(caller) as conn:
        found, waiting = record_accuracy(
            conn, caller, from_at=from_at, until_at=until_at, site=site, category=category
        )
    return RecordAccuracy(
        from_at=from_at,
        until_at=until_at,
        provisional_counts=waiting,
        sites=[_shown_accuracy(accuracy) for accuracy in found],
    )


def place_of(after: str | None) -> reading.Place | None:
    """Read the cursor of a list that is ordered by instant and identity.

    Args:
        after: As the client sent it.

    Returns:
        The key of the last row of the page before, or None for the first page.

    Raises:
        ProblemError: 422 if it is not a cursor of this list.
    """
    if after is None:
        return None
    at, gateway, epoch, seq, line = decode_cursor(after, str, int, int, int, int)
    try:
        instant = datetime.fromisoformat(str(at))
    except ValueError as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", f"query.after: {at!r} is no instant"
        ) from error
    return instant, int(gateway), int(epoch), int(seq), int(line)


def shown_variance(row: VarianceRow) -> Variance:
    """Show a record beside its book.

    Args:
        row: The record.

    Returns:
        As the API answers it.
    """
    return Variance(
        gateway=row.gateway,
        epoch=epoch_from_int(row.epoch),
        seq=row.seq,
        line=row.line_no,
        site=row.site,
        observed_at=row.observed_at,
        uncertainty_s=row.uncertainty_s,
        stage=row.stage,
        state=row.state,
        location=row.location,
        place=row.place,
        item=row.item,
        item_name=row.item_name,
        base_unit=row.base_unit,
        lot=row.lot,
        disposition=row.disposition,
        owner=row.owner,
        counted=row.counted,
        book=row.book,
        difference=row.difference,
        possible_differences=list(row.differences),
        value=row.value,
        currency=row.currency,
        tolerance=dict(row.tolerance or {}),
        counted_by=row.counted_by,
        superseded_by=row.superseded_by,
        decision_id=row.decision_id,
        decision_state=row.decision_state,
        late_facts_wait=row.anchor_state == "pending",
    )


def _shown_accuracy(accuracy: Accuracy) -> SiteAccuracy:
    low, high = accuracy.interval or (None, None)
    return SiteAccuracy(
        site=accuracy.site,
        sample="directed" if accuracy.is_directed else "undirected",
        records=accuracy.records,
        accurate=accuracy.accurate,
        empty_and_zero=accuracy.empty_and_zero,
        ira=accuracy.ira,
        low=low,
        high=high,
    )
