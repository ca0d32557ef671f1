"""Counting by hand: what was seen in a bin goes out as one observation, and blank is never zero."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.records import Count, CountLine, DocumentRef, Identifier
from contracts.vocabulary import BizStep, CountScope
from edge_agent.outbox.book import LARGEST_RECORD
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.state import MOST_COUNTED

GTIN_LABEL = "]C10107032069804988"
SSCC_LABEL = "]C100106141412345678908"


def seen(count: Count) -> dict[str, Decimal]:
    return {line.identifier.value: line.quantity for line in count.lines}


def sku(value: str) -> Identifier:
    return Identifier(scheme="local", value=value)


def test_a_bin_is_reported_when_the_work_is_done(bench: Any) -> None:
    assert bench.scan("$COUNT", "A-01", "85123A", "$QTY/6", "71053").signal is Signal.STEP
    assert bench.counts == []
    assert bench.scan("$DONE").signal is Signal.SUCCESS
    [count] = bench.counts
    assert (count.scope, count.location, count.biz_step) == (CountScope.BIN, "A-01", BizStep.CYCLE_COUNTING)
    assert seen(count) == {"85123A": 1, "71053": 6}
    assert (count.zero_confirmed, count.actor, count.blind, count.count_task) == ((), "ann", True, None)
    assert count.documents[0].type == "count"
    assert (bench.movements, bench.positions) == ([], [])
    assert bench.events[-1] == ("count", "ended", "completed")


def test_scans_of_the_same_item_add_up(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "85123A", "71053", "$QTY/2.5", "85123A")
    assert bench.scan("85123A").text == "A-01: 1 x 85123A, 4.5 in all"
    bench.scan("$DONE")
    assert seen(bench.counts[0]) == {"85123A": Decimal("4.5"), "71053": 1}


def test_the_next_bin_reports_the_one_before(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "85123A")
    assert bench.scan("B-02").signal is Signal.SUCCESS
    bench.scan("71053", "71053", "$DONE")
    assert [(each.location, seen(each)) for each in bench.counts] == [
        ("A-01", {"85123A": 1}),
        ("B-02", {"71053": 2}),
    ]
    assert len({each.workflow_run for each in bench.counts}) == 1


def test_the_label_of_the_bin_under_count_changes_nothing(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "85123A")
    assert bench.scan("A-01").text == "still counting A-01, 1 labels"
    bench.scan("71053", "$DONE")
    assert [seen(each) for each in bench.counts] == [{"85123A": 1, "71053": 1}]


def test_zero_is_said_and_never_concluded(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "85123A", "$ZERO", "71053", "$DONE")
    [count] = bench.counts
    assert seen(count) == {"85123A": 1}
    assert count.zero_confirmed == (sku("71053"),)


def test_zero_of_a_lot_is_a_line_of_that_lot(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "$ZERO", GTIN_LABEL + "10L1", GTIN_LABEL + "10L2", "$DONE")
    [count] = bench.counts
    gtin = Identifier(scheme="gtin", value="07032069804988")
    assert count.lines == (
        CountLine(identifier=gtin, quantity=0, unit_seen="07032069804988", lot="L1"),
        CountLine(identifier=gtin, quantity=1, unit_seen="07032069804988", lot="L2"),
    )
    assert count.zero_confirmed == ()


def test_a_bin_in_which_nothing_was_scanned_is_not_reported(bench: Any) -> None:
    assert bench.scan("$COUNT", "A-01", "B-02", "$DONE").signal is Signal.STEP
    assert bench.counts == []


def test_zero_before_the_bins_own_label_says_that_it_is_empty(bench: Any) -> None:
    assert bench.scan("$COUNT", "A-01", "$ZERO", "A-01").signal is Signal.SUCCESS
    bench.scan("$DONE")
    [count] = bench.counts
    assert (count.location, count.scope, count.lines, count.zero_confirmed) == (
        "A-01",
        CountScope.BIN,
        (),
        (),
    )


def test_a_count_says_how_long_it_took(bench: Any) -> None:
    bench.scan("$COUNT", "A-01")
    bench.elapsed += timedelta(minutes=4)
    bench.scan("85123A", "B-02", "85123A", "$DONE")
    assert [each.clock_uncertainty_s for each in bench.counts] == [242.0, 2.0]


def test_a_count_may_answer_a_task(bench: Any) -> None:
    bench.scan("$COUNT/CT-7", "A-01", "85123A", "$COUNT/CT-7", "85123A", "$DONE")
    [count] = bench.counts
    assert (count.count_task, seen(count)) == ("CT-7", {"85123A": 2})
    assert count.documents == (DocumentRef(type="count", id="CT-7"),)


def test_packaging_levels_and_lots_are_lines_of_their_own(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", GTIN_LABEL, GTIN_LABEL + "306", GTIN_LABEL + "10L1", GTIN_LABEL, "$DONE")
    lines = [(line.unit_seen, line.lot, line.quantity) for line in bench.counts[0].lines]
    assert lines == [("07032069804988", None, 2), ("base", None, 6), ("07032069804988", "L1", 1)]


def test_a_serialised_piece_counts_once(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", GTIN_LABEL + "2142", GTIN_LABEL + "2142", GTIN_LABEL + "2143", "$DONE")
    assert bench.refusals == ["already_counted"]
    assert [line.epcs for line in bench.counts[0].lines] == [
        ("urn:epc:id:sgtin:703206.0980498.42",),
        ("urn:epc:id:sgtin:703206.0980498.43",),
    ]


@pytest.mark.parametrize(
    ("scans", "reason"),
    [
        (["85123A"], "place_required"),
        (["A-01", SSCC_LABEL], "unit_not_expected"),
        (["A-01", "85123A", "$ZERO", "85123A"], "already_counted"),
        (["A-01", "$ZERO", "85123A", "85123A"], "already_counted"),
        (["A-01", "$ZERO", GTIN_LABEL + "2142"], "quantity_of_one"),
        (["A-01", "$ZERO", "$QTY/2"], "quantity_twice"),
        (["A-01", "85123A", "$ZERO", "A-01"], "place_not_expected"),
        (["A-01", "85123A", "$QTY/2", "B-02"], "half_finished"),
        (["A-01", "85123A", "$QTY/2", "$DONE"], "half_finished"),
        (["A-01", "85123A", "$SHIP/I-1"], "half_finished"),
        (["A-01", "85123A", "$COUNT"], "half_finished"),
        (["A-01", "$ZERO/1"], "bad_command"),
    ],
)
def test_what_would_make_a_count_doubtful_is_refused(bench: Any, scans: list[str], reason: str) -> None:
    assert bench.scan("$COUNT", *scans).text.startswith(reason)
    assert bench.refusals == [reason]
    assert bench.counts == []


def test_zero_belongs_to_counting(bench: Any) -> None:
    bench.scan("$SHIP/I-7", "$ZERO", "85123A")
    assert bench.refusals == ["zero_not_expected"]
    assert [movement.quantity_seen for movement in bench.movements] == [1]


def test_undo_takes_labels_back_one_by_one(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "85123A", "$QTY/5", "71053", "$ZERO", "$UNDO", "$UNDO", "22752", "$DONE")
    assert seen(bench.counts[0]) == {"85123A": 1, "22752": 1}
    assert [outcome for _, step, outcome in bench.events if step == "undone"] == ["quantity", "label"]


def test_a_reported_count_is_not_undone_but_counted_again(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", "85123A", "B-02", "$UNDO", "A-01", "$QTY/2", "85123A", "$DONE")
    assert bench.refusals == ["nothing_to_undo"]
    assert [seen(each) for each in bench.counts] == [{"85123A": 1}, {"85123A": 2}]


@pytest.mark.parametrize("ending", ["$CANCEL", "$LOGOUT", "$BADGE/bob"])
def test_a_count_that_is_left_off_reports_nothing_and_says_what_was_scanned(bench: Any, ending: str) -> None:
    bench.scan("$COUNT", "A-01", "$QTY/3", "85123A", "71053", ending)
    assert bench.counts == []
    left = [record for record in bench.records if getattr(record, "step", "") == "not_completed"]
    assert [(event.scan, event.note) for event in left] == [
        ("]C085123A", "3 counted in A-01, not reported"),
        ("]C071053", "1 counted in A-01, not reported"),
    ]


def test_a_count_that_one_record_cannot_hold_claims_nothing_of_what_is_not_in_it(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", *(f"{number:05}" for number in range(700)), "$ZERO", "99999", "$DONE")
    assert [len(count.lines) for count in bench.counts] == [500, 200]
    assert {count.scope for count in bench.counts} == {CountScope.ITEMS}
    assert sum(len(seen(count)) for count in bench.counts) == 700
    assert [count.zero_confirmed for count in bench.counts] == [(), (sku("99999"),)]


def test_exactly_as_many_lines_as_a_record_holds_are_one_record(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", *(f"{number:05}" for number in range(500)), "$DONE")
    assert [(len(count.lines), count.scope) for count in bench.counts] == [(500, CountScope.BIN)]


def test_the_longest_codes_still_fit_into_a_batch(bench: Any) -> None:
    serials = (f"{GTIN_LABEL}10{'%' * 20}\x1d21{'%' * 16}{number:04}" for number in range(600))
    bench.scan("$COUNT", "A-01", *serials, "$DONE")
    bodies = [len(Draft(count).body) for count in bench.counts]
    assert sum(len(count.lines) for count in bench.counts) == 600
    assert max(bodies) < LARGEST_RECORD


def test_a_bin_has_only_so_many_labels(bench: Any) -> None:
    bench.scan("$COUNT", "A-01", *["85123A"] * MOST_COUNTED)
    assert bench.scan("85123A").text.startswith("counting_too_much")
    bench.scan("$DONE")
    assert seen(bench.counts[0]) == {"85123A": MOST_COUNTED}
