"""The form that reports a count without a script loses no line, whatever fields a browser sends."""

import httpx
from rights_to_count import count_something
from serving import MUG, OWN, TEA, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE


def test_lines_without_lots_are_counted_all_the_same(
    pool: ConnectionPool, people: People, client: httpx.Client
) -> None:
    count_something(pool)
    session = session_of(pool, Grant(Role.INVENTORY_CONTROLLER, OWN))
    form = {"site": OWN, "location": "C-01", "scope": "bin", "item": [TEA, MUG], "quantity": ["4", "3"]}
    posted = client.post(
        "/counts",
        data=form | {"csrf": csrf_token(session)},
        headers={"Cookie": f"{SESSION_COOKIE}={session}"},
    )
    assert posted.status_code == 303
    gateway, epoch, seq = posted.headers["location"].partition("?")[0].split("/")[2:]
    told = client.get(
        f"/v1/counts/{gateway}/{epoch}/{seq}", headers=people.headers(f"inventory_controller@{OWN}")
    ).json()
    assert sorted((row["item"], row["counted"]) for row in told["variances"]) == [(MUG, "3"), (TEA, "4")]
