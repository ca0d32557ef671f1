"""Documents, visits and doors over HTTP: once per key and per content, pages, tags and problems."""

from typing import Any

import httpx
import pytest
from doors_at_work import passed, send
from serving import NOW, OTHER, OWN, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from tests.integration.crossings.doors import INSIDE, PALLET, stood
from tests.integration.ledger.scenario import Outbox

SUPERVISOR, NETWORK, AUDITOR = f"supervisor@{OWN}", "inventory_controller", f"auditor@{OWN}"
EACH, CASE = "09521141123454", "19521141123451"
ITEM = {"code": "HAM", "levels": [{"gtin": EACH, "base_units": 1}, {"gtin": CASE, "base_units": 24}]}
DOOR = {
    "site": OWN,
    "portal": "dock-1",
    "gateway": "dock-m1",
    "inside_location": INSIDE,
    "outside_location": "@clearing/dock-1",
}
NOTICE = {
    "site": OWN,
    "type": "asn",
    "id": "ASN/1",
    "partner": "acme",
    "lines": [
        {
            "line": "1",
            "identifier": {"scheme": "gtin", "value": CASE},
            "quantity": "20",
            "unit_seen": CASE,
            "units": [PALLET],
        }
    ],
}
VEHICLE = {
    "site": OWN,
    "visit": "V-1",
    "door": "dock-1",
    "direction": "inbound",
    "from_at": "2026-03-02T06:00:00Z",
    "documents": [{"type": "asn", "id": "ASN/1"}],
}


class Desk:
    """Somebody at the site, with a key of its own per request."""

    def __init__(self, client: httpx.Client, people: People) -> None:
        self.client, self.people, self.sent = client, people, 0

    def post(self, path: str, body: Any, *, who: str = SUPERVISOR, key: str | None = None) -> httpx.Response:
        self.sent += 1
        headers = self.people.headers(who) | {"Idempotency-Key": key or f"k-{self.sent}"}
        return self.client.post(f"/v1/{path}", json=body, headers=headers)

    def get(self, path: str, *, who: str = AUDITOR, **more: str) -> httpx.Response:
        return self.client.get(f"/v1/{path}", headers=self.people.headers(who) | more)


@pytest.fixture
def desk(client: httpx.Client, people: People) -> Desk:
    """Register an item, a door, a document and its visit."""
    desk = Desk(client, people)
    for path, body, who in (
        ("items", ITEM, NETWORK),
        ("portals", DOOR, SUPERVISOR),
        ("documents", NOTICE, SUPERVISOR),
        ("visits", VEHICLE, SUPERVISOR),
    ):
        assert desk.post(path, body, who=who).status_code == 201, path
    return desk


def test_a_pallet_is_received_over_http_once(desk: Desk, ingest: ConnectionPool) -> None:
    crossing = passed("posted", NOW, direction="in", visit="V-1", outside_location="@clearing/V-1")
    placed = stood(INSIDE, minute=0, source="@clearing/V-1", occurred_at_claimed=NOW)
    send(
        ingest,
        Outbox("dock-m1", OWN),
        crossing,
        placed.model_copy(update={"evidence_id": crossing.evidence_id}),
    )
    open_ = desk.get(f"visits/{OWN}/V-1").json()
    assert (open_["crossed_units"], [left["kind"] for left in open_["remainders"]]) == (
        [PALLET],
        ["unsettled_unit"],
    )
    early = desk.post(f"visits/{OWN}/V-1/close", {})
    assert (early.status_code, early.json()["type"]) == (409, "urn:dockledger:problem:document-conflict")
    first = desk.post(f"visits/{OWN}/V-1/receipt", {}, key="receipt")
    again = desk.post(f"visits/{OWN}/V-1/receipt", {}, key="receipt")
    other = desk.post(f"visits/{OWN}/V-1/receipt", {})
    assert (first.status_code, first.json()["settled"]) == (201, ["asn/ASN/1/1"])
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert (other.json()["settled"], other.json()["position"]) == ([], None)
    whole = desk.get(f"documents/{OWN}/asn/ASN/1").json()
    assert (whole["settled_lines"], whole["content"][0]["is_settled"], whole["content"][0]["unit"]) == (
        1,
        True,
        PALLET,
    )
    assert desk.post(f"visits/{OWN}/V-1/close", {}).json()["state"] == "closed"


def test_lists_page_by_key_filter_and_are_not_sent_twice(desk: Desk) -> None:
    for number in range(3):
        desk.post("visits", VEHICLE | {"visit": f"W-{number}", "documents": []})
        line = NOTICE["lines"][0] | {"units": []}
        desk.post("documents", NOTICE | {"id": f"B-{number}", "lines": [line]})
    desk.post(f"visits/{OWN}/W-1/cancel", None)
    for path, names in (
        ("visits?limit=2", ["V-1", "W-0", "W-1", "W-2"]),
        ("visits?state=cancelled", ["W-1"]),
        ("documents?limit=3&type=asn", ["ASN/1", "B-0", "B-1", "B-2"]),
        ("documents?type=outbound_order", []),
        ("portals?limit=1", ["dock-1"]),
    ):
        found, following = [], path
        while following:
            page = desk.get(following).json()
            found += [row.get("visit") or row.get("id") or row["portal"] for row in page["items"]]
            following = f"{path}&after={page['next']}" if page["next"] else ""
        assert found == names, path
        etag = desk.get(path).headers["etag"]
        assert desk.get(path, **{"If-None-Match": etag}).status_code == 304
    assert desk.get("visits", who=f"auditor@{OTHER}").json()["items"] == []


