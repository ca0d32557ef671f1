"""`/v1/gateways/{gateway}/config`: what a gateway is to run, what it runs, and what was wished before."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.gateways import service
from cloud.gateways.domain import ConfigState, DesiredRow
from cloud.inquiry.domain import GREATEST
from contracts.base import ID_PATTERN

router = APIRouter(prefix="/v1/gateways", tags=["gateways"], route_class=ConditionalRoute)

GatewayId = Annotated[str, Path(pattern=ID_PATTERN)]
Revision = Annotated[int, Path(ge=1, le=GREATEST)]


class Wish(BaseModel):
    """A configuration that was wished; badges are hidden."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    site: str
    revision: int
    settings: dict[str, JsonValue]
    reason: str
    set_by: str
    set_at: datetime
    published_at: datetime | None = Field(description="null: it waits for ingest")
    outcome: str | None = Field(description="null: the gateway has not answered")
    errors: list[str]
    answered_at: datetime | None = Field(description="By the gateway's clock")


class Report(BaseModel):
    """What a gateway said last of its configuration."""

    model_config = ConfigDict(from_attributes=True)

    revision: int = Field(description="Of the wish that it answered last; 0: none")
    outcome: str
    running_revision: int | None = Field(description="0: what its own file says runs")
    settings: dict[str, JsonValue]
    origins: dict[str, str]
    errors: list[str]
    reported_at: datetime
    heard_at: datetime


class Differs(BaseModel):
    """A place where what runs is not what is wished."""

    model_config = ConfigDict(from_attributes=True)

    place: str
    before: JsonValue = Field(description="What runs; null where nothing is set")
    after: JsonValue = Field(description="What is wished")


class GatewayConfig(BaseModel):
    """A gateway's configuration: wished, reported, compared."""

    model_config = ConfigDict(from_attributes=True)

    gateway: str
    site: str
    state: str = Field(description="`unmanaged`, `waiting`, or the outcome of the last wish")
    desired: Wish | None
    reported: Report | None
    differences: list[Differs]


class NewWish(BaseModel):
    """A configuration to run: each setting whole; what is not named stays as the gateway's file says."""

    model_config = ConfigDict(extra="forbid")

    settings: dict[str, JsonValue]
    reason: Annotated[str, Field(min_length=1, max_length=service.MOST_REASON)]
    seen_revision: Annotated[int, Field(ge=0, le=GREATEST)] | None = Field(
        default=None, description="The last wish you have seen, 0 for none; refused if there is a newer one"
    )


@router.get("/{gateway}/config", responses=responses(404))
def get_gateway_config(*, gate: TheGate, caller: Caller, gateway: GatewayId) -> GatewayConfig:
    """Say what a gateway is to run and what it runs."""
    with gate.acting(caller) as conn:
        return _shown(service.config(conn, caller, gateway=gateway))


@router.get("/{gateway}/config/revisions", responses=responses(404))
def list_gateway_configs(
    *, gate: TheGate, caller: Caller, gateway: GatewayId, limit: Limit = 100, after: After = None
) -> Page[Wish]:
    """List what was wished for a gateway, the newest first."""
    before = int(decode_cursor(after, int)[0]) if after is not None else service.NEWEST
    with gate.acting(caller) as conn:
        rows = service.history(conn, caller, gateway=gateway, before=min(before, GREATEST), limit=limit + 1)
    return page_of(rows, limit, show=Wish.model_validate, key=lambda row: [row.revision])


@router.post(
    "/{gateway}/config", status_code=201, response_model=Wish, responses=responses(400, 404, 409, 413)
)
def set_gateway_config(
    *, gate: TheGate, caller: Caller, gateway: GatewayId, body: NewWish, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Wish a configuration; the gateway checks it, tries it, and reports."""

    def effect(conn: Connection) -> Wish:
        return _wish(
            service.set_config(
                conn,
                caller,
                gateway=gateway,
                settings=body.settings,
                reason=body.reason,
                seen_revision=body.seen_revision,
                now=gate.clock(),
            )
        )

    target = f"/v1/gateways/{gateway}/config"
    return post_once(gate, caller, idempotency_key, target=target, body=body, effect=effect)


@router.post(
    "/{gateway}/config/revisions/{revision}/again",
    status_code=201,
    response_model=Wish,
    responses=responses(400, 404, 409, 413),
)
def set_gateway_config_again(
    *,
    gate: TheGate,
    caller: Caller,
    gateway: GatewayId,
    revision: Revision,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Wish once more what was wished before, under a new revision."""

    def effect(conn: Connection) -> Wish:
        return _wish(service.set_again(conn, caller, gateway=gateway, revision=revision, now=gate.clock()))

    target = f"/v1/gateways/{gateway}/config/revisions/{revision}/again"
    return post_once(gate, caller, idempotency_key, target=target, body=None, effect=effect)


def _wish(row: DesiredRow) -> Wish:
    return Wish.model_validate(row)


def _shown(state: ConfigState) -> GatewayConfig:
    return GatewayConfig.model_validate(state)
