"""A lot of which only the production is stated expires by its item's shelf life; over HTTP and on pages."""

from datetime import date
from html import unescape
from itertools import count

import httpx
import pytest
from serving import TEA, People
from test_authorisation_matrix import session_of

from cloud.allocation.domain import AllocationError
from cloud.allocation.terms import put_lot
from cloud.db import ConnectionPool, in_transaction
from cloud.identity.actor import Actor, Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE


class Keeper:
    """Somebody who keeps items and lots everywhere."""

    def __init__(self, client: httpx.Client, people: People) -> None:
        self.client, self.headers, self.keys = client, people.headers("inventory_controller"), count()

    def sends(self, path: str, **body: object) -> httpx.Response:
        key = {"Idempotency-Key": f"k-{next(self.keys)}"}
        return self.client.post(f"/v1/{path}", json=body, headers=self.headers | key)

    def keeps_for(self, days: int | None) -> None:
        assert self.sends("items", code=TEA, shelf_life_days=days).status_code == 201

    def dates(self, **dates: object) -> bool:
        answer = self.sends("lots", item=TEA, lot="L1", **dates)
        assert answer.status_code == 201, answer.text
        return bool(answer.json()["is_new"])

    def lot(self) -> tuple[str | None, str | None, bool]:
        """Give when it was made, expires, and whether that is inferred."""
        asked = {"item": TEA, "lot": "L1"}
        told = self.client.get("/v1/lot-story", params=asked, headers=self.headers).json()
        return told["produced_on"], told["expires_on"], told["is_inferred"]


@pytest.fixture
def keeper(client: httpx.Client, people: People) -> Keeper:
    return Keeper(client, people)


def test_the_shelf_life_of_an_item_dates_lots_until_somebody_states_when_they_expire(keeper: Keeper) -> None:
    keeper.keeps_for(30)
    assert keeper.dates(produced_on="2026-04-01")
    assert not keeper.dates(produced_on="2026-04-01")
    assert keeper.lot() == ("2026-04-01", "2026-05-01", True)
    keeper.keeps_for(60)
    assert keeper.lot() == ("2026-04-01", "2026-05-31", True), "as long as nobody states it"
    keeper.keeps_for(None)
    assert keeper.lot() == ("2026-04-01", None, False), "nobody knows"
    keeper.keeps_for(60)
    assert keeper.dates(expires_on="2026-06-15")
    assert keeper.lot() == ("2026-04-01", "2026-06-15", False), "a stated date wins"
    keeper.keeps_for(10)
    assert keeper.dates(produced_on="2026-04-02")
    assert keeper.lot() == ("2026-04-02", "2026-06-15", False), "whatever is said of its production later"
    assert keeper.dates(expires_on=None)
    assert keeper.lot() == ("2026-04-02", None, False), "it keeps, somebody says"


def test_a_lot_that_is_said_nothing_of_or_expired_before_it_was_made_is_refused(keeper: Keeper) -> None:
    for dates, why in (
        ({}, "expected expires_on or produced_on, got neither"),
        (
            {"expires_on": "2026-04-01", "produced_on": "2026-04-01"},
            "expires_on 2026-04-01: expected after produced_on 2026-04-01",
        ),
        ({"produced_on": "1026-04-01"}, "produced_on"),
        ({"produced_on": "2200-01-01"}, "produced_on"),
    ):
        answer = keeper.sends("lots", item=TEA, lot="L1", **dates)
        assert (answer.status_code, why in answer.text) == (422, True), answer.text
    for days in (0, -1, 36_501, 1.5):
        assert keeper.sends("items", code=TEA, shelf_life_days=days).status_code == 422
    item = keeper.client.get(f"/v1/items/{TEA}", headers=keeper.headers).json()
    assert item["shelf_life_days"] is None


def test_a_date_is_checked_against_what_was_stated_of_the_lot_before(keeper: Keeper) -> None:
    assert keeper.dates(expires_on="2026-06-15")
    late = keeper.sends("lots", item=TEA, lot="L1", produced_on="2026-06-15")
    why = "lot 'L1': expires_on 2026-06-15: expected after produced_on 2026-06-15"
    assert (late.status_code, why in late.text) == (422, True), late.text
    assert keeper.lot() == (None, "2026-06-15", False), "nothing of it is kept"
    assert keeper.dates(produced_on="2026-06-14")
    early = keeper.sends("lots", item=TEA, lot="L1", expires_on="2026-05-01")
    assert (early.status_code, "expires_on 2026-05-01: expected after" in early.text) == (422, True)
    assert keeper.lot() == ("2026-06-14", "2026-06-15", False)
    assert keeper.dates(produced_on="2026-04-01", expires_on="2026-05-01"), "both corrected at once"


def test_a_shell_states_no_production_beyond_the_years_of_papers(pool: ConnectionPool) -> None:
    everywhere = Actor("user:ina", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
    for day in (date(1999, 12, 31), date(9999, 12, 31)):
        stated = {"item": TEA, "lot": "L1", "produced_on": day, "states_expiry": False}
        with pytest.raises(AllocationError, match=f"produced_on {day}: expected a day from 2000"):
            in_transaction(pool, lambda conn, stated=stated: put_lot(conn, everywhere, **stated))


def test_the_page_of_an_item_states_it_beside_how_long_it_must_keep(
    keeper: Keeper, client: httpx.Client, pool: ConnectionPool
) -> None:
    session = session_of(pool, Grant(Role.SUPERVISOR))
    cookie, csrf = {"Cookie": f"{SESSION_COOKIE}={session}"}, csrf_token(session)

    def sent(**typed: str) -> httpx.Response:
        return client.post("/item-lives", data={"item": TEA, "csrf": csrf} | typed, headers=cookie)

    wrong = sent(days="soon", shelf="0")
    assert wrong.status_code == 422
    told = unescape(wrong.text)
    assert "'soon': expected whole days from 0 to 36500, or nothing." in told
    assert "'0': expected whole days from 1 to 36500, or nothing." in told
    assert sent(days="7", shelf=" 30 ").status_code == 303
    page = client.get(f"/items/{TEA}", headers=cookie).text
    assert ("30 days from its production on" in page, "7 days after it is received" in page) == (True, True)
    keeper.dates(produced_on="2026-04-01")
    shown = client.get(f"/lots/{TEA}/L1", headers=cookie)
    assert ("2026-05-01" in shown.text, "inferred" in shown.text, "2026-04-01" in shown.text) == (True,) * 3
    said = "SELECT detail FROM audit_event WHERE action = 'shelf_life_set'"
    assert in_transaction(pool, lambda conn: conn.execute(said).fetchall()) == [({"shelf_life_days": 30},)]
