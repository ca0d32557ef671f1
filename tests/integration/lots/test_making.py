"""What is made by a recipe: versions, usage and yield, and its cost carried to the cent; on the real ledger."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from cloud.approvals.service import approve_and_apply
from cloud.identity.actor import Actor, Role
from cloud.periods import reading as periods
from cloud.periods.reading import Moment
from cloud.periods.service import ask_to_close
from cloud.recipes import making
from cloud.recipes.domain import RecipeConflictError, RecipeError, RecipeKind
from cloud.recipes.making import Sheet
from cloud.recipes.papers import MadePaper, PlanPaper, RecipePaper
from cloud.recipes.service import put_recipes
from tests.integration.ledger.scenario import SITE, at
from tests.integration.lots.floor import BOSS, NET, Floor, goes, open_floor

NOW = at(60 * 24 * 40)


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    """Open a site that makes kits and gifts of milk and boxes."""
    with open_floor(database, "MILK", "BOX", "KIT", "GIFT", gateways=("gw-1",)) as floor:
        yield floor


def states(floor: Floor, code: str, kind: str, inputs: dict[str, str], outputs: dict[str, Any], **more: Any) -> int:
    lines = {
        "inputs": [{"item": item, "quantity": quantity} for item, quantity in inputs.items()],
        "outputs": [{"item": item, **said} for item, said in outputs.items()],
    }
    paper = RecipePaper.model_validate({"code": code, "kind": kind, **lines, **more})
    (made,) = floor.ledger.as_app(lambda conn: put_recipes(conn, NET, [paper], now=at(0)))
    return made.version


def makes(floor: Floor, name: str, minute: float, **more: Any) -> None:
    stated = {"site": SITE, "type": "kit", "id": name, "location": "A-01", "occurred_at": at(minute)}
    paper = MadePaper.model_validate(stated | more)
    floor.ledger.as_app(lambda conn: making.make(conn, NET, paper, now=NOW))


def sheet(floor: Floor, name: str, kind: str = "kit") -> Sheet:
    return floor.ledger.as_app(lambda conn: making.sheet(conn, NET, site=SITE, kind=kind, name=name))


def worth(floor: Floor) -> dict[str, Decimal | None]:
    """Give what each item's stock is worth as one who closes the books now would have it."""
    lines = floor.ledger.as_app(
        lambda conn: periods.value_lines(conn, NET, Moment(SITE, NOW, is_closing=True), limit=100)
    )
    found: dict[str, Decimal | None] = {}
    for line in lines:
        if line.value is not None:
            found[line.item] = (found.get(line.item) or Decimal(0)) + line.value
    return found


def test_made(floor: Floor) -> None:
    floor.ledger.query("UPDATE site SET currency = 'GBP' RETURNING 1")
    floor.costs("BOX", "0.37")
    print(states(floor, "SET", "kit", {"MILK": "2", "BOX": "1"}, {"KIT": {"quantity": "1"}}, valid_from=at(0)))
    floor.ledger.query("INSERT INTO purchase_cost SELECT item_id, %s, '2020-01-01', 0.333333, 'GBP' FROM item WHERE code='MILK' RETURNING 1", SITE)
    floor.moves(goes("MILK", 10, "@supplier", "A-01", minute=1), goes("BOX", 10, "@supplier", "A-01", minute=2))
    print(worth(floor))
    makes(floor, "K-1", 5, recipe="SET", times="3", to_location="B-01")
    print(worth(floor))
    print(sheet(floor, "K-1"))
