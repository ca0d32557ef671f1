"""Every list goes out whole, as CSV, XLSX and Parquet: from its page and from the API, the same one way."""

import csv
import io
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import psycopg
import pytest
from fastapi.routing import APIRoute
from rights import ROUTES
from rights_of_events import UNTAUGHT
from serving import NOW, ROOT, People
from test_authorisation_matrix import Caller, address, sent, something_of_all, things_of_own_site
from typing_extensions import override

from cloud.api import files
from cloud.api.app import create_api
from cloud.api.conditional import ConditionalRoute
from cloud.api.files import ENDLESS
from cloud.api.metrics import Metrics
from cloud.db import ConnectionPool
from cloud.identity import service, sessions
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE, Gate
from cloud.sheets.listing import Form
from cloud.sheets.reading import read_rows

SINGLE_THINGS = {
    "/v1/availability/{site}/{item:path}", "/v1/counts/{gateway}/{epoch}/{seq}",
    "/v1/crossings/{gateway}/{epoch}/{seq}", "/v1/demand/feedback/worth", "/v1/demand/sources/{source_id}",
    "/v1/forecast-overrides/{override_id}", "/v1/forecast-reviews/settings",
    "/v1/forecasts/{site}/{item:path}", "/v1/ingest/state", "/v1/lot-dates", "/v1/lot-story",
    "/v1/models/settings",
    "/v1/models/{version_id}", "/v1/movements/{gateway}/{epoch}/{seq}", "/v1/periods/{site}/{period}",
    "/v1/planning/confirmation-tolerance", "/v1/proposals/{proposal_id}", "/v1/quarantine/{quarantine_id}",
    "/v1/recalls/{recall_id}", "/v1/receipts/{site}/{receipt}", "/v1/runs/{run_id}",
    "/v1/serial-genealogy",
    "/v1/shipments/{site}/{shipment}", "/v1/sites/{site}/calendar", "/v1/stock-value",
    "/v1/webhooks/{subscription_id}",
}  # fmt: skip
"""Answers of the API that are no list: one thing, or several lists of equal rank."""
FORMS_AND_STORIES = {
    "/", "/login", "/login/link", "/logout", "/live",
    "/approvals/{decision_id}", "/counts/{gateway}/{epoch}/{seq}", "/documents/{site}/new",
    "/doors/{gateway}/{epoch}/{seq}",
    "/events/{event_id}", "/labels/templates/{site}/{name}", "/movements/{gateway}/{epoch}/{seq}",
    "/orders/new", "/overrides/new", "/overrides/{override_id}", "/proposals/{proposal_id}",
    "/quarantine/{quarantine_id}", "/receiving/{site}/new", "/runs/{run_id}", "/serials/{serial:path}",
    "/shipping/{site}/new", "/tickets/{ticket_id}", "/transformations/{site}/{type}/{id:path}",
    "/visits/{site}/new", "/visits/{site}/{visit}/appointment",
}  # fmt: skip
"""Pages that are no list: a form, or the story of one thing."""

LISTS_ONCE_ASKED = {"/events/effects", "/stock/differences", "/periods/{site}/{period}"}
"""Lists that show themselves, and their files, when a form is filled in or a period has a figure."""


def test_every_list_of_the_api_can_be_asked_for_as_a_file(gate: Gate) -> None:
    routes = {route.path: route for route in lists_and_things(gate)}
    single = {path for path, route in routes.items() if route.rows is None}
    assert single == (SINGLE_THINGS | ENDLESS) & routes.keys()
    assert all(
        route.rows is not None
        for route in routes.values()
        if route.name.startswith("list_") and route.path not in ENDLESS
    )


def test_every_list_gives_as_a_file_what_its_pages_give(
    pool: ConnectionPool, ingest: ConnectionPool, people: People, client: httpx.Client, gate: Gate
) -> None:
    names = something_of_all(pool, ingest) | things_of_own_site(pool)
    caller = one_who_may_all(pool)
    full, unasked = 0, set[str]()
    for route in lists_and_things(gate):
        if route.rows is not None:
            name = f"GET {route.path}"
            asked = {"url": address(name, names), "params": sent(name, caller).get("params", {})}
            page = client.get(**asked, headers=caller.headers)
            table = client.get(**asked, headers=caller.headers | {"Accept": "text/csv"})
            assert table.status_code == page.status_code, route.path
            if page.status_code != 200:
                unasked |= {name}
                continue
            shown = page.json() if route.rows.field is None else page.json()[route.rows.field]
            header, *rows = table_of(table)
            assert header == [column.name for column in route.rows.columns], route.path
            assert len(rows) == len(shown), route.path
            full += len(shown) > 0
    assert full > 40
    assert unasked <= {*UNTAUGHT, "GET /v1/lot-history", "GET /v1/units/{unit:path}"}
    client.headers["Cookie"] = f"{SESSION_COOKIE}={caller.session}"
    wrong = list(links_that_fail(client, caller, names))
    assert not wrong, "\n".join(wrong)


