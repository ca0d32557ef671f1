"""A file of recipes is read whole, or every wrong cell of it is told."""

from decimal import Decimal
from pathlib import Path

import pytest

from cloud.recipes.domain import RecipeError, RecipeKind
from cloud.recipes.papers import read_recipes
from cloud.sheets.fields import Conventions

HEADER = "recipe;kind;side;item;quantity;cost_share;valid_from\n"


def read(
    path: Path, text: str, *, comma: bool = True
) -> list[tuple[str, RecipeKind, list[tuple[str, Decimal]]]]:
    file = path / "recipes.csv"
    file.write_text(HEADER + text, "utf-8")
    found = read_recipes(file, conventions=Conventions(has_decimal_comma=comma))
    return [
        (each.code, each.kind, [(line.item, line.quantity) for line in (*each.inputs, *each.outputs)])
        for each in found
    ]


def test_rows_become_recipes_in_their_order(tmp_path: Path) -> None:
    text = (
        "SET;kit;input;TEA;2,5;;2026-03-01T00:00:00Z\n"
        "APART;dekit;input;SET;1;;\n"
        "SET;kit;input;MUG;1;;2026-03-01T00:00:00Z\n"
        "SET;kit;output;SET;1;;2026-03-01T00:00:00Z\n"
        "APART;dekit;output;TEA;2;70;\n"
        "APART;dekit;output;MUG;1;30;\n"
    )
    assert read(tmp_path, text) == [
        ("SET", RecipeKind.KIT, [("TEA", Decimal("2.5")), ("MUG", Decimal(1)), ("SET", Decimal(1))]),
        ("APART", RecipeKind.DEKIT, [("SET", Decimal(1)), ("TEA", Decimal(2)), ("MUG", Decimal(1))]),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SET;kit;inside;TEA;2;;\n", r"line 2, side: 'inside': expected input or output"),
        ("SET;kit;input;TEA;two;;\n", r"line 2, quantity: 'two'"),
        ("SET;kit;input;TEA;1;;tomorrow\n", r"line 2, valid_from: 'tomorrow'"),
        (
            "SET;kit;input;TEA;1;;\nSET;repack;output;SET;1;;\n",
            r"line 3, kind: 'repack': recipe 'SET' said 'kit'",
        ),
        ("SET;kit;input;TEA;1;;\n", r"recipe 'SET': outputs: .*at least 1 item"),
        (
            "SET;kit;input;TEA;1;;\nSET;kit;input;TEA;2;;\nSET;kit;output;SET;1;;\n",
            r"inputs: item 'TEA' stands there twice",
        ),
        (
            "D;dekit;input;SET;1;;\nD;dekit;output;TEA;1;60;\nD;dekit;output;MUG;1;30;\n",
            r"cost_share 60, 30: expected one on every output, of together 100",
        ),
    ],
)
def test_what_cannot_be_so_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        read(tmp_path, text)
