"""Receipts and departures: declared goods change hands once, in whatever order things are told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import permutations

import pytest

from cloud.documents.domain import ConflictingDocumentError, UnknownDocumentError, VisitNotClearError
from cloud.identity.actor import NotAllowedError
from cloud.ledger.corrections import post_reversal
from contracts.base import epoch_from_int
from contracts.records import RowRef
from tests.integration.crossings.doors import AUDITOR, OPERATOR, PALLET, STRANGER, passage, stood
from tests.integration.documents.dock import KEEPER, SECOND, Dock, line, paper, sscc
from tests.patience import PATIENCE_S


def test_a_pallet_of_480_units_stands_in_staging_once(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    dock.crosses()
    assert dock.stock("STAGE-1") == 0
    first = dock.confirm()
    assert (len(first.lines), first.missing_units, dock.stock("STAGE-1")) == (1, (), 480)
    again = dock.confirm()
    assert (again.position, again.lines, dock.stock("STAGE-1")) == (None, (), 480)
    assert (dock.count("unit_position"), dock.count("movement")) == (1, 1)
    assert dock.close().state == "closed"
    assert dock.is_clean()


def test_a_pallet_that_a_handheld_placed_first_is_received_too(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    dock.doors.send(
        stood("STAGE-1", minute=4, source="@supplier"),
        passage("evidence", minute=5, direction="in", because="confirms", visit="V-1"),
    )
    assert dock.confirm().missing_units == ()
    assert (dock.stock("STAGE-1"), dock.count("unit_position"), dock.count("movement")) == (480, 1, 1)
    assert dock.remains() == []


def test_a_pallet_placed_long_before_is_not_taken_for_this_vehicles(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    dock.doors.send(stood("STAGE-1", minute=-2000, source="@supplier"))
    assert dock.confirm().missing_units == (PALLET,)


def test_crossing_receipt_and_put_away_commute(dock: Dock) -> None:
    for number, order in enumerate(permutations(("crosses", "is received", "is put away"))):
        unit, visit, bin_ = sscc(100 + number), f"V-{number}", f"A-{number}"
        dock.register(paper(line(1, 20, unit=unit), name=visit))
        dock.expect(visit, visit)
        for step in order:
            match step:
                case "crosses":
                    dock.crosses(unit, minute=5, visit=visit)
                case "is put away":
                    dock.stands(unit, bin_, minute=9)
                case _:
                    dock.confirm(visit)
        dock.confirm(visit)
        assert (dock.stock(bin_), dock.remains(visit)) == (480, []), order
    assert dock.stock("STAGE-1") == 0
    assert dock.is_clean()


@pytest.mark.parametrize("receipt", ["before", "between", "after"])
def test_loose_cases_clear_to_zero_whenever_they_are_received(dock: Dock, receipt: str) -> None:
    dock.register(paper(line(1, 3)))
    dock.expect("V-1", "ASN-1")
    for number in range(3):
        if (receipt, number) in {("before", 0), ("between", 1)}:
            dock.confirm()
        dock.case_crosses(number, minute=5 + number)
    dock.confirm()
    assert (dock.stock("@clearing/V-1"), dock.stock("STAGE-1"), dock.stock("@supplier")) == (0, 72, -72)
    assert dock.close().state == "closed"
    assert dock.is_clean()


def test_a_lot_that_tags_do_not_tell_leaves_no_remainder(dock: Dock) -> None:
    dock.register(paper(line(1, 2, lot="L-7")))
    dock.expect("V-1", "ASN-1")
    for number in (1, 2):
        dock.case_crosses(number)
    dock.confirm()
    assert dock.remains() == []


@pytest.mark.parametrize(("crossed", "left", "reason"), [(1, 48, "short"), (4, -24, "over")])
def test_what_is_short_or_over_remains_until_it_has_a_reason(
    dock: Dock, crossed: int, left: int, reason: str
) -> None:
    dock.register(paper(line(1, 3)))
    dock.expect("V-1", "ASN-1")
    for number in range(crossed):
        dock.case_crosses(number)
    dock.confirm()
    assert dock.remains() == [("loose", "TEA", Decimal(left))]
    with pytest.raises(VisitNotClearError, match=f"{left} of item TEA remain in clearing"):
        dock.close()
    with pytest.raises(ConflictingDocumentError, match="expected one of over, short, damaged"):
        dock.close(TEA="lost")
    with pytest.raises(ConflictingDocumentError, match="nothing remains of 'COFFEE': expected TEA"):
        dock.close(TEA=reason, COFFEE=reason)
    assert dock.close(TEA=reason).reasons == {"TEA": reason}
    assert dock.is_clean()


def test_a_pallet_that_nobody_saw_is_received_only_on_a_persons_word(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET), line(2, 5, unit=SECOND), line(3, 2, unit=SECOND)))
    dock.expect("V-1", "ASN-1")
    dock.crosses()
    first = dock.confirm()
    assert (len(first.lines), first.missing_units) == (1, (SECOND,))
    assert dock.remains() == [("missing_unit", SECOND, None)]
    with pytest.raises(UnknownDocumentError, match="is declared by none of its documents"):
        dock.confirm("V-1", sscc(77))
    second = dock.confirm("V-1", SECOND)
    assert ([each.line for each in second.lines], second.missing_units) == (["2", "3"], ())
    assert dock.ledger.query("SELECT reason, count(*) FROM movement GROUP BY reason ORDER BY 1") == [
        ("completeness_inferred", 1),
        ("not_read", 2),
    ]
    assert dock.close().state == "closed"


def test_a_missing_and_an_unexpected_pallet_each_need_a_reason(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    dock.crosses(SECOND)
    assert dock.confirm().unexpected_units == (SECOND,)
    with pytest.raises(
        VisitNotClearError, match=f"unit {PALLET} is declared .*; unit {SECOND} crossed and no"
    ):
        dock.close()
    with pytest.raises(VisitNotClearError, match=f"unit {SECOND} crossed"):
        dock.close(**{f"unit_{PALLET}": "short"})
    closed = dock.close(**{f"unit_{PALLET}": "short", f"unit_{SECOND}": "wrong_item"})
    assert closed.reasons == {PALLET: "short", SECOND: "wrong_item"}


def test_a_pallet_that_was_carried_back_out_is_not_received(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    dock.crosses(minute=5)
    dock.crosses(minute=6, direction="out")
    assert dock.confirm().missing_units == (PALLET,)
    assert dock.stock("STAGE-1") == 0


def test_a_misread_pallet_is_not_received(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    ref, _ = dock.crosses()
    dock.doors.take_back(ref)
    assert dock.confirm().missing_units == (PALLET,)


def test_an_open_card_keeps_a_visit_from_closing_until_it_is_answered(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    (ref,) = dock.doors.send(passage(minute=5, visit="V-1"))
    (_, (kind, name, _)) = dock.remains()
    assert (kind, name) == ("card", f"gw-1/{ref.epoch}/{ref.seq}")
    with pytest.raises(VisitNotClearError, match="waits for an answer"):
        dock.close(**{f"unit_{PALLET}": "not_read"})
    dock.doors.answer(ref, "in", visit="V-1")
    assert dock.confirm().missing_units == ()
    assert dock.close().state == "closed"
    assert dock.stock("STAGE-1") == 480


def test_what_leaves_goes_to_the_customer_once(dock: Dock) -> None:
    names = {"location": "STAGE-1", "site": "leeds", "unit_seen": "30614141123453"}
    tea = {"identifier": {"scheme": "gtin", "value": "30614141123453"}}
    opening = [{**names, **tea, "quantity": "20", "unit": PALLET}, {**names, **tea, "quantity": "2"}]
    dock.imports({"opening": opening})
    assert dock.stock("STAGE-1") == 22 * 24
    dock.register(paper(line(1, 20, unit=PALLET), line(2, 2), name="SO-1", kind="outbound_order"))
    dock.expect("V-1", "SO-1", direction="outbound")
    dock.crosses(direction="out")
    for number in (1, 2):
        dock.case_crosses(number, direction="out")
    assert dock.confirm().missing_units == ()
    assert dock.confirm().position is None
    assert (dock.stock("@customer"), dock.stock("STAGE-1"), dock.stock("@clearing/V-1")) == (528, 0, 0)
    ((gateway, epoch, seq),) = dock.ledger.query(
        "SELECT g.name, m.epoch, m.seq FROM movement m JOIN gateway g USING (gateway_id)"
        " WHERE m.quantity_seen = 20 AND m.detail -> 'documents' @> '[{\"type\": \"visit\"}]'"
    )
    ref = RowRef(gateway=gateway, epoch=epoch_from_int(epoch), seq=seq)
    dock.ledger.as_app(lambda conn: post_reversal(conn, KEEPER, ref, reason="not_loaded"))
    assert (dock.stock("@customer"), dock.stock("@clearing/V-1")) == (48, 480)
    assert [left[0] for left in dock.remains()] == ["unsettled_unit"]
    assert [each.line for each in dock.confirm().lines] == ["1"], "what was taken back departs again"
    assert dock.confirm().position is None
    assert dock.close().state == "closed"
    assert dock.is_clean()


def test_two_vehicles_of_one_asn_receive_each_pallet_once(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET), line(2, 10, unit=SECOND)))
    dock.expect("V-1", "ASN-1")
    dock.expect("V-2", "ASN-1", door="dock-2")
    dock.crosses(PALLET, visit="V-1")
    dock.crosses(SECOND, visit="V-2", minute=7)
    received = [len(dock.confirm(visit).lines) for visit in ("V-1", "V-2", "V-1", "V-2")]
    assert (sum(received), dock.stock("STAGE-1"), dock.count("movement")) == (2, 720, 2)
    assert dock.is_clean()


def test_many_people_who_confirm_at_once_receive_each_line_once(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET), line(2, 10, unit=SECOND), line(3, 2)))
    doors = {"V-1": "dock-1", "V-2": "dock-2"}
    for visit, door in doors.items():
        dock.expect(visit, "ASN-1", door=door)
    dock.crosses(PALLET, visit="V-1")
    dock.crosses(SECOND, visit="V-2", minute=7)
    start = threading.Barrier(6)

    def confirm(visit: str) -> int:
        start.wait(PATIENCE_S)
        return len(dock.confirm_apart(visit).lines)

    with ThreadPoolExecutor(6) as pool:
        received = list(pool.map(confirm, [*doors] * 3))
    assert (sum(received), dock.count("movement"), dock.stock("STAGE-1")) == (3, 3, 720)
    assert dock.is_clean()


def test_a_visit_ends_once_and_takes_no_receipt_after(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    dock.expect("V-1", "ASN-1")
    dock.expect("V-2")
    dock.crosses()
    with pytest.raises(ConflictingDocumentError, match="1 units crossed for it"):
        dock.cancel("V-1")
    assert dock.cancel("V-2").state == "cancelled"
    for again in (dock.confirm, dock.close, dock.cancel):
        with pytest.raises(ConflictingDocumentError, match="is cancelled: expected one that is open"):
            again("V-2")
    with pytest.raises(UnknownDocumentError, match="no visit 'V-3' at site 'leeds'"):
        dock.confirm("V-3")


def test_only_a_supervisor_or_controller_of_the_site_confirms(dock: Dock) -> None:
    dock.expect("V-1")
    for actor in (OPERATOR, AUDITOR, STRANGER):
        for step in (dock.confirm, dock.close, dock.cancel):
            with pytest.raises(NotAllowedError):
                step("V-1", actor=actor)
    assert dock.story("V-1", actor=AUDITOR).visit.state == "open"
    with pytest.raises(NotAllowedError):
        dock.story("V-1", actor=STRANGER)
