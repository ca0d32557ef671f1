"""Laws of the ledger, for many small histories on a real database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenario import CONTROLLER, INGEST, Ledger, Outbox, at, effective, move

from cloud.db import connect, in_transaction, open_pool
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import adjust_to_count, post_reversal
from cloud.ledger.domain import AcceptedBatch, PostingKind
from cloud.ledger.past import as_of, fold
from cloud.ledger.service import post
from contracts.records import RowRef, Side

PLACES = ("@supplier", "@customer", "@unknown", "A-01", "A-02", "B-01")
GTINS = ("05012345678900", "05012345678917")
CONTROLLER_EVERYWHERE = Actor(
    "user:ada", frozenset({Role.INVENTORY_CONTROLLER, Role.SUPERVISOR}), all_sites=True
)

LAW = settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

moves = st.builds(
    lambda pair, item, quantity, minute, lot: move(
        str(quantity),
        Side(location=pair[0], lot=lot),
        Side(location=pair[1], lot=lot),
        item=item,
        minute=minute,
    ),
    st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)).filter(lambda pair: pair[0] != pair[1]),
    st.sampled_from(GTINS),
    st.integers(1, 50),
    st.integers(0, 500),
    st.sampled_from([None, "L1"]),
)
histories = st.lists(st.lists(moves, min_size=1, max_size=6), min_size=1, max_size=6)

State = dict[tuple, Decimal]


@contextmanager
def undone(ledger: Ledger) -> Iterator[psycopg.Connection]:
    """Give a connection of its own whose every write is rolled back, so that examples share a database."""
    with connect(ledger.owner_dsn, "test-law", autocommit=True) as conn:
        conn.execute("SET ROLE dockledger_owner")
        with conn.transaction(force_rollback=True):
            yield conn


def in_turn(conn: psycopg.Connection, work: Callable[[psycopg.Connection], object]) -> None:
    """Run one posting of several in a transaction that will be rolled back."""
    work(conn)
    conn.execute("SELECT set_config('dockledger.posting', '', true)")


def receive(conn: psycopg.Connection, batches: list[AcceptedBatch]) -> None:
    """Post batches as ingest does: what is held already changes nothing."""
    for batch in batches:
        held = conn.execute(
            "SELECT FROM batch JOIN gateway USING (gateway_id) WHERE name = %s AND batch_no = %s",
            (batch.header.gateway, batch.header.batch_no),
        ).fetchone()
        if held is None:
            in_turn(
                conn, lambda conn, batch=batch: post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch])
            )


def sealed(history: list[list], gateway: str = "gw-1") -> list[AcceptedBatch]:
    outbox = Outbox(gateway)
    return [outbox.seal(records) for records in history]


def state(conn: psycopg.Connection) -> State:
    """Tell what every cell holds, by names that do not depend on the order of arrival."""
    rows = conn.execute(
        "SELECT i.code, l.code, c.lot, b.quantity FROM balance b JOIN cell c USING (cell_id) "
        "JOIN item i USING (item_id) JOIN location l USING (location_id) WHERE b.quantity <> 0"
    )
    return {(item, place, lot): quantity for item, place, lot, quantity in rows}


@LAW
@given(history=histories)
def test_over_all_cells_every_item_sums_to_zero(ledger: Ledger, history: list) -> None:
    with undone(ledger) as conn:
        receive(conn, sealed(history))
        totals: dict[str, Decimal] = {}
        for (item, _, _), quantity in state(conn).items():
            totals[item] = totals.get(item, Decimal(0)) + quantity
        assert set(totals.values()) <= {Decimal(0)}


@LAW
@given(first=histories, second=histories, seed=st.integers(0, 10_000))
def test_any_order_and_repetition_of_batches_gives_the_same_state(
    ledger: Ledger, first: list, second: list, seed: int
) -> None:
    batches = sealed(first, "gw-1") + sealed(second, "gw-2")
    shuffled = batches + Random(seed).choices(batches, k=len(batches))
    Random(seed).shuffle(shuffled)
    with undone(ledger) as conn:
        receive(conn, batches)
        expected = state(conn)
        done = conn.execute(
            "SELECT gateway_id, contiguous_no, contiguous_sha256 FROM completeness ORDER BY 1"
        ).fetchall()
    with undone(ledger) as conn:
        receive(conn, shuffled)
        assert state(conn) == expected
        again = conn.execute(
            "SELECT gateway_id, contiguous_no, contiguous_sha256 FROM completeness ORDER BY 1"
        ).fetchall()
        assert again == done


@LAW
@given(history=histories, choice=st.integers(0, 1000))
def test_a_reversal_restores_what_would_have_been(ledger: Ledger, history: list, choice: int) -> None:
    batches = sealed(history)
    rows = [(batch.header.epoch, row.record.seq) for batch in batches for row in batch.rows]
    epoch, seq = rows[choice % len(rows)]
    outbox = Outbox()
    without = [
        outbox.seal(
            [row.record for row in batch.rows if row.record.seq != seq] or [move("1", "A-02", "B-01")]
        )
        for batch in batches
    ]
    with undone(ledger) as conn:
        receive(conn, batches)
        ref = RowRef(gateway="gw-1", epoch=epoch, seq=seq)
        in_turn(conn, lambda conn: post_reversal(conn, CONTROLLER, ref, reason="misread"))
        reversed_state = state(conn)
    if any(len(batch.rows) == 1 and batch.rows[0].record.seq == seq for batch in batches):
        return
    with undone(ledger) as conn:
        receive(conn, without)
        assert state(conn) == reversed_state


@LAW
@given(
    history=histories,
    folds=st.integers(0, 6),
    minute=st.integers(-5, 505),
    position=st.integers(0, 7),
)
def test_the_past_is_the_fold_of_what_had_occurred_and_was_posted(
    ledger: Ledger, history: list, folds: int, minute: int, position: int
) -> None:
    with undone(ledger) as conn:
        start = conn.execute("SELECT position FROM ledger_head").fetchone()[0]
        receive(conn, sealed(history))
        if folds:
            fold(conn, folds)
        cells = [row[0] for row in conn.execute("SELECT cell_id FROM cell")]
        assert past(conn, cells, None, None) == dict(
            conn.execute(
                "SELECT cell_id, coalesce(quantity, 0) FROM cell LEFT JOIN balance USING (cell_id)"
            ).fetchall()
        )
        by_hand = dict.fromkeys(cells, Decimal(0))
        for cell, delta in conn.execute(
            "SELECT s.cell_id, s.delta FROM movement m JOIN ledger_entry e USING (posting_id) "
            "CROSS JOIN LATERAL (VALUES (from_cell, -quantity), (to_cell, quantity)) s (cell_id, delta)"
            " WHERE m.occurred_at <= %s AND e.position <= %s",
            (at(minute), start + position),
        ):
            by_hand[cell] += delta
        assert past(conn, cells, at(minute), start + position) == by_hand


def past(
    conn: psycopg.Connection, cells: list[int], occurred_at: datetime | None, position: int | None
) -> dict[int, Decimal]:
    return as_of(conn, CONTROLLER_EVERYWHERE, cells, occurred_at=occurred_at, position=position)


@LAW
@given(
    steps=st.lists(
        st.one_of(
            moves.map(lambda record: ("move", record)),
            st.tuples(
                st.integers(0, 40).map(lambda n: 10 * n), st.integers(0, 30), st.sampled_from([None, 20])
            ).map(lambda count: ("count", count)),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_a_bound_count_is_the_book_at_its_instant_whatever_comes_late(ledger: Ledger, steps: list) -> None:
    outbox = Outbox()
    with undone(ledger) as conn:
        receive(conn, [outbox.seal([move("30", "@supplier", "A-01", minute=100)])])
        ((cell,),) = conn.execute(
            "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE code = 'A-01' AND lot IS NULL"
        ).fetchall()
        bound: set[int] = set()
        for kind, what in steps:
            if kind == "move":
                receive(conn, [outbox.seal([what])])
            elif what[0] not in bound:
                minute, counted, limit = what
                difference = counted - past(conn, [cell], at(minute), None)[cell]
                bound.add(minute)
                within = limit if limit is None else max(Decimal(limit), abs(difference))
                in_turn(
                    conn,
                    lambda conn, minute=minute, counted=counted, within=within: adjust_to_count(
                        conn,
                        CONTROLLER,
                        cell_id=cell,
                        observed_at=at(minute),
                        counted=Decimal(counted),
                        reason="cycle_count",
                        limit=within,
                    ),
                )
            for observed_at, counted, anchor in conn.execute(
                "SELECT observed_at, counted, state FROM count_anchor WHERE cell_id = %s", (cell,)
            ).fetchall():
                assert anchor == "pending" or past(conn, [cell], observed_at, None)[cell] == counted


def test_writers_of_the_same_cells_in_opposite_orders_lose_nothing(ledger: Ledger) -> None:
    failures: list[BaseException] = []

    def hammer(gateway: str, places: list[str]) -> None:
        outbox = Outbox(gateway)
        try:
            with open_pool(ledger.ingest_dsn, "test-hammer") as pool:
                for turn in range(15):
                    batch = outbox.seal([move("1", "@supplier", place, minute=turn) for place in places])
                    in_transaction(
                        pool,
                        lambda conn, batch=batch: post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch]),
                    )
        except BaseException as error:  # noqa: BLE001  shown by the main thread
            failures.append(error)

    places = [f"H-{n}" for n in range(5)]
    threads = [
        threading.Thread(target=hammer, args=("gw-1", places)),
        threading.Thread(target=hammer, args=("gw-2", places[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ledger.balances() == {"@supplier": -150} | {place: Decimal(30) for place in places}
    assert ledger.query("SELECT position FROM ledger_head") == [(30,)]


def test_names_made_by_a_posting_that_failed_are_not_remembered(ledger: Ledger) -> None:
    outbox = Outbox()
    batch = outbox.seal([move("1", "@supplier", "NEW-01")])

    class StopError(Exception):
        """Ends the transaction."""

    def fail(conn: psycopg.Connection) -> None:
        post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch])
        raise StopError

    with pytest.raises(StopError):
        ledger.as_ingest(fail)
    assert ledger.query("SELECT count(*) FROM cell") == [(0,)]
    ledger.post(batch)
    assert ledger.balances() == {"@supplier": -1, "NEW-01": 1}
    assert effective(batch.rows[0].record).occurred_at - at(0) == timedelta(0)
