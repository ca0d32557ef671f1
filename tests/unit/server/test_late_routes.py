"""A route is made once, by whoever asks for it first; all else about it is as FastAPI has it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import FastAPIError
from typing_extensions import override

from cloud.api.app import _ROUTES as OPERATIONS
from cloud.routes import LateRoute
from cloud.web.app import _ROUTES as PAGES

MADE: list[str] = []


class Noted(LateRoute):
    @override
    def make(self, path: str, endpoint: Callable[..., Any], described: dict[str, Any]) -> None:
        MADE.append(path)
        super().make(path, endpoint, described)


class Unreadable:
    pass


def thing(number: int, more: int = 1) -> dict[str, int]:
    return {"number": number + more}


@pytest.fixture
def app() -> FastAPI:
    MADE.clear()
    return FastAPI(
        routes=[
            Noted("/things/{number}", thing, methods=["GET"], response_model=dict[str, int]),
            Noted("/things", thing, methods=["POST"], response_model=dict[str, int]),
        ]
    )


def asked(app: FastAPI, method: str, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.request(method, path)

    return asyncio.run(ask())


def test_a_route_is_made_by_its_first_request_and_by_no_other(app: FastAPI) -> None:
    assert asked(app, "GET", "/nothing").status_code == 404
    assert asked(app, "PUT", "/things/1").status_code == 405
    assert MADE == []
    assert asked(app, "GET", "/things/1").json() == {"number": 2}
    assert asked(app, "GET", "/things/1?more=2").json() == {"number": 3}
    assert asked(app, "GET", "/things/one").status_code == 422
    assert MADE == ["/things/{number}"]


def test_a_description_has_routes_that_nobody_asked_for(app: FastAPI) -> None:
    assert [parameter["name"] for parameter in app.openapi()["paths"]["/things"]["post"]["parameters"]] == [
        "number",
        "more",
    ]


def test_threads_that_ask_at_once_find_one_route(app: FastAPI) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return asked(app, "GET", "/things/1").status_code

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [200] * 8
    assert MADE == ["/things/{number}"]


def test_what_no_route_has_is_not_there(app: FastAPI) -> None:
    with pytest.raises(AttributeError, match="a route has no 'colour'"):
        _ = app.routes[0].colour  # type: ignore[attr-defined]  # that is what is asked


def test_a_declaration_that_cannot_be_read_is_told_to_each_who_asks() -> None:
    route = LateRoute("/", thing, response_model=Unreadable)
    for _ in range(2):
        with pytest.raises(FastAPIError, match="Invalid args for response field"):
            _ = route.dependant


def test_all_of_ours_are_late() -> None:
    assert [route for route in (*OPERATIONS, *PAGES) if not isinstance(route, LateRoute)] == [], (
        "their routers lack route_class=LateRoute"
    )
