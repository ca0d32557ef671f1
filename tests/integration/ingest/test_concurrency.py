"""Writers that get in each other's way (FAULTS F10)."""

import random
import threading
from contextlib import closing

from cloud.db import LastingConnection, in_transaction
from cloud.ingest.arrival import Delivery
from cloud.ingest.domain import Judgement
from cloud.ingest.service import Written, write
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import Forge, movement, readings
from tests.integration.ingest.processes import wait_until

WRITERS = 8


def in_threads(books: Books, shares: list[list[list[Delivery]]]) -> None:
    """Write each share's groups in a thread of its own, all at once."""
    errors: list[BaseException] = []
    ready = threading.Barrier(len(shares))

    def work(groups: list[list[Delivery]]) -> None:
        with closing(LastingConnection(books.database.ingest_dsn, "test-hammer")) as lasting:
            try:
                ready.wait()
                for group in groups:
                    in_transaction(lasting, lambda conn, group=group: write(conn, readings(group)))  # type: ignore[misc]
            except BaseException as error:  # noqa: BLE001  carried to the test's own thread
                errors.append(error)

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_eight_writers_on_five_items_in_any_order_lose_nothing(books: Books) -> None:
    source = random.Random(10)
    shares = []
    for number in range(WRITERS):
        edge = Forge(gateway=f"hammer-{number}")
        books.register(edge.gateway)
        groups = []
        for _ in range(10):
            items = [f"I-{n}" for n in range(5)] * 4
            source.shuffle(items)
            groups.append(
                [edge.batch([movement(edge.next_seq + n, item=item) for n, item in enumerate(items)])]
            )
        shares.append(groups)
    in_threads(books, shares)
    assert books.balances() == {
        (f"I-{n}", place): quantity
        for n in range(5)
        for place, quantity in (("@supplier", "-320.000000"), ("A-1", "320.000000"))
    }
    books.check_laws()


def test_two_workers_with_the_same_gateway_post_each_batch_once(books: Books) -> None:
    edge = Forge()
    sent = [edge.batch(rows=10) for _ in range(30)]
    in_threads(books, [[[delivery] for delivery in sent], [[delivery] for delivery in reversed(sent)]])
    assert books.rows() == 300
    assert books.one("SELECT contiguous_no FROM completeness") == 30
    books.check_laws()


def test_a_second_writer_waits_for_the_first_and_finds_a_duplicate(books: Books) -> None:
    edge = Forge()
    books.take(edge.batch())
    delivery = edge.batch()
    found: list[Written] = []
    with closing(LastingConnection(books.database.ingest_dsn, "test-second")) as second:

        def work() -> None:
            found.append(in_transaction(second, lambda conn: write(conn, readings([delivery]))))

        thread = threading.Thread(target=work)
        with books.lasting.connection() as conn:
            write(conn, readings([delivery]))
            thread.start()
            wait_until(
                lambda: books.ask(
                    "SELECT FROM pg_stat_activity WHERE application_name = 'test-second'"
                    " AND datname = current_database() AND wait_event_type = 'Lock'"
                ),
                "the second writer waits",
            )
        thread.join()
    assert [written.judgements for written in found] == [{Judgement.DUPLICATE: 1}]
    assert books.rows() == 6
