"""What a label says of dates goes out with what was scanned, as it says it."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from contracts.records import LabelDates
from edge_agent.workflows.state import dump_state, load_state
from edge_agent.workflows.tasks import TaskBoard
from tests.unit.workflows.test_tasks import CASE_LABEL, PICK, tasks

DATED = f"{CASE_LABEL}112602031526060017260831" + "10L1"
DATES = LabelDates(produced_on=date(2026, 2, 3), best_before=date(2026, 6, 30), use_by=date(2026, 8, 31))


def test_received_goods_say_the_dates_of_their_label_and_a_reversal_names_the_same(bench: Any) -> None:
    bench.scan("$RECEIVE/R-1", DATED, CASE_LABEL)
    assert [each.label_dates for each in bench.movements] == [DATES, None]
    assert bench.movements[0].destination.lot == "L1"
    bench.scan(DATED, "$UNDO")
    assert bench.movements[-1].reverses is not None
    assert bench.movements[-1].label_dates == DATES


def test_goods_on_a_cart_keep_their_dates_over_a_restart(bench: Any) -> None:
    bench.scan("$MOVE", "A-01", DATED)
    bench.state = load_state(dump_state(bench.state))
    bench.scan("B-01")
    assert [each.label_dates for each in bench.movements] == [DATES]


def test_a_cart_that_the_release_before_wrote_is_read(bench: Any) -> None:
    bench.scan("$MOVE", "A-01", DATED)
    kept = orjson.loads(dump_state(bench.state))
    (carried,) = kept["run"]["carried"]
    del carried["what"]["dates"]
    carried["what"]["expiry"] = "2026-08-31"
    bench.state = load_state(orjson.dumps(kept))
    bench.scan("B-01")
    assert [each.label_dates for each in bench.movements] == [None]


def test_goods_of_a_task_say_the_dates_of_their_label(bench: Any, tmp_path: Path) -> None:
    board = TaskBoard(tmp_path / "tasks.json", "leeds", "gw")
    board.take(tasks(5, PICK))
    bench.engine = replace(bench.engine, errands=board.offered)
    bench.scan("$PICK/O-7", "A-01", DATED)
    assert [(each.destination.lot, each.label_dates) for each in bench.movements] == [("L1", DATES)]
