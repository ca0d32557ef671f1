"""`/v1/demand/held`: demand that came and cannot be stored yet, with its original bytes and the reason."""

import base64
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.demand import held
from cloud.demand.waiting import LONGEST_REASON, NEVER, Held, HeldState, Origin
from cloud.inquiry.domain import GREATEST
from contracts.base import Site

router = APIRouter(prefix="/v1/demand/held", tags=["demand"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]


class HeldDemand(BaseModel):
    """Something that waits, or has waited; `reason` is a stable word, `message` is for people."""

    model_config = ConfigDict(from_attributes=True)

    held_id: int
    site: str
    source: str
    origin: Origin
    name: str = Field(description="Of an order's line: document and line; of a message: its SHA-256")
    reason: str
    message: str
    held_at: datetime
    due_at: datetime | None = Field(description="When it is tried again; null: only if a person asks")
    tries: int
    state: HeldState
    settled_at: datetime | None
    settled_by: str | None
    settled_because: str | None
    payload: str = Field(description="As it came, base64")


class DiscardPaper(BaseModel):
    """Why it is no demand."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class SourcePaper(BaseModel):
    """All that waits of a source is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    source: Annotated[str, Field(min_length=1, max_length=256)]


class SourceDiscardPaper(SourcePaper):
    """Why all of it is no demand."""

    reason: Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]


class SourceSettled(BaseModel):
    """How much of a source was meant."""

    site: str
    source: str
    waiting: int


@router.get("")
def list_held(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    state: HeldState | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[HeldDemand]:
    """List what waits, or has waited, by number."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = held.listed(conn, caller, site=site, source=source, state=state, after=start, limit=limit + 1)
    return page_of(rows, limit, show=_shown, key=lambda row: [row.held_id])


@router.post(
    "/{held_id}/retry", status_code=201, response_model=HeldDemand, responses=responses(400, 404, 413)
)
def retry_held(*, once: Once, held_id: Number) -> JSONResponse:
    """Let it be tried again at the scheduler's next round."""

    def effect(conn: Connection) -> HeldDemand:
        return _shown(held.try_again(conn, once.caller, held_id, now=once.gate.clock()))

    return once.answer(None, effect)


@router.post(
    "/{held_id}/discard", status_code=201, response_model=HeldDemand, responses=responses(400, 404, 413)
)
def discard_held(*, once: Once, held_id: Number, body: DiscardPaper) -> JSONResponse:
    """Say that it is no demand; it stays on record, and changes nothing if it comes again."""

    def effect(conn: Connection) -> HeldDemand:
        now = once.gate.clock()
        return _shown(held.discard(conn, once.caller, held_id, reason=body.reason, now=now))

    return once.answer(body, effect)


@router.post("/retry", status_code=201, response_model=SourceSettled, responses=responses(400, 413))
def retry_source(*, once: Once, body: SourcePaper) -> JSONResponse:
    """Let all that waits of a source be tried again from the scheduler's next round on."""

    def effect(conn: Connection) -> SourceSettled:
        whose = {"site": body.site, "source": body.source}
        count = held.try_source_again(conn, once.caller, **whose, now=once.gate.clock())
        return SourceSettled(**whose, waiting=count)

    return once.answer(body, effect)


@router.post("/discard", status_code=201, response_model=SourceSettled, responses=responses(400, 413))
def discard_source(*, once: Once, body: SourceDiscardPaper) -> JSONResponse:
    """Say of all that waits of a source that it is no demand; it stays on record."""

    def effect(conn: Connection) -> SourceSettled:
        whose = {"site": body.site, "source": body.source}
        now = once.gate.clock()
        count = held.discard_source(conn, once.caller, **whose, reason=body.reason, now=now)
        return SourceSettled(**whose, waiting=count)

    return once.answer(body, effect)


def _shown(one: Held) -> HeldDemand:
    told = one._asdict() | {
        "payload": base64.b64encode(one.payload).decode(),
        "due_at": None if one.due_at >= NEVER or one.state != HeldState.HELD else one.due_at,
    }
    return HeldDemand.model_validate(told)
