"""A balance as of both clocks equals the fold of the movements, whatever was folded and however late."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from scenario import CONTROLLER, Ledger, Outbox, at, move

from cloud.inquiry.past import DifferenceFilter, Moment, cell_changes, differences, item_history
from cloud.ledger.corrections import adjust_to_count
from cloud.ledger.past import as_of, fold, stock_at
from cloud.master.store import add_identifier, add_item
from contracts.records import Side, UnitPosition

FILE = Path(__file__).parents[4] / "shared" / "vectors" / "planning" / "planning-derived.json"


def by_hand(ledger: Ledger, until_at: datetime, until_position: int) -> dict[int, Decimal]:
    return {
        cell: quantity
        for cell, quantity in ledger.query(
            "SELECT s.cell_id, sum(s.delta) FROM movement m JOIN ledger_entry e USING (posting_id) "
            "CROSS JOIN LATERAL (VALUES (from_cell, -quantity), (to_cell, quantity)) s (cell_id, delta)"
            " WHERE m.occurred_at <= %s AND e.position <= %s GROUP BY s.cell_id",
            until_at,
            until_position,
        )
        if quantity
    }


def asked(ledger: Ledger, until_at: datetime, until_position: int) -> dict[int, Decimal]:
    cells = [row[0] for row in ledger.query("SELECT cell_id FROM cell")]
    answer = ledger.as_app(
        lambda conn: as_of(conn, CONTROLLER, cells, occurred_at=until_at, position=until_position)
    )
    assert set(answer) == set(cells)
    return {cell: quantity for cell, quantity in answer.items() if quantity}


@pytest.mark.parametrize("folded", [0, 7, 100])
def test_two_clocks_give_what_the_movements_sum_to(ledger: Ledger, folded: int) -> None:
    random = Random(folded)
    gateway = Outbox()
    places = ["@supplier", "A-01", "A-02", "@customer"]
    for _ in range(12):
        pairs = [random.sample(places, 2) for _ in range(120)]
        ledger.post(
            gateway.seal(
                [move(str(random.randint(1, 9)), *pair, minute=random.randint(0, 3000)) for pair in pairs]
            )
        )
    ledger.as_app(lambda conn: fold(conn, most=5))
    reached = ledger.as_app(lambda conn: fold(conn, most=folded)) if folded else 5
    assert reached == min(12, 5 + folded)
    for _ in range(12):
        moment = at(random.randint(-10, 3010)), random.randint(0, 13)
        assert asked(ledger, *moment) == by_hand(ledger, *moment)
    assert asked(ledger, at(5000), 12) == by_hand(ledger, at(5000), 12)


def test_folding_builds_blocks_of_several_levels(ledger: Ledger) -> None:
    gateway = Outbox()
    for batch in range(9):
        ledger.post(
            gateway.seal(
                [move("1", "@supplier", "A-01", minute=(n * 7919 + batch) % 4500) for n in range(130)]
            )
        )
        ledger.as_app(fold)
    assert ledger.query("SELECT level, count(DISTINCT block) FROM cell_bucket GROUP BY 1 ORDER BY 1") == [
        (0, 14),  # 18 blocks of 64, without the last of each group of four
        (1, 3),  # 4 of 256, without the fourth
        (2, 1),
    ]
    for moment in ((at(100), 9), (at(2000), 5), (at(4400), 8), (at(9999), 9)):
        assert asked(ledger, *moment) == by_hand(ledger, *moment)


def unit_at(unit: str, *, minute: float, **place: str) -> UnitPosition:
    return UnitPosition.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": at(minute),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "unit": unit,
        }
        | place
    )


@pytest.mark.parametrize("packed_first", [True, False])
def test_content_and_position_of_a_unit_commute(ledger: Ledger, *, packed_first: bool) -> None:
    pallet = "003012345678901235"
    packing = Outbox("gw-1").seal([move("48", "@supplier", Side(unit=pallet))])
    standing = Outbox("gw-2").seal([unit_at(pallet, minute=5, location="STAGE")])
    for batch in (packing, standing) if packed_first else (standing, packing):
        ledger.post(batch)
    (stage,) = ledger.query("SELECT location_id FROM location WHERE code = 'STAGE'")
    stock = ledger.as_app(lambda conn: stock_at(conn, CONTROLLER, stage))
    assert [(row.quantity, row.unit_id is not None) for row in stock] == [(48, True)]
    assert ledger.as_app(lambda conn: stock_at(conn, CONTROLLER, stage, occurred_at=at(4))) == []


def test_a_unit_inside_another_moves_with_it(ledger: Ledger) -> None:
    pallet, case = "003012345678901235", "003012345678901242"
    ledger.post(
        Outbox().seal(
            [
                move("6", "@supplier", Side(unit=case)),
                unit_at(case, minute=1, parent=pallet),
                unit_at(pallet, minute=2, location="STAGE"),
                unit_at(pallet, minute=9, location="A-01"),
            ]
        )
    )
    codes = dict(ledger.query("SELECT code, location_id FROM location"))
    for minute, code in ((3, "STAGE"), (10, "A-01")):
        stock = ledger.as_app(
            lambda conn, code=code, minute=minute: stock_at(
                conn, CONTROLLER, [codes[code]], occurred_at=at(minute)
            )
        )
        assert [row.quantity for row in stock] == [6]


def test_what_differs_between_two_moments_is_explained_by_its_movements(ledger: Ledger) -> None:
    random = Random(11)
    gateway = Outbox()
    places = ["@supplier", "A-01", "A-02", "@customer"]
    for _ in range(8):
        pairs = [random.sample(places, 2) for _ in range(25)]
        records = [move(str(random.randint(1, 9)), *pair, minute=random.randint(0, 900)) for pair in pairs]
        ledger.post(gateway.seal(records))
    ledger.as_app(lambda conn: fold(conn, most=5))
    for _ in range(12):
        first, second = (Moment(at(random.randint(-5, 905)), random.randint(0, 9)) for _ in range(2))
        told = ledger.as_app(
            lambda conn, a=first, b=second: differences(
                conn, CONTROLLER, DifferenceFilter(), first=a, second=b, limit=99
            )
        )
        held = [by_hand(ledger, moment.at, moment.position) for moment in (first, second)]
        real = [
            row[0]
            for row in ledger.query(
                "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE kind <> 'virtual'"
            )
        ]
        expected = {cell: (held[0].get(cell, 0), held[1].get(cell, 0)) for cell in real}
        assert {row.cell_id: (row.before, row.after) for row in told} == {
            cell: pair for cell, pair in expected.items() if pair[0] != pair[1]
        }
        for cell in real:
            why = ledger.as_app(
                lambda conn, a=first, b=second, cell=cell: cell_changes(
                    conn, CONTROLLER, cell_id=cell, first=a, second=b, limit=999
                )
            )
            total = Decimal(0)
            for row in why:
                counts_later = row.occurred_at <= second.at and row.position <= second.position
                assert counts_later != (row.occurred_at <= first.at and row.position <= first.position)
                total += (row.quantity if row.to_cell == cell else -row.quantity) * (
                    1 if counts_later else -1
                )
            assert total == expected[cell][1] - expected[cell][0]
    whole = ledger.as_app(lambda conn: item_history(conn, CONTROLLER, item="gtin:05012345678900", limit=500))
    assert len(whole) == 200
    assert [row.occurred_at for row in whole] == sorted((row.occurred_at for row in whole), reverse=True)
    last = whole[49]
    place = (last.occurred_at, last.gateway_key, last.epoch, last.seq)
    until = Moment(at(700), 6)
    paged = ledger.as_app(
        lambda conn: item_history(
            conn, CONTROLLER, item="gtin:05012345678900", until=until, before=place, limit=500
        )
    )
    assert [row.seq for row in paged] == [
        row.seq for row in whole[50:] if row.occurred_at <= until.at and row.position <= until.position
    ]


@pytest.mark.skipif(not FILE.exists(), reason="shared vectors are not beside the repository")
def test_the_ledger_meets_its_planning_vectors(ledger: Ledger) -> None:
    """As-of is independent of order; of two counts the later wins; a unit is an exact ratio."""
    vectors = {vector["id"]: vector for vector in json.loads(FILE.read_text("utf-8"))["vectors"]}
    asof, counts, units = (vectors[f"ledger-{name}"] for name in ("asof-001", "count-002", "uom-001"))
    gateway = Outbox()
    events = asof["input"]["events"]
    for event in sorted(events, key=lambda event: event.get("recorded", event["t"])):
        pair = ("@supplier", "A-01") if event["q"] > 0 else ("A-01", "@customer")
        ledger.post(gateway.seal([move(str(abs(event["q"])), *pair, minute=event["t"])]))
    ((cell,),) = ledger.query(
        "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE code = 'A-01'"
    )
    for instant, balance in asof["expected"]["balance"].items():
        held = ledger.as_app(lambda conn, t=int(instant): as_of(conn, CONTROLLER, [cell], occurred_at=at(t)))
        assert held == {cell: balance}

    book, counted = counts["input"]["book"], [counts["input"][name] for name in ("count1", "count2")]
    ledger.post(gateway.seal([move(str(book), "@supplier", "B-01")]))
    ((cell,),) = ledger.query(
        "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE code = 'B-01'"
    )
    for minute, quantity in reversed(list(enumerate(counted, start=100))):  # the earlier is approved last
        ledger.as_app(
            lambda conn, minute=minute, quantity=quantity: adjust_to_count(
                conn,
                CONTROLLER,
                cell_id=cell,
                observed_at=at(minute),
                counted=Decimal(quantity),
                reason="count",
            )
        )
    assert ledger.balances()["B-01"] == counts["expected"]["balance"]

    box, each = "05012345678931", "05012345678948"
    ratio = (1, units["input"]["nos_per_box"])
    number = ledger.as_app(lambda conn: add_item(conn, "BOXED", name=None, category=None, base_unit="box"))
    for value, parts in ((box, (1, 1)), (each, ratio)):
        ledger.as_app(
            lambda conn, value=value, parts=parts: add_identifier(
                conn, ("gtin", value), number, ratio=parts, valid_from=None
            )
        )
    ledger.post(gateway.seal([move(str(units["input"]["in_boxes"]), "@supplier", "C-01", item=box)]))
    nos = move(str(units["input"]["out_nos"]), "C-01", "@customer", item=each, unit_seen=each)
    ledger.post(gateway.seal([nos]))
    assert ledger.balances().get("C-01", 0) == units["expected"]["balance_boxes"]
    assert ledger.query("SELECT count(*) FROM quarantine") == [(0,)]
