"""A route is made once, by whoever asks for it first; all else about it is as FastAPI has it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import FastAPIError
from typing_extensions import override

from cloud.api.app import _ROUTES as OPERATIONS
from cloud.routes import LateRoute
from cloud.web.app import _ROUTES as PAGES
from tests.patience import PATIENCE_S

MADE: list[str] = []
BEGUN = threading.Event()
GO_ON = threading.Event()


class Noted(LateRoute):
    @override
    def make(self, path: str, endpoint: Callable[..., Any], described: dict[str, Any]) -> None:
        MADE.append(path)
        super().make(path, endpoint, described)


class Slow(LateRoute):
    """Whose making lasts until somebody says so."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **described: Any) -> None:
        super().__init__(path, endpoint, **described)
        BEGUN.clear()
        GO_ON.clear()

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        BEGUN.set()
        assert GO_ON.wait(PATIENCE_S), "nobody asked meanwhile"
        return super().get_route_handler()


class Watched:
    """A lock that lets a slow making go on once another waits for it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def __enter__(self) -> None:
        if BEGUN.is_set():
            GO_ON.set()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


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


def test_who_asks_while_another_makes_a_route_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.routes._MAKING", Watched())
    app = FastAPI(routes=[Slow("/things/{number}", thing, methods=["GET"], response_model=dict[str, int])])
    with ThreadPoolExecutor(2) as threads:
        maker = threads.submit(asked, app, "GET", "/things/1")
        assert BEGUN.wait(PATIENCE_S)
        other = threads.submit(asked, app, "GET", "/things/2")
        other.add_done_callback(lambda _: GO_ON.set())
        assert [each.result().json() for each in (maker, other)] == [{"number": 2}, {"number": 3}]


def test_a_route_is_as_it_was_declared_until_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    route = Slow("/things/{number}", thing, methods=["GET"], response_model=dict[str, int])
    monkeypatch.setattr("cloud.routes._MAKING", Watched())
    before = dict(vars(route))
    with ThreadPoolExecutor(1) as threads:
        maker = threads.submit(lambda: route.unique_id)
        assert BEGUN.wait(PATIENCE_S)
        meanwhile = dict(vars(route))
        GO_ON.set()
        assert maker.result() == "thing_things__number__get"
    assert meanwhile == before


def test_a_route_whose_making_failed_is_made_by_who_asks_next(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("fastapi.routing.get_request_handler", None)
        with pytest.raises(TypeError, match="not callable"):
            asked(app, "GET", "/things/1")
    assert asked(app, "PUT", "/things/1").status_code == 405
    assert asked(app, "GET", "/things/1").json() == {"number": 2}
    assert MADE == ["/things/{number}"] * 2


def test_a_dependency_is_overridden_before_and_after_a_route_is_made() -> None:
    def told() -> int:
        return 1

    def dependent(number: Annotated[int, Depends(told)]) -> dict[str, int]:
        return {"number": number}

    late = FastAPI()
    late.router.route_class = LateRoute
    late.get("/things")(dependent)
    late.dependency_overrides[told] = lambda: 2
    assert asked(late, "GET", "/things").json() == {"number": 2}
    late.dependency_overrides.clear()
    assert asked(late, "GET", "/things").json() == {"number": 1}


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
