"""A million payloads that were sent right and came wrong: none stops ingest, none is lost (FAULTS F11)."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from cloud.db import LastingConnection
from cloud.ingest.arrival import Delivery, read
from cloud.ingest.refusals import identify
from contracts.batch import hash_unread
from tests.first_seed import first_seed
from tests.integration.ingest.conftest import Books
from tests.integration.ingest.forge import Forge
from tests.unit.ingest.mutation import mutations

TOPIC = "dl/v1/leeds/gw-1/records"
MILLION, EACH = 1_000_000, 24_900
AT_ONCE = 250
LONGEST_S = 1.0


@pytest.fixture
def books(database: Any) -> Iterator[Books]:
    with closing(LastingConnection(database.ingest_dsn, "test-ingest")) as lasting:
        books = Books(database, lasting)
        books.register()
        yield books


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(-(-MILLION // EACH)))
def test_every_byte_of_mutated_payloads_is_in_the_ledger_or_in_quarantine(books: Books, seed: int) -> None:
    edge, chance = Forge(), random.Random(first_seed() + seed)
    slowest_s, lost = 0.0, 0
    for _ in range(EACH // (AT_ONCE - 1)):
        right = edge.batch(rows=chance.choice((1, 4, 40))).payload
        payloads = [*mutations(right, chance, AT_ONCE - 1), right]
        deliveries = [Delivery(TOPIC, payload, datetime.now(UTC)) for payload in payloads]
        for delivery in deliveries:
            began_s = time.process_time()
            read(delivery)
            slowest_s = max(slowest_s, time.process_time() - began_s)
        above = int(str(books.one("SELECT coalesce(max(quarantine_id), 0) FROM quarantine")))
        books.take(*deliveries)
        if missing := unaccounted(books, payloads, above):
            lost += len(unaccounted(books, missing, 0))
    assert (lost, slowest_s < LONGEST_S) == (0, True), f"{lost} lost, the slowest took {slowest_s:.2f} s"
    books.check_laws()


def unaccounted(books: Books, payloads: list[bytes], above: int) -> list[bytes]:
    """Give the payloads that are neither a batch of the ledger nor held with their bytes since some entry."""
    held = books.ask(
        "SELECT sha256 FROM batch UNION ALL SELECT sha256 FROM quarantine WHERE quarantine_id > %s "
        "UNION ALL SELECT encode(sha256(payload), 'hex') FROM quarantine WHERE quarantine_id > %s",
        above,
        above,
    )
    found = {str(row[0]) for row in held}
    return [each for each in payloads if not found & {identify(each), hash_unread(each)}]
