"""Terms, costs and tickets of another site are neither seen nor changed, not by raw SQL either."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from deciding import BOB, JOB, LEEDS, MADRID

from cloud.db import Connection, ConnectionPool
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.master.store import add_item

HIDDEN = psycopg.errors.InsufficientPrivilege
CHANGES = {
    "supplier_item": "UPDATE supplier_item SET price = 0",
    "ticket": "UPDATE ticket SET note = 'mine'",
}
ROWS = {
    "supplier_item": "INSERT INTO supplier_item (supplier, item_id, site_id, price, updated_by)"
    " SELECT 'ACME', item_id, %(site)s, 2, 'x' FROM item",
    "item_cost": "INSERT INTO item_cost SELECT item_id, %(site)s, '2026-01-01', 3, 'GBP' FROM item",
    "ticket": "INSERT INTO ticket (dedup_key, kind, severity, site_id, summary)"
    " VALUES ('k/' || coalesce(%(site)s, '-'), 'late', 'info', %(site)s, 'Late')",
}
OF_THE_NETWORK = {"supplier_item", "ticket"}


@pytest.fixture
def conn(pool: ConnectionPool) -> Iterator[Connection]:
    """Give a transaction that is undone, with rows of both sites and of the network."""
    with pool.connection() as conn:
        act_as(conn, JOB)
        add_item(conn, "TEA", name="Tea", category=None, base_unit="each")
        conn.execute(
            "INSERT INTO supplier (supplier, name, currency, updated_by) VALUES ('ACME', 'A', 'GBP', 'x')"
        )
        for table, row in ROWS.items():
            for site in (LEEDS, MADRID, *([None] if table in OF_THE_NETWORK else [])):
                conn.execute(row, {"site": site})
        yield conn
        conn.rollback()


def sites(conn: Connection, actor: Actor, question: str) -> list[Any]:
    act_as(conn, actor)
    return sorted((row[0] for row in conn.execute(question)), key=str)


@pytest.mark.parametrize("table", ROWS)
def test_a_session_sees_and_changes_what_is_its_sites(conn: Connection, table: str) -> None:
    shared = [None] if table in OF_THE_NETWORK else []
    question = f"SELECT site_id FROM {table}"
    assert sites(conn, BOB, question) == [*shared, LEEDS]
    assert sites(conn, JOB, question) == [*shared, LEEDS, MADRID]
    if table in CHANGES:
        change = f"{CHANGES[table]} RETURNING site_id"
        assert sites(conn, BOB, change) == [LEEDS]
        assert sites(conn, JOB, change) == [*shared, LEEDS, MADRID]
    act_as(conn, BOB)
    for site in (MADRID, *shared):
        with pytest.raises(HIDDEN, match="row-level security"), conn.transaction():
            conn.execute(ROWS[table], {"site": site})


def test_what_was_done_about_a_ticket_is_seen_with_it(conn: Connection) -> None:
    question = "SELECT t.site_id FROM ticket_step s LEFT JOIN ticket t USING (ticket_id)"
    assert sites(conn, BOB, question) == [None, LEEDS]
    assert sites(conn, JOB, question) == [None, LEEDS, MADRID]


def test_a_session_that_names_no_site_sees_what_is_the_networks(conn: Connection) -> None:
    conn.execute("SELECT set_config('dockledger.sites', '', true)")
    for table in ROWS:
        shared = [None] if table in OF_THE_NETWORK else []
        assert [row[0] for row in conn.execute(f"SELECT site_id FROM {table}")] == shared
