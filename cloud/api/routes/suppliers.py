"""`/v1/suppliers`: who sells what, on which terms."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.inquiry.domain import GREATEST
from cloud.master import suppliers
from cloud.master.supplier_papers import SupplierItemPaper, SupplierPaper

router = APIRouter(prefix="/v1/suppliers", tags=["suppliers"], route_class=ConditionalRoute)


class Supplier(BaseModel):
    """Who sells."""

    model_config = ConfigDict(from_attributes=True)

    supplier: str
    name: str
    currency: str
    working_days: list[int] = Field(description="ISO weekdays, Monday 1")
    order_days: list[int] | None = Field(description="Null: every working day")
    own_site: str | None = Field(description="The site of ours that it is; null: somebody else")
    updated_at: datetime
    updated_by: str
    items: int = Field(description="How many terms it has")


class SupplierItem(BaseModel):
    """On which terms a supplier sells an item; quantities are base units."""

    model_config = ConfigDict(from_attributes=True)

    supplier: str
    item: str
    item_name: str | None
    site: str | None = Field(description="Null: at every site that has no terms of its own")
    code: str | None = Field(description="What the supplier calls the item")
    pack: Decimal
    min_order: Decimal | None
    multiple: Decimal | None = Field(description="Null: whole packs")
    price: Decimal | None = Field(description="Of one base unit; null: not known")
    currency: str
    lead_time_days: int | None = Field(description="From sent to received; null: not promised")
    lead_time_basis: Literal["calendar", "working"]
    is_preferred: bool
    updated_at: datetime
    updated_by: str


class Kept(BaseModel):
    """What was set up."""

    is_changed: bool = Field(description="False: it was there already, just so")


@router.get("")
def list_suppliers(
    *, gate: TheGate, caller: Caller, limit: Limit = 100, after: After = None
) -> Page[Supplier]:
    """List suppliers by id."""
    start = str(decode_cursor(after, str)[0]) if after is not None else ""
    with gate.acting(caller) as conn:
        rows = suppliers.suppliers(conn, caller, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Supplier.model_validate, key=lambda row: [row.supplier])


@router.get("/{supplier}/items", responses=responses(404))
def list_supplier_items(
    *,
    gate: TheGate,
    caller: Caller,
    supplier: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")],
    limit: Limit = 100,
    after: After = None,
) -> Page[SupplierItem]:
    """List the terms of a supplier."""
    start = min(int(decode_cursor(after, int)[0]), GREATEST) if after is not None else 0
    with gate.acting(caller) as conn:
        rows = suppliers.supplier_items(conn, caller, supplier=supplier, after=start, limit=limit + 1)
    return page_of(rows, limit, show=SupplierItem.model_validate, key=lambda row: [row.number])


@router.post("", status_code=201, response_model=Kept, responses=responses(400, 409, 413))
def put_supplier(
    *, gate: TheGate, caller: Caller, body: SupplierPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set a supplier up, or say anew what it is."""

    def effect(conn: Connection) -> Kept:
        return Kept(is_changed=suppliers.put_supplier(conn, caller, body))

    return post_once(gate, caller, idempotency_key, target="/v1/suppliers", body=body, effect=effect)


@router.post("/items", status_code=201, response_model=Kept, responses=responses(400, 404, 409, 413))
def put_supplier_item(
    *, gate: TheGate, caller: Caller, body: SupplierItemPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Say on which terms a supplier sells an item, at a site or at all of them."""

    def effect(conn: Connection) -> Kept:
        return Kept(is_changed=suppliers.put_supplier_item(conn, caller, body))

    return post_once(gate, caller, idempotency_key, target="/v1/suppliers/items", body=body, effect=effect)
