"""Crossings and dock exceptions over HTTP: filters, pages, tags, answers under their keys, problems."""

import httpx
import pytest
from doors_at_work import dock
from serving import NOW, OTHER, OWN, ROOT, People

from cloud.db import ConnectionPool
from cloud.identity.store import act_as
from tests.integration.crossings.doors import EPC, PALLET

CONTROLLER, OPERATOR, AUDITOR = (f"{role}@{OWN}" for role in ("inventory_controller", "operator", "auditor"))
EPOCH = "00000000000000aa"


@pytest.fixture
def busy(people: People, ingest: ConnectionPool) -> People:
    """Let both sites' doors see something; madrid's rows are 1 to 6."""
    dock(ingest, NOW)
    return people


def get(
    client: httpx.Client, people: People, path: str, *, who: str = CONTROLLER, **more: str
) -> httpx.Response:
    return client.get(path, headers={**people.headers(who), **more})


def answer(
    client: httpx.Client, people: People, seq: int, body: dict[str, object], *, key: str, who: str = OPERATOR
) -> httpx.Response:
    headers = {**people.headers(who), "Idempotency-Key": key}
    path = f"/v1/dock-exceptions/dock-m1/{EPOCH}/{seq}/answer"
    return client.post(path, json=body, headers=headers)


def test_crossings_filter_page_and_stay_at_ones_sites(client: httpx.Client, busy: People) -> None:
    rows = get(client, busy, "/v1/crossings").json()["items"]
    assert [row["site"] for row in rows] == [OWN] * 4
    assert [row["seq"] for row in rows] == sorted((row["seq"] for row in rows), reverse=True)
    for query, seqs in (
        ("portal=dock-2", [6]),
        ("posted=held", [5, 1]),
        ("direction=in&card=open", [3]),
        (f"epc={EPC}", [3]),
        ("visit=V-1", [1]),
        ("occurred_from=2026-03-02T13:30:00Z", [6, 5]),
        ("occurred_until=2026-03-02T08:30:00Z", [1]),
    ):
        assert [row["seq"] for row in get(client, busy, f"/v1/crossings?{query}").json()["items"]] == seqs, (
            query
        )
    piecewise, following = [], "/v1/crossings?limit=1"
    while following:
        page = get(client, busy, following).json()
        piecewise += page["items"]
        following = f"/v1/crossings?limit=1&after={page['next']}" if page["next"] else ""
    assert piecewise == rows


def test_one_crossing_comes_with_its_picture_and_what_it_posted(client: httpx.Client, busy: People) -> None:
    path = f"/v1/crossings/dock-m1/{EPOCH}/3"
    first = get(client, busy, path)
    whole = first.json()
    assert whole["antennas"] == ["r1:3", "r1:1"]
    assert len(whole["trace"]) == 24
    assert whole["trace"][0] == [0, 0, -70.0]
    assert [(row["kind"], row["from_place"], row["to_place"]) for row in whole["records"]] == [
        ("movement", "@clearing/dock-1", "STAGE-1")
    ]
    assert get(client, busy, path, **{"If-None-Match": first.headers["etag"]}).status_code == 304
    assert get(client, busy, path, who=f"auditor@{OTHER}").status_code == 404


def open_visit(pool: ConnectionPool, visit: str) -> None:
    with pool.connection() as conn:
        act_as(conn, ROOT)
        conn.execute(
            "INSERT INTO portal (site_id, portal, gateway_id, inside_location, outside_location)"
            " SELECT %s, 'dock-1', gateway_id, 'STAGE-1', '@clearing/dock-1' FROM gateway"
            " WHERE name = 'dock-m1'",
            (OWN,),
        )
        conn.execute(
            "INSERT INTO visit (site_id, visit, door, direction, from_at, clearing_account, created_by)"
            " VALUES (%s, %s, 'dock-1', 'inbound', %s, '@clearing/V-8', 'test')",
            (OWN, visit, NOW),
        )


