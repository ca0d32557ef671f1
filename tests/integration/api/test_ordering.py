"""Suppliers, proposals and orders over HTTP: once per key, pages, tags; hostile input gets a problem."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from forecasts_made import made
from rights_to_order import LINE, ORDER, ORDER_FORM, SUPPLIER, delivery, order_something
from serving import MUG, OTHER, OWN, TEA, Clock, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE

BUYER, KEEPER, PLANNER = "buyer", f"inventory_controller@{OWN}", f"planner@{OWN}"
ADMIN = f"admin@{OWN}"


class Person:
    """Somebody with a key of their own per request."""

    def __init__(self, client: httpx.Client, people: People, grant: str) -> None:
        self.client, self.headers, self.sent = client, people.headers(grant), 0

    def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        self.sent += 1
        headers = self.headers | {"Idempotency-Key": key or f"k-{self.sent}"}
        if isinstance(body, bytes):
            return self.client.post(
                path, content=body, headers=headers | {"Content-Type": "application/json"}
            )
        return self.client.post(path, json=body, headers=headers)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(path, params=params, headers=self.headers)


@pytest.fixture
def names(pool: ConnectionPool, people: People) -> dict[str, object]:
    del people
    with pool.connection() as conn:
        made(conn)
    return order_something(pool)


def test_what_comes_of_an_order_may_be_its_suppliers_still(
    client: httpx.Client, people: People, names: dict[str, object]
) -> None:
    keeper, paper = Person(client, people, KEEPER), delivery("DN-1")
    theirs = paper | {"lines": [line | {"owner": SUPPLIER["supplier"]} for line in paper["lines"]]}
    path = f"/v1/purchase-orders/{OWN}/{names['order']}/receipts"
    stranger = theirs | {"lines": [line | {"owner": "nobody"} for line in paper["lines"]]}
    assert "nobody is known as" in keeper.post(path, stranger).text
    assert keeper.post(path, theirs).status_code == 201
    owners = {row["owner"] for row in keeper.get("/v1/stock-by/owner").json()["items"]}
    assert SUPPLIER["supplier"] in owners


def test_an_order_is_registered_received_and_closed(
    client: httpx.Client, people: People, names: dict[str, object]
) -> None:
    buyer, keeper = Person(client, people, BUYER), Person(client, people, KEEPER)
    assert buyer.post("/v1/purchase-orders", ORDER).status_code == 201
    other = ORDER | {"lines": [LINE | {"quantity": "51"}]}
    assert buyer.post("/v1/purchase-orders", other).json()["type"].endswith("document-conflict")
    path = f"/v1/purchase-orders/{OWN}/{names['order']}"
    first = keeper.post(f"{path}/receipts", delivery("DN-1"), key="once")
    again = keeper.post(f"{path}/receipts", delivery("DN-1"), key="once")
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert keeper.post(f"{path}/receipts", delivery("DN-1")).json()["type"].endswith("done-already")
    over = delivery("DN-2") | {"lines": [{"line": "1", "received": "60", "damaged": "2.5"}]}
    (told,) = keeper.post(f"{path}/receipts", over).json()["lines"]
    assert (told["over"], told["short"]) == ("13.500000", "0")
    shown = buyer.get(path)
    assert shown.headers["ETag"] == buyer.get(path).headers["ETag"]
    (line,) = shown.json()["content"]
    assert (float(line["received"]), float(line["open_quantity"]), shown.json()["is_complete"]) == (
        63.5,
        0,
        True,
    )
    assert buyer.post(f"{path}/dates", {"line": "1", "due_on": "2026-05-01"}).status_code == 422
    assert buyer.post(f"{path}/close", {"reason": "other"}).json()["state"] == "closed"
    assert keeper.post(f"{path}/receipts", delivery("DN-3")).status_code == 409


def test_an_order_placed_elsewhere_is_typed_on_its_page_once_and_is_shown_again_where_it_cannot_be(
    client: httpx.Client, pool: ConnectionPool, clock: Clock, names: dict[str, object]
) -> None:
    session = session_of(pool, Grant(Role.BUYER, OWN))
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}

    def sends(**fields: object) -> httpx.Response:
        columns = {"item": [TEA, "", "NIL"], "quantity": ["5", "", "2.5"], "price": ["1.25", "", ""]}
        columns |= {"unit_seen": ["", "", ""]}
        typed = (
            ORDER_FORM | columns | {"due_on": ["2026-04-01", "", "2026-04-08"], "csrf": csrf_token(session)}
        )
        return client.post("/orders/new", data=typed | fields, headers=cookie, follow_redirects=False)

    listed = client.get("/orders", headers=cookie)
    assert 'href="/orders/new"' in listed.text
    assert f'<option value="{OWN}"' in client.get("/orders/new", headers=cookie).text
    refused = sends(sent_at="2026-03-02T08:00")
    assert refused.status_code == 422
    assert "line &#39;2&#39;: there is no item &#39;NIL&#39;: register it first" in refused.text
    kept = ("PO-F", "ACME", "2026-03-02T08:00", "NIL", "2.5", "1.25")
    assert all(f'value="{text}"' in refused.text for text in kept)
    assert sends(item=[TEA, "", MUG], id="").status_code == 422
    for _ in "ab":
        done = sends(item=[TEA, "", MUG], sent_at="2026-03-02T07:00")
        assert (done.status_code, done.headers["Location"]) == (303, f"/orders/{OWN}/PO-F")
    shown = client.get(f"/v1/purchase-orders/{OWN}/PO-F", headers=cookie).json()
    assert (shown["state"], shown["sent_at"], shown["origin"]) == (
        "sent",
        "2026-03-02T06:00:00Z",
        "elsewhere",
    )
    lines = [
        {name: each[name] for name in ("line", "item", "quantity", "price", "due_on")}
        for each in shown["content"]
    ]
    assert [list(each.values()) for each in lines] == [
        ["1", TEA, "5.000000", "1.250000", "2026-04-01"],
        ["2", MUG, "2.500000", None, "2026-04-08"],
    ]
    assert sends(item=[TEA, "", MUG], quantity=["6", "", "1"]).status_code == 422, "with other content"
    for _ in "ab":
        assert sends(item=[TEA, "", MUG], id="PO-G").status_code == 303, "sent now, and once"
        clock.now += timedelta(seconds=1)
    assert sends(item=[TEA, "", MUG], id="PO-G", sent_at="2026-03-02T07:00").status_code == 422
    keeper = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    other = {"Cookie": f"{SESSION_COOKIE}={keeper}"}
    assert 'href="/orders/new"' not in client.get("/orders", headers=other).text
    assert client.get("/orders/new", headers=other).status_code == 403


def test_lists_are_paged_by_their_keys(
    client: httpx.Client, people: People, names: dict[str, object]
) -> None:
    buyer = Person(client, people, BUYER)
    for number in range(3):
        buyer.post("/v1/suppliers", SUPPLIER | {"supplier": f"S-{number}"})
        buyer.post("/v1/purchase-orders", ORDER | {"id": f"PO-{number}"})
    for path, least in (
        ("/v1/suppliers", 4),
        ("/v1/suppliers/ACME/items", 2),
        ("/v1/purchase-orders", 4),
        ("/v1/proposals", 1),
    ):
        seen, after = [], None
        while True:
            page = buyer.get(path, limit=1, **({"after": after} if after else {})).json()
            seen += page["items"]
            after = page["next"]
            if after is None:
                break
        assert len(seen) >= least
        assert seen == buyer.get(path).json()["items"]
    assert names["proposal_id"] in {row["proposal_id"] for row in buyer.get("/v1/proposals").json()["items"]}
    planned = Person(client, people, PLANNER).get("/v1/planning/parameters", site=OWN).json()["items"]
    assert {"review_days", "target"} <= set(planned[0]["defaults"])


def test_what_the_supplier_confirms_is_taken_or_waits(
    client: httpx.Client, people: People, names: dict[str, object]
) -> None:
    buyer, admin = Person(client, people, BUYER), Person(client, people, ADMIN)
    wish = {"site": OWN, "quantity_percent": "10", "price_percent": "1"}
    assert buyer.post("/v1/planning/confirmation-tolerance", wish).status_code == 403
    assert admin.post("/v1/planning/confirmation-tolerance", wish).status_code == 201
    assert admin.post("/v1/planning/confirmation-tolerance", wish | {"site": None}).status_code == 403
    told = buyer.get("/v1/planning/confirmation-tolerance", site=OWN).json()
    assert (told["quantity_percent"], told["set_by"]) == ("10.000", f"key:admin.{OWN}")
    path = f"/v1/purchase-orders/{OWN}/{names['order']}"
    taken = buyer.post(f"{path}/confirmations", {"lines": [{"line": "1", "quantity": "46"}]}).json()
    assert (taken["content"][0]["quantity"], taken["content"][0]["ordered"]) == ("46.000000", "50.000000")
    waits = buyer.post(f"{path}/confirmations", {"lines": [{"line": "1", "price": "2.50"}]}).json()
    last = waits["confirmations"][-1]
    assert (last["is_taken"], last["decision_state"], waits["content"][0]["price"]) == (
        False,
        "submitted",
        "2.000000",
    )
    decision = Person(client, people, f"approver@{OWN}").post(
        f"/v1/decisions/{last['decision_id']}/approve", {"revision": 1}
    )
    assert (decision.status_code, decision.json()["state"]) == (201, "applied")
    assert buyer.get(path).json()["content"][0]["price"] == "2.500000"


WEIRD = ["a\0b", "x" * 5_000, "NaN", 1e308, -1, [], {}]
DATES = ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
TERMS = {"supplier": "ACME", "item": TEA, "site": OWN, "pack": "1", "price": "1", "lead_time_days": 1}
CHANGED = {"quantity": "5", "supplier": "ACME", "due_on": "2026-03-09", "reason": "r", "note": "n"}
ARRIVED = delivery("DN") | {"occurred_at": "2026-03-02T08:00:00Z"}
BODIES = [
    ("/v1/suppliers", SUPPLIER | {"working_days": [1], "order_days": [2]}, BUYER),
    ("/v1/suppliers/items", TERMS, BUYER),
    ("/v1/purchase-orders", ORDER, BUYER),
    ("/v1/planning/policies", {"site": OWN, "item": TEA, "review_days": 3, "target": 0.9}, PLANNER),
    ("/v1/proposals/{proposal_id}/change", CHANGED, PLANNER),
    ("/v1/purchase-orders/{site}/PO-X/receipts", ARRIVED, KEEPER),
    ("/v1/purchase-orders/{site}/PO-X/dates", {"line": "1", "due_on": "2026-03-09"}, BUYER),
    ("/v1/purchase-orders/{site}/PO-X/confirmations", {"reference": "r", "note": "n", "lines": [{}]}, BUYER),
    ("/v1/planning/confirmation-tolerance", {"site": OWN, "quantity_percent": 1, "price_percent": 1}, ADMIN),
]


def test_hostile_values_are_refused_with_a_problem(
    client: httpx.Client, people: People, names: dict[str, object]
) -> None:
    wrong = []
    for path, body, grant in BODIES:
        person = Person(client, people, grant)
        place = path.format(site=OWN, **names)
        for field in body:
            values = DATES if field in {"due_on", "sent_at", "occurred_at"} else WEIRD
            statuses = {person.post(place, body | {field: value}).status_code for value in values}
            if max(statuses) >= 500:
                wrong.append(f"{path} {field}: {statuses}")
        assert person.post(place, b'{"a": "\xff"}').status_code in {400, 422}
    assert not wrong


def test_hostile_questions_are_refused_with_a_problem(
    client: httpx.Client, people: People, names: dict[str, object]
) -> None:
    buyer = Person(client, people, BUYER)
    wrong = [
        f"{path}?{name}={value!r}: {answer.status_code}"
        for path in ("/v1/suppliers", "/v1/suppliers/ACME/items", "/v1/proposals", "/v1/purchase-orders")
        for name in ("after", "limit", "site", "item", "state", "supplier")
        for value in ("\0", "WyJhIiwiYiJd", "WyJcdTAwMDAiLCJcdTAwMDAiXQ", "WzFd")
        if (answer := buyer.get(path, **{name: value})).status_code >= 500
    ]
    wrong += [
        f"{path}: {answer.status_code}"
        for path in (
            "/v1/proposals/" + "0" * 32,
            "/v1/proposals/%00",
            f"/v1/purchase-orders/{OWN}/%00",
            f"/v1/purchase-orders/{OTHER}/none",
            f"/v1/suppliers/{'x' * 300}/items",
        )
        if (answer := buyer.get(path)).status_code not in {404, 422, 403}
    ]
    assert not wrong
    assert names