def test_the_same_content_under_another_key_is_answered_the_same(desk: Desk) -> None:
    for path, body in (("documents", NOTICE), ("visits", VEHICLE), ("portals", DOOR)):
        first, again = desk.post(path, body), desk.post(path, body)
        assert (first.status_code, first.json()) == (201, again.json()), path


REFUSED: list[tuple[str, Any, str, int, str]] = [
    ("documents", NOTICE | {"partner": "other"}, SUPERVISOR, 409, "document-conflict"),
    ("documents", NOTICE | {"id": "ASN/2"}, SUPERVISOR, 409, "document-conflict"),
    ("documents", NOTICE | {"lines": []}, SUPERVISOR, 422, "invalid-request"),
    ("documents", NOTICE | {"type": "invoice"}, SUPERVISOR, 422, "invalid-request"),
    ("documents", NOTICE | {"site": OTHER}, SUPERVISOR, 403, "not-allowed"),
    ("documents", NOTICE | {"id": "A\u0000B"}, SUPERVISOR, 422, "invalid-request"),
    (
        "documents",
        NOTICE | {"id": "A", "lines": [NOTICE["lines"][0] | {"identifier": {"scheme": "sku", "value": "?"}}]},
        SUPERVISOR,
        422,
        "document-not-possible",
    ),
    ("visits", VEHICLE | {"visit": "V-2", "door": "dock-9"}, SUPERVISOR, 404, "no-such-document"),
    ("visits", VEHICLE | {"to_at": "2026-03-01T06:00:00Z"}, SUPERVISOR, 422, "invalid-request"),
    ("portals", DOOR | {"gateway": "dock-l1"}, SUPERVISOR, 404, "no-such-document"),
    ("items", ITEM, SUPERVISOR, 403, "not-allowed"),
    ("items", ITEM | {"code": "EGG"}, NETWORK, 409, "document-conflict"),
    (f"visits/{OWN}/V-9/receipt", {}, SUPERVISOR, 404, "no-such-document"),
    (f"visits/{OWN}/V-1/departure", {}, SUPERVISOR, 409, "document-conflict"),
    (f"visits/{OWN}/V-1/receipt", {"units": ["106141412345678915"]}, SUPERVISOR, 404, "no-such-document"),
    (f"visits/{OWN}/V-1/receipt", {"units": ["106141412345678909"]}, SUPERVISOR, 422, "invalid-request"),
    (f"visits/{OWN}/V-1/close", {"reasons": {PALLET: "lost"}}, SUPERVISOR, 422, "invalid-request"),
    (f"visits/{OWN}/V-1/receipt", {}, AUDITOR, 403, "not-allowed"),
]


def test_what_cannot_be_says_why(desk: Desk) -> None:
    for path, body, who, status, problem in REFUSED:
        refused = desk.post(path, body, who=who)
        found = refused.status_code, refused.json()["type"]
        assert found == (status, f"urn:dockledger:problem:{problem}"), (path, body)
    assert desk.get(f"visits/{OWN}/V-1").json()["settled_lines"] == 0
    assert desk.get(f"documents/{OWN}/asn/NONE").status_code == 404


def test_a_form_whose_lines_are_torn_is_shown_again_with_all_that_was_typed(
    desk: Desk, pool: ConnectionPool
) -> None:
    session = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    torn = {"item": ["HAM", "EGG"], "quantity": ["2"], "lot": ["L-7", "", "L-8"], "unit": [""]}
    answer = desk.client.post(
        f"/documents/{OWN}/new",
        data={"type": "asn", "id": "ASN/9", "csrf": csrf_token(session)} | torn,
        headers={"Cookie": f"{SESSION_COOKIE}={session}"},
    )
    assert answer.status_code == 422
    assert "the form&#39;s lines are not complete: load the page again" in answer.text
    assert all(f'value="{text}"' in answer.text for text in ("ASN/9", "HAM", "EGG", "2", "L-7", "L-8"))


def test_a_draft_of_a_transfer_that_cannot_be_is_shown_again_with_all_that_was_typed(
    desk: Desk, pool: ConnectionPool
) -> None:
    session = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    answer = desk.client.post(
        "/transfers",
        data={"id": "T/9", "from_site": OWN, "to_site": "york", "due_on": "2026-04-01", "carrier": "DSV"}
        | {"item": ["HAM", "", "EGG"], "quantity": ["2", "", "2.5"], "csrf": csrf_token(session)},
        headers={"Cookie": f"{SESSION_COOKIE}={session}"},
    )
    assert answer.status_code == 422
    typed = ("T/9", "york", "2026-04-01", "DSV", "HAM", "2", "EGG", "2.5")
    assert all(f'value="{text}"' in answer.text for text in typed)


def test_one_key_serves_one_request(desk: Desk) -> None:
    assert desk.post("portals", DOOR, key="once").status_code == 201
    reused = desk.post("portals", DOOR | {"mode": "shadow"}, key="once")
    assert reused.json()["type"] == "urn:dockledger:problem:idempotency-key-reused"