def test_the_queue_is_oldest_first_with_proposals_and_empties(
    client: httpx.Client, busy: People, pool: ConnectionPool
) -> None:
    cards = get(client, busy, "/v1/dock-exceptions", who=AUDITOR).json()["items"]
    assert [card["seq"] for card in cards] == [1, 3, 5]
    assert cards[0]["asks"] == ["in", "out", "did_not_move"]
    assert cards[1]["asks"][0] == "choose_visit"
    assert cards[0]["proposal"]["answer"] == "in"
    assert cards[0]["proposal"]["after"]["to_place"] == "A-07"
    assert (cards[0]["unit"], cards[0]["stands"], cards[1]["stands"]) == (PALLET, None, "in")
    one = get(client, busy, "/v1/dock-exceptions?limit=1").json()
    rest = get(client, busy, f"/v1/dock-exceptions?limit=5&after={one['next']}").json()
    assert [card["seq"] for card in one["items"] + rest["items"]] == [1, 3, 5]
    open_visit(pool, "V-8")
    said: dict[int, dict[str, object]] = {
        1: {"answer": "in"},
        3: {"answer": "choose_visit", "visit": "V-8"},
        5: {"answer": "did_not_move"},
    }
    for number, body in said.items():
        assert answer(client, busy, number, body, key=f"k-{number}").status_code == 201
    assert get(client, busy, "/v1/dock-exceptions").json() == {"items": [], "next": None}
    settled = get(client, busy, "/v1/dock-exceptions?state=answered").json()["items"]
    assert [(card["seq"], card["answer"]["answer"], card["visit"]) for card in settled] == [
        (5, "did_not_move", None),
        (3, "choose_visit", "V-8"),
        (1, "in", "V-1"),
    ]
    assert {card["answer"]["answered_by"] for card in settled} == {f"key:operator.{OWN}"}


def test_a_repeated_request_gets_its_answer_and_a_second_person_a_conflict(
    client: httpx.Client, busy: People
) -> None:
    first = answer(client, busy, 1, {"answer": "in"}, key="wifi")
    again = answer(client, busy, 1, {"answer": "in"}, key="wifi")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    late = answer(client, busy, 1, {"answer": "out"}, key="other", who=CONTROLLER)
    assert (late.status_code, late.json()["type"]) == (409, "urn:dockledger:problem:done-already")
    assert f"answered 'in' by key:operator.{OWN}" in late.json()["detail"]
    path = f"/v1/crossings/dock-m1/{EPOCH}/1/misread"
    refused = client.post(path, headers={**busy.headers(OPERATOR), "Idempotency-Key": "m"})
    taken = client.post(path, headers={**busy.headers(CONTROLLER), "Idempotency-Key": "m"})
    assert (refused.status_code, taken.status_code) == (403, 201)
    assert answer(client, busy, 1, {"answer": "out"}, key="third").status_code == 201


REFUSED = [
    (1, {"answer": "in"}, AUDITOR, 403, "not-allowed"),
    (1, {"answer": "in"}, f"operator@{OTHER}", 404, "no-such-crossing"),
    (99, {"answer": "in"}, OPERATOR, 404, "no-such-crossing"),
    (6, {"answer": "in"}, OPERATOR, 422, "not-postable"),
    (1, {"answer": "choose_visit"}, OPERATOR, 422, "not-postable"),
    (1, {"answer": "misread"}, CONTROLLER, 422, "invalid-request"),
    (1, {"answer": "sideways"}, OPERATOR, 422, "invalid-request"),
    (1, {"answer": "in", "visit": "a\u0000b"}, OPERATOR, 422, "invalid-request"),
    (1, {"answer": "in", "note": "x"}, OPERATOR, 422, "invalid-request"),
]


def test_what_may_not_be_answered_says_why(client: httpx.Client, busy: People) -> None:
    for seq, body, who, status, problem in REFUSED:
        refused = answer(client, busy, seq, body, key="k", who=who)
        expected = (status, f"urn:dockledger:problem:{problem}")
        assert (refused.status_code, refused.json()["type"]) == expected, body
    assert len(get(client, busy, "/v1/dock-exceptions").json()["items"]) == 3


def test_an_identity_that_is_none_is_refused(client: httpx.Client, people: People) -> None:
    for path in ("a b/00000000000000aa/1", "dock-m1/xyz/1", "dock-m1/00000000000000aa/0"):
        assert get(client, people, f"/v1/crossings/{path}").status_code == 422
    cursor = "WyJ4IiwxLDEsMV0"
    assert get(client, people, f"/v1/crossings?after={cursor}").json()["type"].endswith("bad-cursor")
