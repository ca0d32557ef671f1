"""`/v1/webhooks`: who is told of events, what was delivered, and a test."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from cloud.alerts.webhooks import service
from cloud.alerts.webhooks.domain import EVENTS, MAX_URL
from cloud.api.conditional import ConditionalRoute
from cloud.api.idempotency import IdempotencyKey, post_once
from cloud.api.paging import After, Limit, Page, decode_cursor, page_of
from cloud.api.problems import responses
from cloud.api.requests import Caller, TheGate
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.inquiry.domain import GREATEST
from contracts.base import Site

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=ConditionalRoute)

Number = Annotated[int, Path(ge=1, le=GREATEST)]


class Webhook(BaseModel):
    """A subscription: signed messages go to `url`."""

    model_config = ConfigDict(from_attributes=True)

    subscription_id: int
    name: str
    site: str | None = Field(description="null: events of every site and of the network")
    url: str
    events: list[str]
    is_active: bool
    stopped_because: str | None
    created_by: str
    created_at: datetime
    pending: int = Field(description="Deliveries that wait")
    dead: int = Field(description="Deliveries that were given up")


class WebhookMade(Webhook):
    """A subscription with its secret."""

    secret: str | None = Field(
        None, description="Signs the messages; told this once, and not in a repeated answer"
    )


class NewWebhook(BaseModel):
    """Whom to tell what."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64)
    url: str = Field(max_length=MAX_URL, description="https, or http inside the house")
    events: list[str] = Field(
        min_length=1, max_length=50, description=f"`*`, `ticket.*`, `decision.*`, {', '.join(EVENTS)}"
    )
    site: Site | None = Field(None, description="null: of every site and of the network")


class Delivery(BaseModel):
    """An event on its way to a subscription."""

    model_config = ConfigDict(from_attributes=True)

    event_id: int
    type: str
    site: str | None
    occurred_at: datetime
    data: dict[str, JsonValue]
    state: Literal["pending", "delivered", "dead"]
    attempts: int
    due_at: datetime = Field(description="When it is tried next, while it is pending")
    last_at: datetime | None
    last_status: int | None
    last_error: str | None


class Asked(BaseModel):
    """What was asked for; what becomes of it is told among the deliveries."""

    subscription_id: int
    event_id: int | None = None


@router.get("")
def list_webhooks(*, gate: TheGate, caller: Caller, limit: Limit = 100, after: After = None) -> Page[Webhook]:
    """List subscriptions by number."""
    start = int(decode_cursor(after, int)[0]) if after else 0
    with gate.acting(caller) as conn:
        rows = service.subscriptions(conn, caller, after=start, limit=limit + 1)
    return page_of(rows, limit, show=Webhook.model_validate, key=lambda row: [row.subscription_id])


@router.get("/{subscription_id}", responses=responses(404))
def get_webhook(gate: TheGate, caller: Caller, subscription_id: Number) -> Webhook:
    """Give one subscription, without its secret."""
    with gate.acting(caller) as conn:
        return Webhook.model_validate(service.subscription(conn, caller, subscription_id))


@router.post("", status_code=201, response_model=WebhookMade, responses=responses(400, 404, 409, 413))
def add_webhook(
    *, gate: TheGate, caller: Caller, body: NewWebhook, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Subscribe to events; the answer tells the secret, once."""

    def make(conn: Connection) -> service.Subscribed:
        return service.subscribe(
            conn, caller, name=body.name, url=body.url, events=body.events, site=body.site
        )

    return _told_once(gate, caller, idempotency_key, target="/v1/webhooks", body=body, make=make)


@router.post(
    "/{subscription_id}/rotate",
    status_code=201,
    response_model=WebhookMade,
    responses=responses(400, 404, 409, 413),
)
def rotate_webhook_secret(
    *, gate: TheGate, caller: Caller, subscription_id: Number, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Give a new secret; the old one signs beside it for a day."""

    def make(conn: Connection) -> service.Subscribed:
        return service.rotate(conn, caller, subscription_id, now=gate.clock())

    target = f"/v1/webhooks/{subscription_id}/rotate"
    return _told_once(gate, caller, idempotency_key, target=target, body=None, make=make)


@router.post(
    "/{subscription_id}/test",
    status_code=201,
    response_model=Asked,
    responses=responses(400, 404, 409, 413),
)
def test_webhook(
    *, gate: TheGate, caller: Caller, subscription_id: Number, idempotency_key: IdempotencyKey
) -> JSONResponse:
    """Send `webhook.test`, whatever is subscribed to."""

    def effect(conn: Connection) -> Asked:
        return Asked(subscription_id=subscription_id, event_id=service.ping(conn, caller, subscription_id))

    target = f"/v1/webhooks/{subscription_id}/test"
    return post_once(gate, caller, idempotency_key, target=target, body=None, effect=effect)


@router.post(
    "/{subscription_id}/{wish}",
    status_code=201,
    response_model=Asked,
    responses=responses(400, 404, 409, 413),
)
def change_webhook(
    *,
    gate: TheGate,
    caller: Caller,
    subscription_id: Number,
    wish: Literal["stop", "start", "remove"],
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Stop sending, go on, or end the subscription."""

    def effect(conn: Connection) -> Asked:
        if wish == "remove":
            service.remove(conn, caller, subscription_id)
        else:
            service.set_active(conn, caller, subscription_id, is_active=wish == "start")
        return Asked(subscription_id=subscription_id)

    target = f"/v1/webhooks/{subscription_id}/{wish}"
    return post_once(gate, caller, idempotency_key, target=target, body=None, effect=effect)


@router.get("/{subscription_id}/deliveries", responses=responses(404))
def list_webhook_deliveries(
    *,
    gate: TheGate,
    caller: Caller,
    subscription_id: Number,
    state: Annotated[Literal["pending", "delivered", "dead"] | None, Query()] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Delivery]:
    """List deliveries, the latest event first."""
    before = int(decode_cursor(after, int)[0]) if after else None
    with gate.acting(caller) as conn:
        rows = service.deliveries(conn, caller, subscription_id, state=state, before=before, limit=limit + 1)
    return page_of(rows, limit, show=Delivery.model_validate, key=lambda row: [row.event_id])


@router.post(
    "/{subscription_id}/deliveries/{event_id}/again",
    status_code=201,
    response_model=Asked,
    responses=responses(400, 404, 409, 413),
)
def redeliver_webhook(
    *,
    gate: TheGate,
    caller: Caller,
    subscription_id: Number,
    event_id: Number,
    idempotency_key: IdempotencyKey,
) -> JSONResponse:
    """Send an event again, from the first attempt on."""

    def effect(conn: Connection) -> Asked:
        service.redeliver(conn, caller, subscription_id, event_id)
        return Asked(subscription_id=subscription_id, event_id=event_id)

    target = f"/v1/webhooks/{subscription_id}/deliveries/{event_id}/again"
    return post_once(gate, caller, idempotency_key, target=target, body=None, effect=effect)


def _told_once(
    gate: Gate,
    caller: Actor,
    key: str,
    *,
    target: str,
    body: BaseModel | None,
    make: Callable[[Connection], service.Subscribed],
) -> JSONResponse:
    """Answer with a secret that the answers kept for repetitions do not hold."""
    secrets: list[str] = []

    def effect(conn: Connection) -> WebhookMade:
        made = make(conn)
        secrets[:] = [made.secret]
        return WebhookMade.model_validate(made.subscription)

    response = post_once(gate, caller, key, target=target, body=body, effect=effect)
    if not secrets:
        return response
    return JSONResponse(orjson.loads(response.body) | {"secret": secrets[0]}, response.status_code)
