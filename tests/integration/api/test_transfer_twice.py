"""A double click: two forms of one transfer in the same instant are one transfer, and both show it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import psycopg
from serving import OTHER, OWN, TEA, People
from test_authorisation_matrix import session_of
from test_order_twice import WAITING

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from tests.patience import PATIENCE_S

FORM = {"from_site": OWN, "to_site": OTHER, "id": "T-TWICE", "item": [TEA, ""], "quantity": ["5", ""]}


def sends(client: httpx.Client, session: str, **more: object) -> httpx.Response:
    form = FORM | {"csrf": csrf_token(session)} | more
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
    return client.post("/transfers", data=form, headers=cookie, follow_redirects=False, timeout=PATIENCE_S)


def test_two_forms_of_one_transfer_in_the_same_instant_are_one_transfer(
    client: httpx.Client, pool: ConnectionPool, people: People, database: Any
) -> None:
    del people
    session = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    with closing(psycopg.connect(database.admin_dsn)) as other, ThreadPoolExecutor(2) as clicks:
        other.execute("SELECT FROM site WHERE site_id = %s FOR UPDATE", [OWN])  # of which both papers are
        answers = [clicks.submit(sends, client, session) for _ in "ab"]
        with closing(psycopg.connect(database.admin_dsn, autocommit=True)) as watching:
            while watching.execute(WAITING).fetchone() != (2,):
                assert not any(answer.done() for answer in answers)
        other.rollback()
        done = [answer.result() for answer in answers]
    page = f"/transfers/{OWN}/T-TWICE"
    assert [(each.status_code, each.headers.get("Location")) for each in done] == [(303, page)] * 2
    with closing(psycopg.connect(database.admin_dsn)) as asking:
        drafted = "SELECT count(*) FROM audit_event WHERE action = 'transfer_drafted'"
        assert asking.execute(drafted).fetchone() == (1,)


def test_the_same_form_again_is_the_same_transfer_and_another_one_is_refused(
    client: httpx.Client, pool: ConnectionPool, people: People
) -> None:
    del people
    sender = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    receiver = session_of(pool, Grant(Role.SUPERVISOR, OTHER))
    for session in (sender, sender, receiver):
        answer = sends(client, session, carrier="DSV", due_on="2026-03-09")
        assert (answer.status_code, answer.headers.get("Location")) == (303, f"/transfers/{OWN}/T-TWICE")
    for more in ({"carrier": "DHL"}, {"due_on": "2026-03-10"}, {"quantity": ["6", ""]}, {"carrier": ""}):
        refused = sends(client, sender, **({"carrier": "DSV", "due_on": "2026-03-09"} | more))
        told = "there is a transfer &#39;T-TWICE&#39;" in refused.text
        assert (refused.status_code, told) == (422, True), (more, refused.text)
