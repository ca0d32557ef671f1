"""Dates that handhelds read off labels become their lots': on the real ledger, by scans alone."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from cloud.allocation import terms
from cloud.allocation.domain import AllocationError
from cloud.db import LastingConnection
from cloud.db.apart import PartsFailedError
from cloud.ledger.corrections import merge_items
from cloud.ledger.domain import AcceptedBatch
from cloud.lots import dating, labelled
from cloud.lots.labelled import DIFFER, note_for, note_labels
from cloud.lots.resolver import RESOLVER
from cloud.master.life import LifePaper, put_lives
from cloud.master.shelf_life import ShelfLifePaper, put_shelf_lives
from contracts.records import LabelDates, Movement, RowRef
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.ledger.scenario import SITE, Outbox
from tests.integration.lots.floor import GTINS, KIM, NET, Floor, goes, open_floor


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", gateways=("gw-1", "gw-2")) as floor:
        yield floor


def label(lot: str, *told: str, item: str = "MILK") -> str:
    """Print a GS1-128 label: application identifiers of fixed length, then the lot."""
    return f"]C101{GTINS[item]}{''.join(told)}10{lot}"


def receives(floor: Floor, minute: float, *labels: str, outbox: Outbox | None = None) -> AcceptedBatch:
    """Let a handheld receive goods by their labels alone."""
    batch = (outbox or floor.outbox).seal(work("$RECEIVE/DN-1", *labels, "$DONE", minute=minute))
    floor.ledger.post(batch)
    return batch


def scanned(outbox: Outbox, minute: float, text: str) -> tuple[AcceptedBatch, RowRef]:
    """Seal one scan, and name its movement."""
    records = work("$RECEIVE/DN-1", text, "$DONE", minute=minute)
    (place,) = (n for n, each in enumerate(records, outbox.seq + 1) if isinstance(each, Movement))
    ref = {"gateway": outbox.gateway, "epoch": outbox.epoch, "seq": place}
    return outbox.seal(records), RowRef.model_validate(ref)


def undone(batch: AcceptedBatch, ref: RowRef) -> Movement:
    """Take a scan back as a handheld does: its mirror image, which names the same dates."""
    (moved,) = (row.record for row in batch.rows if isinstance(row.record, Movement))
    ends = {"source": moved.destination, "destination": moved.source}
    return moved.model_copy(update=ends | {"reverses": ref, "reason": "undo"})


def notes(floor: Floor) -> None:
    """Let the job look until there is nothing left."""
    while floor.ledger.as_app(lambda conn: note_labels(conn, RESOLVER)):
        pass


def dates(floor: Floor, lot: str, item: str = "MILK") -> tuple[date | None, date | None]:
    found = floor.ledger.query(
        "SELECT expires_on, produced_on FROM lot JOIN item USING (item_id) WHERE code = %s AND lot = %s",
        item,
        lot,
    )
    return found[0] if found else (None, None)


def states(floor: Floor, lot: str, **said: Any) -> bool:
    said = {"states_expiry": "expires_on" in said} | said
    return floor.ledger.as_app(lambda conn: terms.put_lot(conn, NET, item="MILK", lot=lot, **said))


def told(floor: Floor) -> list[str]:
    return [ticket.summary for ticket in floor.tickets(DIFFER)]


def test_what_a_handheld_receives_by_label_expires_the_day_after_the_last_it_may_be_used(
    floor: Floor,
) -> None:
    receives(
        floor,
        1,
        label("USE", "11260203", "15260600", "17260831"),
        label("BEST", "15260600"),
        label("SHOP", "13260204", "16260630"),
        label("MADE", "11260203"),
        label("MONTH", "11260200"),
        label("BARE"),
    )
    notes(floor)
    assert dates(floor, "USE") == (date(2026, 9, 1), date(2026, 2, 3)), "not by its best-before date"
    assert dates(floor, "BEST") == (date(2026, 7, 1), None), "day 00 is the last of its month"
    assert dates(floor, "SHOP") == (None, None), "neither of its days says how long it is good"
    assert dates(floor, "MADE") == (None, date(2026, 2, 3))
    assert floor.ledger.query("SELECT 1 FROM lot WHERE lot = 'BARE'") == []
    floor.ledger.as_app(lambda conn: put_shelf_lives(conn, NET, [ShelfLifePaper(item="MILK", days=100)]))
    assert dates(floor, "MADE")[0] == date(2026, 5, 14), "its item's shelf life after what its label says"
    assert dates(floor, "MONTH")[0] == date(2026, 5, 12), "it may have been made on its month's first day"
    assert dates(floor, "USE")[0] == date(2026, 9, 1), "what its label says wins"
    asked = {"item": "MILK", "lot": "USE", "limit": 10}
    told = floor.ledger.as_app(lambda conn: dating.story(conn, KIM, **asked))
    assert [(each.use_by, each.site, each.gateway, each.said) for each in told.labels] == [
        (date(2026, 8, 31), SITE, "gw-1", 1)
    ]


def test_picks_claims_and_the_sites_midnight_follow_from_labels_alone(floor: Floor) -> None:
    floor.orders("SO-1", "MILK", 3, "ACME")
    receives(floor, 1, label("LATE", "17261231"), label("LATE", "17261231"), label("SOON", "17260430"))
    floor.moves(*(goes("MILK", 1, "STAGE-1", "A-01", lot, minute=2) for lot in ("LATE", "LATE", "SOON")))
    floor.settles()
    ((zone,),) = floor.ledger.query("SELECT time_zone FROM site WHERE site_id = %s", SITE)
    ((midnight,),) = floor.ledger.query("SELECT timestamp '2026-05-01' AT TIME ZONE %s", zone)
    before, after = midnight - timedelta(minutes=1), midnight + timedelta(minutes=1)
    assert [(row.lot, row.days_left) for row in floor.expiring(before, 1)] == [("SOON", 1)]
    assert [(row.lot, row.is_expired) for row in floor.expiring(after, 0)] == [("SOON", True)]
    assert [int(floor.available("MILK", now)[0].usable) for now in (before, after)] == [3, 2]
    floor.claims("SO-1")
    assert [lot for _, _, lot, _ in floor.claimed()] == ["LATE", "SOON"]
    rows = floor.ledger.query(
        "SELECT c.lot FROM allocation JOIN cell c USING (cell_id) ORDER BY allocation_id"
    )
    assert rows[0] == ("SOON",), "first expired, first out"


def test_of_two_labels_of_a_lot_that_differ_the_earlier_day_counts_and_a_person_is_told_until_they_answer(
    floor: Floor,
) -> None:
    receives(floor, 1, label("L1", "11260203", "17260831"))
    notes(floor)
    assert told(floor) == []
    receives(floor, 2, label("L1", "11260203", "17260930"), label("L1", "11260203", "17260731"))
    notes(floor)
    (summary,) = told(floor)
    assert summary == (
        "MILK lot L1: its labels differ from what is known (use by 2026-07-31, 2026-08-31, 2026-09-30); "
        "it is good until 2026-08-01, that day not included, produced on 2026-02-03"
    )
    receives(floor, 3, label("L1", "11260203", "17260930"))
    notes(floor)
    (ticket,) = floor.tickets(DIFFER)
    assert (ticket.occurrences, ticket.site, ticket.severity) == (1, SITE, "warning"), "nothing new"
    assert states(floor, "L1", expires_on=date(2026, 9, 1), reason="read the delivery note")
    notes(floor)
    assert (told(floor), dates(floor, "L1")[0]) == ([], date(2026, 9, 1))
    receives(floor, 4, label("L1", "17270131"))
    notes(floor)
    assert dates(floor, "L1")[0] == date(2026, 9, 1), "what somebody said is not overwritten"
    assert len(told(floor)) == 1, "but a label that came later says otherwise"
    assert states(floor, "L1", expires_on=date(2026, 9, 1)), "the same again is an answer"
    notes(floor)
    assert told(floor) == []
    assert not states(floor, "L1", expires_on=date(2026, 9, 1))


def test_an_answer_holds_for_the_next_pallet_whose_label_says_the_same_last_day_beside_another_packing_day(
    floor: Floor,
) -> None:
    receives(floor, 1, label("L1", "13260203", "17260831"))
    notes(floor)
    states(floor, "L1", expires_on=date(2026, 10, 1), reason="the supplier's letter: misprinted")
    receives(floor, 2, label("L1", "13260204", "17260831"))
    notes(floor)
    assert told(floor) == []
    receives(floor, 3, label("L1", "13260205", "17260930"), label("L1", "13260206", "17261031"))
    notes(floor)
    assert len(told(floor)) == 1
    assert "(use by 2026-09-30, 2026-10-31)" in told(floor)[0], "what is answered is not named again"


def test_a_label_that_was_undone_and_appears_anew_after_an_answer_is_told(floor: Floor) -> None:
    read, ref = scanned(floor.outbox, 1, label("L1", "17260731"))
    floor.ledger.post(read)
    notes(floor)
    floor.ledger.post(floor.outbox.seal([undone(read, ref)]))
    notes(floor)
    states(floor, "L1", expires_on=date(2026, 9, 1), reason="read the case")
    notes(floor)
    assert told(floor) == []
    receives(floor, 2, label("L1", "17260731"))
    notes(floor)
    assert ["(use by 2026-07-31)" in summary for summary in told(floor)] == [True]


def test_labels_by_which_a_lot_expires_before_it_was_made_are_told_until_it_does_not(floor: Floor) -> None:
    receives(floor, 1, label("L1", "17260831"), label("L1", "11261005"))
    notes(floor)
    assert dates(floor, "L1") == (date(2026, 9, 1), date(2026, 10, 5))
    (summary,) = told(floor)
    assert "(produced on 2026-10-05, not before it expires on 2026-09-01)" in summary
    assert states(floor, "L1", expires_on=date(2026, 9, 1)), "nobody said when it was made"
    notes(floor)
    assert len(told(floor)) == 1
    assert states(floor, "L1", produced_on=date(2026, 2, 5), reason="read the case")
    notes(floor)
    assert told(floor) == []
    with pytest.raises(AllocationError, match="expires_on 2026-02-05: expected after produced_on 2026-02-05"):
        states(floor, "L1", expires_on=date(2026, 2, 5), reason="both are people's")


def test_labels_that_say_best_before_and_production_differently_are_told_too(floor: Floor) -> None:
    receives(floor, 1, label("L1", "15260831"), label("L1", "15260930"), label("L2", "11260203"))
    receives(floor, 2, label("L2", "11260204"))
    states(floor, "L3", expires_on=date(2026, 9, 1))
    receives(floor, 3, label("L3", "15260831"), label("L3", "15260731"))
    states(floor, "L4", expires_on=date(2026, 9, 1), produced_on=date(2026, 2, 3))
    receives(floor, 4, label("L4", "11260203", "15260901"))
    notes(floor)
    words = {ticket.detail["lot"]: ticket.detail["labels"] for ticket in floor.tickets(DIFFER)}
    assert words == {
        "L1": "best before 2026-08-31, 2026-09-30",
        "L2": "produced on 2026-02-03, 2026-02-04",
        "L3": "best before 2026-07-31, 2026-08-31",
        "L4": "best before 2026-09-01",
    }
    assert dates(floor, "L1")[0] == date(2026, 9, 1)
    assert dates(floor, "L2")[1] == date(2026, 2, 3)


def test_what_is_undone_or_reversed_says_nothing(floor: Floor) -> None:
    receives(floor, 1, label("L1", "17260831"))
    first = floor.outbox.seq
    read, ref = scanned(floor.outbox, 2, label("L1", "17260731"))
    floor.ledger.post(read)
    floor.ledger.post(floor.outbox.seal([undone(read, ref)]))
    notes(floor)
    assert (dates(floor, "L1")[0], told(floor)) == (date(2026, 9, 1), [])
    assert first == 3
    floor.reverses_movement(2)
    notes(floor)
    assert dates(floor, "L1") == (None, None)
    assert floor.ledger.query("SELECT DISTINCT said FROM lot_label") == [(0,)]


def test_a_statement_is_taken_back_and_labels_say_again(floor: Floor) -> None:
    receives(floor, 1, label("L1", "11260203", "17260831"))
    notes(floor)
    states(floor, "L1", expires_on=None, produced_on=date(2026, 2, 1), reason="it keeps")
    notes(floor)
    assert dates(floor, "L1") == (None, date(2026, 2, 1))
    assert told(floor) == []
    assert states(floor, "L1", taken_back=("expires_on", "produced_on"), states_expiry=False)
    assert dates(floor, "L1") == (date(2026, 9, 1), date(2026, 2, 3))
    assert not states(floor, "L1", taken_back=("expires_on", "produced_on"), states_expiry=False)
    asked = {"item": "MILK", "lot": "L1", "limit": 10}
    kept = floor.ledger.as_app(lambda conn: dating.story(conn, KIM, **asked)).statements
    assert [(each.expiry, each.production, each.reason, each.stated_by) for each in kept] == [
        ("taken_back", "taken_back", None, "user:net"),
        ("keeps", "on", "it keeps", "user:net"),
    ]


def test_minimum_life_at_receipt_is_by_the_label(floor: Floor) -> None:
    floor.ledger.as_app(lambda conn: put_lives(conn, NET, [LifePaper(item="MILK", days=30)]))
    receives(floor, 1, label("SOON", "17260310"))
    notes(floor)
    assert floor.ledger.query("SELECT lot FROM lot_dated") == [("SOON",)]


def test_labels_of_goods_that_nobody_had_set_up_go_along_when_they_are_merged_and_back(floor: Floor) -> None:
    stranger = "00614141000098"
    receives(floor, 1, f"]C101{stranger}1726083110L9", label("L1", "17260831"))
    notes(floor)
    code = f"gtin:{stranger}"
    assert dates(floor, "L9", code)[0] == date(2026, 9, 1)

    def reads_as(into: str) -> None:
        ratio = {"ratio": (1, 1)}
        floor.ledger.as_app(lambda conn: merge_items(conn, NET, from_code=code, to_code=into, **ratio))
        notes(floor)

    reads_as("MILK")
    assert (dates(floor, "L9")[0], dates(floor, "L9", code)[0]) == (date(2026, 9, 1), None)
    reads_as(code)
    assert (dates(floor, "L9")[0], dates(floor, "L9", code)[0]) == (None, date(2026, 9, 1))


def test_what_a_release_before_kept_of_dates_it_did_not_know_is_read_and_nonsense_says_nothing(
    floor: Floor,
) -> None:
    good = goes("MILK", 1, "@supplier", "A-01", "L1", label_dates=LabelDates(use_by=date(2026, 8, 31)))
    floor.moves(good)
    floor.ledger.as_owner(
        lambda conn: conn.execute(
            "ALTER TABLE movement DISABLE TRIGGER USER; UPDATE movement SET detail = detail || "
            """'{"label_dates": {"use_by": "2026-02-31", "best_before": "9999-12-31", "sell_by": 7}}'; """
            "ALTER TABLE movement ENABLE TRIGGER USER"
        )
    )
    floor.moves(good.model_copy(update={"label_dates": LabelDates(produced_on=date(2026, 2, 3))}))
    notes(floor)
    assert dates(floor, "L1") == (None, date(2026, 2, 3))


def arrive(floor: Floor, batches: list[AcceptedBatch]) -> Mapping[str, tuple[date | None, date | None]]:
    for batch in batches:
        floor.ledger.post(batch)
        notes(floor)
    return {lot: dates(floor, lot) for lot in ("L1", "L2", "L3")}


def test_the_order_in_which_batches_arrive_makes_no_difference(floor: Floor) -> None:
    random, outboxes = Random(7), (Outbox("gw-1"), Outbox("gw-2"))
    batches = []
    for number in range(12):
        days = [f"17{260700 + random.randrange(1, 31):06}", f"11{260200 + random.randrange(1, 28):06}"]
        name = label(f"L{random.randrange(1, 4)}", *random.sample(days, random.randrange(1, 3)))
        outbox = outboxes[number % 2]
        read, ref = scanned(outbox, number, name)
        batches.append(read)
        if number % 4 == 3:
            batches.append(outbox.seal([undone(read, ref)]))
    random.shuffle(batches)
    found = arrive(floor, batches)
    expected = floor.ledger.query(
        "SELECT coalesce(t.lot, f.lot), min((m.detail #>> '{label_dates,use_by}')::date) + 1, "
        "min((m.detail #>> '{label_dates,produced_on}')::date) FROM movement m "
        "JOIN cell f ON f.cell_id = m.from_cell JOIN cell t ON t.cell_id = m.to_cell "
        "WHERE m.reverses_seq IS NULL AND NOT is_reversed(m) GROUP BY 1"
    )
    assert found == {lot: (use_by, made) for lot, use_by, made in expected}


def test_a_long_ledger_is_read_in_steps_of_so_many_movements_and_a_run_leaves_the_rest_to_the_next(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        receives(floor, number, *(label(f"L{number}", f"1726083{n % 2}") for n in range(4)))
    ((ahead,),) = floor.ledger.query("SELECT h.position - l.position FROM ledger_head h, lot_label_head l")
    steps = [floor.ledger.query("SELECT note_lot_labels(%s)", most)[0][0] for most in (1, 9, 12, 12)]
    assert (ahead, steps) == (5, [4, 2, 0, 0]), "a posting of 4 at least, then two, then two"
    assert floor.ledger.query("SELECT sum(said) FROM lot_label") == [(20,)]
    floor.ledger.as_owner(
        lambda conn: conn.execute("UPDATE lot_label_head SET position = 0; TRUNCATE lot_label, lot_label_due")
    )
    with closing(LastingConnection(floor.ledger.app_dsn, "test-labels")) as source:
        monkeypatch.setattr(labelled, "_MOVEMENTS", 9)
        for known in ("L1", "L3", "L4"):
            note_for(source, RESOLVER, timedelta(0))
            assert [dates(floor, f"L{n}")[0] is not None for n in range(5)] == [
                f"L{n}" <= known for n in range(5)
            ]
        floor.ledger.as_owner(lambda conn: conn.execute("UPDATE lot_label_head SET position = 0"))
        note_for(source, RESOLVER, timedelta(minutes=5))
    assert floor.ledger.query("SELECT sum(said) FROM lot_label") == [(40,)]


def test_labels_that_cannot_be_read_keep_nothing_from_being_inferred(floor: Floor) -> None:
    floor.controls("MILK", rule="fefo")
    receives(floor, 1, label("L1", "17260831"))
    floor.moves(goes("MILK", 1, "STAGE-1", "A-01", None, minute=2))
    receives(floor, 9, label("L0", item="BOX"), outbox=Outbox("gw-2"))
    receives(floor, 9, label("L0", item="BOX"))
    right = "EXECUTE ON FUNCTION note_lot_labels(bigint)"
    floor.ledger.as_owner(lambda conn: conn.execute(f"REVOKE {right} FROM dockledger_app"))
    with pytest.raises(PartsFailedError) as failed:
        floor.resolves()
    assert list(failed.value.failures) == ["labels"]
    assert "permission denied for function note_lot_labels" in failed.value.failures["labels"]
    assert (floor.lots()["A-01", "L1"], dates(floor, "L1")) == (1, (None, None))
    floor.ledger.as_owner(lambda conn: conn.execute(f"GRANT {right} TO dockledger_app"))
    floor.settles()
    assert dates(floor, "L1")[0] == date(2026, 9, 1)
