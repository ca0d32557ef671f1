"""Kits by recipe: what the display asks for, scan by scan, and what is kept of recipes beside the outbox."""

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from contracts.offline import LabelName, PlannedWork, Recipe, RecipePart, ReferenceSnapshot
from contracts.records import DocumentRef, Identifier
from edge_agent.doors.assignments import Assignments
from edge_agent.workflows.feedback import Signal
from edge_agent.workflows.reference import ReferenceBook
from edge_agent.workflows.state import dump_state, load_state
from edge_agent.workflows.tasks import TaskBoard
from tests.unit.workflows.conftest import STARTED_AT

TEA, CUP, SET = "85123A", "71053", "22222"


def part(item: str, quantity: int, code: str, **more: int) -> RecipePart:
    names = [LabelName(identifier=Identifier(scheme="local", value=code))]
    if more:
        names.append(LabelName(identifier=Identifier(scheme="local", value="84406B"), **more))
    return RecipePart(item=item, quantity=Decimal(quantity), names=tuple(names))


RECIPE = Recipe(
    code="TEA-SET",
    version=2,
    kind="kit",
    valid_from=STARTED_AT - timedelta(days=1),
    uses=(part("TEA-500", 2, TEA, base_units_numerator=6), part("CUP", 1, CUP)),
    makes=(part("SET", 1, SET),),
)
LATER = RECIPE.model_copy(update={"code": "NEXT", "valid_from": STARTED_AT + timedelta(days=1)})
OVER = RECIPE.model_copy(update={"code": "LAST", "valid_until": STARTED_AT})
PLAN = PlannedWork(kind="kit", document="4717", recipe="TEA-SET", version=2, times=Decimal(3))


def message(revision: int = 1, site: str = "leeds", **more: Any) -> bytes:
    told = {"recipes": (RECIPE, LATER, OVER), "planned": (PLAN,)} | more
    snapshot = ReferenceSnapshot(site=site, revision=revision, issued_at=STARTED_AT, **told)
    return snapshot.model_dump_json().encode()


@pytest.fixture
def book(tmp_path: Path) -> ReferenceBook:
    made = ReferenceBook(tmp_path / "reference.json", "leeds")
    assert made.take(message())
    return made


@pytest.fixture
def kitchen(bench: Any, book: ReferenceBook) -> Any:
    """A scanner whose gateway knows recipes."""
    bench.engine = replace(bench.engine, recipes=book)
    return bench


def test_planned_work_asks_for_each_part_and_then_for_what_it_makes(kitchen: Any) -> None:
    said = [str(kitchen.scan(text).prompt) for text in ("$KIT/4717", "A-01", "84406B", "$QTY/3", CUP)]
    assert said[0] == "kit 4717; 6 x TEA-500 (1/2)"
    assert said[2] == "line 1: 1 x 84406B; 3 x CUP (2/2)", "a carton of six is all the tea"
    assert said[4] == "line 2: 3 x 71053; all is there: $MAKES"
    assert str(kitchen.scan("$MAKES").prompt) == "kit: 3 x SET (1/1)"
    assert str(kitchen.scan("$QTY/3", SET).prompt) == "3 x 22222 taken, scan the place; all is made: $DONE"
    kitchen.scan("B-02")
    named = DocumentRef(type="recipe", id="TEA-SET/2")
    assert [each.documents[1:] for each in kitchen.movements] == [(named,)] * 3
    assert kitchen.movements[-1].destination.location == "B-02"
    assert kitchen.refusals == []


def test_a_recipe_is_offered_chosen_and_left_and_tells_how_often_by_the_first_scan(kitchen: Any) -> None:
    assert str(kitchen.scan("$KIT/99").prompt) == "kit 99; $RECIPE/ TEA-SET"
    assert str(kitchen.scan("$DEKIT/98").prompt) == "dekit 98", "no recipe is of this kind"
    kitchen.scan("$KIT/99")
    for wrong, told in (
        ("NEXT", "NEXT"),
        ("LAST", "LAST"),
        ("TEA-SET/0", "bad_command"),
        ("X/1/2", "bad_command"),
    ):
        assert told in str(kitchen.scan(f"$RECIPE/{wrong}").prompt)
    assert str(kitchen.scan("$RECIPE/TEA-SET").prompt) == "kit by TEA-SET/2; 2 x TEA-500 (1/2)"
    assert str(kitchen.scan("A-01", "$QTY/5", TEA).prompt) == "line 1: 5 x 85123A; 1 x TEA-500 (1/2)", "for 3"
    wrong = kitchen.scan("99999")
    assert wrong.signal is Signal.REFUSAL
    assert str(wrong.prompt) == "wrong_item: expected TEA-500, CUP, got 99999; $RECIPE goes without"
    assert "a recipe is chosen first" in str(kitchen.scan("$RECIPE/TEA-SET/4").prompt)
    assert str(kitchen.scan(TEA, CUP, "$MAKES").prompt) == "2 x CUP short; kit: 3 x SET (1/1)"
    assert str(kitchen.scan("$RECIPE").prompt) == "kit: without a recipe"
    kitchen.scan("99999", "B-02")
    assert kitchen.movements[-1].documents == (DocumentRef(type="kit", id="99", line="4"),)
    kitchen.scan("$DONE", "$RECIPE/TEA-SET")
    assert kitchen.refusals[-1] == "no_workflow"


