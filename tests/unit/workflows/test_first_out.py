"""A pick without a task of a later lot than the one that expires first: asked about once, and recorded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.offline import PickableItem, PickableLot, ReferenceSnapshot
from contracts.records import DocumentRef, Identifier
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.reference import ReferenceBook
from edge_agent.workflows.state import dump_state, load_state
from edge_agent.workflows.tasks import TaskBoard
from tests.unit.workflows.conftest import STARTED_AT
from tests.unit.workflows.test_tasks import CASE, CASE_LABEL, PICK, tasks

OWN = "85123A"
NAMES = (Identifier(scheme="gtin", value=CASE), Identifier(scheme="local", value=OWN))
EARLY, LATE, LATER, NEW, UNDATED = (f"{CASE_LABEL}10{lot}" for lot in ("L1", "L2", "L3", "L9", "L0"))
PASSED_OVER = DocumentRef(type="earlier_lot", id="L1")
TELLS = (
    "earlier_lot: lot L1 at A-02 expires earlier (2026-04-01): take it, or scan this again to pick it anyway"
)


def lot(name: str, expires_on: str | None, *places: str) -> PickableLot:
    return PickableLot.model_validate({"lot": name, "expires_on": expires_on, "places": places})


KNOWN = (
    lot("L1", "2026-04-01", "STAGING", "A-02"),
    lot("L2", "2026-06-01", "A-01"),
    lot("L3", "2026-09-01", "A-01"),
    lot("L0", None, "A-01"),
)


@pytest.fixture
def tell(bench: Any, tmp_path: Path) -> Any:
    """Tells a gateway of lots, and starts it again without the cloud."""

    def told(*lots: PickableLot, others: Sequence[PickableItem] = ()) -> None:
        message = ReferenceSnapshot(
            site="leeds",
            revision=1,
            issued_at=STARTED_AT,
            pickable=(*others, PickableItem(names=NAMES, lots=lots or KNOWN)),
        )
        path = tmp_path / "reference.json"
        assert ReferenceBook(path, "leeds").take(message.model_dump_json().encode())
        bench.engine = replace(bench.engine, lots=ReferenceBook(path, "leeds").lots_of)

    return told


def test_a_later_lot_is_picked_when_it_is_scanned_again_and_says_which_lot_it_passed_over(
    bench: Any, tell: Any
) -> None:
    tell()
    bench.scan("$PICK/SO-1", "A-01", "$QTY/4")
    asked = bench.scan(LATE)
    assert (asked.signal, asked.text) == (Signal.REFUSAL, TELLS)
    assert bench.movements == []
    bench.state = load_state(dump_state(bench.state))  # the agent is started again
    bench.scan(LATE, LATE, EARLY, "$UNDO", LATER, LATER, "$DONE")
    assert bench.refusals == ["earlier_lot", "earlier_lot"], "once for each lot"
    assert [
        (each.source.lot, int(each.quantity_seen), each.documents[1:])
        for each in bench.movements
        if each.reverses is None
    ] == [
        ("L2", 4, (PASSED_OVER,)),
        ("L2", 1, (PASSED_OVER,)),
        ("L1", 1, ()),
        ("L3", 1, (PASSED_OVER,)),
    ]
    assert bench.records[-1].documents == (DocumentRef(type="pick", id="SO-1"),), "of the work, not of a lot"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "el lote L1 en A-02 caduca antes (2026-04-01)"),
        ("de", "Charge L1 in A-02 läuft früher ab (2026-04-01)"),
        ("pl", "partia L1 w A-02 traci ważność wcześniej (2026-04-01)"),
    ],
)
def test_it_is_asked_in_the_persons_language(bench: Any, tell: Any, language: str, said: str) -> None:
    tell()
    asked = bench.scan("$PICK/SO-1", "A-01", LATE)
    assert asked.prompt.said_in(language).startswith(f"earlier_lot: {said}: ")


def test_what_never_expires_is_later_and_what_a_label_dates_is_compared_by_it(bench: Any, tell: Any) -> None:
    tell()
    bench.scan("$PICK/SO-1", "A-01", UNDATED, f"{CASE_LABEL}1726040110L9")
    assert bench.refusals == ["earlier_lot", "earlier_lot"], "L9 is still good on the day on which L1 is not"
    bench.scan(f"{CASE_LABEL}1726033110L8")
    assert len(bench.movements) == 1, "the label means the same day"


@pytest.mark.parametrize(
    "scans",
    [
        ("$PICK/SO-1", "A-01", EARLY),
        ("$PICK/SO-1", "A-01", NEW),
        ("$PICK/SO-1", "A-01", CASE_LABEL, OWN, "71053"),
        ("$SHIP/SO-1", LATE),
        ("$MOVE", "A-01", LATE),
        ("$COUNT", "A-01", LATE),
    ],
)
def test_nothing_is_asked_of_the_first_lot_of_one_that_nobody_dates_or_in_other_work(
    bench: Any, tell: Any, scans: tuple[str, ...]
) -> None:
    tell()
    bench.scan(*scans)
    assert bench.refusals == []


@pytest.mark.parametrize(
    "first",
    [
        lot("L1", "2026-03-02", "A-02"),
        lot("L1", "2026-04-01", "STAGING", "RETURNS"),
        lot("L1", "2026-06-01", "A-02"),
    ],
)
def test_a_lot_that_has_expired_since_was_picked_already_or_expires_the_same_day_is_not_earlier(
    bench: Any, tell: Any, first: PickableLot
) -> None:
    tell(first, *KNOWN[1:])
    bench.scan("$PICK/SO-1", "A-01", LATE)
    assert bench.refusals == []


@pytest.mark.parametrize(("scheme", "value"), [("sku", "base"), ("supplier_code", CASE), ("local", CASE)])
def test_another_items_code_does_not_answer_for_what_is_no_code_on_a_label(
    bench: Any, tell: Any, scheme: str, value: str
) -> None:
    name = Identifier.model_validate({"scheme": scheme, "value": value})
    tell(others=[PickableItem(names=(name,), lots=(lot("X1", "2026-03-20", "A-09"), *KNOWN[1:]))])
    bench.scan("$PICK/SO-1", "A-01", EARLY)
    assert bench.refusals == [], "of the item itself it is the first"
    assert bench.scan(LATE).text == TELLS


def test_a_serialised_label_answers_for_its_gtin(bench: Any, tell: Any) -> None:
    tell()
    bench.scan("$PICK/SO-1", "A-01", f"{CASE_LABEL}21S-1\x1d10L2")
    assert bench.refusals == ["earlier_lot"]


def test_a_clock_that_is_not_sure_asks_nothing(bench: Any, tell: Any) -> None:
    tell()
    bench.scan("$PICK/SO-1", "A-01")
    sure = bench.stamp
    bench.stamp = lambda: replace(sure(), clock_ok=False)
    bench.scan(LATE)
    assert (len(bench.movements), bench.refusals) == (1, [])


def test_a_task_chose_its_lot_already(bench: Any, tell: Any, tmp_path: Path) -> None:
    tell(lot("L7", str((STARTED_AT + timedelta(days=9)).date()), "A-03"), lot("L1", None, "A-01"))
    board = TaskBoard(tmp_path / "tasks.json", "leeds", "gw")
    board.take(tasks(5, PICK))
    bench.engine = replace(bench.engine, errands=board.offered)
    bench.scan("$PICK/O-7", "A-01", CASE_LABEL)
    assert (len(bench.movements), bench.refusals) == (1, [])
