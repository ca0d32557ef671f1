"""API and pages behind one set of guards."""

import asyncio
import gc
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.app import PREFIXES, create_api
from cloud.api.metrics import Metrics
from cloud.gateways.door import BatchDoor
from cloud.gateways.enrolment.service import BrokerOffer
from cloud.identity.gate import Gate
from cloud.server.guards import Guards
from cloud.web.app import create_pages

_FIRST: Final[Scope] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/health/live",
    "raw_path": b"/health/live",
    "root_path": "",
    "query_string": b"",
    "headers": [],
    "client": None,
    "server": None,
}


def create_app(
    gate: Gate, *, network: str, batches: BatchDoor | None = None, offer: BrokerOffer | None = None
) -> ASGIApp:
    """Build what a server serves.

    Args:
        gate: Identifies whoever asks and opens their transactions.
        network: Name of the network, shown on pages.
        batches: Takes what gateways hand in; None if this server takes nothing.
        offer: The broker that gateways which enrol are told of; None if they use HTTPS only.

    Returns:
        The application. It starts and stops nothing by itself.
    """
    metrics = Metrics()
    api = create_api(gate, metrics, batches, offer)
    pages = create_pages(gate, network=network, offer=offer)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_api = any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)
        await (api if is_api else pages)(scope, receive, send)

    return Guards(dispatch, metrics)


def settle(app: ASGIApp) -> None:
    """Let nobody wait for what the first request makes ready, nor for the collector of cycles.

    What is there when a server begins stays: some 300,000 objects, which a full collection walks through in a
    fifth of a second while every request stands still. After this it looks at what came later only.

    Args:
        app: What is served; it is asked whether it lives.

    Raises:
        RuntimeError: If it does not say that it does.
    """
    asyncio.run(_ask_first(app))
    gc.collect()
    gc.freeze()
    gc.enable()


async def _ask_first(app: ASGIApp) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    answered: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    await app(dict(_FIRST), receive, send)
    if answered != [HTTPStatus.OK]:
        raise RuntimeError(f"{_FIRST['path']} answered {answered}, expected that it lives")
