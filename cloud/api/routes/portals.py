"""`/v1/portals`: doors with the gateway that hears them; and `POST /v1/items`, packaging levels."""

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
from cloud.documents import catalogue
from cloud.documents.papers import ItemPaper, PortalPaper
from cloud.master.life import minimum_life
from cloud.master.shelf_life import shelf_life

router = APIRouter(prefix="/v1", tags=["master data"], route_class=ConditionalRoute)


class Portal(BaseModel):
    """A door: *in* leads from outside to inside."""

    model_config = ConfigDict(from_attributes=True)

    site: str
    portal: str
    gateway: str = Field(description="Which hears it and is told its visits")
    inside_location: str
    outside_location: str
    mode: Literal["live", "shadow"] = Field(description="A door in shadow posts nothing")


@router.get("/portals")
def list_portals(
    *,
    gate: TheGate,
    caller: Caller,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Portal]:
    """List doors by site and name."""
    start = ("", "")
    if after is not None:
        after_site, after_portal = map(str, decode_cursor(after, str, str))
        start = (after_site, after_portal)
    with gate.acting(caller) as conn:
        rows = catalogue.portals(conn, caller, site=site, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Portal.model_validate, key=lambda row: [row.site, row.portal])


@router.post("/portals", status_code=201, response_model=Portal, responses=responses(400, 404, 413))
def put_portal(
    *, gate: TheGate, caller: Caller, body: PortalPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set a door up, or say anew what it is; the gateways concerned are told their visits."""

    def effect(conn: Connection) -> Portal:
        catalogue.put_portal(conn, caller, body, now=gate.clock())
        return Portal.model_validate(body.model_dump())

    return post_once(gate, caller, idempotency_key, target="/v1/portals", body=body, effect=effect)


@router.post("/items", status_code=201, response_model=ItemPaper, responses=responses(400, 409, 413))
def put_item(
    *, gate: TheGate, caller: Caller, body: ItemPaper, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Set an item up with the exact content of its packaging levels; needs a role at all sites."""

    def effect(conn: Connection) -> ItemPaper:
        catalogue.put_item(conn, caller, body)
        lives = {
            "minimum_life_days": minimum_life(conn, body.code),
            "shelf_life_days": shelf_life(conn, body.code),
        }
        return body.model_copy(update=lives)

    return post_once(gate, caller, idempotency_key, target="/v1/items", body=body, effect=effect)
