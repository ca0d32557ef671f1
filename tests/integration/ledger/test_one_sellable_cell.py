"""Goods stated as sellable and those of no stated condition are one cell, whoever posts."""

from collections import Counter
from decimal import Decimal
from importlib.resources import files

import psycopg
import pytest
from closing import NOW, approve
from hypothesis import given
from hypothesis import strategies as st
from scenario import CONTROLLER, SITE, Ledger, Outbox, at, move, stated
from test_laws import LAW, in_turn, receive, sealed, undone

from cloud.counting.reconciling.domain import ReconciliationError, StatedLine, StatedList
from cloud.counting.reconciling.service import reconcile
from cloud.decisions.domain import Decision
from cloud.ledger.corrections import post_reversal
from cloud.ledger.past import fold
from cloud.ledger.verification.service import verify
from contracts.records import Count, CountLine, Identifier, Movement, RowRef, Side
from contracts.vocabulary import CountScope

ITEM, GTIN = "gtin:05012345678900", "05012345678900"


def there(place: str, condition: str | None = None, lot: str | None = None) -> Side:
    return Side.model_validate({"location": place, "disposition": condition, "lot": lot})


def held(ledger: Ledger) -> list[tuple[str, str | None, Decimal]]:
    """Give what lies in which cell, accounts left out."""
    return ledger.query(
        "SELECT l.code, c.disposition, b.quantity FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) WHERE b.quantity <> 0 AND l.kind <> 'virtual' ORDER BY 1, 2, 3"
    )


def state_list(ledger: Ledger, *lines: StatedLine, minute: float = 60) -> Decision:
    paper = StatedList(SITE, at(minute), list(lines), "list.csv")
    return ledger.as_app(lambda conn: reconcile(conn, CONTROLLER, paper, now=NOW))


def test_what_was_graded_sellable_is_taken_where_it_lies(ledger: Ledger) -> None:
    gateway = Outbox()
    sent = gateway.seal(
        [
            move("5", "@customer", there("RETURNS", "returned")),
            move("5", there("RETURNS", "returned"), there("RETURNS", "sellable"), minute=1),
            move("3", "RETURNS", "A-01", minute=2),
            move("2", there("RETURNS", "sellable"), there("A-01", "sellable"), minute=3),
        ]
    )
    ledger.post(sent)
    assert held(ledger) == [("A-01", None, 5)]
    ledger.state(stated(move("1", there("A-01", "sellable"), "B-01", minute=4)))
    assert held(ledger) == [("A-01", None, 4), ("B-01", None, 1)]
    assert ledger.query("SELECT count(*) FROM cell WHERE disposition = 'sellable'") == [(0,)]
    assert b'"disposition":"sellable"' in sent.body, "what was stated stays in the batch"
    assert ledger.as_owner(verify).is_clean


def test_a_stock_list_of_sellable_goods_is_about_those_of_no_stated_condition(ledger: Ledger) -> None:
    ledger.post(
        Outbox().seal([move("20", "@supplier", "A-01"), move("2", "@supplier", there("A-01", "damaged"))])
    )
    right = state_list(ledger, StatedLine(ITEM, "A-01", Decimal(20), disposition="sellable"))
    assert (right.effect["lines"], right.effect["differing"]) == (1, 0)
    apart = [
        StatedLine(ITEM, "A-01", Decimal(17), disposition="sellable"),
        StatedLine(ITEM, "A-01", Decimal(3), lot="L7"),
    ]
    assert approve(ledger, state_list(ledger, *apart)).outcome["bound"] == 2
    assert held(ledger) == [("A-01", "damaged", 2), ("A-01", None, 3), ("A-01", None, 17)]
    again = approve(ledger, state_list(ledger, *apart, minute=61))
    assert (again.outcome["bound"], again.outcome["differing"]) == (2, 0)
    twice = [
        StatedLine(ITEM, "A-01", Decimal(9)),
        StatedLine(ITEM, "A-01", Decimal(9), disposition="sellable"),
    ]
    with pytest.raises(ReconciliationError, match="stands in line 1 already"):
        state_list(ledger, *twice)
    assert ledger.as_owner(verify).is_clean


