"""Sources over HTTP, and events that a shop signs: taken once, from the right hand, at the right time."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from rights_to_demand import SHOP
from serving import NOW, OTHER, OWN, TEA, Clock, People

from cloud.alerts.webhooks.domain import signature
from cloud.db import ConnectionPool
from tests.patience import PATIENCE_S

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
PUSHED = {
    "site": OWN,
    "name": "webshop",
    "kind": "push",
    "secret_from": "env:DEMAND_SOURCE_MADRID__WEBSHOP",
    "settings": {
        "rows": "data",
        "lines": "items",
        "fields": {
            "kind": "...type",
            "document": "..number",
            "revision": "..version",
            "requested_at": "..ordered_at",
            "taken_back_at": "..cancelled_at",
            "line": "no",
            "sku": "sku",
            "quantity": "qty",
        },
        "constants": {"channel": "web"},
        "kinds": {"order.paid": "requested", "order.cancelled": "cancelled", "order.viewed": "skip"},
    },
}


class Webshop:
    """Signs events as the specification's libraries do."""

    def __init__(self, client: httpx.Client, clock: Clock, number: int) -> None:
        self.client, self.clock, self.number = client, clock, number

    def push(
        self, event_id: str, event: Any, *, secret: str = SECRET, late_s: float = 0, to: int | None = None
    ) -> httpx.Response:
        body = json.dumps(event).encode()
        at = int((self.clock() - timedelta(seconds=late_s)).timestamp())
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(at),
            "webhook-signature": f"v0,x {signature([secret], event_id, at, body)}",
            "Content-Type": "application/json",
        }
        address = f"/v1/demand/events/{self.number if to is None else to}"
        return self.client.post(address, content=body, headers=headers)


def order(kind: str = "order.paid", *, qty: object = 2, version: int = 1, **more: object) -> dict[str, Any]:
    items = [{"no": 1, "sku": TEA, "qty": qty}]
    data = {"number": "W-1", "version": version, "ordered_at": "2026-03-02T09:00:00Z", "items": items}
    return {"type": kind, "data": data | more}


@pytest.fixture
def admin(client: httpx.Client, people: People) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=client.base_url, headers=people.headers(f"admin@{OWN}"), timeout=PATIENCE_S
    ) as made:
        yield made


