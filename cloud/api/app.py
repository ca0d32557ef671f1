"""The API as one application."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from typing_extensions import override

from cloud.api import problems
from cloud.api.metrics import Metrics
from cloud.api.routes import (
    allocations,
    appointments,
    batches,
    costs,
    counts,
    crossings,
    decisions,
    demand,
    demand_feedback,
    demand_held,
    demand_masks,
    demand_sources,
    dock_times,
    documents,
    event_effects,
    events,
    forecast_buckets,
    forecast_overrides,
    forecast_reviews,
    forecasts,
    gateway_certificates,
    gateway_configs,
    gateway_hours,
    gateway_invites,
    gateways,
    health,
    item_merges,
    items,
    judgements,
    labels,
    limits,
    locations,
    lot_dates,
    lot_statements,
    lots,
    models,
    movements,
    packaging,
    past,
    periods,
    picking,
    planning,
    portals,
    proposals,
    purchase_orders,
    quarantine,
    recalls,
    receipts,
    receiving_rules,
    recipes,
    reconciliations,
    runs,
    scanned_receipts,
    serial_genealogy,
    shipments,
    stock,
    stock_by,
    supersessions,
    suppliers,
    tickets,
    transfers,
    units,
    variances,
    visits,
    webhooks,
)
from cloud.gateways.door import BatchDoor
from cloud.gateways.enrolment.service import BrokerOffer
from cloud.identity.gate import Gate

PREFIXES: Final = ("/v1", "/health", "/metrics")
"""Where the API's paths begin; all others are pages."""

_DESCRIPTION: Final = """\
Movements are facts, balances are derived. Times are ISO 8601 with offset, answered in UTC; quantities are
decimal strings in the item's base unit. Lists are keyset-paged: send `next` back as `after`. Every GET
carries an ETag. Every POST needs an `Idempotency-Key`. Every error is `application/problem+json`.
"""


_DOCUMENT: Final = "/v1/openapi.json"


class _Api(FastAPI):
    """FastAPI whose OpenAPI document says what errors look like, and is made while others are answered."""

    @override
    def setup(self) -> None:
        """Serve the document; one thread makes it, for whoever waits for it."""
        self._describer = ThreadPoolExecutor(1, "openapi")
        self._document: bytes | None = None
        self.add_route(_DOCUMENT, self._describe, include_in_schema=False)

    @override
    def openapi(self) -> dict[str, Any]:
        """Describe the API, once."""
        if self.openapi_schema is None:
            self.openapi_schema = problems.with_schemas(super().openapi())
        return self.openapi_schema

    async def _describe(self, request: Request) -> Response:
        del request
        if self._document is None:
            for route in self.routes:  # here, so that nobody who asks for one waits until all are made
                getattr(route, "dependant", None)
                await asyncio.sleep(0)
            making = asyncio.get_running_loop().run_in_executor(self._describer, self._written)
            self._document = await making
        return Response(self._document, media_type="application/json")

    def _written(self) -> bytes:
        return bytes(JSONResponse(self.openapi()).body)


def create_api(
    gate: Gate, metrics: Metrics, batches: BatchDoor | None = None, offer: BrokerOffer | None = None
) -> FastAPI:
    """Build the API.

    Args:
        gate: Identifies callers and opens their transactions.
        metrics: Where this process counts.
        batches: Takes what gateways hand in; None if this server takes nothing.
        offer: The broker that gateways which enrol are told of; None if they use HTTPS only.

    Returns:
        The application.
    """
    app = _Api(
        title="Dockledger",
        version=version("dockledger"),
        description=_DESCRIPTION,
        openapi_url=_DOCUMENT,
        docs_url=None,
        redoc_url=None,
        routes=list(_ROUTES),
    )
    app.state.gate = gate
    app.state.metrics = metrics
    app.state.batches = batches
    app.state.broker_offer = offer
    app.state.broker_accounts = frozenset() if offer is None else offer.accounts
    problems.install(app)
    return app


_STOCK: Final = (
    items,
    item_merges,
    locations,
    movements,
    stock,
    units,
    stock_by,
    packaging,
)
_GATEWAYS: Final = (
    gateways,
    batches,
    gateway_configs,
    gateway_certificates,
    gateway_hours,
    gateway_invites,
    labels,
)
_DOCK: Final = (
    quarantine,
    crossings,
    portals,
    documents,
    receipts,
    receiving_rules,
    judgements,
    dock_times,
    shipments,
    transfers,
    appointments,
    visits,
)
_GOODS: Final = (
    allocations,
    lot_dates,
    lots,
    lot_statements,
    recalls,
    recipes,
    scanned_receipts,
    serial_genealogy,
    picking,
    runs,
    past,
    periods,
    reconciliations,
)
_PLANNING: Final = (
    counts,
    variances,
    costs,
    demand,
    demand_feedback,
    demand_held,
    demand_masks,
    demand_sources,
    supersessions,
    event_effects,
    events,
    forecasts,
    forecast_buckets,
    forecast_overrides,
    forecast_reviews,
    decisions,
    limits,
    tickets,
    webhooks,
)
_ROUTES: Final[tuple[BaseRoute, ...]] = tuple(
    route
    for router in (
        *(part.router for part in (*_STOCK, *_GATEWAYS, *_DOCK, *_GOODS, *_PLANNING)),
        *(suppliers.router, proposals.router, planning.router, purchase_orders.router),
        *(forecast_reviews.record, models.router, health.router),
    )
    for route in router.routes
)
"""As they are: a router that is included makes each of its routes ready a second time."""