def test_a_file_keeps_types_names_itself_and_holds_no_formula(
    client: httpx.Client, people: People, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(files, "_PAGE", 2)
    asked = {"url": "/v1/movements", "headers": people.headers("auditor")}
    items = client.get(**asked).json()["items"]
    got = {form: client.get(**asked, params={"format": form.value}) for form in Form}
    assert got[Form.CSV].headers["content-disposition"] == (
        f'attachment; filename="movements_{NOW:%Y-%m-%dT%H%M%SZ}.csv"'
    )
    table = table_of(got[Form.CSV])
    place = table[0].index
    assert [row[place("seq")] for row in table[1:]] == [str(item["seq"]) for item in items]
    assert {row[place("source_location")][:2] for row in table[1:]} >= {"'@"}
    import pyarrow.parquet as pq  # noqa: PLC0415  an option

    read = pq.read_table(io.BytesIO(got[Form.PARQUET].content))
    kinds = {field.name: str(field.type) for field in read.schema}
    assert kinds["quantity"] == "decimal128(38, 18)"
    assert kinds["occurred_at"] == "timestamp[us, tz=UTC]"
    assert [f"{quantity:.6f}" for quantity in read["quantity"].to_pylist()] == [i["quantity"] for i in items]
    assert [at.isoformat() for at in read["occurred_at"].to_pylist()] == [
        item["occurred_at"].replace("Z", "+00:00") for item in items
    ]
    (tmp_path / "x.xlsx").write_bytes(got[Form.XLSX].content)
    rows = list(read_rows(tmp_path / "x.xlsx"))
    assert [cell.text for cell in rows[0].cells] == table[0]
    assert len(rows) == len(items) + 1
    asked["headers"] = asked["headers"] | {"If-None-Match": got[Form.CSV].headers["etag"]}
    assert client.get(**asked, params={"format": "csv"}).status_code == 304


def test_what_no_file_can_be_is_told(client: httpx.Client, people: People, monkeypatch: Any) -> None:
    headers = people.headers("auditor")
    paged = client.get("/v1/items", params={"format": "csv", "limit": 5}, headers=headers)
    assert (paged.status_code, paged.json()["type"]) == (422, "urn:dockledger:problem:file-has-no-pages")
    assert client.get("/v1/items?format=pdf", headers=headers).status_code == 422
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    absent = client.get("/v1/items?format=parquet", headers=headers)
    assert (absent.status_code, absent.json()["type"]) == (406, "urn:dockledger:problem:form-not-possible")
    assert 'install the extra ("dockledger[parquet]")' in absent.json()["detail"]


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_million_rows_go_out_in_bounded_memory(
    database: Any, client: httpx.Client, people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(database.owner_dsn) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute(
            "INSERT INTO item (code, name) "
            "SELECT 'I-' || lpad(n::text, 7, '0'), 'Thing ' || n FROM generate_series(1, 999998) n"
        )
    process = psutil.Process()
    for form in Form:
        before, began_s = process.memory_info().rss, time.perf_counter()
        most = got = 0
        asked = {"url": "/v1/items", "params": {"format": form.value}, "headers": people.headers("auditor")}
        with Watch(process) as watch, client.stream("GET", **asked, timeout=900) as answer:
            assert answer.status_code == 200
            got = sum(len(piece) for piece in answer.iter_bytes())
        most = (watch.most - before) / 2**20
        with capsys.disabled():
            took_s = time.perf_counter() - began_s
            print(f"{form.value}: {got / 2**20:.0f} MB in {took_s:.0f} s, {most:.0f} MB more")  # noqa: T201  a figure of a release
        assert most < 200


class Watch(threading.Thread):
    """Looks at a process's memory while something is done."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__()
        self.most = 0
        self._process, self._over = process, threading.Event()

    @override
    def run(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, self._process.memory_info().rss)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def one_who_may_all(pool: ConnectionPool) -> Caller:
    grants = [Grant(role) for role in Role]
    with pool.connection() as conn:
        service.add_user(conn, ROOT, name="all", password=None, grants=grants)
        link = service.make_login_link(conn, ROOT, name="all", now=NOW)
        key = service.create_api_key(conn, ROOT, name="all", grants=grants, life=timedelta(1), now=NOW)
    with pool.connection() as conn:
        session = sessions.log_in_by_link(conn, token=link, now=NOW).token
    return Caller(None, None, {"Authorization": f"Bearer {key}"}, session)


def lists_and_things(gate: Gate) -> Iterator[ConditionalRoute]:
    waiting = list(create_api(gate, Metrics()).router.routes)
    while waiting:
        route = waiting.pop()
        if isinstance(route, ConditionalRoute) and route.methods == {"GET"}:
            yield route
        elif not isinstance(route, APIRoute):
            waiting += getattr(getattr(route, "original_router", None), "routes", [])


def table_of(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, f"{answer.url}: {answer.text[:300]}"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8", answer.url
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def links_that_fail(client: httpx.Client, caller: Caller, names: dict[str, object]) -> Iterator[str]:
    """Open every page, and follow what it offers as a file, each list in one of the three forms by turns."""
    pages = [
        route for route in ROUTES
        if route.startswith("GET ") and not re.search(r"^GET /(v1|health|metrics)|/events$|form:form", route)
    ]  # fmt: skip
    for turn, route in enumerate([*pages, "GET /events"]):
        path = route.split()[1]
        answer = client.get(address(route, names), params=sent(route, caller).get("params", {}))
        links = [unescape(link) for link in re.findall(r'href="([^"]*)" download', answer.text)]
        if not links and path not in FORMS_AND_STORIES | LISTS_ONCE_ASKED:
            yield f"{path} ({answer.status_code}) offers no file, and is not named as no list"
        for link in links[turn % len(Form) :: len(Form)]:
            got = client.get(str(httpx.URL(str(answer.url)).join(link)))
            if got.status_code != 200 or "attachment" not in got.headers.get("content-disposition", ""):
                yield f"{path}: {link} answers {got.status_code}: {got.text[:200]}"
