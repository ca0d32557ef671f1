"""`/v1/items`: what is stocked, and what names it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import not_found, responses
from cloud.api.requests import Caller, TheGate
from cloud.inquiry import stock

router = APIRouter(prefix="/v1/items", tags=["master data"], route_class=ConditionalRoute)


class Item(BaseModel):
    """An item; `merged_into` names the one it reads as."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str | None
    category: str | None
    base_unit: str
    is_integer_only: bool
    is_provisional: bool
    is_lot_controlled: bool
    is_serialised: bool
    minimum_life_days: int | None = Field(
        description="For which it must be good after the day of receipt; null: whatever comes is taken in"
    )
    shelf_life_days: int | None = Field(
        description="For which it is good, the day of production being the first; null: not known"
    )
    merged_into: str | None


class Identifier(BaseModel):
    """A name of an item; one seen unit holds `numerator / denominator` base units from `valid_from` on."""

    model_config = ConfigDict(from_attributes=True)

    scheme: str
    value: str
    numerator: int
    denominator: int
    valid_from: datetime | None


class ItemDetail(Item):
    """An item with everything that names it."""

    identifiers: list[Identifier]


@router.get("")
def list_items(
    *,
    gate: TheGate,
    caller: Caller,
    search: Annotated[
        str | None, Query(max_length=128, description="Part of a code or name, or an identifier whole")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Item]:
    """List items by code."""
    (start,) = decode_cursor(after, str) if after else ("",)
    with gate.acting(caller) as conn:
        rows = stock.items(conn, caller, text=search, after=str(start), limit=limit + 1)
    return page_of(rows, limit, show=Item.model_validate, key=lambda row: [row.code])


@router.get("/{code:path}", responses=responses(404))
def get_item(
    *, gate: TheGate, caller: Caller, code: Annotated[str, Path(min_length=1, max_length=128)]
) -> ItemDetail:
    """Give an item with its identifiers."""
    with gate.acting(caller) as conn:
        found = stock.item(conn, caller, code=code)
    if found is None:
        raise not_found("item", code)
    row, identifiers = found
    return ItemDetail(
        **Item.model_validate(row).model_dump(),
        identifiers=[Identifier.model_validate(identifier) for identifier in identifiers],
    )
