"""`/v1/recalls`: recalls of lots, how they stand at each site, what they reach."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import orjson
from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.lots import RelatedStock, with_stock
from cloud.approvals.within_limits import settle_each
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.lots import recalls
from cloud.lots.recall_reading import recall_story
from contracts.base import Code

router = APIRouter(prefix="/v1/recalls", tags=["lots"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=2**62)]
Note = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
Reason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Recalled(BaseModel):
    """A recall of a lot."""

    model_config = ConfigDict(from_attributes=True)

    recall_id: int
    item: str
    item_name: str | None
    lot: str
    reason: str
    note: str
    with_possible: bool
    opened_at: datetime
    opened_by: str
    ended_at: datetime | None
    ended_by: str | None
    ended_because: str | None
    lots: int = Field(description="That it reaches")


class AtSite(BaseModel):
    """How it stands at a site."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    decision_id: int = Field(description="Approve, reject or reverse it under `/v1/decisions`")
    state: str = Field(description="`submitted` waits for an approver, `applied` holds the stock")


class RecallStory(Recalled):
    """A recall with its sites, and all that it reaches."""

    sites: list[AtSite]
    reaches: list[RelatedStock]
    sent: Decimal = Field(description="To customers, less what came back; in base units of whatever it was")


class NewRecall(BaseModel):
    """What is recalled, and why."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    lot: Code
    reason: Reason
    note: Note = ""
    with_possible: bool = Field(
        default=True, description="Goods of which no lot was kept, and which may be of it, too"
    )


class RecallEnd(BaseModel):
    """Why a recall ends."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    note: Note = ""


@router.get("")
def list_recalls(
    *, gate: TheGate, caller: Caller, ended: bool = False, limit: Limit = 100, after: After = None
) -> Page[Recalled]:
    """List recalls, the latest first."""
    (before,) = decode_cursor(after, int) if after else (2**62,)
    with gate.acting(caller) as conn:
        rows = recalls.recalls(conn, caller, with_ended=ended, before=int(before), limit=limit + 1)
    return page_of(rows, limit, show=Recalled.model_validate, key=lambda row: [row.recall_id])


@router.get("/{recall_id}", responses=responses(404))
def get_recall(*, gate: TheGate, caller: Caller, recall_id: Number) -> RecallStory:
    """Tell how a recall stands at each site, where all that it reaches is, and who got it."""
    with gate.acting(caller) as conn:
        return _story(conn, caller, recall_id)


@router.post("", status_code=201, response_model=RecallStory, responses=responses(400, 404, 409, 413))
def open_recall(*, once: Once, body: NewRecall) -> JSONResponse:
    """Recall a lot with everything made of it; a decision per site holds what lies there.

    What the caller's own limits cover is held at once, after this answer was made: ask again how it stands.
    """

    def effect(conn: Connection) -> RecallStory:
        made = recalls.open_recall(conn, once.caller, **body.model_dump())
        return _story(conn, once.caller, made.recall_id)

    answer = once.answer(body, effect)
    sites = orjson.loads(bytes(answer.body))["sites"]
    settle_each(once.gate.pool, once.caller, [site["decision_id"] for site in sites])
    return answer


@router.post(
    "/{recall_id}/end", status_code=201, response_model=Recalled, responses=responses(400, 404, 409, 413)
)
def end_recall(*, once: Once, recall_id: Number, body: RecallEnd) -> JSONResponse:
    """End a recall: nothing more is held for it; what is held stays so until its decision is reversed."""

    def effect(conn: Connection) -> Recalled:
        ended = recalls.close_recall(conn, once.caller, recall_id=recall_id, **body.model_dump())
        return Recalled.model_validate(ended)

    return once.answer(body, effect)


def _story(conn: Connection, caller: Actor, recall_id: int) -> RecallStory:
    told = recall_story(conn, caller, recall_id=recall_id)
    return RecallStory(
        **Recalled.model_validate(told.recall).model_dump(),
        sites=[AtSite.model_validate(row) for row in told.sites],
        reaches=[with_stock(each) for each in told.reaches],
        sent=told.sent,
    )
