"""How long an item must keep when it is received: by API, on its page and in files; over real HTTP."""

from html import unescape
from typing import Any

import httpx
import pytest
from serving import TEA, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool, in_transaction
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE


def test_an_item_says_how_long_it_must_keep_until_somebody_says_otherwise(
    client: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    headers = people.headers("inventory_controller")

    def known() -> int | None:
        told: dict[str, Any] = client.get(f"/v1/items/{TEA}", headers=headers).json()
        return told["minimum_life_days"]  # type: ignore[no-any-return]

    def state(key: str, **said: object) -> httpx.Response:
        body = {"code": TEA, "name": "Tea"} | said
        return client.post("/v1/items", json=body, headers=headers | {"Idempotency-Key": key})

    assert known() is None
    assert state("l-1", minimum_life_days=90).json()["minimum_life_days"] == 90
    assert state("l-2").json()["minimum_life_days"] == 90, "left out: as it is"
    assert state("l-3", minimum_life_days=90).status_code == 201
    assert known() == 90
    listed = client.get("/v1/items", params={"format": "csv"}, headers=headers).text.splitlines()
    column = listed[0].split(",").index("minimum_life_days")
    assert {row.split(",")[0]: row.split(",")[column] for row in listed[1:]}[TEA] == "90"
    for wrong in (-1, 36_501, 1.5):
        assert state("l-4", minimum_life_days=wrong).status_code == 422
    assert state("l-5", minimum_life_days=None).json()["minimum_life_days"] is None
    assert known() is None
    said = "SELECT count(*) FROM audit_event WHERE action = 'minimum_life_set'"
    assert in_transaction(pool, lambda conn: conn.execute(said).fetchall()) == [(2,)], "what is new, once"


@pytest.mark.usefixtures("people")
def test_the_page_of_an_item_states_it_and_shows_what_is_wrong_as_it_was_typed(
    client: httpx.Client, pool: ConnectionPool
) -> None:
    session = session_of(pool, Grant(Role.SUPERVISOR))
    headers, csrf = {"Cookie": f"{SESSION_COOKIE}={session}"}, csrf_token(session)

    def sent(item: str, days: str) -> httpx.Response:
        form = {"item": item, "days": days, "csrf": csrf}
        return client.post("/item-lives", data=form, headers=headers)

    assert "whatever comes is taken in" in client.get(f"/items/{TEA}", headers=headers).text
    assert sent(TEA, " 30 ").status_code == 303
    page = client.get(f"/items/{TEA}", headers=headers).text
    assert ("30 days after it is received" in page, 'name="days" value="30"' in page) == (True, True)
    wrong = sent(TEA, "a month")
    assert wrong.status_code == 422
    assert "'a month': expected whole days from 0 to 36500, or nothing." in unescape(wrong.text)
    assert 'name="days" value="a month"' in wrong.text
    assert sent("GONE", "30").status_code == 404
    assert sent(TEA, "").status_code == 303
    assert "whatever comes is taken in" in client.get(f"/items/{TEA}", headers=headers).text
    viewer = session_of(pool, Grant(Role.AUDITOR))
    seen = client.get(f"/items/{TEA}", headers={"Cookie": f"{SESSION_COOKIE}={viewer}"}).text
    assert 'action="/item-lives"' not in seen
