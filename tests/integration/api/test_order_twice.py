"""A double click: two forms of one order in the same instant are one order, and both show it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import psycopg
from forecasts_made import made
from rights_to_order import ORDER_FORM, order_something
from serving import OWN, People
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from tests.patience import PATIENCE_S

WAITING = (
    "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.05) "
    "WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def test_two_forms_of_one_order_in_the_same_instant_are_one_order(
    client: httpx.Client, pool: ConnectionPool, people: People, database: Any
) -> None:
    del people
    with pool.connection() as conn:
        made(conn)
    order_something(pool)
    session = session_of(pool, Grant(Role.BUYER, OWN))
    form = ORDER_FORM | {"id": "PO-TWICE", "csrf": csrf_token(session)}

    def sends() -> httpx.Response:
        cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
        return client.post(
            "/orders/new", data=form, headers=cookie, follow_redirects=False, timeout=PATIENCE_S
        )

    with closing(psycopg.connect(database.admin_dsn)) as other, ThreadPoolExecutor(2) as clicks:
        other.execute("SELECT FROM site WHERE site_id = %s FOR NO KEY UPDATE", [OWN])
        answers = [clicks.submit(sends) for _ in "ab"]
        with closing(psycopg.connect(database.admin_dsn, autocommit=True)) as watching:
            while watching.execute(WAITING).fetchone() != (2,):
                assert not any(answer.done() for answer in answers)
        other.rollback()
        done = [answer.result() for answer in answers]
    assert [(each.status_code, each.headers.get("Location")) for each in done] == [
        (303, f"/orders/{OWN}/PO-TWICE")
    ] * 2
