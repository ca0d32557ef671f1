"""`/v1/locations`: places and virtual accounts of the sites."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.inquiry import stock
from cloud.master.places import add_location
from contracts.base import Code, Site

router = APIRouter(prefix="/v1/locations", tags=["master data"], route_class=ConditionalRoute)


PlaceCode = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[^@\x00-\x1f\x7f][^\x00-\x1f\x7f]*$",
        description="Not beginning with @, which names virtual accounts",
    ),
]


class Location(BaseModel):
    """A place or virtual account; a provisional one was named by a scan and never set up."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    code: str
    kind: str
    parent: str | None
    is_provisional: bool


class NewLocation(BaseModel):
    """A place to set up. One that a scan named already is confirmed."""

    model_config = ConfigDict(extra="forbid")

    site: Site
    code: PlaceCode
    kind: Literal["zone", "bin"]
    parent: Code | None = None


@router.get("")
def list_locations(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    kind: Annotated[Literal["network", "site", "zone", "bin", "virtual"] | None, Query()] = None,
    search: Annotated[str | None, Query(max_length=128, description="Part of a code")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Location]:
    """List locations by site and code."""
    start = ("", "")
    if after is not None:
        after_site, after_code = map(str, decode_cursor(after, str, str))
        start = (after_site, after_code)
    with gate.acting(caller) as conn:
        rows = stock.locations(conn, caller, site=site, kind=kind, text=search, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Location.model_validate, key=lambda row: [row.site, row.code])


@router.post("", status_code=201, response_model=Location, responses=responses(400, 409, 413))
def create_location(
    *, gate: TheGate, caller: Caller, body: NewLocation, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set up a place."""

    def effect(conn: Connection) -> Location:
        add_location(conn, caller, site=body.site, code=body.code, kind=body.kind, parent=body.parent)
        return Location(
            site=body.site, code=body.code, kind=body.kind, parent=body.parent, is_provisional=False
        )

    return post_once(gate, caller, idempotency_key, target="/v1/locations", body=body, effect=effect)
