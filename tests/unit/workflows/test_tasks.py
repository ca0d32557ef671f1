"""Stories of tasks at a handheld: told scan by scan, kept over restarts, refused when they are old."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.offline import Task, TaskList
from contracts.records import DocumentRef, RowRef, Side
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.state import dump_state, load_state
from edge_agent.workflows.tasks import TaskBoard
from tests.unit.workflows.conftest import STARTED_AT

PALLET = "106141412345678908"
CASE = "07032069804988"
CASE_LABEL = f"]C101{CASE}"


def line(number: int, place: str, quantity: int, **more: Any) -> dict[str, Any]:
    names = [
        {"identifier": {"scheme": "local", "value": "85123A"}},
        {"identifier": {"scheme": "gtin", "value": CASE}, "base_units_numerator": 6},
    ]
    document = {"type": "outbound_order", "id": "O-7", "line": f"{number}0"}
    known = {"item": "TEA", "names": names, "from_location": place, "to_location": "LANE-1"}
    return {"document": document, "number": number, "quantity": quantity} | known | more


def tasks(revision: int, *given: tuple[str, str, list[dict[str, Any]]], **more: Any) -> bytes:
    head = {"site": "leeds", "revision": revision, "issued_at": STARTED_AT}
    made = [
        Task.model_validate(
            head | {"task": name, "kind": kind, "lines": lines, "expires_at": STARTED_AT + timedelta(hours=2)}
        )
        for name, kind, lines in given
    ]
    return TaskList.model_validate(head | {"gateway": "gw", "tasks": made} | more).model_dump_json().encode()


PICK = ("T1", "pick", [line(1, "A-01", 8, lot="L1", disposition="sellable"), line(2, "A-02", 4)])
MOVE = ("T2", "move", [line(1, "R-01", 6, to_location="A-01", from_unit=PALLET)])


@pytest.fixture
def board(tmp_path: Path) -> TaskBoard:
    return TaskBoard(tmp_path / "tasks.json", "leeds", "gw")


@pytest.fixture
def led(bench: Any, board: TaskBoard) -> Any:
    """A scanner whose gateway has a list of tasks."""
    board.take(tasks(5, PICK, MOVE))
    bench.engine = replace(bench.engine, errands=board.offered)
    return bench


def test_a_task_leads_from_bin_to_bin_and_its_records_name_the_order_and_the_task(led: Any) -> None:
    assert led.scan("$PICK/O-7").text == "A-01: 8 x TEA, lot L1 (1/2)"
    assert led.scan("85123A").text == "place_required: scan A-01 first"
    assert led.scan("B-01").text == "wrong_place: expected A-01, got B-01"
    led.scan("A-01")
    assert led.scan("71053").text == "wrong_item: expected TEA, got 71053"
    assert led.scan(f"{CASE_LABEL}10L9").text == "wrong_lot: expected lot L1, got L9"
    assert led.scan(CASE_LABEL).text == "6 x TEA; A-01: 2 x TEA, lot L1 (1/2)"
    assert led.scan(CASE_LABEL).text == "too_many: 2 x TEA is to be taken, got 6"
    said = led.scan("$QTY/2", "85123A")
    assert (said.signal, said.text) == (Signal.SUCCESS, "2 x TEA; A-02: 4 x TEA (2/2)")
    first = led.movements[0]
    goods = {"lot": "L1", "disposition": "sellable"}
    assert (first.source, first.destination) == (
        Side(location="A-01", **goods),
        Side(location="LANE-1", **goods),
    )
    assert (first.quantity_seen, first.unit_seen) == (1, CASE)
    assert first.documents == (
        DocumentRef(type="outbound_order", id="O-7", line="10"),
        DocumentRef(type="task", id="T1", line="1"),
    )
    led.state = load_state(dump_state(led.state))  # the agent is started again
    led.scan("$UNDO")
    assert led.movements[-1].reverses is not None
    assert led.scan("A-01").text == "A-01: 2 x TEA, lot L1 (1/2)"
    led.scan("$QTY/2", "85123A", "$QTY/1", "A-02", "85123A")
    said = led.scan("$SHORT/EMPTY")
    assert said.text == "3 x TEA short; task T1: nothing is left to do, $DONE"
    short = led.records[-1]
    assert (short.step, short.outcome, short.documents[1].line) == ("short", "empty", "2")
    led.scan("$DONE")
    assert led.refusals == ["place_required", "wrong_place", "wrong_item", "wrong_lot", "too_many"]
    assert led.state.run is None


def test_a_pick_face_is_filled_out_of_a_pallet_and_the_goods_go_where_the_task_says(led: Any) -> None:
    assert led.scan("$TASK/T2").text == f"R-01, unit {PALLET}: 6 x TEA (1/1)"
    led.scan(f"]C100{PALLET}")
    assert led.scan("$NEXT").text == f"R-01, unit {PALLET}: 6 x TEA (1/1)"
    led.scan(f"]C100{PALLET}", CASE_LABEL)
    assert led.movements == []
    assert led.scan("B-01").text == "wrong_place: expected A-01, got B-01"
    led.scan("$UNDO", CASE_LABEL)
    assert led.scan("A-01").text == "1 put into A-01; task T2: nothing is left to do, $DONE"
    (moved,) = led.movements
    assert (moved.source, moved.destination) == (Side(unit=PALLET), Side(location="A-01"))


def test_an_order_without_a_task_is_picked_as_ever_and_no_task_is_said_to_wait(
    led: Any, board: TaskBoard
) -> None:
    assert led.scan("$PICK/O-8").text == "pick O-8"
    led.scan("$NEXT")
    board.take(tasks(6))
    led.scan("$TASK")
    assert led.refusals == ["no_task", "no_task"]


def test_a_list_of_lower_revision_or_of_another_is_refused_and_the_last_is_kept(
    board: TaskBoard, tmp_path: Path
) -> None:
    assert board.take(tasks(5, PICK))
    assert not board.take(tasks(5, PICK))
    assert not board.take(tasks(4))
    assert not board.take(tasks(9, gateway="gw-2"))
    assert not board.take(b"{")
    assert (board.refused, board.unreadable) == (2, 1)
    again = TaskBoard(tmp_path / "tasks.json", "leeds", "gw")
    assert (again.revision, [each.task.task for each in again.offered("s-1", STARTED_AT)]) == (5, ["T1"])
    assert again.offered("s-1", STARTED_AT + timedelta(hours=2)) == []
    (tmp_path / "tasks.json").write_text("torn")
    assert TaskBoard(tmp_path / "tasks.json", "leeds", "gw").revision is None
    assert (tmp_path / "tasks.json.damaged").exists()


def test_what_one_scanner_has_in_hand_another_is_not_offered_and_goes_on_from_what_was_done(
    led: Any, board: TaskBoard, new_bench: Callable[[], Any], tmp_path: Path
) -> None:
    led.scan("$TASK/T1", "A-01", CASE_LABEL)
    noted(board, led)
    assert board.hold("scanner-1", "T1")
    assert not board.hold("scanner-2", "T1"), "of two that ask in the same instant one has it"
    assert [each.task.task for each in board.offered("scanner-2", STARTED_AT)] == ["T2"]
    board.hold("scanner-1", None)
    again = TaskBoard(tmp_path / "tasks.json", "leeds", "gw")
    other = new_bench()
    other.engine = replace(other.engine, device="scanner-2", errands=again.offered)
    assert other.scan("$BADGE/bob", "$TASK/T1").text == "A-01: 2 x TEA, lot L1 (1/2)"
    assert again.offered("s", STARTED_AT)[0].done == {1: Decimal(6), 2: Decimal(0)}
    led.scan("$UNDO")
    noted(again, led, since=len(led.records) - 1)
    assert again.offered("s", STARTED_AT)[0].done[1] == 0


def test_what_the_cloud_has_counted_is_not_counted_twice_and_what_it_took_back_is_to_do_again(
    led: Any, board: TaskBoard
) -> None:
    led.scan("$TASK/T1", "A-01", CASE_LABEL)
    noted(board, led)
    upto = {"known_up_to": [{"epoch": EPOCH, "seq": len(led.records)}]}
    counted = ("T1", "pick", [line(1, "A-01", 8, done=6), line(2, "A-02", 4)])
    assert board.take(tasks(6, counted, **upto))
    assert board.offered("s", STARTED_AT)[0].done == {1: Decimal(6), 2: Decimal(0)}
    assert led.scan("$QTY/1", "A-02", "85123A").text == "1 x TEA; A-02: 3 x TEA (2/2)"
    noted(board, led, since=len(led.records) - 1)
    taken_back = ("T1", "pick", [line(1, "A-01", 8), line(2, "A-02", 4)])
    assert board.take(tasks(7, taken_back, **upto))  # of the second pick it does not know yet
    assert board.offered("s", STARTED_AT)[0].done == {1: Decimal(0), 2: Decimal(1)}
    assert led.scan("$QTY/3", "85123A").text == "3 x TEA; A-01: 8 x TEA (1/2)"
    led.scan("A-01", "$SHORT/EMPTY")
    noted(board, led, since=len(led.records) - 2)
    assert board.offered("s", STARTED_AT)[0].done == {1: Decimal(8), 2: Decimal(4)}, "none is left to find"


EPOCH = "00000000000000aa"


def noted(board: TaskBoard, led: Any, *, since: int = 0) -> None:
    """Tell a board of records that became durable, numbered as they were made."""
    refs = [
        RowRef(gateway="gw", epoch=EPOCH, seq=number) for number in range(since + 1, len(led.records) + 1)
    ]
    board.note([Draft(record) for record in led.records[since:]], refs)


def test_a_task_that_the_cloud_withdraws_takes_no_more_scans_but_what_was_done_can_be_undone(
    led: Any, board: TaskBoard
) -> None:
    led.scan("$TASK", "A-01", "$QTY/1", "85123A")
    board.take(tasks(6, MOVE))
    assert led.scan("85123A").text == "no_task: task T1 is over: $UNDO or $DONE"
    assert led.scan("$UNDO").signal is Signal.SUCCESS
    assert led.scan("$DONE").signal is Signal.STEP


@pytest.mark.parametrize("kind", ["receive", "count"])
def test_a_task_of_a_kind_that_is_not_led_is_not_taken_for_a_move(
    bench: Any, board: TaskBoard, kind: str
) -> None:
    board.take(tasks(5, ("T9", kind, [line(1, "A-01", 8)])))
    bench.engine = replace(bench.engine, errands=board.offered)
    bench.scan("$TASK")
    assert bench.refusals == ["no_task"]
