"""`/v1/stock-by/{by}`: stock by place, unit, lot or owner, now or as of any instant and position."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.requests import Caller, TheGate
from cloud.inquiry import past
from cloud.inquiry.domain import GREATEST, contains
from cloud.inquiry.marking import Marked, marked
from cloud.units.stock import By, StockFilter, StockRow, stock_by
from contracts.base import UtcDatetime

router = APIRouter(prefix="/v1", tags=["stock"], route_class=ConditionalRoute)

Text = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class Stock(BaseModel):
    """An item of a site under a key; what the key does not say is null."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    place: str | None
    unit: str | None
    item: str
    item_name: str | None
    base_unit: str
    lot: str | None
    owner: str | None = Field(description="By owner: null is ours")
    quantity: Decimal
    in_units: Decimal
    units: int
    places: int
    owned: Decimal = Field(description="What of it is ours")
    value: Decimal | None = Field(description="By owner: of what is ours; null where a cost is not known")
    unpriced: int = Field(description="By owner: cells of ours without a known cost")
    currency: str | None
    pieces: Decimal | None = Field(description="Of variable-measure goods: counted where a weight was said")
    weight_kg: Decimal | None = Field(description="What these weigh")
    is_unchecked: bool = Field(
        description="By unit: received as its paper declares it, and not counted in the unit since"
    )
    is_expired: bool = Field(description="By unit and lot: its day has begun by the calendar of the site")
    recall: int | None = Field(
        description="By unit and lot: a recall that reaches it, and the site has not given back"
    )


@router.get("/stock-by/{by}")
def list_stock_by(
    *,
    gate: TheGate,
    caller: Caller,
    by: Annotated[By, Path(description="How it is put together")],
    site: Annotated[str | None, Query(max_length=64)] = None,
    item: Text = None,
    location: Text = None,
    as_of: Annotated[UtcDatetime | None, Query(description="As of what had occurred by then")] = None,
    known_at: Annotated[UtcDatetime | None, Query(description="As it was recorded by then")] = None,
    position: Annotated[
        int | None, Query(ge=0, le=GREATEST, description="As the ledger knew it at this position")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Stock]:
    """List stock; `item` and `location` find parts of codes and names."""
    start = [] if after is None else [str(key) for key in decode_cursor(after, str, str, str, str)]
    with gate.acting(caller) as conn:
        if known_at is not None:
            known = past.position_at(conn, caller, recorded_at=known_at)
            position = known if position is None else min(known, position)
        wanted = StockFilter(site, contains(item), contains(location), as_of, position)
        rows = stock_by(conn, caller, by, wanted, after=start, limit=limit + 1)
        told = marked(conn, caller, rows, now=gate.clock(), as_of=as_of)
    return page_of(told, limit, show=_stock, key=lambda each: each.row.keys)


def _stock(each: Marked[StockRow]) -> Stock:
    return Stock.model_validate(asdict(each.row) | each.unfit._asdict())