@pytest.fixture
def webshop(
    admin: httpx.Client, client: httpx.Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Webshop:
    monkeypatch.setenv("DEMAND_SOURCE_MADRID__WEBSHOP", f"{OLD} {SECRET}")
    made = admin.post("/v1/demand/sources", json=PUSHED, headers={"Idempotency-Key": "push"})
    assert made.status_code == 201, made.text
    assert "MfKQ" not in made.text
    return Webshop(client, clock, made.json()["source_id"])


def test_a_source_is_added_listed_paused_resumed_and_asked_again_from_a_date(
    admin: httpx.Client, people: People
) -> None:
    made = admin.post("/v1/demand/sources", json=SHOP, headers={"Idempotency-Key": "a"})
    assert (made.status_code, made.json()["state"], made.json()["every_minutes"]) == (201, "active", 15)
    path = f"/v1/demand/sources/{made.json()['source_id']}"
    assert admin.get(path).json() == made.json()
    assert admin.get("/v1/demand/sources", params={"site": OWN}).json()["items"] == [made.json()]
    assert admin.get("/v1/demand/sources", headers=people.headers(f"planner@{OTHER}")).json()["items"] == []
    again = admin.post("/v1/demand/sources", json=SHOP, headers={"Idempotency-Key": "b"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:dockledger:problem:name-taken")

    def step(name: str, body: Any = None) -> httpx.Response:
        return admin.post(f"{path}/{name}", json=body, headers={"Idempotency-Key": name})

    assert step("pause").json()["state"] == "paused"
    refused = step("pull")
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "source 'shop' is paused: resume it first",
    )
    assert step("resume").json()["state"] == "active"
    asked = step("backfill", {"from_at": "2026-01-01T00:00:00Z"}).json()
    assert (asked["from_at"], asked["cursor"]) == ("2026-01-01T00:00:00Z", None)
    assert admin.post(f"{path}/dance", headers={"Idempotency-Key": "d"}).status_code == 422
    wrong = SHOP | {"name": "x", "secret_from": "hunter2", "address": "file:///etc/passwd"}
    refused = admin.post("/v1/demand/sources", json=wrong, headers={"Idempotency-Key": "c"})
    assert refused.status_code == 422
    assert "never the secret itself" in refused.json()["detail"]
    assert "expected https://host/path" in refused.json()["detail"]


def test_events_become_requested_demand_once_whatever_the_order_they_come_in(
    webshop: Webshop, admin: httpx.Client, people: People, clock: Clock
) -> None:
    first = webshop.push("msg_1", order())
    assert (first.status_code, first.json()) == (
        201,
        {"source": "webshop", "event_id": "msg_1", "lines": 1, "is_repeated": False},
    )
    again = webshop.push("msg_1", order())
    assert (again.status_code, again.json()["is_repeated"], again.json()["lines"]) == (201, True, 1)
    other = webshop.push("msg_1", order(qty=9))
    assert (other.status_code, "said something else" in other.json()["detail"]) == (409, True)
    assert webshop.push("msg_3", order(qty=5, version=3)).json()["lines"] == 1
    assert webshop.push("msg_2", order(qty=4, version=2)).json()["lines"] == 0, "out of date"
    assert webshop.push("msg_4", order("order.viewed")).json()["lines"] == 0
    clock.now += timedelta(hours=2)
    gone = order("order.cancelled", qty=5, version=4, cancelled_at="2026-03-02T15:00:00Z")
    assert webshop.push("msg_5", gone, secret=OLD).json()["lines"] == 2
    rows = admin.get("/v1/demand", headers=people.headers("planner"), params={"source": "webshop"}).json()
    assert [
        (row["line"], row["kind"], row["quantity"], row["revision"], row["channel"]) for row in rows["items"]
    ] == [
        ("1", "requested", "5.000000", 4, "web"),
        ("1/cancelled", "cancelled", "5.000000", 4, "web"),
    ]
    assert (rows["items"][0]["recorded_by"], rows["items"][1]["of_line"]) == ("job:demand_events", "1")


def test_what_is_not_signed_by_the_source_just_now_is_refused_and_what_is_faulty_is_told(
    webshop: Webshop, admin: httpx.Client, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = "whsec_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
    for answer in (
        webshop.push("a", order(), secret=stranger),
        webshop.push("a", order(), late_s=301),
        webshop.push("a", order(), late_s=-301),
        webshop.push("a", order(), to=webshop.number + 1),
        webshop.push("", order()),
        webshop.client.post(f"/v1/demand/events/{webshop.number}", json=order()),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (
            401, "the event's signature, time or source is not right",
        )  # fmt: skip
    assert webshop.push("b", order(), late_s=299).status_code == 201

    faulty = webshop.push("c", order(qty=-1, number="W-2"))
    assert (faulty.status_code, faulty.json()["errors"][0]["place"]) == (422, "body.lines.1.quantity")
    assert webshop.push("d", {"type": "order.paid"}).status_code == 422
    with pool.connection() as conn:
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        told = conn.execute("SELECT summary FROM ticket WHERE kind = 'demand_source' ORDER BY 1").fetchall()
    assert ["event c is faulty" in told[0][0], "event d is faulty" in told[1][0]] == [True, True]
    assert webshop.push("c", order(number="W-2")).status_code == 201, "a refused event was not taken"

    pause = f"/v1/demand/sources/{webshop.number}/pause"
    assert admin.post(pause, headers={"Idempotency-Key": "p"}).status_code == 201
    waiting = webshop.push("e", order(number="W-3"))
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (503, "300")
    monkeypatch.delenv("DEMAND_SOURCE_MADRID__WEBSHOP")
    assert webshop.push("e", order(number="W-3")).status_code == 401
    assert admin.get("/v1/demand/sources").json()["items"][0]["lines"] == 2
    assert NOW.isoformat()[:16] in admin.get("/v1/demand/sources").json()["items"][0]["pulled_at"]
