"""Counts, variances, tolerances and costs over HTTP: what comes back, and what nonsense is told."""

import csv
import io
from datetime import timedelta
from typing import Any

import httpx
import pytest
from rights_to_count import COUNTED, count_something
from serving import MUG, NOW, OWN, TEA, People, moved, post_all

from cloud.counting import service
from cloud.db import ConnectionPool

PERIOD = {"from_at": "2026-01-01T00:00:00Z", "until_at": "2026-12-01T00:00:00Z"}


@pytest.fixture
def send(client: httpx.Client, people: People) -> Any:
    """Send as a role of the own site; every POST under a key of its own."""
    number = iter(range(1000))

    def ask(method: str, path: str, who: str = "supervisor@madrid", **more: Any) -> httpx.Response:
        headers = people.headers(who) | more.pop("headers", {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", f"key-{next(number)}")
        return client.request(method, path, headers=headers, **more)

    return ask


def counted(**changes: Any) -> dict[str, Any]:
    return {"site": OWN, "location": "C-01", "named": [{"item": TEA, "quantity": "4"}], **changes}


def test_a_count_is_posted_once_and_shown_beside_the_book(pool: ConnectionPool, send: Any) -> None:
    post_all(pool, moved("5", "@supplier", "C-01"), moved("3", "@supplier", "C-01", item=MUG))
    key = {"Idempotency-Key": "once"}
    first = send("POST", "/v1/counts", json=counted(), headers=key)
    again = send("POST", "/v1/counts", json=counted(), headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    ref = first.json()["count"]
    path = f"/v1/counts/{ref['gateway']}/{ref['epoch']}/{ref['seq']}"
    shown = send("GET", path)
    assert send("GET", path, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    told = {
        row["item"]: (row["stage"], row["state"], row["counted"], row["difference"])
        for row in shown.json()["variances"]
    }
    assert told == {
        TEA: ("provisional", "beyond", "4", "-1"),
        MUG: ("provisional", "unreported", None, None),
    }
    assert send("POST", f"{path}/zero", json={"item": MUG}).status_code == 201
    assert send("POST", f"{path}/force", json={"reason": "test"}).status_code == 200
    assert (
        send("POST", f"{path}/force", json={"reason": "test"})
        .json()["type"]
        .endswith("count-not-possible-now")
    )
    settled = send("GET", "/v1/variances", params={"state": "beyond"}).json()["items"]
    assert [(v["item"], v["stage"], v["value"], v["decision_state"]) for v in settled] == [
        (TEA, "forced", None, "submitted")
    ]
    assert len(send("GET", "/v1/counts", params={"location": "C-01"}).json()["items"]) == 2


def test_lists_are_paged_by_key_without_a_gap(pool: ConnectionPool, send: Any) -> None:
    post_all(pool, *(moved("5", "@supplier", f"C-{n:02}") for n in range(1, 6)))
    for n in range(1, 6):
        at = (NOW - timedelta(minutes=n)).isoformat()
        posted = send("POST", "/v1/counts", json=counted(location=f"C-{n:02}", observed_at=at))
        assert posted.status_code == 201
    service.settle(pool, service.JOB, NOW)
    send("POST", "/v1/counts", json=counted())
    for path in ("/v1/counts", "/v1/variances"):
        seen, after = [], None
        while True:
            page = send("GET", path, params={"limit": 2} | ({"after": after} if after else {})).json()
            seen += [item["seq"] for item in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 6
        assert send("GET", path, params={"after": "bm8"}).status_code == 422


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"location": "Z-99"}, "there is no such bin"),
    ({"location": "@supplier"}, "is an account"),
    ({"location": "a\x00b"}, "body.location"),
    ({"location": ""}, "body.location"),
    ({"named": [{"item": "NIL", "quantity": "1"}]}, "no item bears this name"),
    ({"named": [{"item": TEA, "quantity": "-1"}]}, "body.named.0.quantity"),
    ({"named": [{"item": TEA, "quantity": "NaN"}]}, "body.named.0.quantity"),
    ({"named": [{"item": TEA, "quantity": 1.5}]}, "body.named.0.quantity"),
    ({"named": [{"item": TEA, "quantity": "9" * 30}]}, "body.named.0.quantity"),
    ({"named": [{"item": TEA, "quantity": "1"}] * 2}, "stands there twice"),
    ({"observed_at": "2026-03-02T15:00:00Z"}, "expected within 400 days before now"),
    ({"observed_at": "0001-01-01T00:00:00+14:00"}, "body.observed_at"),
    ({"observed_at": "yesterday"}, "body.observed_at"),
    ({"took_s": -1}, "body.took_s"),
    ({"took_s": 1e300}, "body.took_s"),
    ({"scope": "world"}, "body.scope"),
    ({"site": "nowhere"}, "no right at site"),
    ({"unknown": 1}, "body.unknown"),
]


def test_what_cannot_be_a_count_is_a_problem_that_says_so(pool: ConnectionPool, send: Any) -> None:
    post_all(pool, moved("5", "@supplier", "C-01"))
    for change, told in REFUSED:
        answer = send("POST", "/v1/counts", json=counted(**change))
        assert answer.status_code in {403, 422}, change
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert told in answer.json()["detail"]
    assert send("GET", "/v1/counts").json()["items"] == []


NONSENSE: list[tuple[str, dict[str, str]]] = [
    ("/v1/counts", {"site": "x" * 65}),
    ("/v1/counts", {"after": "WyJ4IiwxLDEsMSwxXQ"}),
    ("/v1/counts", {"after": "WyIyMDI2LTAxLTAxIiw5OTk5OTk5OTk5OTk5OTk5OSwxLDEsMV0"}),
    ("/v1/variances", {"state": "lost"}),
    ("/v1/variances", {"limit": "0"}),
    ("/v1/variances", {"item": "a\x01"}),
    ("/v1/record-accuracy", {}),
    ("/v1/record-accuracy", {"from_at": "9999-12-31T23:59:59-14:00", "until_at": "2026-01-01T00:00:00Z"}),
    ("/v1/item-costs", {"after": "WyJhIiwiYiIsImMiXQ"}),
    ("/v1/counts/gw/00000000000000aa/0", {}),
    ("/v1/counts/_cloud/00000000000000zz/1", {}),
]


def test_nonsense_questions_are_refused(send: Any) -> None:
    for path, asked in NONSENSE:
        answer = send("GET", path, params=asked)
        assert answer.status_code == 422, (path, asked)
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_tolerances_and_costs_are_kept_and_shown(pool: ConnectionPool, send: Any) -> None:
    who = "inventory_controller@madrid"
    ref = count_something(pool)
    put = send("POST", "/v1/count-tolerances", who, json=COUNTED["POST /v1/count-tolerances"])
    assert [row["percent"] for row in put.json()["tolerances"]] == ["1"]
    assert send("POST", "/v1/count-tolerances", who, json={"percent": "1"}).status_code == 403
    unknown = {"site": OWN, "item": "NIL", "value": "1"}
    assert send("POST", "/v1/count-tolerances", who, json=unknown).status_code == 422
    cost = {"site": OWN, "cost": "2.5", "currency": "EUR", "valid_from": "2026-01-01T00:00:00Z"}
    assert send("POST", f"/v1/items/{TEA}/costs", who, json=cost).json() == {"new": 1}
    for change, told in (
        ({"cost": "3"}, "expected a later valid_from"),
        ({"currency": "GBP"}, "the site keeps its books in EUR"),
        ({"currency": "euro"}, "body.currency"),
        ({"cost": "NaN"}, "body.cost"),
        ({"cost": "-1"}, "body.cost"),
    ):
        answer = send("POST", f"/v1/items/{TEA}/costs", who, json=cost | change)
        assert answer.status_code == 422
        assert told in answer.json()["detail"]
    assert send("POST", "/v1/items/NIL/costs", who, json=cost).status_code == 422
    assert [row["cost"] for row in send("GET", "/v1/item-costs", who).json()["items"]] == ["2.500000"]
    path = "/v1/counts/{gateway}/{epoch}/{seq}".format(**ref)
    assert [v["value"] for v in send("GET", path).json()["variances"]] == ["-2.500000", None]
    send("POST", f"{path}/force", json={"reason": "test"})
    accuracy = send("GET", "/v1/record-accuracy", params=PERIOD).json()
    assert [(s["site"], s["sample"], s["records"], s["ira"]) for s in accuracy["sites"]] == [
        (OWN, "undirected", 1, 0.0)
    ]


def test_variances_leave_as_csv_that_a_spreadsheet_reads_as_data(
    pool: ConnectionPool, client: httpx.Client, people: People
) -> None:
    count_something(pool)
    client.post("/login", data={"name": "ada", "password": "correct horse battery"})
    table = client.get("/variances.csv").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {(row["item"], row["stage"], row["state"], row["difference"]) for row in rows} == {
        (TEA, "provisional", "beyond", "-1"),
        (MUG, "provisional", "unreported", ""),
    }
