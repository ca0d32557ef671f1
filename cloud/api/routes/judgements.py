"""`/v1/waiting-goods` and `/v1/judgements`: goods in inspection, returned or held, and decisions."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.decisions import Decision
from cloud.api.routes.receipts import SiteQuery
from cloud.approvals.within_limits import settle
from cloud.db import Connection
from cloud.documents.judging import scrapping, service
from cloud.documents.judging.papers import JudgementPaper, Verdict, WaitsAs
from cloud.documents.judging.scrapping import ScrapPaper

router = APIRouter(prefix="/v1", tags=["receiving"], route_class=ConditionalRoute)

_GREATEST = 2**62


class WaitingGoods(BaseModel):
    """Goods that wait for a person, in base units of their item."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    receipt: str | None = Field(
        description="null: no receipt brought them, as a handheld's return or a hold by hand"
    )
    line: str | None
    waits_as: WaitsAs
    lot: str | None
    owner: str | None = Field(description="Whose they are; null: our own")
    item: str
    item_name: str | None
    base_unit: str
    quantity: Decimal
    location: str = Field(description="Where the receipt put it")
    unit: str | None
    partner: str | None
    is_unexpected: bool
    reason: str | None
    since_at: datetime
    numbers: list[str] = Field(
        description="Of returns, as handhelds named them, where no receipt brought them"
    )
    days_left: int | None = Field(
        description="Of what waits for `short_life`: from the day of receipt until its lot expires"
    )


class Waiting(BaseModel):
    """Those that came first come first."""

    items: list[WaitingGoods]


class Judgement(BaseModel):
    """A decision that was taken."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    site: str
    receipt: str | None = Field(description="null: of goods that no receipt brought")
    line: str | None
    item: str | None
    waited_as: WaitsAs
    verdict: Verdict | Literal["scrap"]
    quantity: Decimal
    grade: str | None
    reason: str
    location: str
    judged_at: datetime
    judged_by: str


@router.get("/waiting-goods")
def list_waiting_goods(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteQuery = None,
    waits_as: Annotated[WaitsAs | None, Query()] = None,
    limit: Limit = 100,
) -> Waiting:
    """List goods that wait; what is judged makes room for the next."""
    with gate.acting(caller) as conn:
        rows = service.waiting(conn, caller, site=site, waits_as=waits_as, limit=limit)
    return Waiting(items=[WaitingGoods.model_validate(row) for row in rows])


@router.get("/judgements")
def list_judgements(
    *, gate: TheGate, caller: Caller, site: SiteQuery = None, limit: Limit = 100, after: After = None
) -> Page[Judgement]:
    """List decisions, the latest first."""
    before = _GREATEST if after is None else min(int(decode_cursor(after, int)[0]), _GREATEST)
    with gate.acting(caller) as conn:
        rows = service.judgements(conn, caller, site=site, before=max(before, 0), limit=limit + 1)
    return page_of(rows, limit, show=Judgement.model_validate, key=lambda row: [row.number])


@router.post(
    "/judgements", status_code=201, response_model=Judgement, responses=responses(400, 404, 409, 413)
)
def judge_goods(*, once: Once, body: JudgementPaper) -> JSONResponse:
    """Decide about goods that wait."""

    def effect(conn: Connection) -> Judgement:
        return Judgement.model_validate(service.judge(conn, once.caller, body, now=once.gate.clock()))

    return once.answer(body, effect)


@router.post("/scrappings", status_code=201, response_model=Decision, responses=responses(400, 404, 409, 413))
def ask_to_scrap(*, once: Once, body: ScrapPaper) -> JSONResponse:
    """Ask for goods that wait to be scrapped; within the limit of one's own it is done at once."""

    def effect(conn: Connection) -> Decision:
        asked = scrapping.ask_to_scrap(conn, once.caller, body)
        return Decision.model_validate(settle(conn, once.caller, asked.decision_id))

    return once.answer(body, effect)
