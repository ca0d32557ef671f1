"""Batches commute: any order, repetition and grouping on the way gives the same books (FAULTS F7)."""

import random
from collections.abc import Sequence
from itertools import pairwise

import psycopg
import pytest

from cloud.ingest.arrival import Delivery
from cloud.ingest.service import write
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import Forge, movement, readings, shuffled

State = list[tuple[object, ...]]

IN_THE_SUITE = (range(250), range(250, 500))
ALL = tuple(range(first, first + 500) for first in range(500, 10_000, 500))

STATE = """
SELECT 'balance', i.code, l.code, b.quantity::text
FROM balance b JOIN cell c USING (cell_id) JOIN item i USING (item_id) JOIN location l USING (location_id)
UNION ALL
SELECT 'row', g.name, m.seq::text, m.quantity::text FROM movement m JOIN gateway g USING (gateway_id)
UNION ALL
SELECT 'reached', g.name, c.contiguous_no::text, c.contiguous_sha256
FROM completeness c JOIN gateway g USING (gateway_id)
ORDER BY 1, 2, 3, 4
"""


def sent_by_two_gateways() -> list[Delivery]:
    """Seal receipts, moves and shipments of three items, eight batches of a few rows."""
    source = random.Random(7)

    def batch_of(forge: Forge) -> Delivery:
        return forge.batch(
            [
                movement(
                    forge.next_seq + place,
                    item=f"ITEM-{source.randrange(3)}",
                    quantity=str(source.randrange(1, 9)),
                    source=source.choice(("@supplier", "A-1", "A-2")),
                    into=source.choice(("@customer", "B-1")),
                )
                for place in range(source.randrange(1, 5))
            ]
        )

    forges = [Forge(gateway=gateway) for gateway in ("gw-1", "gw-2")]
    return [batch_of(forge) for forge in forges for _ in range(4)]


def groups(deliveries: Sequence[Delivery], seed: int) -> list[list[Delivery]]:
    """Cut a stream of deliveries into the groups in which a worker may happen to take them."""
    source = random.Random(seed)
    cut = sorted(source.sample(range(1, len(deliveries)), source.randrange(min(4, len(deliveries)))))
    return [list(deliveries[start:end]) for start, end in pairwise([0, *cut, len(deliveries)])]


def books_after(books: Books, taken: Sequence[Sequence[Delivery]]) -> State:
    """Write groups one after the other, look at the books, and undo it all.

    Each time on a connection of its own: what it remembers of names was never committed.
    """
    with psycopg.connect(books.database.admin_dsn) as conn, conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL ROLE dockledger_ingest")
        for group in taken:
            write(conn, readings(group))
            conn.execute("SELECT set_config('dockledger.posting', '', true)")
        conn.execute("RESET ROLE")
        return conn.execute(STATE).fetchall()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "seeds", [*IN_THE_SUITE, *(pytest.param(each, marks=pytest.mark.soak) for each in ALL)], ids=str
)
def test_every_order_grouping_and_repetition_ends_in_the_same_books(books: Books, seeds: range) -> None:
    books.register("gw-2")
    sent = sent_by_two_gateways()
    expected = books_after(books, [sent])
    assert len(expected) > len(sent)
    differing = [seed for seed in seeds if books_after(books, groups(shuffled(sent, seed), seed)) != expected]
    assert differing == []
