"""What the API answers to anybody: problems, pages of rows, entity tags, limits, headers."""

import base64
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from serving import NOW, OTHER, OWN, ROOT, TEA, People, moved, post_all

from cloud.allocation.terms import put_lot
from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from cloud.identity.service import create_api_key
from cloud.identity.store import act_as
from cloud.lots.recalls import open_recall
from cloud.server.guards import MAX_BODY_BYTES
from contracts.records import Side
from tests.patience import PATIENCE_S

CONTROLLER = "inventory_controller@madrid"


def get(
    client: httpx.Client, people: People, path: str, *, who: str = CONTROLLER, **more: str
) -> httpx.Response:
    return client.get(path, headers={**people.headers(who), **more})


def test_balances_are_of_ones_own_sites(client: httpx.Client, people: People) -> None:
    answer = get(client, people, "/v1/balances").json()
    stock = {(row["item"], row["location"]): row["quantity"] for row in answer["items"]}
    assert stock == {
        ("MUG-BLUE", "A-02-1"): "-30.000000",
        ("TEA-500", "A-01-1"): "188.000000",
        ("TEA-500", "STAGING"): "280.000000",
    }
    assert answer["position"] == 5
    assert [site["site"] for site in answer["sites"]] == [OWN]


def test_what_has_expired_or_is_recalled_is_marked_wherever_stock_is_told(
    client: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    for lot, place in (("OLD", "A-07"), ("NEW", "A-08"), ("BAD", "A-09")):
        sides = {"source": Side(location="@opening", lot=lot), "destination": Side(location=place, lot=lot)}
        post_all(pool, replace(moved("4", "@opening", place), **sides))
    with pool.connection() as conn:
        put_lot(conn, ROOT, item=TEA, lot="OLD", expires_on=NOW.date())
    with pool.connection() as conn:
        put_lot(conn, ROOT, item=TEA, lot="NEW", expires_on=NOW.date() + timedelta(days=1))
    with pool.connection() as conn:
        recall = open_recall(conn, ROOT, item=TEA, lot="BAD", reason="defective", with_possible=False)
    marks = {"OLD": (True, None), "NEW": (False, None), "BAD": (False, recall.recall_id)}
    for path in (f"/v1/balances?item={TEA}", f"/v1/stock-by/lot?item={TEA}"):
        rows = get(client, people, path).json()["items"]
        told = {row["lot"]: (row["is_expired"], row["recall"]) for row in rows}
        assert told == marks | {None: (False, None)}, path
    earlier = get(client, people, f"/v1/balances?item={TEA}&as_of=2026-03-01T22:59:00Z").json()["items"]
    assert [row["is_expired"] for row in earlier] == [False] * len(earlier)


def test_a_stock_list_of_many_lines_comes_whole_and_its_lines_are_limited(
    client: httpx.Client, people: People
) -> None:
    place = {"item": TEA, "location": "A-01-1", "quantity": "0"}

    def state(lines: list[dict[str, str]], key: str) -> httpx.Response:
        body = {"site": OWN, "observed_at": "2026-02-01T00:00:00Z", "lines": lines}
        headers = people.headers(CONTROLLER) | {"Idempotency-Key": key}
        return client.post("/v1/reconciliations", json=body, headers=headers, timeout=PATIENCE_S)

    taken = state([place | {"lot": f"{number:0120d}"} for number in range(6_000)], "whole")
    assert int(taken.request.headers["content-length"]) > MAX_BODY_BYTES
    assert (taken.status_code, taken.json()["lines"]) == (201, 6_000)
    many = state([place] * 50_001, "many")
    assert (many.status_code, many.json()["errors"][0]["place"]) == (422, "body.lines")
    headers = people.headers(CONTROLLER) | {"Idempotency-Key": "long"}
    streamed = client.post("/v1/reconciliations", content=iter([b" " * 600_000] * 2), headers=headers)
    assert (streamed.status_code, "no Content-Length" in streamed.json()["detail"]) == (413, True)


@pytest.mark.parametrize("path", ["/v1/movements", "/v1/items", "/v1/locations", "/v1/balances?virtual=true"])
def test_pages_of_one_row_give_what_one_page_gives(client: httpx.Client, people: People, path: str) -> None:
    whole = get(client, people, path, who="auditor").json()["items"]
    assert len(whole) > 1
    piecewise: list[object] = []
    following = f"{path}{'&' if '?' in path else '?'}limit=1"
    first = following
    while following:
        page = get(client, people, following, who="auditor").json()
        piecewise += page["items"]
        following = f"{first}&after={page['next']}" if page["next"] else ""
    assert piecewise == whole


def test_a_cursor_of_another_list_is_refused(client: httpx.Client, people: People) -> None:
    for cursor in ("x", base64.urlsafe_b64encode(b'["a","b",3,4]').decode(), "%00"):
        answer = get(client, people, f"/v1/items?after={cursor}")
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:dockledger:problem:bad-cursor")


def test_an_unchanged_answer_is_not_sent_again(client: httpx.Client, people: People) -> None:
    first = get(client, people, f"/v1/items/{TEA}")
    again = get(client, people, f"/v1/items/{TEA}", **{"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/items/NO-SUCH", 404),
        ("DELETE", "/v1/items", 405),
        ("GET", "/v1/balances?limit=0", 422),
        ("GET", "/v1/balances?as_of=yesterday", 422),
        ("GET", "/v1/balances?as_of=2026-03-02T10:00:00", 422),
        ("GET", "/v1/balances?as_of=2026", 422),
        ("GET", "/v1/balances?as_of=0001-01-01T00:00:00%2B05:00", 422),
        ("GET", "/v1/movements?occurred_until=0.5", 422),
        ("GET", "/v1/units?unit=%00", 422),
        ("GET", "/v1/items?search=%00", 422),
        ("GET", "/v1/movements/gw/xyz/1", 422),
        ("GET", "/v1/quarantine/99999", 404),
    ],
)
def test_every_error_is_a_problem_that_says_where(
    client: httpx.Client, people: People, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers=people.headers(CONTROLLER))
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["instance"] == path.partition("?")[0]
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer dlk_x_y", "Basic YTpi", "Bearer " + "x" * 5000])
def test_a_wrong_key_is_refused(client: httpx.Client, people: People, key: str) -> None:
    answer = client.get("/v1/items", headers={"Authorization": key})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_another_sites_movement_is_not_even_there(client: httpx.Client, people: People) -> None:
    leeds = get(client, people, "/v1/movements", who=f"auditor@{OTHER}").json()["items"]
    assert [row["site"] for row in leeds] == [OTHER]
    path = "/v1/movements/{gateway}/{epoch}/{seq}".format(**leeds[0])
    assert get(client, people, path, who=f"auditor@{OTHER}").status_code == 200
    assert get(client, people, path, who=f"auditor@{OWN}").status_code == 404


