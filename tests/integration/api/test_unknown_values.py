"""A value of which something is unknown is unknown, never the sum of the rest and never zero (DOMAIN D8)."""

import re
from decimal import Decimal
from typing import Any

import httpx
from serving import MUG, OWN, TEA, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE

CONTROLLER = "inventory_controller@madrid"
PERIOD = "/periods/madrid/2026-03?figure=1"


def priced(client: httpx.Client, people: People, item: str, cost: str) -> None:
    body = {"site": OWN, "cost": cost, "currency": "EUR", "valid_from": "2026-01-01T00:00:00Z"}
    headers = people.headers(CONTROLLER) | {"Idempotency-Key": item}
    assert client.post(f"/v1/items/{item}/costs", json=body, headers=headers).status_code == 201


def told(client: httpx.Client, people: People) -> dict[str, Any]:
    answer = client.get(f"/v1/stock-value?site={OWN}", headers=people.headers(CONTROLLER))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def figures(told: dict[str, Any]) -> list[tuple[Decimal | None, Decimal | None, int]]:
    """Give value, what is known of it and what is not, of the whole and then of each zone."""
    rows = [told | {"unknown": told["unknown_items"]}, *told["zones"]]
    return [
        (
            *(None if row[name] is None else Decimal(row[name]) for name in ("value", "known_value")),
            row["unknown"],
        )
        for row in rows
    ]


def shown(client: httpx.Client, session: str) -> str:
    page = client.get(PERIOD, headers={"Cookie": f"{SESSION_COOKIE}={session}"})
    assert page.status_code == 200, page.text
    found = re.search(r"<dt>Value</dt><dd>(.*?)</dd><div class=\"note\">(.*?)</div>", page.text)
    assert found
    return ": ".join(found.groups())


def test_a_value_with_something_unknown_is_unknown_and_what_is_known_is_told_apart(
    client: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    session = session_of(pool, Grant(Role.AUDITOR, OWN))
    assert figures(told(client, people)) == [(None, None, 2), *[(None, None, 1)] * 3]
    assert shown(client, session) == "unknown: 2 items of unknown value"
    priced(client, people, TEA, "2")
    assert figures(told(client, people)) == [
        (None, 936, 1),
        (560, 560, 0),
        (376, 376, 0),
        (None, None, 1),
    ]
    assert shown(client, session) == "unknown: 936.00 EUR without 1 items of unknown value"
    priced(client, people, MUG, "3")
    assert figures(told(client, people))[0] == (846, 846, 0)
    assert shown(client, session).startswith("846.00 EUR: ")


def test_where_nothing_lies_the_value_is_nothing(client: httpx.Client, people: People) -> None:
    asked = f"/v1/stock-value?site={OWN}&as_of=2020-01-01T00:00:00Z"
    empty = client.get(asked, headers=people.headers(CONTROLLER)).json()
    assert (empty["lines"], Decimal(empty["value"]), empty["zones"]) == (0, 0, [])