def stood_apart(ledger: Ledger, quantity: int, place: str) -> int:
    """Post as before sellable and no condition were one; gives the movement's seq."""

    def post(conn: psycopg.Connection) -> int:
        (posting,) = conn.execute("SELECT posting_id FROM begin_posting()").fetchone()
        (seq,) = conn.execute(
            "WITH apart AS (INSERT INTO cell (item_id, location_id, disposition, site_id, posting_id)"
            " SELECT c.item_id, c.location_id, 'sellable', c.site_id, %(p)s FROM cell c"
            " JOIN location l USING (location_id) WHERE l.code = %(place)s AND c.disposition IS NULL"
            " ON CONFLICT DO NOTHING RETURNING cell_id, item_id, site_id)"
            " INSERT INTO movement (gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell,"
            " to_cell, quantity, site_id, identifier_scheme, identifier, quantity_seen, unit_seen,"
            " occurred_at_claimed, time_basis, detail)"
            " SELECT g.gateway_id, 0, nextval('cloud_row_seq'), %(at)s, %(p)s, a.item_id, f.cell_id,"
            " a.cell_id, %(q)s, a.site_id, 'gtin', %(gtin)s, %(q)s, 'base', %(at)s, 'claimed', '{}'"
            " FROM apart a"
            " JOIN gateway g ON g.name = '_cloud' JOIN cell f ON f.item_id = a.item_id"
            " JOIN location s ON s.location_id = f.location_id AND s.code = '@supplier' RETURNING seq",
            {"p": posting, "place": place, "at": at(5), "q": quantity, "gtin": GTIN},
        ).fetchone()
        conn.execute(
            "CREATE OR REPLACE FUNCTION leave_stated_sellable(p bigint, actor text) RETURNS void"
            " LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS ''"
        )
        conn.execute("SELECT close_posting(%s, 'statement', 'test')", (posting,))
        return seq

    return ledger.as_owner(post)


def upgrade(ledger: Ledger) -> None:
    text = files("cloud.db").joinpath("repeatable", "415_one_sellable_cell.sql").read_text(encoding="utf-8")
    ledger.as_owner(lambda conn: conn.execute(text))


def test_what_stood_apart_is_moved_with_the_upgrade_and_does_not_come_back(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("20", "@supplier", "A-01"), move("1", "@supplier", "B-01")]))
    seq = stood_apart(ledger, 6, "A-01")
    assert held(ledger) == [("A-01", "sellable", 6), ("A-01", None, 20), ("B-01", None, 1)]
    upgrade(ledger)
    upgrade(ledger)
    assert held(ledger) == [("A-01", None, 26), ("B-01", None, 1)]
    moved = "SELECT quantity, reason, detail ->> 'actor' FROM movement WHERE reason = 'same_condition'"
    assert ledger.query(moved) == [(6, "same_condition", "system:upgrade")]
    before = RowRef(gateway="_cloud", epoch="0" * 16, seq=seq)
    ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, before, reason="misread"))
    assert held(ledger) == [("A-01", None, 20), ("B-01", None, 1)]
    ledger.as_app(lambda conn: fold(conn, most=1000))
    assert ledger.as_owner(verify).is_clean
    listed = state_list(ledger, StatedLine(ITEM, "A-01", Decimal(20)))
    assert listed.effect["differing"] == 0


CONDITIONS = (None, "sellable", "returned", "damaged")
ends = st.tuples(st.sampled_from(["@supplier", "@customer", "A-01", "A-02"]), st.sampled_from(CONDITIONS))


def one_of(end: tuple[str, str | None]) -> tuple[str, str | None]:
    return end[0], None if end[1] == "sellable" else end[1]


steps = st.tuples(ends, ends, st.integers(1, 9), st.integers(0, 99)).filter(
    lambda step: one_of(step[0]) != one_of(step[1])
)


def counted(condition: str | None, minute: float) -> Count:
    line = CountLine.model_validate(
        {"identifier": Identifier(scheme="gtin", value=GTIN), "quantity": 4, "disposition": condition}
    )
    fields = {"seq": 1, "occurred_at_claimed": at(minute), "mono_ns": 0, "boot_id": "b", "clock_ok": True}
    return Count(scope=CountScope.BIN, location="A-01", lines=(line,), **fields)


@LAW
@given(
    history=st.lists(st.lists(steps, min_size=1, max_size=6), min_size=1, max_size=5),
    count=st.tuples(st.sampled_from(CONDITIONS), st.integers(0, 99)),
    taken_back=st.booleans(),
)
def test_no_history_leaves_a_pair_of_cells(
    ledger: Ledger, history: list, count: tuple[str | None, int], *, taken_back: bool
) -> None:
    expected: Counter[tuple[str, str | None]] = Counter()
    records: list[list[Movement | Count]] = []
    for batch in history:
        records.append([])
        for source, destination, quantity, minute in batch:
            records[-1].append(move(str(quantity), there(*source), there(*destination), minute=minute))
            expected[one_of(source)] -= quantity
            expected[one_of(destination)] += quantity
    records[-1].append(counted(*count))
    with undone(ledger) as conn:
        receive(conn, sealed(records))
        if taken_back:
            source, destination, quantity, _ = history[0][0]
            first = RowRef(gateway="gw-1", epoch=Outbox().epoch, seq=1)
            in_turn(conn, lambda conn: post_reversal(conn, CONTROLLER, first, reason="misread"))
            expected[one_of(source)] += quantity
            expected[one_of(destination)] -= quantity
        rows = conn.execute(
            "SELECT l.code, c.disposition, b.quantity FROM balance b JOIN cell c USING (cell_id)"
            " JOIN location l USING (location_id) WHERE b.quantity <> 0"
        ).fetchall()
        found = {(code, condition): quantity for code, condition, quantity in rows}
        assert len(found) == len(rows)
        assert found == {end: quantity for end, quantity in expected.items() if quantity}
        assert conn.execute("SELECT count(*) FROM cell WHERE disposition = 'sellable'").fetchone() == (0,)
