"""Demand over HTTP: batches all or nothing, pages of it, and a site's calendar."""

import httpx
import pytest
from serving import MUG, NOW, OTHER, OWN, ROOT, TEA, People

from cloud.db import ConnectionPool
from cloud.demand import held
from cloud.demand.waiting import Holding, Origin, Reason
from cloud.identity.store import act_as


def asked(number: int, **changes: object) -> dict[str, object]:
    return {
        "site": OWN,
        "source": "till",
        "document": "T-1",
        "line": f"{number:03}",
        "identifier": {"scheme": "item", "value": TEA},
        "quantity": "2.5",
        "requested_at": "2026-03-02T09:00:00+01:00",
    } | changes


@pytest.fixture
def planner(client: httpx.Client, people: People) -> httpx.Client:
    client.headers.update(people.headers("planner"))
    return client


def tell(client: httpx.Client, key: str, *lines: dict, **more: object) -> httpx.Response:
    return client.post("/v1/demand", json={"lines": list(lines)} | more, headers={"Idempotency-Key": key})


def test_a_batch_is_stored_once_and_read_back_page_by_page(planner: httpx.Client, people: People) -> None:
    batch = [asked(number) for number in range(7)]
    first = tell(planner, "a", *batch, asked(7, site=OTHER, source="web"))
    assert (first.status_code, first.json()["added"]) == (201, 8)
    assert tell(planner, "a", *batch, asked(7, site=OTHER, source="web")).json() == first.json()
    second = tell(planner, "b", *batch[:1], asked(1, quantity=9)).json()
    assert (second["repeated"], second["corrected"]) == (1, 1)

    seen, after = [], None
    while True:
        page = planner.get(
            "/v1/demand", params={"limit": 3, "site": OWN} | ({"after": after} if after else {})
        )
        seen += page.json()["items"]
        after = page.json()["next"]
        if after is None:
            break
    assert [row["line"] for row in seen] == [f"{number:03}" for number in range(7)]
    assert (seen[1]["revision"], seen[1]["quantity"], seen[1]["requested_at"]) == (
        2,
        "9.000000",
        "2026-03-02T08:00:00Z",
    )
    unchanged = planner.get(
        "/v1/demand", headers={"If-None-Match": planner.get("/v1/demand").headers["etag"]}
    )
    assert unchanged.status_code == 304
    for wanted, count in (
        ({"item": TEA}, 8),
        ({"kind": "cancelled"}, 0),
        ({"source": "web"}, 1),
        ({"since": "2026-03-02T08:00:00Z", "until": "2026-03-02T08:00:01Z"}, 8),
        ({"until": "2026-03-02T08:00:00Z"}, 0),
    ):
        assert len(planner.get("/v1/demand", params=wanted).json()["items"]) == count, wanted
    local = planner.get("/v1/demand", headers=people.headers(f"planner@{OTHER}")).json()
    assert [row["site"] for row in local["items"]] == [OTHER]


