"""`/v1/crossings` and `/v1/dock-exceptions`: what doors saw, what of it needs a person, and the answers."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.crossings import reading, service
from cloud.crossings.domain import Answer, AnswerRow, CrossingRow, Proposal, RecordRow
from cloud.db import Connection
from contracts.base import EPOCH_PATTERN, ID_PATTERN, Code, EpochId, UtcDatetime, epoch_from_int
from contracts.records import RowRef
from contracts.vocabulary import CrossingDirection

router = APIRouter(prefix="/v1", tags=["crossings"], route_class=ConditionalRoute)

Epoch = Annotated[str, Path(pattern=EPOCH_PATTERN, description="16 hexadecimal digits")]
Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]
Name = Annotated[str, Path(pattern=ID_PATTERN)]
Text = Annotated[str | None, Query(max_length=128)]


class Said(BaseModel):
    """What a person answered; `misread` took back what was posted."""

    answer: Literal["in", "out", "did_not_move", "choose_visit", "misread"]
    visit: str | None
    answered_by: str
    answered_at: datetime


class Crossing(BaseModel):
    """A tag passed, or did not pass, a portal."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    epoch: EpochId
    seq: int
    site: str
    portal: str
    epc: str
    direction: CrossingDirection = Field(description="As the portal concluded")
    confidence: float | None
    occurred_at: datetime
    first_seen_at: datetime
    reads: int
    posted: Literal["posted", "held", "evidence"] = Field(description="What the edge did with it")
    because: str | None = Field(description="Why it was held, kept as evidence, or needs a person")
    visit: str | None = Field(description="The visit that a person chose, else the edge's")
    unit: str | None
    identifier: str | None
    unit_seen: str | None
    inside_location: str | None
    outside_location: str | None
    device: str | None
    evidence_id: str
    position: int
    recorded_at: datetime
    stands: Literal["in", "out"] | None = Field(description="The direction that is posted now")
    card: Literal["open", "answered"] | None = Field(
        description="Whether it needs a person; null: it never did"
    )
    answer: Said | None = Field(description="The last of them")


class Observed(BaseModel):
    """A sure sighting of the same tag or unit by other evidence."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["crossing", "unit_position", "movement"]
    gateway: str
    epoch: EpochId
    seq: int
    observed_at: datetime
    from_place: str | None
    to_place: str | None
    direction: str | None
    actor: str | None


class Proposed(BaseModel):
    """The answer that later evidence suggests; nothing posts by itself."""

    answer: Literal["in", "out", "did_not_move"]
    after: Observed
    before: Observed | None


class DockException(Crossing):
    """A card: a crossing that a person decides, with its radio picture."""

    antennas: list[str]
    trace: list[tuple[int, int, float]] = Field(
        description="Reads as [ms after first_seen_at, index into antennas, dBm]"
    )
    asks: list[Literal["in", "out", "did_not_move", "choose_visit"]]
    proposal: Proposed | None


class Rested(BaseModel):
    """A movement or unit position that rests on a crossing."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["movement", "unit_position"]
    gateway: str
    epoch: EpochId
    seq: int
    position: int
    recorded_at: datetime
    item: str | None
    quantity: Decimal | None
    unit: str | None
    from_place: str | None
    to_place: str | None
    reason: str | None
    actor: str | None
    is_reversed: bool


class CrossingWhole(DockException):
    """A crossing with its radio picture, what it posted, and every answer."""

    records: list[Rested]
    answers: list[Said]
    detail: dict[str, JsonValue]


class NewAnswer(BaseModel):
    """What a person says of a crossing."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["in", "out", "did_not_move", "choose_visit"]
    visit: Code | None = Field(None, description="The visit it belongs to; null: the edge's, or no document")


class AnswerPosted(BaseModel):
    """The answer and its place in the ledger's order; `rows` are what it posted."""

    crossing: RowRef
    answer: Literal["in", "out", "did_not_move", "choose_visit", "misread"]
    visit: str | None
    position: int
    recorded_at: datetime
    rows: list[RowRef]


@router.get("/crossings")
def list_crossings(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    portal: Text = None,
    epc: Text = None,
    visit: Text = None,
    direction: CrossingDirection | None = None,
    posted: Literal["posted", "held", "evidence"] | None = None,
    card: Literal["open", "answered"] | None = None,
    occurred_from: Annotated[UtcDatetime | None, Query()] = None,
    occurred_until: Annotated[UtcDatetime | None, Query()] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Crossing]:
    """List crossings, the latest occurrence first."""
    wanted = reading.CrossingFilter(
        site=site,
        portal=portal,
        epc=epc,
        visit=visit,
        direction=direction,
        posted=posted,
        card=card,
        occurred_from=occurred_from,
        occurred_until=occurred_until,
    )
    with gate.acting(caller) as conn:
        rows = reading.crossings(conn, caller, wanted, before=_place(after), limit=limit + 1)
    return page_of(rows, limit, show=_shown, key=_key)