def test_undo_asks_again_and_a_power_cut_forgets_nothing(kitchen: Any) -> None:
    kitchen.scan("$KIT/99", "$RECIPE/TEA-SET/3", "A-01", "$QTY/6", TEA)
    assert str(kitchen.scan("$UNDO").prompt) == "undone: 1 reversed; 6 x TEA-500 (1/2)"
    kitchen.scan("$QTY/6", TEA)
    kitchen.state = load_state(dump_state(kitchen.state))
    assert str(kitchen.scan("$QTY/3", "$UNDO").prompt) == "quantity forgotten"
    assert str(kitchen.scan("$QTY/3", CUP).prompt).endswith("all is there: $MAKES")
    kitchen.scan("$MAKES", SET)
    assert str(kitchen.scan(SET).prompt).endswith("1 x SET (1/1)")
    assert str(kitchen.scan("$UNDO").prompt) == "left at @transformation; 2 x SET (1/1)"
    kitchen.scan(SET, "B-02")
    assert str(kitchen.scan("$UNDO").prompt) == "undone: 2 reversed; 3 x SET (1/1)"
    assert kitchen.scan("$UNDO").signal is Signal.REFUSAL


def test_recipes_that_are_told_no_more_lead_nobody_and_keep_nobody_from_work(
    kitchen: Any, book: ReferenceBook
) -> None:
    kitchen.scan("$KIT/4717", "A-01", TEA)
    assert book.take(message(2, recipes=(), planned=()))
    assert str(kitchen.scan("99999").prompt) == "line 2: 1 x 99999"
    assert str(kitchen.scan("$MAKES").prompt) == "kit: scan what is made"


def test_a_book_keeps_the_highest_revision_over_a_restart_and_counts_what_it_refuses(
    book: ReferenceBook, tmp_path: Path
) -> None:
    assert not book.take(message())
    assert not book.take(message(0 + 7, site="york"))
    assert not book.take(b"{}")
    assert book.take(message(5, planned=()))
    assert not book.take(message(4))
    assert (book.refused, book.unreadable, book.not_stored) == (2, 1, 0)
    again = ReferenceBook(tmp_path / "reference.json", "leeds")
    assert again.named("TEA-SET/2") == RECIPE
    assert again.planned("kit", "4717") is None
    assert not again.take(message(5))
    (tmp_path / "reference.json").write_bytes(b"torn")
    begun = ReferenceBook(tmp_path / "reference.json", "leeds")
    assert (begun.named("TEA-SET/2"), begun.not_read) == (None, 1)
    assert (tmp_path / "reference.json.damaged").read_bytes() == b"torn"
    assert begun.take(message(3)), "what the broker retains comes anew"


@pytest.mark.parametrize(
    "make", [ReferenceBook, Assignments, lambda path, site: TaskBoard(path, site, "gw-1")]
)
def test_a_file_that_cannot_be_read_nor_set_aside_keeps_no_agent_from_starting(
    make: Any, tmp_path: Path
) -> None:
    path = tmp_path / "kept.json"
    path.mkdir()
    assert make(path, "leeds").not_read == 1
    path.rmdir()
    path.write_bytes(b"torn")
    (tmp_path / "kept.json.damaged" / "in the way").mkdir(parents=True)
    assert make(path, "leeds").not_read == 1
    path.unlink()
    assert make(path, "leeds").not_read == 0


def test_what_is_kept_has_its_name_on_disk_too_before_anybody_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    assert ReferenceBook(tmp_path / "reference.json", "leeds").take(message())
    assert synced == ["reference.json.new", tmp_path.name]


def test_a_disk_that_refuses_recipes_is_counted_and_they_lead_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "reference.json.new").mkdir()
    book = ReferenceBook(tmp_path / "reference.json", "leeds")
    assert book.take(message())
    assert (book.not_stored, book.named("TEA-SET/2")) == (1, RECIPE)
    (tmp_path / "reference.json.new").rmdir()
    book.store()
    assert ReferenceBook(tmp_path / "reference.json", "leeds").named("TEA-SET/2") == RECIPE
