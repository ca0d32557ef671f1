"""Stories of packing, grading, kitting, transfers and what is doubted, told scan by scan."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from contracts.records import DocumentRef, Movement, Side
from contracts.vocabulary import BizStep, CountScope, Disposition
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.kinds import KINDS, Workflow
from edge_agent.workflows.language import STARTS
from edge_agent.workflows.positions import UnitPositions

PALLET, PARCEL = "106141412345678908", "106141412345678915"
PALLET_LABEL, PARCEL_LABEL = f"]C100{PALLET}", f"]C100{PARCEL}"
LOT_LABEL = "]C10107032069804988" + "10L1"


def sides(movement: Movement) -> tuple[Side, Side]:
    return movement.source, movement.destination


def at(place: str) -> Side:
    return Side(location=place)


def inside(unit: str) -> Side:
    return Side(unit=unit)


def test_goods_are_packed_from_staging_or_a_scanned_bin_into_a_unit_that_stands_there(bench: Any) -> None:
    bench.scan("$PACK/SO-9")
    assert bench.scan(PARCEL_LABEL).signal is Signal.SUCCESS
    bench.scan("$QTY/6", "85123A", "A-01", "71053")
    assert [(each.unit, each.location) for each in bench.positions] == [(PARCEL, "STAGING")]
    assert [sides(movement) for movement in bench.movements] == [
        (at("STAGING"), inside(PARCEL)),
        (at("A-01"), inside(PARCEL)),
    ]
    assert bench.movements[0].quantity_seen == 6
    assert bench.movements[0].biz_step is BizStep.PACKING
    assert bench.movements[0].documents == (DocumentRef(type="packing", id="SO-9", line="1"),)


def test_a_unit_that_was_seen_elsewhere_is_not_said_to_have_come(bench: Any) -> None:
    seen = UnitPositions()
    bench.engine = replace(bench.engine, whereabouts=seen.location_of)
    bench.scan("$RECEIVE/PO-1", PARCEL_LABEL)
    seen.note([Draft(record) for record in bench.records])
    assert bench.scan("$PACK", PARCEL_LABEL).signal is Signal.STEP
    assert len(bench.positions) == 1
    bench.scan("$PACK", PALLET_LABEL, PARCEL_LABEL)
    seen.note([Draft(record) for record in bench.records])
    assert (seen.location_of(PARCEL), seen.is_heard_of(PARCEL)) == (None, True), "it stands in the pallet"
    assert not seen.is_heard_of("106141412345678922")


def test_a_parcel_goes_into_a_pallet_as_a_whole_and_the_pallets_own_label_closes_it(bench: Any) -> None:
    bench.scan("$PACK", PALLET_LABEL, PARCEL_LABEL)
    nested = bench.positions[-1]
    assert (nested.unit, nested.parent, nested.location) == (PARCEL, PALLET, None)
    bench.scan("$UNDO")
    assert (bench.positions[-1].location, bench.positions[-1].parent) == ("STAGING", None)
    assert bench.scan(PALLET_LABEL).signal is Signal.STEP
    bench.scan("85123A")
    assert bench.refusals == ["unit_required"]
    bench.scan(PARCEL_LABEL, "85123A")
    assert bench.movements[0].destination == inside(PARCEL)


def test_what_comes_out_of_a_unit_is_carried_to_its_bin_with_its_lot(bench: Any) -> None:
    bench.scan("$UNPACK", PALLET_LABEL, LOT_LABEL, PARCEL_LABEL)
    assert bench.movements == []
    bench.scan(PALLET_LABEL)
    assert bench.refusals == ["half_finished"]
    bench.scan("B-02")
    [movement] = bench.movements
    assert sides(movement) == (Side(unit=PALLET, lot="L1"), Side(location="B-02", lot="L1"))
    assert movement.biz_step is BizStep.UNPACKING
    [position] = bench.positions
    assert (position.unit, position.location, position.from_location) == (PARCEL, "B-02", None)
    bench.scan("$UNDO")
    assert bench.refusals[-1] == "nothing_to_undo", "where in the pallet it stood is not known here"
    assert len(bench.movements) == 1


def test_packed_goods_come_out_again_by_undo(bench: Any) -> None:
    bench.scan("$PACK", PARCEL_LABEL, "85123A", "$UNDO")
    assert sides(bench.movements[-1]) == (inside(PARCEL), at("STAGING"))
    assert bench.movements[-1].reverses is not None


@pytest.mark.parametrize("grade", ["sellable", "DAMAGED", "hold"])
def test_returned_goods_are_graded_where_they_are(bench: Any, grade: str) -> None:
    bench.scan(f"$GRADE/{grade}", "85123A")
    [movement] = bench.movements
    assert sides(movement) == (
        Side(location="RETURNS", disposition=Disposition.RETURNED),
        Side(location="RETURNS", disposition=Disposition(grade.lower())),
    )
    assert movement.biz_step is BizStep.INSPECTING


def test_damaged_goods_stay_where_they_are_and_say_why(bench: Any) -> None:
    bench.scan("$DAMAGE/wet", "A-01", "$QTY/3", "85123A")
    [movement] = bench.movements
    assert sides(movement) == (at("A-01"), Side(location="A-01", disposition=Disposition.DAMAGED))
    assert (movement.reason, movement.quantity_seen) == ("wet", Decimal(3))
    bench.scan("$UNDO")
    assert sides(bench.movements[-1]) == sides(movement)[::-1]


def test_transfers_leave_for_transit_and_arrive_out_of_it(bench: Any) -> None:
    bench.scan("$TRANSFER/T-1", "85123A", "$TRANSFER-IN/T-1", "85123A")
    assert [sides(movement) for movement in bench.movements] == [
        (at("STAGING"), at("@transit")),
        (at("@transit"), at("STAGING")),
    ]
    assert {movement.documents[0].type for movement in bench.movements} == {"transfer"}
    assert [movement.biz_step for movement in bench.movements] == [BizStep.SHIPPING, BizStep.RECEIVING]


def test_cross_docked_goods_and_pallets_go_from_staging_to_the_orders_lane(bench: Any) -> None:
    bench.scan("$CROSSDOCK/SO-5", "85123A", PALLET_LABEL, "C-07")
    assert sides(bench.movements[0]) == (at("STAGING"), at("C-07"))
    assert (bench.positions[0].from_location, bench.positions[0].location) == ("STAGING", "C-07")
    assert bench.movements[0].documents == (DocumentRef(type="outbound_order", id="SO-5", line="1"),)


@pytest.mark.parametrize("work", ["KIT", "DEKIT", "REPACK"])
def test_components_are_used_up_and_products_made_under_one_document(bench: Any, work: str) -> None:
    bench.scan(f"${work}/K-1", "A-01", "$QTY/2", "85123A", "B-02", "71053", "$MAKES", "22752", "C-03")
    assert [sides(movement) for movement in bench.movements] == [
        (at("A-01"), at("@transformation")),
        (at("B-02"), at("@transformation")),
        (at("@transformation"), at("C-03")),
    ]
    assert {(each.documents[0].type, each.documents[0].id) for each in bench.movements} == {
        (work.lower(), "K-1")
    }
    assert len({each.workflow_run for each in bench.movements}) == 1


def test_a_doubt_is_an_observation_of_its_items_only_that_says_why(bench: Any) -> None:
    bench.scan("$ADJUST/lost", "A-01", "$QTY/4", "85123A", "$DONE")
    [count] = bench.counts
    assert (count.scope, count.location, count.count_task) == (CountScope.ITEMS, "A-01", None)
    assert [(line.identifier.value, line.quantity) for line in count.lines] == [("85123A", Decimal(4))]
    assert {document.type for document in count.documents} == {"adjustment", "reason"}
    assert count.documents[1].id == "lost"
    assert bench.movements == []


@pytest.mark.parametrize(
    ("scans", "reason"),
    [
        (["$PACK", "85123A"], "unit_required"),
        (["$UNPACK", "85123A"], "unit_required"),
        (["$UNPACK", PALLET_LABEL, "A-01"], "place_not_expected"),
        (["$PACK", "$QTY/2", PALLET_LABEL], "quantity_of_one"),
        (["$GRADE/lovely"], "bad_command"),
        (["$GRADE"], "bad_command"),
        (["$DAMAGE/bored"], "reason_unknown"),
        (["$ADJUST"], "bad_command"),
        (["$MOVE", "$MAKES"], "nothing_is_made"),
        (["$KIT/K-1", "$MAKES"], "nothing_is_made"),
        (["$KIT/K-1", "85123A"], "place_required"),
        (["$KIT/K-1", "A-01", "71053", "$QTY/2", "$MAKES"], "half_finished"),
        (["$KIT/K-1", "A-01", "71053", "$MAKES", "B-02"], "place_not_expected"),
        (["$ADJUST/lost", "A-01", "$ZERO", "A-01"], "place_not_expected"),
        (["$TRANSFER/T-1", PALLET_LABEL], "unit_not_expected"),
    ],
)
def test_what_cannot_be_done_is_refused(bench: Any, scans: list[str], reason: str) -> None:
    assert bench.scan(*scans).signal is Signal.REFUSAL
    assert bench.refusals == [reason]


def test_stock_is_doubted_by_a_person_even_where_no_badge_is_asked_for(
    new_bench: Callable[[], Any],
) -> None:
    bench = new_bench()
    open_site = bench.engine.site.model_copy(update={"badge_required": False})
    bench.engine = replace(bench.engine, site=open_site)
    bench.scan("$ADJUST/lost")
    assert bench.refusals == ["badge_required"]


def test_every_kind_of_work_has_its_rules_and_its_command() -> None:
    assert set(KINDS) == set(Workflow) == set(STARTS.values())


HAM_GTIN = "97032069804981"
HAM_LABEL = f"]C101{HAM_GTIN}3103001250"


def test_goods_of_variable_measure_keep_their_pieces_and_their_weight(bench: Any) -> None:
    bench.scan("$RECEIVE/PO-1", HAM_LABEL, f"]C101{HAM_GTIN}310300140030" + "4")
    assert [(each.quantity_seen, each.unit_seen, each.weight_kg) for each in bench.movements] == [
        (1, HAM_GTIN, Decimal("1.250")),
        (4, "base", Decimal("1.400")),
    ]
    bench.scan("$UNDO")
    assert (bench.movements[-1].weight_kg, bench.movements[-1].reverses is None) == (Decimal("1.400"), False)


def test_a_weight_is_not_multiplied_by_a_keyed_quantity(bench: Any) -> None:
    bench.scan("$RECEIVE/PO-1", "$QTY/3", HAM_LABEL)
    assert bench.refusals == ["quantity_twice"]


def test_the_weights_of_counted_pieces_add_up(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", HAM_LABEL, f"]C101{HAM_GTIN}3103000750", "$DONE")
    (line,) = bench.counts[0].lines
    assert (line.quantity, line.weight_kg) == (2, Decimal("2.000"))
