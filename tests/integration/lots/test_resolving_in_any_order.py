"""The order in which things became known makes no difference to what the resolver infers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from random import Random
from typing import NamedTuple

import psycopg

from cloud.allocation.terms import put_lot
from cloud.db import connect
from cloud.identity.actor import INGEST
from cloud.ledger.corrections import post_reversal
from cloud.ledger.domain import AcceptedBatch, AlreadyClaimedError, PostingKind
from cloud.ledger.service import post
from cloud.lots.resolver import RESOLVER, mark, ready_items, resolve_item
from contracts.records import Movement, RowRef, Side
from tests.integration.ledger.scenario import Ledger, Outbox
from tests.integration.lots.floor import NET, PALLET, SERIALS, goes, open_floor

PLACES = ("A-01", "A-02", PALLET, "@customer")
State = dict[tuple[str, ...], Decimal]


@contextmanager
def undone(ledger: Ledger) -> Iterator[psycopg.Connection]:
    """Give a connection of its own whose every write is rolled back, so that histories share a database."""
    with connect(ledger.owner_dsn, "test-law", autocommit=True) as conn:
        conn.execute("SET ROLE dockledger_owner")
        with conn.transaction(force_rollback=True):
            yield conn


def history(seed: int) -> list[AcceptedBatch]:
    """Seal what two gateways saw of goods whose lots and owners they often did not see."""
    random = Random(seed)

    def record(gateway: int) -> Movement:
        item, minute = random.choice(("MILK", "MILK", "KIT", "BOX")), random.randrange(0, 600)
        quantity, lot = random.randrange(1, 9), random.choice((None, None, "L1", "L2", "L3"))
        if random.random() < 0.35:
            owner = random.choice((None, "acme")) if item == "BOX" else None
            into = Side.model_validate({"location": "A-01", "lot": lot, "owner": owner})
            return goes(item, quantity, "@supplier", "A-01", minute=minute).model_copy(
                update={"destination": into}
            )
        source, destination = random.sample(PLACES, 2)
        if source == "@customer":
            source, lot = "@supplier", None
        epcs = (SERIALS[random.randrange(6)],) if item == "KIT" and random.random() < 0.5 else ()
        amount = 1 if epcs else quantity
        lots = random.choice(((None, None), (None, None), (lot, lot), (None, lot)))
        return goes(item, amount, source, destination, lots, minute=minute + gateway / 7, epcs=epcs)

    outboxes = [Outbox("gw-1"), Outbox("gw-2")]
    begun = outboxes[0].seal([goes("MILK", 9, "@supplier", "A-01", lot) for lot in ("L1", "L3", "L2")])
    return [begun] + [
        outbox.seal([record(number) for _ in range(random.randrange(2, 7))])
        for number, outbox in enumerate(outboxes)
        for _ in range(4)
    ]


class Misread(NamedTuple):
    """A record that somebody takes back, at once or when it comes."""

    batch: AcceptedBatch
    seq: int

    def is_taken_back(self, conn: psycopg.Connection) -> None:
        header = self.batch.header
        ref = RowRef(gateway=header.gateway, epoch=header.epoch, seq=self.seq)
        with suppress(AlreadyClaimedError):
            post_reversal(conn, NET, ref, reason="misread")


class Dated(NamedTuple):
    """A date that somebody reads on a lot at last."""

    lot: str
    on: date

    def is_stated(self, conn: psycopg.Connection) -> None:
        put_lot(conn, NET, item="MILK", lot=self.lot, expires_on=self.on)


Arrival = AcceptedBatch | Misread | Dated


def misread(batches: list[AcceptedBatch], random: Random) -> list[Misread]:
    """Take back a record of about every second batch."""
    chosen = [batch for batch in batches if random.random() < 0.5]
    return [Misread(one, random.randrange(one.header.first_seq, one.header.last_seq + 1)) for one in chosen]


def in_turn(conn: psycopg.Connection, work: Callable[[psycopg.Connection], object]) -> object:
    done = work(conn)
    conn.execute("SELECT set_config('dockledger.posting', '', true)")
    return done


def run(conn: psycopg.Connection) -> None:
    while in_turn(conn, lambda conn: mark(conn, RESOLVER)):
        pass
    for item in ready_items(conn, RESOLVER):
        while in_turn(conn, lambda conn, item=item: resolve_item(conn, RESOLVER, item_id=item)) is not None:
            pass


def books_after(
    ledger: Ledger, arrivals: Sequence[AcceptedBatch | Misread | Dated], resolving: Random
) -> State:
    """Post what arrives, let the resolver run now and then and at the end; look, undo it all."""
    with undone(ledger) as conn:
        known: set[tuple[str, int]] = set()

        def come(batch: AcceptedBatch) -> None:
            name = batch.header.gateway, batch.header.batch_no
            if name not in known:
                known.add(name)
                in_turn(conn, lambda conn: post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch]))

        for one in arrivals:
            if isinstance(one, Dated):
                in_turn(conn, one.is_stated)
                continue
            come(one.batch if isinstance(one, Misread) else one)
            if isinstance(one, Misread):
                in_turn(conn, one.is_taken_back)
            if resolving.random() < 0.7:
                run(conn)
        run(conn)
        run(conn)
        rows = conn.execute(
            "SELECT i.code, l.code, c.lot, c.owner, b.quantity FROM balance b JOIN cell c USING (cell_id) "
            "JOIN item i USING (item_id) JOIN location l USING (location_id) WHERE b.quantity <> 0"
        )
        return {tuple(map(str, names)): quantity for *names, quantity in rows}


def arrives_as(one: Arrival) -> int:
    """Give a place in the order of arrival: dates in the midst of the batches."""
    if isinstance(one, Dated):
        return 2
    return (one.batch if isinstance(one, Misread) else one).header.batch_no


def test_any_order_and_repetition_of_batches_gives_the_same_state_after_the_resolver(
    database: object,
) -> None:
    with open_floor(database, "MILK", "KIT", "BOX") as floor:
        floor.controls("KIT", rule=None)
        floor.dates("MILK", "L2", date(2026, 4, 1))
        for seed, rule in enumerate(("fefo", "fifo", "fefo")):
            floor.controls("MILK", rule=rule)
            batches = history(seed)
            batches += misread(batches, Random(seed))
            batches += [Dated("L3", date(2026, 3, 20)), Dated("L1", date(2026, 5, 1))]
            first = books_after(floor.ledger, batches, Random(0))
            assert any("unspecified" in names for names in first), "the history leaves something to infer"
            for again in range(2):
                order = Random(seed * 100 + again)
                arrivals = order.sample(batches, len(batches)) + order.sample(batches, 3)
                if again:  # each gateway in its order: watermarks pass early, what comes is late
                    arrivals.sort(key=arrives_as)
                assert books_after(floor.ledger, arrivals, order) == first, (seed, again)
