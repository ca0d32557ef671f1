"""`/v1/receiving-rules`, `/v1/sscc-series`, `/v1/short-closes`, `/v1/open-lines`: around documents."""

from datetime import date, datetime
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
from cloud.api.routes.receipts import SiteQuery
from cloud.db import Connection
from cloud.documents import reading, short_lines, units
from cloud.documents.receiving import rules
from cloud.documents.receiving.rules import RulePaper
from cloud.documents.short_lines import ClosePaper
from cloud.documents.units import SeriesPaper
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1", tags=["documents"], route_class=ConditionalRoute)

Kind = Literal["asn", "purchase_order", "customer_return", "transfer", "outbound_order", "supplier_return"]


class Rule(BaseModel):
    """A rule of receiving; null: a wider rule says it."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    supplier: str | None
    item: str | None
    item_name: str | None
    over_percent: Decimal | None
    short_percent: Decimal | None
    inspects: bool | None
    set_by: str
    set_at: datetime


class Rules(BaseModel):
    """All rules of a site."""

    items: list[Rule]


class Series(BaseModel):
    """Which SSCCs a site gives out next."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    company_prefix: str
    extension_digit: int
    next_serial: int
    set_by: str
    set_at: datetime


class Closed(BaseModel):
    """What was closed short now."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    type: str
    id: str
    short: dict[str, Decimal] = Field(description="By line, in base units")


class OpenLine(BaseModel):
    """A line of which something is still to move, in base units of its item."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    type: Kind
    id: str
    line: str
    partner: str | None
    due_on: date | None
    registered_at: datetime
    item: str | None = Field(description="Null: its name names no item")
    item_name: str | None
    base_unit: str | None
    unit_seen: str
    lot: str | None
    unit: str | None
    ordered: Decimal | None = Field(description="Null: its unit has no known ratio")
    moved: Decimal
    damaged: Decimal
    rejected: Decimal
    open_quantity: Decimal


@router.get("/receiving-rules")
def list_receiving_rules(
    *, gate: TheGate, caller: Caller, site: Annotated[str, Query(pattern=ID_PATTERN)]
) -> Rules:
    """List a site's rules: supplier and item together go before item, supplier, site."""
    with gate.acting(caller) as conn:
        return Rules(items=[Rule.model_validate(row) for row in rules.rules(conn, caller, site=site)])


@router.post("/receiving-rules", status_code=201, response_model=Rules, responses=responses(400, 409, 413))
def set_receiving_rule(*, once: Once, body: RulePaper) -> JSONResponse:
    """Set a rule; it holds for receipts from now on."""

    def effect(conn: Connection) -> Rules:
        return Rules(items=[Rule.model_validate(row) for row in rules.put_rule(conn, once.caller, body)])

    return once.answer(body, effect)


@router.post("/sscc-series", status_code=201, response_model=Series, responses=responses(400, 409, 413))
def set_sscc_series(*, once: Once, body: SeriesPaper) -> JSONResponse:
    """Say which SSCCs a site gives out; within one series it only goes forward."""
    return once.answer(body, lambda conn: Series.model_validate(units.put_series(conn, once.caller, body)))


@router.post("/short-closes", status_code=201, response_model=Closed, responses=responses(400, 404, 409, 413))
def close_lines_short(*, once: Once, body: ClosePaper) -> JSONResponse:
    """Expect nothing more of lines of a document."""
    return once.answer(
        body, lambda conn: Closed.model_validate(short_lines.close_short(conn, once.caller, body))
    )


@router.get("/open-lines")
def list_open_lines(
    *,
    gate: TheGate,
    caller: Caller,
    type: Annotated[Kind, Query()],  # noqa: A002  the field's name
    site: SiteQuery = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[OpenLine]:
    """List lines of which something is open, by site and document."""
    start = ("", "", 0)
    if after is not None:
        after_site, after_id, ordinal = decode_cursor(after, str, str, int)
        start = (str(after_site), str(after_id), min(max(int(ordinal), 0), 2**31 - 1))
    with gate.acting(caller) as conn:
        rows = reading.open_lines_page(conn, caller, kind=type, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=OpenLine.model_validate, key=lambda row: [row.site, row.id, row.ordinal])
