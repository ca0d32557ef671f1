"""Stories of people with scanners, told scan by scan."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.records import DocumentRef, Movement
from contracts.vocabulary import BizStep, Disposition
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.positions import UnitPositions

GTIN_LABEL = "]C10107032069804988"
SSCC_LABEL = "]C100106141412345678908"
SSCCS = ["106141412345678908", "106141412345678915", "106141412345678922"]


def ends(movement: Movement) -> tuple[str | None, str | None, Decimal]:
    return movement.source.location, movement.destination.location, movement.quantity_seen


@pytest.mark.parametrize(
    ("command", "places", "step", "document"),
    [
        ("$RECEIVE/PO-1", ("@supplier", "STAGING"), BizStep.RECEIVING, "receipt"),
        ("$SHIP/PO-1", ("STAGING", "@customer"), BizStep.SHIPPING, "shipment"),
        ("$RETURN/PO-1", ("@customer", "RETURNS"), BizStep.RECEIVING, "customer_return"),
    ],
)
def test_an_item_of_a_document_moves_at_once(
    bench: Any, command: str, places: tuple[str, str], step: BizStep, document: str
) -> None:
    assert bench.scan(command).signal is Signal.STEP
    assert bench.scan("$QTY/6").signal is Signal.STEP
    assert bench.scan("85123A").signal is Signal.SUCCESS
    [movement] = bench.movements
    assert ends(movement) == (*places, Decimal(6))
    assert movement.documents == (DocumentRef(type=document, id="PO-1", line="1"),)
    assert (movement.biz_step, movement.actor, movement.device) == (step, "ann", "scanner-1")
    assert movement.identifier.value == "85123A"
    assert movement.scan == "]C085123A"


def test_what_a_customer_brings_back_is_not_sellable(bench: Any) -> None:
    bench.scan("$RETURN/RMA-1", "85123A")
    assert bench.movements[0].destination.disposition is Disposition.RETURNED
    assert bench.movements[0].source.disposition is None


def test_lines_count_up_unless_one_is_named(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "85123A", "$LINE/9", "71053", "22752")
    assert [movement.documents[0].line for movement in bench.movements] == ["1", "9", "10"]


def test_a_quantity_is_for_one_item_only(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "$QTY/2.5", "85123A", "71053")
    assert [movement.quantity_seen for movement in bench.movements] == [Decimal("2.5"), Decimal(1)]


def test_a_put_away_moves_everything_on_the_cart_to_the_scanned_bin(bench: Any) -> None:
    bench.scan("$PUTAWAY", "$QTY/6", "85123A", "71053")
    assert bench.movements == []
    assert bench.scan("A-01").signal is Signal.SUCCESS
    assert [ends(movement) for movement in bench.movements] == [
        ("STAGING", "A-01", Decimal(6)),
        ("STAGING", "A-01", Decimal(1)),
    ]
    assert all(movement.documents[0].type == "putaway" for movement in bench.movements)


def test_a_move_goes_from_bin_to_bin_and_then_from_the_next_bin(bench: Any) -> None:
    bench.scan("$MOVE", "A-01", "85123A", "B-02", "C-03", "71053", "]C14149506000134352254D-04")
    assert [ends(movement)[:2] for movement in bench.movements] == [("A-01", "B-02"), ("C-03", "D-04")]


def test_a_pick_goes_from_the_scanned_bin_to_staging(bench: Any) -> None:
    bench.scan("$PICK/SO-5", "A-01", "85123A", "LOC-B-02", "71053")
    assert [ends(movement)[:2] for movement in bench.movements] == [("A-01", "STAGING"), ("B-02", "STAGING")]


def test_a_pallet_is_put_away_as_one_unit_position(bench: Any) -> None:
    bench.scan("$PUTAWAY", SSCC_LABEL, "A-01")
    [position] = bench.positions
    assert (position.unit, position.location, position.from_location) == (
        "106141412345678908",
        "A-01",
        "STAGING",
    )
    assert bench.movements == []


def test_a_pallet_received_by_hand_stands_in_staging_and_moves_nothing(bench: Any) -> None:
    assert bench.scan("$RECEIVE/PO-1", SSCC_LABEL).signal is Signal.SUCCESS
    [position] = bench.positions
    assert (position.unit, position.location, position.biz_step) == (
        "106141412345678908",
        "STAGING",
        BizStep.RECEIVING,
    )
    assert position.documents == (DocumentRef(type="receipt", id="PO-1", line="1"),)
    assert bench.movements == []
    bench.scan("$UNDO")
    assert bench.positions[-1].location == "@supplier", "it did not arrive after all"


def test_a_pallet_that_a_door_has_placed_already_is_confirmed_by_hand(bench: Any) -> None:
    seen = UnitPositions()
    bench.engine = replace(bench.engine, whereabouts=seen.location_of)
    bench.scan("$RECEIVE/PO-1", SSCC_LABEL)
    seen.note([Draft(record) for record in bench.records])
    assert bench.scan(SSCC_LABEL).signal is Signal.STEP
    assert len(bench.positions) == 1
    assert bench.events[-1] == ("receive", "confirmed", "unit_position")
    bench.scan("$PUTAWAY", SSCC_LABEL, "A-01")
    seen.note([Draft(record) for record in bench.records])
    bench.scan("$RECEIVE/PO-1", SSCC_LABEL)
    assert [each.location for each in bench.positions] == ["STAGING", "A-01", "STAGING"]


def test_units_longest_unheard_of_are_forgotten_first(bench: Any) -> None:
    seen = UnitPositions(most=2)
    bench.scan("$RECEIVE/PO-1", *(f"]C100{sscc}" for sscc in SSCCS))
    seen.note([Draft(record) for record in bench.records])
    assert [seen.location_of(sscc) for sscc in SSCCS] == [None, "STAGING", "STAGING"]


def test_a_gs1_label_brings_its_lot_count_and_packaging_level(bench: Any) -> None:
    bench.scan("$RECEIVE/PO-1", "]C1020703206980498837" + "24\x1d10L1")
    [movement] = bench.movements
    assert movement.identifier.value == movement.unit_seen == "07032069804988"
    assert movement.quantity_seen == 24
    assert movement.source.lot == movement.destination.lot == "L1"
    assert movement.scan == "]C102070320698049883724\x1d10L1"


def test_a_piece_count_is_in_base_units(bench: Any) -> None:
    bench.scan("$RECEIVE/PO-1", GTIN_LABEL + "306")
    assert (bench.movements[0].unit_seen, bench.movements[0].quantity_seen) == ("base", 6)


def test_a_serialised_item_is_one_piece_with_its_epc(bench: Any) -> None:
    bench.scan("$RECEIVE/PO-1", GTIN_LABEL + "2142")
    [movement] = bench.movements
    assert movement.epcs == ("urn:epc:id:sgtin:703206.0980498.42",)
    assert movement.identifier.scheme == "sgtin"
    bench.scan("$QTY/3", GTIN_LABEL + "2142")
    assert bench.refusals == ["quantity_of_one"]


def test_undo_reverses_the_last_movement_at_its_own_time(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "85123A", "$QTY/4", "71053")
    assert bench.scan("$UNDO").signal is Signal.SUCCESS
    _, original, reversal = bench.movements
    assert ends(reversal) == ("@customer", "STAGING", Decimal(4))
    assert reversal.occurred_at_claimed == original.occurred_at_claimed
    assert reversal.reverses is not None
    assert bench.records[reversal.reverses.seq - 1] is original
    assert (reversal.reason, reversal.scan) == ("undo", "]C0$UNDO")
    bench.scan("22752")
    assert bench.movements[-1].documents[0].line == "2", "the reversed line is free again"


def test_undo_is_for_the_last_scan_only(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "85123A", "$UNDO", "$UNDO")
    assert bench.refusals == ["nothing_to_undo"]


def test_undo_forgets_a_keyed_quantity_first_and_then_leaves_carried_goods(bench: Any) -> None:
    bench.scan("$MOVE", "A-01", "85123A", "$QTY/5", "$UNDO", "$UNDO", "$DONE")
    assert bench.movements == []
    assert [outcome for _, step, outcome in bench.events if step == "undone"] == ["quantity", "label"]
    assert bench.refusals == []


def test_undo_of_a_cart_reverses_all_of_it_and_carries_units_back(bench: Any) -> None:
    bench.scan("$MOVE", "A-01", "85123A", SSCC_LABEL, "B-02", "$UNDO")
    assert ends(bench.movements[-1])[:2] == ("B-02", "A-01")
    assert (bench.positions[-1].from_location, bench.positions[-1].location) == ("B-02", "A-01")


@pytest.mark.parametrize("ending", ["$CANCEL", "$LOGOUT", "$BADGE/bob"])
def test_what_was_scanned_and_not_completed_is_recorded(bench: Any, ending: str) -> None:
    bench.scan("$MOVE", "A-01", "85123A", "71053", "$QTY/4", ending)
    left = [record for record in bench.records if getattr(record, "step", "") == "not_completed"]
    assert [event.scan for event in left[:2]] == ["]C085123A", "]C071053"]
    assert "quantity 4" in left[2].note
    assert bench.movements == []


@pytest.mark.parametrize("next_scan", ["$DONE", "$SHIP/I-8", "$MOVE"])
def test_half_finished_work_is_not_ended_by_accident(bench: Any, next_scan: str) -> None:
    bench.scan("$PUTAWAY", "85123A", next_scan)
    assert bench.refusals == ["half_finished"]
    bench.scan("A-01")
    assert len(bench.movements) == 1


def test_scanning_the_document_again_changes_nothing(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "85123A", "$SHIP/I-7", "71053")
    assert [movement.documents[0].line for movement in bench.movements] == ["1", "2"]
    assert len({movement.workflow_run for movement in bench.movements}) == 1


@pytest.mark.parametrize(
    ("scans", "reason"),
    [
        (["85123A"], "no_workflow"),
        (["$QTY/3"], "no_workflow"),
        (["$DONE"], "no_workflow"),
        (["$SHIP/I-7", "what is this"], "unknown_code"),
        (["$SHIP/I-7", "]E07032069804989"], "bad_code"),
        (["$SHIP/I-7", "]C0$QTY/-3"], "bad_command"),
        (["$SHIP/I-7", "$QTY/0"], "bad_command"),
        (["$SHIP/I-7", "$QTY/1e3"], "bad_command"),
        (["$SHIP/I-7", "$QTY/NaN"], "bad_command"),
        (["$SHIP"], "bad_command"),
        (["$MOVE/x"], "bad_command"),
        (["$DANCE"], "bad_command"),
        (["$BADGE/mallory"], "badge_unknown"),
        (["$SHIP/I-7", "A-01"], "place_not_expected"),
        (["$PUTAWAY", "A-01"], "place_not_expected"),
        (["$SHIP/I-7", SSCC_LABEL], "unit_not_expected"),
        (["$MOVE", "85123A"], "place_required"),
        (["$PICK/S-1", "STAGING"], "same_place"),
        (["$MOVE", "A-01", "85123A", "A-01"], "same_place"),
        (["$MOVE", "A-01", SSCC_LABEL, SSCC_LABEL], "already_carried"),
        (["$SHIP/I-7", "$QTY/2", "$QTY/3"], "quantity_twice"),
        (["$SHIP/I-7", "$QTY/2", GTIN_LABEL + "306"], "quantity_twice"),
        (["$MOVE", "]C14149506000134369254A-01"], "foreign_place"),
        (["$MOVE", "]C14149506000134352"], "foreign_place"),
        (["$UNDO"], "nothing_to_undo"),
    ],
)
def test_what_cannot_be_done_is_refused_and_recorded(bench: Any, scans: list[str], reason: str) -> None:
    feedback = bench.scan(*scans)
    assert feedback.signal is Signal.REFUSAL
    assert feedback.text.startswith(reason)
    assert bench.refusals == [reason]
    assert bench.movements == []


def test_a_refused_scan_leaves_the_work_where_it_was(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "$QTY/6", "what is this", "85123A")
    assert [movement.quantity_seen for movement in bench.movements] == [Decimal(6)]


def test_nothing_happens_without_a_badge(new_bench: Callable[[], Any]) -> None:
    bench = new_bench()
    bench.scan("$SHIP/I-7", "85123A", "]E07032069804989")
    assert bench.refusals == ["badge_required"] * 3
    bench.scan("$BADGE/ann", "$SHIP/I-7", "85123A")
    assert len(bench.movements) == 1


def test_a_badge_token_is_never_stored(new_bench: Callable[[], Any]) -> None:
    bench = new_bench()
    bench.scan("$BADGE/ann", "$BADGE/mallory", "$BADGE/", "$BADGE/ann/../x", "]??$BADGE/mallory")
    assert "mallory" not in repr(bench.records)
    assert all(record.scan == "$BADGE/..." for record in bench.records)


def test_a_scanner_left_alone_forgets_who_held_it(bench: Any) -> None:
    bench.scan("$PUTAWAY", "85123A")
    bench.elapsed += timedelta(minutes=15)
    bench.scan("A-01")
    assert bench.movements == []
    assert ("putaway", "not_completed", "idle") in bench.events
    assert bench.refusals == ["badge_required"]


def test_the_same_holds_over_a_restart_of_the_machine(bench: Any) -> None:
    bench.scan("$PUTAWAY", "85123A")
    bench.boot_id, bench.elapsed = "boot-2", bench.elapsed + timedelta(minutes=15)
    bench.scan("A-01")
    assert bench.refusals == ["badge_required"]


def test_a_lost_scanner_is_recorded_only_if_work_is_half_finished(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "85123A")
    assert bench.engine.interrupted(bench.state, bench.stamp()) == ()
    bench.scan("$QTY/3")
    [draft] = bench.engine.interrupted(bench.state, bench.stamp())
    assert (draft.record.step, draft.record.outcome) == ("interrupted", "scanner_lost")
