"""A ledger with registered gateways, seen through the ingest role and, to check it, as administrator."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from cloud.db import LastingConnection, in_transaction
from cloud.ingest.arrival import Delivery
from cloud.ingest.command_line import SHELL
from cloud.ingest.registry import service as registry
from cloud.ingest.service import Written, write
from tests.conftest import Broker, Database
from tests.integration.ingest.forge import readings
from tests.integration.ingest.processes import Ingest


@dataclass
class Books:
    """A migrated database with what ingest does to it."""

    database: Database
    lasting: LastingConnection

    def register(self, gateway: str = "gw-1", site: str = "leeds") -> None:
        with closing(LastingConnection(self.database.app_dsn, "test")) as app, app.connection() as conn:
            registry.register(conn, SHELL, gateway=gateway, site=site)

    def set_state(self, gateway: str, state: registry.GatewayState) -> None:
        with closing(LastingConnection(self.database.app_dsn, "test")) as app, app.connection() as conn:
            registry.set_state(conn, SHELL, gateway=gateway, state=state)

    def take(self, *deliveries: Delivery) -> Written:
        """Write deliveries as one group, as a worker does."""
        return in_transaction(self.lasting, lambda conn: write(conn, readings(deliveries)))

    def ask(self, query: LiteralString, *values: object) -> list[tuple[object, ...]]:
        """Look at the database as its administrator."""
        with psycopg.connect(self.database.admin_dsn) as conn:
            return conn.execute(query, values).fetchall()

    def command(self, statement: LiteralString, *values: object) -> None:
        """Change the database as its administrator."""
        with psycopg.connect(self.database.admin_dsn) as conn:
            conn.execute(statement, values)

    def one(self, query: LiteralString, *values: object) -> object:
        ((value,),) = self.ask(query, *values)
        return value

    def balances(self) -> dict[tuple[str, str], str]:
        """Give quantity by item and location."""
        rows = self.ask(
            "SELECT i.value, l.code, b.quantity::text FROM balance b JOIN cell c USING (cell_id)"
            " JOIN identifier i USING (item_id) JOIN location l USING (location_id)"
            " WHERE b.quantity <> 0 ORDER BY 1, 2"
        )
        return {(str(item), str(place)): str(quantity) for item, place, quantity in rows}

    def rows(self) -> int:
        return int(str(self.one("SELECT count(*) FROM movement")))

    def check_laws(self) -> None:
        """Balances are the sum of movements, every item sums to zero, no identity is there twice."""
        assert (
            self.ask(
                "SELECT b.cell_id, b.quantity, m.quantity FROM balance b FULL JOIN"
                " (SELECT cell_id, sum(delta) AS quantity FROM ("
                "   SELECT to_cell AS cell_id, quantity AS delta FROM movement"
                "   UNION ALL SELECT from_cell, -quantity FROM movement) AS moved GROUP BY cell_id) AS m"
                " USING (cell_id) WHERE b.quantity IS DISTINCT FROM m.quantity"
            )
            == []
        )
        assert (
            self.ask(
                "SELECT item_id FROM balance JOIN cell USING (cell_id)"
                " GROUP BY item_id HAVING sum(quantity) <> 0"
            )
            == []
        )
        assert (
            self.ask("SELECT gateway_id, epoch, seq FROM movement GROUP BY 1, 2, 3 HAVING count(*) > 1") == []
        )


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    lasting = LastingConnection(database.ingest_dsn, "test-ingest")
    books = Books(database, lasting)
    books.register()
    yield books
    lasting.close()


def extras(written: Written) -> Sequence[tuple[int, str]]:
    """Give what the only answer names beside the contiguous batches."""
    (answer,) = written.answers
    return [(ack.batch_no, ack.status.value) for ack in answer.ack.extra]


@pytest.fixture
def ingest(books: Books, broker: Broker, tmp_path: Path) -> Iterator[Ingest]:
    """Give worker processes between the usual broker and the books."""
    processes = Ingest(books.database.ingest_dsn, broker.url, tmp_path / "ingest.log")
    yield processes
    processes.stop_all()
