"""`POST /v1/batches` and what goes with it: gateways that the broker cannot hear, over HTTPS."""

import base64
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import HTTPBasic

from cloud.api.conditional import operation_id
from cloud.api.problems import RESPONSES, ProblemError, responses
from cloud.gateways.door import BatchDoor, Credential, NotAdmittedError, NotNowError, NotTakenError
from cloud.routes import LateRoute
from contracts.batch import MAX_FRAME_BYTES
from contracts.feedback import Ack, IngestState, Messages
from contracts.topics import Channel

router = APIRouter(
    prefix="/v1",
    tags=["batches"],
    route_class=LateRoute,
    responses=RESPONSES,
    generate_unique_id_function=operation_id,
)

_BASIC: Final = HTTPBasic(auto_error=False, description="A gateway's id and its secret")
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="gateways"'}
_REFUSALS: Final = responses(400, 413, 429)

_CHANNELS: Final = {
    "status": Channel.STATUS,
    "health": Channel.HEALTH,
    "config_reported": Channel.CONFIG_REPORTED,
}

T = TypeVar("T")


def _body(media_type: str, schema: dict[str, str]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def _credential(request: Request, _shown: Annotated[object, Security(_BASIC)]) -> Credential:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    try:
        gateway, colon, secret = base64.b64decode(shown.strip(), validate=True).decode().partition(":")
    except ValueError:
        colon = gateway = secret = ""
    if scheme.casefold() != "basic" or not colon:
        expected = "expected Authorization: Basic with a gateway's id and its secret"
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "not-admitted", expected, headers=_CHALLENGE)
    return Credential(gateway, secret)


Shown = Annotated[Credential, Depends(_credential)]


def _door(request: Request, _: Shown) -> BatchDoor:
    door: BatchDoor | None = request.app.state.batches
    if door is None:
        missing = "this server has no ingest_dsn: batches come by the broker only"
        later = {"Retry-After": "300"}
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, "batches-not-taken", missing, headers=later)
    return door


TheDoor = Annotated[BatchDoor, Depends(_door)]


async def _payload(request: Request) -> bytes:
    payload = await request.body()
    if len(payload) > MAX_FRAME_BYTES:
        found = f"the body has {len(payload)} bytes: expected at most {MAX_FRAME_BYTES}"
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", found)
    return payload


Payload = Annotated[bytes, Depends(_payload)]


@router.post(
    "/batches",
    responses=_REFUSALS,
    openapi_extra=_body("application/octet-stream", {"type": "string", "format": "binary"}),
)
def take_batch(*, shown: Shown, door: TheDoor, payload: Payload) -> Ack:
    """Store a sealed batch, framed as on the topic `records`: once, by whatever ways it comes."""
    return _answered(lambda: door.take(shown, payload))


@router.get("/ingest/state")
def get_ingest_state(*, shown: Shown, door: TheDoor) -> IngestState:
    """Say to a gateway which ledger this is, as the topic `dl/v1/ingest/state` does."""
    return _answered(lambda: door.state(shown))


@router.get("/ingest/messages")
def get_messages(*, shown: Shown, door: TheDoor) -> Messages:
    """Give what the cloud has said last to the gateway on each channel, as a broker retains it."""
    return _answered(lambda: door.messages(shown))


@router.post(
    "/ingest/{channel}",
    responses=_REFUSALS,
    openapi_extra=_body("application/json", {"type": "object"}),
)
def hear_gateway(
    *,
    shown: Shown,
    door: TheDoor,
    channel: Literal["status", "health", "config_reported"],
    payload: Payload,
) -> IngestState:
    """Take what a gateway says of itself, as on the topic of that name."""
    return _answered(lambda: door.hear(shown, _CHANNELS[channel], payload))


def _answered(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except NotAdmittedError as error:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "not-admitted", str(error), headers=_CHALLENGE) from error
    except NotTakenError as error:
        name = error.reason.replace("_", "-")
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, name, str(error)) from error
    except NotNowError as error:
        status = HTTPStatus.TOO_MANY_REQUESTS if error.is_its_own else HTTPStatus.SERVICE_UNAVAILABLE
        later = {"Retry-After": f"{error.retry_after_s}"}
        raise ProblemError(status, "not-now", str(error), headers=later) from error