def test_what_names_no_site_is_for_those_whose_role_holds_everywhere(
    client: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    with pool.connection() as conn:
        act_as(conn, ROOT)
        conn.execute(
            "INSERT INTO quarantine (received_at, topic, reason, message, payload, sha256)"
            " VALUES (%s, 'dl/v1', 'bad_topic', 'no such topic', '?', %s)",
            (NOW, "1" * 64),
        )
        people.keys["mia"] = create_api_key(
            conn,
            ROOT,
            name="mia",
            grants=[Grant(Role.OPERATOR), Grant(Role.SUPERVISOR, OWN)],
            life=timedelta(days=1),
            now=NOW,
        )
    seen = {who: get(client, people, "/v1/quarantine", who=who).json()["items"] for who in ("mia", "auditor")}
    assert {row["site"] for row in seen["mia"]} == {OWN}
    assert {row["site"] for row in seen["auditor"]} == {None, OWN, OTHER}
    nowhere = next(row["quarantine_id"] for row in seen["auditor"] if row["site"] is None)
    assert get(client, people, f"/v1/quarantine/{nowhere}", who="mia").status_code == 404


def test_a_body_beyond_the_limit_is_refused(client: httpx.Client, people: People) -> None:
    headers = {**people.headers(CONTROLLER), "Idempotency-Key": "k", "Content-Type": "application/json"}
    declared = client.post("/v1/movements", content=b" " * 1_100_000, headers=headers)
    streamed = client.post("/v1/movements", content=iter([b" " * 600_000] * 2), headers=headers)
    assert (declared.status_code, streamed.status_code) == (413, 413)


def test_every_answer_carries_the_security_headers(client: httpx.Client) -> None:
    for path in ("/login", "/v1/items", "/health/live", "/static/live.js", "/nothing"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_ready_says_that_the_database_answers(client: httpx.Client) -> None:
    assert client.get("/health/live").json() == client.get("/health/ready").json() == {"status": "ok"}


def test_metrics_count_requests_and_show_the_ledger(client: httpx.Client, people: People) -> None:
    get(client, people, "/v1/items")
    figures = get(client, people, "/metrics", who="auditor").text
    assert 'dockledger_http_requests_total{method="GET",route="/v1/items",status="200"} 1.0' in figures
    assert "dockledger_ledger_position 5.0" in figures
    assert "dockledger_quarantine_held 2.0" in figures


def test_a_place_is_set_up_once_and_one_that_a_scan_named_is_confirmed(
    client: httpx.Client, people: People
) -> None:
    def create(key: str, code: str, **more: str) -> httpx.Response:
        headers = {**people.headers(CONTROLLER), "Idempotency-Key": key}
        body = {"site": OWN, "code": code, "kind": "bin", **more}
        return client.post("/v1/locations", json=body, headers=headers)

    assert create("k-1", "A-01-1").status_code == 201
    assert create("k-2", "A-01-1").status_code == 409
    assert create("k-3", "C-09-9").status_code == 201
    assert create("k-4", "D-1", parent="NOWHERE").status_code == 409
    assert create("k-5", "@customer").status_code == 422
    kept = get(client, people, "/v1/locations?search=A-01-1").json()["items"]
    assert [place["is_provisional"] for place in kept] == [False]


def test_the_openapi_names_every_problem_an_operation_answers(client: httpx.Client) -> None:
    described = client.get("/v1/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/v1"):
                assert {"401", "403", "422", "503"} <= set(operation["responses"]), (method, path)
            if method == "post":
                assert {"400", "413"} <= set(operation["responses"]), path
    assert "Problem" in described["components"]["schemas"]
