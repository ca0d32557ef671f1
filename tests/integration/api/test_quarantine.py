"""A replay asked for through the API and on the page; ingest's side is in tests/integration/ingest."""

import re

import httpx
import pytest
from serving import OTHER, OWN, PASSWORD, ROOT, People

from cloud.db import ConnectionPool
from cloud.identity import service
from cloud.identity.domain import Grant

CONTROLLER = f"inventory_controller@{OWN}"


@pytest.fixture
def number(client: httpx.Client, people: People) -> int:
    """Give the number of what is held at the own site."""
    (held,) = client.get("/v1/quarantine", headers=people.headers(CONTROLLER)).json()["items"]
    return int(held["quarantine_id"])


def ask(client: httpx.Client, people: People, number: int, key: str, who: str = CONTROLLER) -> httpx.Response:
    headers = {**people.headers(who), "Idempotency-Key": key}
    return client.post(f"/v1/quarantine/{number}/replay", headers=headers)


def replay_of(client: httpx.Client, people: People, url: str) -> dict[str, object] | None:
    told = client.get(url, headers=people.headers(CONTROLLER)).json()
    assert told["state"] == "held"
    return told["replay"]


def test_a_replay_is_accepted_and_its_status_told(client: httpx.Client, people: People, number: int) -> None:
    assert replay_of(client, people, f"/v1/quarantine/{number}") is None
    first, again = ask(client, people, number, "k-1"), ask(client, people, number, "k-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    asked = replay_of(client, people, first.json()["status_url"])
    assert asked is not None
    assert (asked["asked_by"], asked["refusal"]) == (f"key:inventory_controller.{OWN}", None)


def test_what_is_settled_is_not_replayed(
    client: httpx.Client, people: People, number: int, pool: ConnectionPool
) -> None:
    with pool.connection() as conn:
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        conn.execute("UPDATE quarantine SET state = 'discarded', settled_by = 'user:eve'")
    refused = ask(client, people, number, "k-1")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:dockledger:problem:done-already")
    assert refused.json()["detail"] == f"quarantine entry {number} was discarded by user:eve"


def test_nobody_of_another_site_and_no_auditor_asks(
    client: httpx.Client, people: People, number: int
) -> None:
    assert ask(client, people, number, "k-1", f"inventory_controller@{OTHER}").status_code == 404
    assert ask(client, people, number, "k-2", f"auditor@{OWN}").status_code == 403
    assert replay_of(client, people, f"/v1/quarantine/{number}") is None


def test_the_page_asks_with_its_csrf_token_and_then_says_who_asked(
    client: httpx.Client, people: People, number: int, pool: ConnectionPool
) -> None:
    page = f"/quarantine/{number}"
    client.post("/login", data={"name": "ada", "password": PASSWORD})
    shown = client.get(page).text
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', shown))
    assert f'action="{page}/replay"' in shown
    assert client.post(f"{page}/replay").status_code == 403
    sent = client.post(f"{page}/replay", data={"csrf": csrf})
    assert (sent.status_code, sent.headers["location"]) == (303, page)
    shown = client.get(page).text
    assert "Asked for by ada" in shown
    assert f'action="{page}/replay"' not in shown

    with pool.connection() as conn:
        service.add_user(conn, ROOT, name="cy", password=PASSWORD, grants=[Grant.parse(f"auditor@{OWN}")])
        conn.execute("SELECT set_config('dockledger.sites', '*', true)")
        conn.execute("UPDATE replay_request SET refused_at = now(), refusal = 'still not a record'")
    assert f'action="{page}/replay"' in client.get(page).text
    client.post("/login", data={"name": "cy", "password": PASSWORD})
    shown = client.get(page).text
    assert "it could not be posted: still not a record" in shown
    assert f'action="{page}/replay"' not in shown