def test_everything_wrong_with_a_batch_is_answered_at_once_and_nothing_is_stored(
    planner: httpx.Client, people: People
) -> None:
    answer = tell(
        planner,
        "a",
        asked(0),
        asked(1, identifier={"scheme": "sku", "value": "nobody"}),
        asked(2, requested_at="2026-03-02T14:00:01Z"),
        asked(3, kind="cancelled", of={"document": "T-9", "line": "1"}),
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [fault["place"] for fault in answer.json()["errors"]] == [
        "body.lines.1.sku",
        "body.lines.2.requested_at",
    ]
    assert "sku 'nobody' names no item" in answer.json()["detail"]
    alone = tell(planner, "a", asked(0), asked(3, kind="cancelled", of={"document": "T-9", "line": "1"}))
    assert [fault["place"] for fault in alone.json()["errors"]] == ["body.lines.1.of_line"]
    assert planner.get("/v1/demand").json()["items"] == []
    new = asked(1, identifier={"scheme": "sku", "value": "new"})
    assert tell(planner, "a", new, new_items=True).json()["new_items"] == 1

    ill = [
        asked(0, quantity=-1),
        asked(0, quantity="NaN"),
        asked(0, quantity=1.5),
        asked(0, quantity="0"),
        asked(0, requested_at="2026-03-02T09:00:00"),
        asked(0, requested_at="0001-01-01T00:00:00+14:00"),
        asked(0, identifier={"scheme": "gtin", "value": "5.01E+12"}),
        asked(0, document="a\0b"),
        asked(0, line=""),
        asked(0, kind="sold"),
        asked(0, revision=0),
        asked(0, of={"document": "T-1", "line": "1"}),
        asked(0, colour="red"),
    ]
    answer = tell(planner, "c", *ill)
    assert answer.status_code == 422
    assert {fault["place"].split(".")[2] for fault in answer.json()["errors"]} == {
        str(number) for number in range(len(ill))
    }
    assert tell(planner, "d").status_code == 422
    assert tell(planner, "e", *(asked(n) for n in range(5001))).status_code in {413, 422}
    assert tell(planner, "f", asked(0, requested_at="1969-12-31T23:59:59Z")).status_code == 422
    assert (
        tell(planner, "g", asked(0, site="york")).json()["errors"][0]["message"] == "there is no site 'york'"
    )
    for bad in ({"after": "x"}, {"since": "yesterday"}, {"kind": "sold"}, {"item": "\0"}, {"limit": 501}):
        assert planner.get("/v1/demand", params=bad).status_code == 422, bad
    local = client_of(planner, people, f"planner@{OTHER}")
    assert tell(local, "h", asked(9)).status_code == 403


def client_of(client: httpx.Client, people: People, who: str) -> httpx.Client:
    client.headers.update(people.headers(who))
    return client


def test_a_calendar_is_set_whole_and_refused_whole(client: httpx.Client, people: People) -> None:
    client.headers.update(people.headers(f"supervisor@{OWN}"))
    path = f"/v1/sites/{OWN}/calendar"
    wished = {"time_zone": "Asia/Kolkata", "business_day_start": "06:00", "week_start": 7}
    done = client.post(path, json=wished, headers={"Idempotency-Key": "a"})
    assert done.status_code == 201
    assert client.get(path).json() == wished | {
        "business_day_start": "06:00:00",
        "opens_at": None,
        "closes_at": None,
    }
    for key, change in enumerate(
        (
            {"time_zone": "Mars/Olympus"},
            {"time_zone": "a\0"},
            {"opens_at": "08:00"},
            {"opens_at": "08:00+01:00", "closes_at": "18:00"},
            {"business_day_start": "24:30"},
            {"week_start": 0},
        )
    ):
        refused = client.post(path, json=wished | change, headers={"Idempotency-Key": f"b{key}"})
        assert refused.status_code == 422, change
    assert client.get(f"/v1/sites/{OTHER}/calendar").status_code == 403
    client.headers.update(people.headers("supervisor"))
    assert client.get("/v1/sites/york/calendar").status_code == 404


def test_days_are_masked_and_unmasked_with_reasons(planner: httpx.Client, people: People) -> None:
    paper = {
        "site": OWN,
        "item": TEA,
        "from_day": "2026-03-02",
        "until_day": "2026-03-03",
        "kind": "one_off",
        "reason": "a hotel",
    }
    made = planner.post("/v1/demand/masks", json=paper, headers={"Idempotency-Key": "m"})
    assert (made.status_code, made.json()["withdrawn_at"]) == (201, None)
    path = f"/v1/demand/masks/{made.json()['mask_id']}/withdrawal"
    gone = planner.post(path, json={"reason": "every spring"}, headers={"Idempotency-Key": "w"})
    assert (gone.status_code, gone.json()["withdrawn_because"]) == (201, "every spring")
    listed = planner.get("/v1/demand/masks", params={"site": OWN, "item": TEA}).json()["items"]
    assert listed == [gone.json()]
    stranger = people.headers(f"planner@{OTHER}")
    assert planner.get("/v1/demand/masks", headers=stranger).json()["items"] == []
    for wrong, field in (
        (paper | {"until_day": "2026-02-30"}, "until_day"),
        (paper | {"until_day": "2026-03-01"}, "until_day"),
        (paper | {"kind": "holiday"}, "kind"),
        (paper | {"item": "GHOST"}, "GHOST"),
    ):
        answer = planner.post(
            "/v1/demand/masks", json=wrong, headers={"Idempotency-Key": field + wrong["kind"]}
        )
        assert (answer.status_code, field in answer.text) == (422, True), answer.text


def test_what_the_warehouse_sent_instead_and_what_waits_are_told_over_the_api(
    planner: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    assert tell(planner, "a", asked(0, quantity="3")).status_code == 201
    swap = {
        "site": OWN,
        "source": "till",
        "document": "T-1",
        "line": "000",
        "asked": MUG,
        "asked_quantity": "6",
        "sent": TEA,
        "sent_quantity": 3,
        "sent_at": "2026-03-02T12:00:00Z",
    }

    def send(key: str, *given: dict) -> httpx.Response:
        body = {"substitutions": list(given)}
        return planner.post("/v1/demand/substitutions", json=body, headers={"Idempotency-Key": key})

    assert send("s", swap).json() == {"substitutions": 1, "added": 1, "corrected": 0, "repeated": 0}
    (row,) = planner.get("/v1/demand/substitutions", params={"item": MUG}).json()["items"]
    assert (row["asked"], row["asked_quantity"], row["sent"]) == (MUG, "6.000000", TEA)
    period = {"site": OWN, "since": "2026-03-01T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    found = planner.get("/v1/demand/feedback", params=period).json()["items"]
    told = {row["item"]: (float(row["asked"]), float(row["left"]), row["bias"]) for row in found}
    assert {item: (a, left) for item, (a, left, _) in told.items()} == {MUG: (6, 0), TEA: (0, 3)}
    assert (float(told[MUG][2]), told[TEA][2]) == (-1, None)
    assert planner.get("/v1/demand/shorts", params=period).json() == {"site": OWN, "items": []}
    wrong = send("t", swap | {"sent": "nothing"}, swap | {"line": "9"})
    assert [fault["place"] for fault in wrong.json()["errors"]] == [
        "body.substitutions.0.sent",
        "body.substitutions.1.line",
    ]
    local = people.headers(f"planner@{OTHER}")
    assert planner.get("/v1/demand/feedback", params=period, headers=local).status_code == 403
    assert planner.get("/v1/demand/substitutions", headers=local).json()["items"] == []

    waiting = Holding(OWN, "till", Origin.MESSAGE, "ab" * 32, b"\xff", Reason.UNREADABLE, "no JSON")
    with pool.connection() as conn:
        act_as(conn, ROOT)
        held.hold(conn, [waiting], now=NOW)
    (one,) = planner.get("/v1/demand/held", params={"state": "held"}).json()["items"]
    assert (one["payload"], one["due_at"], one["reason"]) == ("/w==", None, "unreadable")
    assert planner.get("/v1/demand/held", headers=local).json()["items"] == []
    at = f"/v1/demand/held/{one['held_id']}"
    retried = planner.post(f"{at}/retry", headers={"Idempotency-Key": "r"}).json()
    assert retried["due_at"] == "2026-03-02T14:00:00Z"
    reason = {"reason": "a test"}
    refused = planner.post(f"{at}/discard", json=reason, headers=local | {"Idempotency-Key": "d"})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (404, "nothing-held")
    gone = planner.post(f"{at}/discard", json=reason, headers={"Idempotency-Key": "d"}).json()
    assert (gone["state"], gone["settled_because"]) == ("discarded", "a test")
