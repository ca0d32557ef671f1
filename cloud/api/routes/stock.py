"""`/v1/balances` and `/v1/units`: how much is where, now or as of any instant and position."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.requests import Caller, TheGate
from cloud.api.routes.gateways import Gap, SiteCompleteness
from cloud.inquiry import operations, past, stock
from cloud.inquiry.domain import GREATEST, BalanceFilter, BalanceRow
from cloud.inquiry.marking import Marked, marked
from contracts.base import UtcDatetime

router = APIRouter(prefix="/v1", tags=["stock"], route_class=ConditionalRoute)


class Balance(BaseModel):
    """The quantity of one cell; null parts are *not known*. Negative is a signal, never clamped."""

    model_config = ConfigDict(from_attributes=True)

    cell_id: int
    site: str
    item: str
    item_name: str | None
    base_unit: str
    location: str
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal
    is_expired: bool = Field(description="The lot's day has begun by the calendar of where it lies")
    recall: int | None = Field(description="A recall that reaches the lot, and the site has not given back")


class Balances(Page[Balance]):
    """Balances with what they rest on: how far the ledger goes and how whole it is."""

    as_of: datetime | None = Field(description="The instant asked for; null means everything that occurred")
    position: int = Field(description="The ledger position that the answer goes to")
    sites: list[SiteCompleteness]
    open_gaps: list[Gap]


class Unit(BaseModel):
    """A logistic unit: at a location, in another unit, or not yet seen anywhere."""

    model_config = ConfigDict(from_attributes=True)

    unit: str
    scheme: str
    instance: int
    site: str
    location: str | None
    parent: str | None
    since_at: datetime | None


@router.get("/balances")
def list_balances(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Annotated[str | None, Query(max_length=128, description="Code of an item")] = None,
    location: Annotated[str | None, Query(max_length=128, description="Code of a place or unit")] = None,
    as_of: Annotated[UtcDatetime | None, Query(description="As of what had occurred by then")] = None,
    position: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="As the ledger knew it at this position")
    ] = None,
    known_at: Annotated[UtcDatetime | None, Query(description="As it was recorded by then")] = None,
    virtual: Annotated[bool, Query(description="Virtual accounts too")] = False,
    zero: Annotated[bool, Query(description="Empty cells too")] = False,
    limit: Limit = 100,
    after: After = None,
) -> Balances:
    """List balances by site, item and cell."""
    start = ("", "", 0)
    if after is not None:
        after_site, after_item, after_cell = decode_cursor(after, str, str, int)
        start = (str(after_site), str(after_item), int(after_cell))
    with gate.acting(caller) as conn:
        if known_at is not None:
            known = past.position_at(conn, caller, recorded_at=known_at)
            position = known if position is None else min(known, position)
        wanted = BalanceFilter(
            site=site,
            item=item,
            location=location,
            until_at=as_of,
            until_position=position,
            with_virtual=virtual,
            with_zero=zero,
        )
        rows = stock.balances(conn, caller, wanted, after=start, limit=limit + 1)
        told = marked(conn, caller, rows, now=gate.clock(), as_of=as_of)
        ledger, sites = operations.completeness(conn, caller)
        gaps = operations.gaps(conn, caller, site=site, open_only=True, limit=100)
    page = page_of(
        told, limit, show=_balance, key=lambda each: [each.row.site, each.row.item, each.row.cell_id]
    )
    return Balances(
        items=page.items,
        next=page.next,
        as_of=as_of,
        position=min(ledger.position, position if position is not None else ledger.position),
        sites=[SiteCompleteness.model_validate(row) for row in sites if site in {None, row.site}],
        open_gaps=[Gap.model_validate(gap) for gap in gaps],
    )


def _balance(each: Marked[BalanceRow]) -> Balance:
    return Balance.model_validate(asdict(each.row) | each.unfit._asdict())


@router.get("/units")
def list_units(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    unit: Annotated[str | None, Query(max_length=128, description="SSCC or GRAI")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Unit]:
    """List logistic units with where each stands now."""
    (start,) = decode_cursor(after, str) if after else ("",)
    with gate.acting(caller) as conn:
        rows = stock.units(conn, caller, site=site, unit=unit, after=str(start), limit=limit + 1)
    return page_of(rows, limit, show=Unit.model_validate, key=lambda row: [row.unit])
