"""Movements by hand, once per idempotency key, and taken back once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import httpx
import pytest
from serving import MUG, OTHER, OWN, TEA, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool, in_transaction
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from cloud.ledger.upkeep import forget_answers

CONTROLLER = "inventory_controller@madrid"


def new_movement(**fields: object) -> dict[str, Any]:
    return {
        "site": OWN,
        "identifier": {"scheme": "sku", "value": TEA},
        "quantity": "8",
        "source": {"location": "STAGING"},
        "destination": {"location": "A-01-1", "lot": "L7"},
        "reason": "put_away",
        **fields,
    }


def post(client: httpx.Client, people: People, body: object, key: str, path: str = "") -> httpx.Response:
    headers = {**people.headers(CONTROLLER), "Idempotency-Key": key}
    return client.post(f"/v1/movements{path}", json=body, headers=headers)


def quantity_at(client: httpx.Client, people: People, location: str) -> str:
    params = {"location": location, "item": TEA}
    answer = client.get("/v1/balances", params=params, headers=people.headers(CONTROLLER))
    return " ".join(row["quantity"] for row in answer.json()["items"])


def test_a_movement_by_hand_is_posted_once_however_often_sent(client: httpx.Client, people: People) -> None:
    first = post(client, people, new_movement(), "k-1")
    again = post(client, people, new_movement(), "k-1")
    assert first.status_code == again.status_code == 201, first.text
    assert again.json() == first.json()
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert quantity_at(client, people, "STAGING") == "272.000000"


def test_eight_at_once_under_one_key_have_one_effect_and_one_answer(
    client: httpx.Client, people: People
) -> None:
    together = threading.Barrier(8)

    def send(_: int) -> httpx.Response:
        together.wait()
        return post(client, people, new_movement(), "k-1")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    assert quantity_at(client, people, "STAGING") == "272.000000"


def test_a_key_used_for_another_movement_is_refused(client: httpx.Client, people: People) -> None:
    assert post(client, people, new_movement(), "k-1").status_code == 201
    other = post(client, people, new_movement(quantity="9"), "k-1")
    assert other.status_code == 422
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["type"] == "urn:dockledger:problem:idempotency-key-reused"
    assert quantity_at(client, people, "STAGING") == "272.000000"


def test_a_refused_movement_leaves_its_key_free(client: httpx.Client, people: People) -> None:
    future = new_movement(occurred_at="2099-01-01T00:00:00Z")
    refused = post(client, people, future, "k-1")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:dockledger:problem:not-postable")
    assert "2099" in refused.json()["detail"]
    assert post(client, people, new_movement(), "k-1").status_code == 201


@pytest.mark.parametrize(
    ("account", "way"),
    [
        ("@scrap", "POST /v1/scrappings"),
        ("@adjustment", "POST /v1/counts"),
        ("@unknown", "POST /v1/counts"),
        ("@opening", "is imported"),
    ],
)
def test_nobody_writes_off_or_finds_stock_by_a_movement_without_an_approval(
    client: httpx.Client, people: People, account: str, way: str
) -> None:
    for number, sides in enumerate((("STAGING", account), (account, "STAGING"))):
        named = {key: {"location": code} for key, code in zip(("source", "destination"), sides, strict=True)}
        answer = post(client, people, new_movement(**named, reason="found"), f"k-{number}")
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:dockledger:problem:not-postable")
        assert answer.json()["detail"].startswith(account)
        assert way in answer.json()["detail"]
    nowhere = new_movement(destination={}, reason="lost")
    assert post(client, people, nowhere, "k-2").json()["detail"].startswith("@unknown")
    held = {"location": "STAGING", "disposition": "hold"}
    assert post(client, people, new_movement(destination=held, reason="broken"), "k-3").status_code == 201
    taken = new_movement(source=held, destination={"location": account}, reason="broken")
    assert post(client, people, taken, "k-4").status_code == 422
    paper = {"site": OWN, "item": TEA, "waits_as": "hold", "quantity": "8", "reason": "defective"}
    headers = people.headers(CONTROLLER) | {"Idempotency-Key": "k-5"}
    asked = client.post("/v1/scrappings", json=paper, headers=headers)
    assert asked.status_code == 201, asked.text


def test_a_post_without_a_key_is_refused(client: httpx.Client, people: People) -> None:
    answer = client.post("/v1/movements", json=new_movement(), headers=people.headers(CONTROLLER))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == "header.Idempotency-Key"


def test_a_movement_is_taken_back_once(client: httpx.Client, people: People) -> None:
    posted = post(client, people, new_movement(), "k-1").json()["movement"]
    path = "/{gateway}/{epoch}/{seq}/reversal".format(**posted)
    assert post(client, people, {"reason": "misread"}, "k-2", path).status_code == 201
    assert quantity_at(client, people, "STAGING") == "280.000000"
    twice = post(client, people, {"reason": "misread"}, "k-3", path)
    assert (twice.status_code, twice.json()["type"]) == (409, "urn:dockledger:problem:done-already")


def test_quantities_that_are_no_quantities_are_told_with_their_place(
    client: httpx.Client, people: People
) -> None:
    for quantity in ("0", "-1", "NaN", "Infinity", True, "1.1234567"):
        answer = post(client, people, new_movement(quantity=quantity), "k")
        assert answer.status_code == 422, quantity
        assert answer.json()["errors"][0]["place"].startswith("body.quantity")


@pytest.mark.parametrize(
    "extra",
    [r'"x": "\udbde"', r'"\udbde": 1', r'"x": ["\u0000"]', '"x": NaN', '"x": ' + "[" * 5000 + "]" * 5000],
)
def test_unknown_fields_that_nothing_could_store_are_refused(
    client: httpx.Client, people: People, extra: str
) -> None:
    body = json.dumps(new_movement()).replace('"scheme": "sku"', f'"scheme": "sku", {extra}')
    headers = {**people.headers(CONTROLLER), "Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = client.post("/v1/movements", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_somebody_of_another_site_moves_nothing_here(client: httpx.Client, people: People) -> None:
    headers = {**people.headers(f"supervisor@{OTHER}"), "Idempotency-Key": "k"}
    answer = client.post("/v1/movements", json=new_movement(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:dockledger:problem:not-allowed")


def test_a_site_that_is_not_there_is_refused(client: httpx.Client, people: People) -> None:
    headers = {**people.headers("supervisor"), "Idempotency-Key": "k"}
    answer = client.post("/v1/movements", json=new_movement(site="atlantis"), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:dockledger:problem:refused-by-database")


def test_the_past_is_asked_on_both_clocks(client: httpx.Client, people: People) -> None:
    headers = people.headers(CONTROLLER)
    post(client, people, new_movement(occurred_at="2026-03-02T09:30:00Z", quantity="5"), "late")

    def staging(**when: object) -> list[str]:
        answer = client.get("/v1/balances", params={"location": "STAGING", **when}, headers=headers).json()
        return [row["quantity"] for row in answer["items"]]

    assert staging() == ["275.000000"]
    assert staging(as_of="2026-03-02T09:15:00Z") == ["480.000000"]
    assert staging(as_of="2026-03-02T09:45:00Z") == ["475.000000"]
    assert staging(as_of="2026-03-02T09:45:00Z", position=5) == ["480.000000"]
    assert staging(position=0) == []


def test_answers_under_a_key_are_forgotten_after_a_week_a_thousand_at_a_time(
    client: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    assert post(client, people, new_movement(), "old").status_code == 201
    with pool.connection() as conn:
        conn.execute("UPDATE idempotency_key SET created_at = created_at - interval '7 days'")
        conn.execute(
            "INSERT INTO idempotency_key (actor, key, request_sha256, created_at)"
            " SELECT 'key:erp', n, '', clock_timestamp() - n * interval '1 day 1 minute'"
            " FROM generate_series(1, 1600) AS n"
        )
    assert [in_transaction(pool, forget_answers) for _ in range(3)] == [1000, 595, 0]
    assert post(client, people, new_movement(), "old").headers.get("idempotent-replayed") is None
    with pool.connection() as conn:
        kept = conn.execute("SELECT key FROM idempotency_key ORDER BY created_at").fetchall()
    assert [key for (key,) in kept] == ["6", "5", "4", "3", "2", "1", "old"]


def test_an_item_reads_as_another_until_the_merge_is_taken_back(
    pool: ConnectionPool, client: httpx.Client, people: People
) -> None:
    headers = people.headers("inventory_controller")

    def merge(key: str, **body: object) -> httpx.Response:
        return client.post("/v1/item-merges", json=body, headers=headers | {"Idempotency-Key": key})

    def reads_as() -> str | None:
        merged_into: str | None = client.get(f"/v1/items/{MUG}", headers=headers).json()["merged_into"]
        return merged_into

    missing = merge("m-1", item="NIL", into=TEA)
    assert (missing.status_code, missing.json()["detail"]) == (404, "there is no item 'NIL'")
    merged = merge("m-2", item=MUG, into=TEA, numerator=1, denominator=12)
    assert merged.status_code == 201, merged.text
    assert reads_as() == TEA
    cycle = merge("m-3", item=TEA, into=MUG)
    assert (cycle.status_code, "is a cycle" in cycle.text) == (422, True)
    told = client.get("/v1/balances", params={"item": TEA, "location": "A-02-1"}, headers=headers).json()
    assert [row["quantity"] for row in told["items"]] == ["-2.500000"], "30 mugs, 12 of them to the other"

    session = session_of(pool, Grant(Role.INVENTORY_CONTROLLER))
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
    assert "Let it be an item of its own again" in client.get(f"/items/{MUG}", headers=cookie).text
    form = {"item": MUG, "into": MUG, "csrf": csrf_token(session)}
    assert client.post("/item-merges", data=form, headers=cookie).status_code == 303
    assert reads_as() is None
    assert "Code of the item that it is" in client.get(f"/items/{MUG}", headers=cookie).text


@pytest.mark.usefixtures("people")
def test_a_merge_that_cannot_be_is_shown_again_as_it_was_typed(
    pool: ConnectionPool, client: httpx.Client
) -> None:
    session = session_of(pool, Grant(Role.INVENTORY_CONTROLLER))
    headers, csrf = {"Cookie": f"{SESSION_COOKIE}={session}"}, csrf_token(session)

    def refused(**fields: str) -> str:
        form = {"item": MUG, "csrf": csrf} | fields
        answer = client.post("/item-merges", data=form, headers=headers)
        assert answer.status_code == 422, answer.text
        return unescape(answer.text)

    for ratio, told in (
        ("1e99999999999", "'1e99999999999': expected a ratio as 12 or 1/12."),
        ("0", "'0': expected a ratio above zero, of less than 2^31."),
    ):
        page = refused(into=TEA, ratio=ratio)
        assert f'name="into" value="{TEA}"' in page
        assert f'name="ratio" value="{ratio}"' in page
        assert f'id="wrong-ratio" role="alert">{told}</span>' in page
        assert '<details class="body" open>' in page
    page = refused(into="NIL", ratio="1/12")
    assert 'id="wrong-into" role="alert">there is no item \'NIL\'.</span>' in page
    assert ('value="NIL"' in page, 'value="1/12"' in page) == (True, True)
    gone = client.post("/item-merges", data={"item": "GONE", "into": TEA, "csrf": csrf}, headers=headers)
    assert (gone.status_code, "there is no item 'GONE'" in unescape(gone.text)) == (404, True)
