"""Labels that a scanner asks for: a unit with its own SSCC, goods without a label, a reprint with reasons."""

from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from contracts.gs1 import sscc_of
from contracts.label_templates import STANDARD
from contracts.labels import LabelKind
from contracts.zpl import draw
from edge_agent.workflows.engine import Outcome
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.refusals import Refusal
from edge_agent.workflows.state import State, dump_state, load_state
from tests.unit.workflows.conftest import Bench


@dataclass
class Shelf:
    """Promises as the real one does, from memory."""

    serials: "count[int]" = field(default_factory=lambda: count(1))
    held: dict[str, str] = field(default_factory=dict)
    is_empty: bool = False
    has_paper: bool = True

    def promise(self, device: str, used: str | None) -> str | None:
        if self.is_empty:
            return None
        if self.held.get(device, used) == used:
            self.held[device] = sscc_of(0, "9521141", next(self.serials))
        return self.held[device]

    def has_printer(self, device: str) -> bool:
        return self.has_paper


@pytest.fixture
def shelf(bench: Bench) -> Shelf:
    shelf = Shelf()
    bench.engine = replace(bench.engine, labels=shelf)
    return shelf


def test_a_new_unit_gets_its_label_and_what_goes_into_it_and_no_power_cut_repeats_its_number(
    bench: Bench, shelf: Shelf
) -> None:
    bench.scan("$PACK/SO-7", "LOC-A-01")
    first = bench.take("$PRINT")
    assert first.order is not None
    sscc = first.order.values["sscc"]
    assert first.order.values == {"sscc": sscc, "order": "SO-7"}
    assert draw_of(first).startswith("^XA")
    assert first.feedback.signal is Signal.SUCCESS
    assert [(each.unit, each.location) for each in bench.positions] == [(sscc, "A-01")]
    assert bench.events[-1] == ("label", "sscc", "printed")
    assert bench.records[-1].model_extra == {"subject": sscc, "copies": 1}
    assert bench.records[-1].actor == "ann"
    bench.scan("85123A")
    assert bench.movements[-1].destination.unit == sscc
    assert bench.scan("$PRINT").signal is Signal.REFUSAL
    assert bench.refusals == [Refusal.NOTHING_TO_PRINT]
    bench.state = load_state(dump_state(bench.state))  # the power failed before the shelf knew more
    bench.scan(f"]C100{sscc}")
    second = bench.take("$PRINT")
    assert second.order is not None
    assert second.order.values["sscc"] != sscc
    assert second.state.minted == second.order.values["sscc"]


def test_untagged_goods_are_picked_from_a_list_with_a_quantity_and_labelled(
    bench: Bench, shelf: Shelf
) -> None:
    shelf.is_empty = True  # no SSCC is needed for these
    bench.scan("$RECEIVE/R-1", "$QTY/24", "85123A")
    label = bench.take("$PRINT")
    assert label.order is not None
    assert (label.order.kind, label.order.values) == (LabelKind.ITEM, {"item": "85123A", "quantity": "24"})
    bench.scan("]C1010950600013435210AB12")
    lot = bench.take("$PRINT").order
    assert lot is not None
    assert lot.values == {"item": "09506000134352", "gtin": "09506000134352", "quantity": "1", "lot": "AB12"}
    assert bench.events[-2:] == [("label", "item", "printed")] * 2
    assert len(bench.movements) == 2, "printing moves nothing"


def test_a_label_is_printed_again_for_a_reason_only(bench: Bench, shelf: Shelf) -> None:
    assert bench.scan("$REPRINT/torn").signal is Signal.REFUSAL
    bench.scan("$PACK")
    first = bench.take("$PRINT").order
    assert bench.scan("$REPRINT/because").signal is Signal.REFUSAL
    assert bench.refusals == [Refusal.NOTHING_TO_PRINT, Refusal.REASON_UNKNOWN]
    again = bench.take("$REPRINT/TORN")
    assert again.order == first
    record = bench.records[-1]
    assert (bench.events[-1], record.actor) == (("label", "sscc", "reprinted"), "ann")
    assert (record.model_extra or {})["reason"] == "torn"
    bench.scan("$REPRINT")
    assert bench.refusals[-1] == Refusal.BAD_COMMAND


def test_without_numbers_or_a_printer_nothing_is_packed_into_nowhere(bench: Bench, shelf: Shelf) -> None:
    bench.scan("$PACK")
    shelf.is_empty = True
    bench.scan("$PRINT")
    shelf.has_paper = False
    bench.scan("$PRINT", "$REPRINT/torn")
    assert bench.refusals == [Refusal.NO_SERIALS, Refusal.NO_PRINTER, Refusal.NO_PRINTER]
    assert bench.state.run is not None
    assert (bench.state.run.unit, bench.positions) == (None, [])


def draw_of(outcome: Outcome) -> str:
    assert outcome.order is not None
    return draw(STANDARD[outcome.order.kind], outcome.order.values).zpl


def test_a_state_of_before_reads_as_one_that_printed_nothing() -> None:
    assert load_state(b'{"scans": 3}') == State(scans=3)
