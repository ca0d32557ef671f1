"""The pages as one application; errors are pages too."""

from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Final
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import Scope
from typing_extensions import override

from cloud.db import DataError, OperationalError
from cloud.gateways.enrolment.service import BrokerOffer
from cloud.identity.actor import NotAllowedError
from cloud.identity.gate import SESSION_COOKIE, ForgedRequestError, Gate, NotLoggedInError
from cloud.web import (
    accuracy,
    approvals,
    availability,
    counts,
    demand,
    demand_masks,
    differences,
    dock_exceptions,
    dock_exports,
    doors,
    events,
    forecasts,
    gateways,
    history,
    item,
    item_lives,
    item_merges,
    labels,
    live,
    login,
    lot_dates,
    lot_work,
    lots,
    models,
    order_new,
    orders,
    overrides,
    packaging,
    papers,
    periods,
    picking,
    proposals,
    quarantine,
    recalls,
    receiving,
    recipes,
    returns,
    runs,
    shipping,
    stock,
    stock_by,
    tickets,
    transfers,
    units,
    variances,
    visits,
)
from cloud.web.feed import Feed
from cloud.web.rendering import bare_page
from cloud.web.streaming import Snapshots

log = structlog.get_logger()

_TITLES: Final[Mapping[int, str]] = {
    400: "That request is not complete",
    403: "Not permitted",
    404: "Nothing here",
    405: "Not possible here",
    422: "That cannot be read",
    503: "Try again in a moment",
}


class _Static(StaticFiles):
    """Files whose address holds their version, so that they never go stale."""

    @override
    def file_response(self, full_path: object, stat_result: object, scope: Scope, *_: object) -> Response:
        response = super().file_response(full_path, stat_result, scope)  # type: ignore[arg-type]  # passed on as they came
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_pages(gate: Gate, *, network: str, offer: BrokerOffer | None = None) -> FastAPI:
    """Build the pages.

    Args:
        gate: Identifies visitors and opens their transactions.
        network: Name of the network, for the footer.
        offer: The broker that gateways which enrol are told of.

    Returns:
        The application.
    """
    app = FastAPI(
        title="Dockledger pages", openapi_url=None, docs_url=None, redoc_url=None, routes=list(_ROUTES)
    )
    app.state.gate = gate
    app.state.network = network
    app.state.broker_accounts = frozenset() if offer is None else offer.accounts
    app.state.snapshots = Snapshots()
    app.state.feed = Feed(gate)
    app.mount("/static", _Static(directory=str(files("cloud.web").joinpath("static"))))
    app.add_exception_handler(NotLoggedInError, _to_login)
    app.add_exception_handler(NotAllowedError, _on_refused)
    app.add_exception_handler(ForgedRequestError, _on_refused)
    app.add_exception_handler(OperationalError, _on_database)
    app.add_exception_handler(DataError, _on_unreadable)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)
    return app


_ROUTES: Final[tuple[BaseRoute, ...]] = tuple(
    route
    for part in (
        login,
        live,
        stock,
        stock_by,
        units,
        availability,
        differences,
        history,
        item,
        item_lives,
        item_merges,
        packaging,
        lot_dates,
        lots,
        lot_work,
        recalls,
        recipes,
        periods,
        gateways,
        labels,
        quarantine,
        dock_exports,
        papers,
        receiving,
        returns,
        shipping,
        transfers,
        visits,
        picking,
        doors,
        dock_exceptions,
        forecasts,
        events,
        overrides,
        accuracy,
        models,
        runs,
        proposals,
        order_new,
        orders,
        approvals,
        counts,
        demand,
        demand_masks,
        variances,
        tickets,
    )
    for route in part.router.routes
)
"""As they are: a router that is included makes each of its routes ready a second time."""


def _show(request: Request, status: int, detail: str) -> Response:
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    return bare_page(request, "problem.html", status=status, title=title, detail=detail)


def _to_login(request: Request, error: Exception) -> Response:
    """Send a visitor to the login form and, from a page, back afterwards."""
    del error
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = urlencode({"next": path}) if request.method == "GET" and path != login.HOME else ""
    response = RedirectResponse(f"/login?{query}" if query else "/login", 303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


def _on_refused(request: Request, error: Exception) -> Response:
    return _show(request, HTTPStatus.FORBIDDEN, f"{error}.")


def _on_database(request: Request, error: Exception) -> Response:
    log.warning("database_unavailable", path=request.url.path, error=str(error))
    detail = "The database did not answer in time. Narrow the question, or reload in a moment."
    return _show(request, HTTPStatus.SERVICE_UNAVAILABLE, detail)


def _on_unreadable(request: Request, error: Exception) -> Response:
    return _show(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error).partition("\n")[0])


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this type
    first = error.errors()[0]
    detail = f"{first['loc'][-1]}: {first['msg']}."
    return _show(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type
    return _show(request, error.status_code, f"{request.method} {request.url.path}: {error.detail}.")


def _on_bug(request: Request, error: Exception) -> Response:
    log.error("page_failed", method=request.method, path=request.url.path, exc_info=error)
    return _show(
        request, HTTPStatus.INTERNAL_SERVER_ERROR, "An error of ours. It was logged with path and time."
    )
