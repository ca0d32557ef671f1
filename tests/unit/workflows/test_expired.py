"""Goods for a customer whose label says that they have expired: asked about once, at the scan."""

from dataclasses import replace
from typing import Any

import pytest

from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.state import dump_state, load_state
from edge_agent.workflows.tasks import TaskBoard
from tests.unit.workflows.test_tasks import CASE_LABEL, PICK, tasks

OLD, LAST_DAY, OTHER = (
    f"{CASE_LABEL}17{day}10{lot}" for day, lot in (("260228", "L1"), ("260301", "L1"), ("260201", "L2"))
)
"""It is 2 March, 08:00 UTC: west of Greenwich the first has just begun to be over."""


@pytest.mark.parametrize("begin", [("$SHIP/SO-1",), ("$PICK/SO-1", "A-01"), ("$CROSSDOCK/SO-1",)])
def test_expired_goods_for_a_customer_are_taken_only_when_scanned_again(
    bench: Any, begin: tuple[str, ...]
) -> None:
    bench.scan(*begin, "$QTY/4")
    asked = bench.scan(OLD)
    assert (asked.signal, asked.text) == (
        Signal.REFUSAL,
        "expired: 07032069804988 expired on 2026-02-28: leave it, or scan it again to take it all the same",
    )
    assert bench.movements == []
    bench.state = load_state(dump_state(bench.state))  # the agent is started again
    assert bench.scan(OLD).signal is not Signal.REFUSAL
    assert bench.scan(OLD).signal is not Signal.REFUSAL, "asked once for the lot"
    bench.scan(OTHER, LAST_DAY)
    assert bench.refusals == ["expired", "expired"]
    bench.scan(OTHER)
    bench.state = load_state(dump_state(bench.state))
    bench.scan(OLD, OTHER)
    bench.scan("B-01", "$DONE") if begin[0].startswith("$CROSS") else bench.scan("$DONE")
    assert [int(each.quantity_seen) for each in bench.movements] == [4, 1, 1, 1, 1, 1], (
        "another lot is asked about, too"
    )
    assert bench.refusals == ["expired", "expired"]


@pytest.mark.parametrize(
    "begin", [("$RECEIVE/R-1",), ("$MOVE", "A-01"), ("$TRANSFER/T-1",), ("$COUNT", "A-01")]
)
def test_expired_goods_that_go_to_no_customer_are_nobodys_question(
    bench: Any, begin: tuple[str, ...]
) -> None:
    bench.scan(*begin, OLD)
    assert bench.refusals == []


def test_a_clock_that_is_not_sure_asks_nothing(bench: Any) -> None:
    bench.scan("$SHIP/SO-1")
    sure = bench.stamp
    bench.stamp = lambda: replace(sure(), clock_ok=False)
    bench.scan(OLD)
    assert (len(bench.movements), bench.refusals) == (1, [])


def test_a_task_asks_as_well_after_the_bin_is_confirmed(bench: Any, tmp_path: Any) -> None:
    board = TaskBoard(tmp_path / "tasks.json", "leeds", "gw")
    board.take(tasks(5, PICK))
    bench.engine = replace(bench.engine, errands=board.offered)
    bench.scan("$PICK/O-7", OLD, "A-01", OLD)
    assert (bench.refusals, bench.movements) == (["place_required", "expired"], [])
    assert bench.scan(OLD).text == "6 x TEA; A-01: 2 x TEA, lot L1 (1/2)"
