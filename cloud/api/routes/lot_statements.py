"""`/v1/unstated-lots`, `/v1/lot-policies`, `/v1/expiring-lots`: lots that nothing tells, and that expire."""

from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import Once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import ProblemError, responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.lots import expiry, stating
from cloud.lots.expiry import DAYS, MOST_DAYS
from contracts.base import Code, PositiveQuantity, Site

router = APIRouter(prefix="/v1", tags=["lots"], route_class=ConditionalRoute)

SiteName = Annotated[str | None, Query(max_length=64)]
ItemCode = Annotated[str | None, Query(max_length=128)]


class Unstated(BaseModel):
    """Stock of a lot-controlled item of which nobody knows the lot: work to do."""

    model_config = ConfigDict(from_attributes=True)

    cell_id: int
    site: str
    item: str
    base_unit: str
    location: str | None
    unit: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal
    is_resolved: bool = Field(
        description="false: gateways may still tell; true: nothing tells, somebody has to look"
    )


class Expiring(BaseModel):
    """A lot at a site that expires soon, or has."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    item: str
    base_unit: str
    lot: str
    expires_on: date
    days_left: int = Field(description="From the site's today; zero or less: it has expired")
    on_hand: Decimal
    shippable_quantity: Decimal = Field(
        description="In a condition in which it could leave, but for its date"
    )
    value: Decimal | None = Field(description="Of own goods; null: a cost is not known")
    currency: str | None


class NewStatement(BaseModel):
    """Which lot some goods are."""

    model_config = ConfigDict(extra="forbid")

    cell_id: Annotated[int, Field(ge=1, le=2**62)]
    lot: Code
    quantity: PositiveQuantity = Field(description="In base units; at most what lies there")


class Stated(BaseModel):
    """The posting that was made."""

    position: int


class Policy(BaseModel):
    """Whether an item's lots are known, and in which order they are taken to be used where nothing tells."""

    model_config = ConfigDict(extra="forbid")

    item: Code
    is_lot_controlled: bool
    rule: Literal["fefo", "fifo"] | None = None


class Watch(BaseModel):
    """How long before a lot expires people of a site are told, and whose the tickets are."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    site: Site
    days: Annotated[int, Field(ge=0, le=MOST_DAYS)]
    owner: Code | None = Field(
        default=None, description="As `user:ada`; null: of whoever stated the lot's date"
    )


class Kept(BaseModel):
    """Whether it was new."""

    is_new: bool


@router.get("/unstated-lots")
def list_unstated(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteName = None,
    item: ItemCode = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Unstated]:
    """List stock of which nobody knows the lot."""
    (start,) = decode_cursor(after, int) if after else (0,)
    with gate.acting(caller) as conn:
        rows = stating.unstated(conn, caller, site=site, item=item, after=int(start), limit=limit + 1)
    return page_of(rows, limit, show=Unstated.model_validate, key=lambda row: [row.cell_id])


@router.post(
    "/unstated-lots", status_code=201, response_model=Stated, responses=responses(400, 403, 404, 409, 413)
)
def state_lot(*, once: Once, body: NewStatement) -> JSONResponse:
    """Say which lot goods are, where they lie."""

    def effect(conn: Connection) -> Stated:
        posted = stating.state_lot(
            conn,
            once.caller,
            cell_id=body.cell_id,
            lot=body.lot,
            quantity=body.quantity,
            now=once.gate.clock(),
        )
        return Stated(position=posted.position)

    return once.answer(body, effect)


@router.post("/lot-policies", status_code=201, response_model=Kept, responses=responses(400, 404, 413))
def set_policy(*, once: Once, body: Policy) -> JSONResponse:
    """Say how an item's lots are known and used."""
    return once.answer(
        body, lambda conn: Kept(is_new=stating.set_policy(conn, once.caller, **body.model_dump()))
    )


@router.get("/expiring-lots")
def list_expiring(
    *,
    gate: TheGate,
    caller: Caller,
    site: SiteName = None,
    item: ItemCode = None,
    days: Annotated[int, Query(ge=0, le=MOST_DAYS, description="From each site's today")] = DAYS,
    limit: Limit = 100,
    after: After = None,
) -> Page[Expiring]:
    """List lots on hand that have expired or will soon, what expires first comes first."""
    start = expiry.FIRST
    if after is not None:
        day, after_site, after_item, after_lot = map(str, decode_cursor(after, str, str, str, str))
        try:
            start = (date.fromisoformat(day), after_site, after_item, after_lot)
        except ValueError as error:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "bad-cursor",
                "query.after is not a `next` of this list; begin again without it",
            ) from error
    with gate.acting(caller) as conn:
        rows = expiry.expiring(
            conn, caller, site=site, item=item, days=days, now=gate.clock(), after=start, limit=limit + 1
        )
    return page_of(
        rows,
        limit,
        show=Expiring.model_validate,
        key=lambda row: [row.expires_on.isoformat(), row.site, row.item, row.lot],
    )


@router.get("/expiry-watches")
def list_watches(*, gate: TheGate, caller: Caller) -> list[Watch]:
    """Tell how each site is told of lots that expire."""
    with gate.acting(caller) as conn:
        return [Watch(site=row.site, days=row.days, owner=row.owner) for row in expiry.watches(conn, caller)]


@router.post("/expiry-watches", status_code=201, response_model=Kept, responses=responses(400, 413))
def put_watch(*, once: Once, body: Watch) -> JSONResponse:
    """Say how long before a lot expires people of a site are told, and whose the tickets are."""
    return once.answer(
        body, lambda conn: Kept(is_new=expiry.put_watch(conn, once.caller, **body.model_dump()))
    )