@router.get("/crossings/{gateway}/{epoch}/{seq}", responses=responses(404))
def get_crossing(gate: TheGate, caller: Caller, gateway: Name, epoch: Epoch, seq: Seq) -> CrossingWhole:
    """Give one crossing with its radio picture, what it posted, and what people answered."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)
    with gate.acting(caller) as conn:
        story = reading.crossing(conn, caller, ref)
    if story is None:
        raise not_found("crossing", f"{gateway}/{epoch}/{seq}")
    return CrossingWhole(
        **_card(story.crossing, story.proposal).model_dump(),
        records=[_rested(record) for record in story.records],
        answers=[_said(step) for step in story.answers],
        detail=story.crossing.detail,
    )


@router.get("/dock-exceptions")
def list_dock_exceptions(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    state: Literal["open", "answered"] = "open",
    limit: Limit = 100,
    after: After = None,
) -> Page[DockException]:
    """List the cards that wait, the oldest crossing first; or those answered, the latest answer first."""
    place = _place(after)
    with gate.acting(caller) as conn:
        if state == "open":
            cards = reading.open_cards(conn, caller, site=site, after=place, limit=limit + 1)
            return page_of(
                cards,
                limit,
                show=lambda card: _card(card.crossing, card.proposal),
                key=lambda card: _key(card.crossing),
            )
        rows = reading.answered_cards(conn, caller, site=site, before=place, limit=limit + 1)
    return page_of(rows, limit, show=lambda row: _card(row, None), key=_answer_key)


@router.post(
    "/dock-exceptions/{gateway}/{epoch}/{seq}/answer",
    status_code=201,
    response_model=AnswerPosted,
    responses=responses(400, 404, 409, 413),
)
def answer_dock_exception(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: Name,
    epoch: Epoch,
    seq: Seq,
    body: NewAnswer,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Answer a card; once, whatever the number of people. It posts at the crossing's instant."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def effect(conn: Connection) -> AnswerPosted:
        done = service.answer(conn, caller, ref, answer=Answer(body.answer), visit=body.visit)
        return _posted(done)

    target = f"/v1/dock-exceptions/{gateway}/{epoch}/{seq}/answer"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.post(
    "/crossings/{gateway}/{epoch}/{seq}/misread",
    status_code=201,
    response_model=AnswerPosted,
    responses=responses(400, 404, 409, 413),
)
def take_back_crossing(
    *, gate: TheGate, caller: Caller, gateway: Name, epoch: Epoch, seq: Seq, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Take back what a crossing or its answer posted; its card opens again."""
    ref = RowRef(gateway=gateway, epoch=epoch, seq=seq)
    return post_once(
        gate,
        caller,
        idempotency_key,
        target=f"/v1/crossings/{gateway}/{epoch}/{seq}/misread",
        body=None,
        effect=lambda conn: _posted(service.take_back(conn, caller, ref)),
    )


def _posted(done: service.Answered) -> AnswerPosted:
    return AnswerPosted(
        crossing=done.crossing,
        answer=done.answer.value,
        visit=done.visit,
        position=done.posted.position,
        recorded_at=done.posted.recorded_at,
        rows=list(done.posted.rows),
    )


def _key(row: CrossingRow) -> list[str | int]:
    return [row.occurred_at.isoformat(), row.gateway_key, row.epoch, row.seq]


def _answer_key(row: CrossingRow) -> list[str | int]:
    return [(row.answered_at or row.occurred_at).isoformat(), row.gateway_key, row.epoch, row.seq]


def _place(after: str | None) -> reading.Place | None:
    if after is None:
        return None
    at, gateway, epoch, seq = decode_cursor(after, str, int, int, int)
    try:
        return datetime.fromisoformat(str(at)), int(gateway), int(epoch), int(seq)
    except ValueError as error:
        detail = f"query.after: {after!r:.60} is not a `next` of this list; begin again without it"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-cursor", detail) from error


def _shown(row: CrossingRow) -> Crossing:
    own = {"epoch", "visit", "answer", "evidence_id"}
    fields = {name: getattr(row, name) for name in Crossing.model_fields if name not in own}
    answer = None
    if row.answer and row.answered_by and row.answered_at:
        said = {"answer": row.answer, "visit": row.answer_visit, "answered_by": row.answered_by}
        answer = Said.model_validate(said | {"answered_at": row.answered_at})
    mended = {
        "epoch": epoch_from_int(row.epoch),
        "visit": row.visit_now,
        "answer": answer,
        "evidence_id": row.evidence,
    }
    return Crossing.model_validate(fields | mended)


def _card(row: CrossingRow, proposal: Proposal | None) -> DockException:
    picture = {"antennas": row.antennas, "trace": row.trace, "proposal": None}
    if proposal is not None:
        picture["proposal"] = {
            "answer": proposal.answer.value,
            "after": _observed(proposal.after),
            "before": _observed(proposal.before) if proposal.before else None,
        }
    return DockException.model_validate(_shown(row).model_dump() | picture | {"asks": list(row.asks)})


def _observed(seen: object) -> Observed:
    fields = {name: getattr(seen, name) for name in Observed.model_fields}
    return Observed.model_validate(fields | {"epoch": epoch_from_int(fields["epoch"])})


def _rested(record: RecordRow) -> Rested:
    fields = {name: getattr(record, name) for name in Rested.model_fields}
    return Rested.model_validate(fields | {"epoch": epoch_from_int(record.epoch)})


def _said(step: AnswerRow) -> Said:
    return Said.model_validate({name: getattr(step, name) for name in Said.model_fields})
