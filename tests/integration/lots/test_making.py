"""What is made by a recipe: usage, yield, cost to the cent, serials through kits; on the real ledger."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from cloud.approvals.service import approve_and_apply
from cloud.lots.serials import SerialGenealogy, serial_genealogy
from cloud.periods import reading as periods
from cloud.periods.reading import Moment
from cloud.periods.service import ask_to_close
from cloud.recipes import making
from cloud.recipes.domain import RecipeConflictError, RecipeError, RecipeKind, UnknownRecipeError
from cloud.recipes.making import Sheet
from cloud.recipes.papers import MadePaper, PlanPaper, RecipePaper
from cloud.recipes.service import put_recipes, recipes
from tests.integration.ledger.scenario import SITE, at
from tests.integration.lots.floor import BOSS, NET, PALLET, Floor, goes, open_floor, stands

NOW = at(60 * 24 * 40)
MILK = [f"urn:epc:id:sgtin:0614141.000001.{number}" for number in range(5)]
KIT = [f"urn:epc:id:sgtin:0614141.000003.{number}" for number in range(5)]
GIFT = "urn:epc:id:sgtin:0614141.000004.7"


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    """Open a site that makes kits and gifts of milk and boxes, and keeps its books in pounds."""
    with open_floor(database, "MILK", "BOX", "KIT", "GIFT", gateways=("gw-1",)) as floor:
        floor.ledger.query("UPDATE site SET currency = 'GBP' RETURNING 1")
        yield floor


def states(
    floor: Floor, code: str, kind: str, uses: dict[str, str], made: dict[str, Any], **more: Any
) -> int:
    lines = {
        "inputs": [{"item": item, "quantity": quantity} for item, quantity in uses.items()],
        "outputs": [{"item": item} | said for item, said in made.items()],
    }
    paper = RecipePaper.model_validate({"code": code, "kind": kind, "valid_from": at(-100)} | lines | more)
    (found,) = floor.ledger.as_app(lambda conn: put_recipes(conn, NET, [paper], now=at(0)))
    return found.version


def makes(
    floor: Floor, name: str, minute: float, kind: str = "kit", *, now: datetime = NOW, **more: Any
) -> None:
    stated = {"site": SITE, "type": kind, "id": name, "location": "A-01", "occurred_at": at(minute)}
    paper = MadePaper.model_validate(stated | more)
    floor.ledger.as_app(lambda conn: making.make(conn, NET, paper, now=now))


def takes_back(floor: Floor, name: str, kind: str = "kit") -> None:
    named: dict[str, Any] = {"site": SITE, "kind": RecipeKind(kind), "name": name, "reason": "typo"}
    floor.ledger.as_app(lambda conn: making.take_back(conn, NET, **named))


def sheet(floor: Floor, name: str, kind: str = "kit") -> Sheet:
    return floor.ledger.as_app(lambda conn: making.sheet(conn, NET, site=SITE, kind=kind, name=name))


def carried(floor: Floor, name: str, kind: str = "kit") -> dict[str, Decimal | None]:
    """Give what each item of a transformation cost or carries; both sides come to the same."""
    told = sheet(floor, name, kind)
    assert told.value_in == told.value_out
    return {line.row.item: line.row.value for line in told.lines}


def pays(floor: Floor, item: str, cost: str, since: str = "2020-01-01") -> None:
    floor.ledger.query(
        "INSERT INTO purchase_cost SELECT item_id, %s, %s, %s, 'GBP' FROM item WHERE code = %s RETURNING 1",
        SITE,
        since,
        Decimal(cost),
        item,
    )


def worth(floor: Floor, close_id: int | None = None, now: datetime = NOW) -> dict[str, Decimal | None]:
    """Give what each item's stock is worth: in a close, or as one who closes the books now would have it."""
    moment = Moment(SITE, now, close_id=close_id, is_closing=close_id is None)
    lines = floor.ledger.as_app(lambda conn: periods.value_lines(conn, NET, moment, limit=100))
    known = {line.item: line.value for line in lines if line.quantity and not line.location.startswith("@")}
    assert sum(1 for line in lines if line.quantity and not line.location.startswith("@")) == len(known)
    return known


def closes(floor: Floor, period: str, now: datetime = NOW) -> int:
    asked = floor.ledger.as_app(
        lambda conn: ask_to_close(conn, NET, site=SITE, period=period, reason="figures_due", note="", now=now)
    )
    done = floor.ledger.as_app(lambda conn: approve_and_apply(conn, BOSS, asked.decision_id, asked.revision))
    outcome: dict[str, Any] = dict(done.outcome or {})
    return int(outcome["close"])


def test_what_is_made_carries_what_was_used_to_the_cent_and_taking_it_back_restores(floor: Floor) -> None:
    """Milk by what was paid for it, boxes by standard: three kits, repacked as gifts, one kit taken apart."""
    floor.costs("BOX", "0.37")
    pays(floor, "MILK", "0.333333")
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", minute=1), goes("BOX", 10, "@supplier", "A-01", minute=2)
    )
    assert states(floor, "SET", "kit", {"MILK": "2", "BOX": "1"}, {"KIT": {"quantity": "1"}}) == 1
    shares = {
        "MILK": {"quantity": "2", "cost_share": "64.3"},
        "GIFT": {"quantity": "1", "cost_share": "35.7"},
    }
    states(floor, "APART", "dekit", {"KIT": "1"}, shares)
    before = worth(floor)
    assert before == {"MILK": Decimal("3.33"), "BOX": Decimal("3.70")}

    makes(floor, "K-1", 5, recipe="SET", times="3")
    assert carried(floor, "K-1") == {"MILK": Decimal("2.00"), "BOX": Decimal("1.11"), "KIT": Decimal("3.11")}
    kits = worth(floor)
    assert kits == {"MILK": Decimal("1.33"), "BOX": Decimal("2.59"), "KIT": Decimal("3.11")}
    assert sum(filter(None, kits.values())) == sum(filter(None, before.values()))

    gifts = [{"identifier": {"scheme": "sku", "value": item}, "quantity": "1"} for item in ("GIFT", "BOX")]
    used = [{"identifier": {"scheme": "sku", "value": "KIT"}, "quantity": "1"}]
    makes(floor, "R-1", 7, "repack", inputs=used, outputs=gifts)
    assert carried(floor, "R-1", "repack") == {
        "KIT": Decimal("1.04"),
        "BOX": Decimal("0.37"),  # the standard is what it is worth; the rest goes to the gift
        "GIFT": Decimal("0.67"),
    }
    makes(floor, "D-1", 9, "dekit", recipe="APART", times="1")
    apart = carried(floor, "D-1", "dekit")
    assert apart["KIT"] == Decimal("1.04")
    assert (apart["MILK"], apart["GIFT"]) == (Decimal("0.67"), Decimal("0.37")), "by shares, no cent is lost"
    held = worth(floor)
    assert sum(filter(None, held.values())) == sum(filter(None, before.values()))

    for name, kind in (("D-1", "dekit"), ("R-1", "repack"), ("K-1", "kit")):
        takes_back(floor, name, kind)
    assert worth(floor) == before
    with pytest.raises(RecipeConflictError, match="nothing of it is there to take back"):
        takes_back(floor, "K-1")


def test_a_kit_carries_its_close_and_what_comes_late_falls_into_the_next(floor: Floor) -> None:
    pays(floor, "MILK", "1")
    floor.moves(goes("MILK", 10, "@supplier", "A-01", minute=1))
    states(floor, "SET", "kit", {"MILK": "3"}, {"KIT": {"quantity": "1"}})
    makes(floor, "K-1", 5, recipe="SET", times="2")
    first = closes(floor, "2026-03")
    closed = {"MILK": Decimal("4.00"), "KIT": Decimal("6.00")}
    assert worth(floor, first) == closed
    assert carried(floor, "K-1") == {"MILK": Decimal("6.00"), "KIT": Decimal("6.00")}
    pays(floor, "MILK", "3", since="2026-04-01")
    floor.moves(goes("MILK", 10, "@supplier", "A-01", minute=60 * 24 * 33))
    assert worth(floor) == {"MILK": Decimal("34.00"), "KIT": Decimal("6.00")}
    takes_back(floor, "K-1")
    assert worth(floor) == {"MILK": Decimal("40.00")}, "what was paid: 10 at 1, 10 at 3"
    assert worth(floor, first) == closed


def test_a_page_adds_up_what_closes_have_of_it_and_what_came_since(floor: Floor) -> None:
    pays(floor, "MILK", "1")
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", minute=1),
        goes("MILK", 6, "A-01", "@transformation", under="kit/9", minute=2),
        goes("KIT", 1, "@transformation", "B-01", under="kit/9", minute=3),
    )
    closes(floor, "2026-03")
    pays(floor, "MILK", "3", since="2026-04-01")
    april = 60 * 24 * 35
    floor.moves(
        goes("MILK", 4, "@supplier", "A-01", minute=april),
        goes("KIT", 5, "@transformation", "B-01", under="kit/9", minute=april),
    )
    assert carried(floor, "9") == {"MILK": Decimal("6.00"), "KIT": Decimal("6.00")}
    floor.moves(goes("MILK", 2, "A-01", "@transformation", under="kit/9", minute=april + 1))
    assert carried(floor, "9") == {"MILK": Decimal("10.00"), "KIT": Decimal("10.00")}, "two more at 2.00"
    for name in ("abc", "9" * 20):
        with pytest.raises(UnknownRecipeError, match="nothing was made under posting"):
            sheet(floor, name, "posting")


def test_what_is_used_before_closes_and_made_or_given_up_after_them_is_carried_over(floor: Floor) -> None:
    """Six are used at 1 when March is closed, six more are bought at 5 when April is."""
    pays(floor, "MILK", "1")
    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", minute=1),
        goes("MILK", 4, "A-01", "@transformation", under="kit/9", minute=2),
        goes("MILK", 2, "A-01", "@transformation", under="kit/8", minute=3),
    )
    closes(floor, "2026-03")
    pays(floor, "MILK", "5", since="2026-04-01")
    floor.moves(goes("MILK", 6, "@supplier", "A-01", minute=60 * 24 * 35))
    may, june = 60 * 24 * 62, at(60 * 24 * 93)
    assert worth(floor, closes(floor, "2026-04", now=june)) == {"MILK": Decimal("34.00")}
    floor.moves(goes("KIT", 3, "@transformation", "B-01", under="kit/9", minute=may))
    assert worth(floor, now=june) == {"MILK": Decimal("34.00"), "KIT": Decimal("4.00")}
    takes_back(floor, "8")
    assert worth(floor, now=june) == {"MILK": Decimal("36.00"), "KIT": Decimal("4.00")}, "all that was paid"
    used = [_part("KIT", "3")]
    makes(floor, "R-9", may + 5, "repack", inputs=used, outputs=[_part("GIFT", "7")], now=june)
    assert worth(floor, now=june) == {"MILK": Decimal("36.00"), "GIFT": Decimal("4.00")}


def _part(item: str, quantity: str) -> dict[str, Any]:
    named = {"identifier": {"scheme": "sku", "value": item}, "quantity": quantity}
    return named | ({"location": "B-01"} if item == "KIT" else {})


def test_what_is_made_in_a_circle_is_worth_what_was_paid_or_is_not_known(floor: Floor) -> None:
    """Ten of each go round a hundred times; then kits that nobody made are taken apart."""
    pays(floor, "MILK", "10")
    pays(floor, "BOX", "20")

    def repacks(name: str, used: tuple[str, int], made: tuple[str, int], *, minute: int) -> None:
        floor.moves(
            goes(*used, "A-01", "@transformation", under=f"repack/{name}", minute=minute),
            goes(*made, "@transformation", "A-01", under=f"repack/{name}", minute=minute),
        )

    floor.moves(
        goes("MILK", 10, "@supplier", "A-01", minute=1), goes("BOX", 10, "@supplier", "A-01", minute=2)
    )
    repacks("there", ("MILK", 1000), ("BOX", 1000), minute=3)
    repacks("back", ("BOX", 1000), ("MILK", 1000), minute=4)
    exact = {"MILK": Decimal("149.75"), "BOX": Decimal("150.25")}
    assert worth(floor) == exact
    repacks("over", ("MILK", 1000), ("KIT", 1000), minute=5)
    repacks("apart", ("KIT", 2000), ("MILK", 1000), minute=6)
    assert worth(floor) == {"MILK": None, "BOX": None, "KIT": None}, "each round makes more of it"
    takes_back(floor, "apart", "repack")
    takes_back(floor, "over", "repack")
    assert worth(floor) == exact


def test_an_unknown_cost_stays_unknown_through_kits(floor: Floor) -> None:
    floor.costs("BOX", "0.37")
    floor.moves(goes("MILK", 4, "@supplier", "A-01", minute=1), goes("BOX", 4, "@supplier", "A-01", minute=2))
    states(floor, "SET", "kit", {"MILK": "1", "BOX": "1"}, {"KIT": {"quantity": "1"}})
    makes(floor, "K-1", 5, recipe="SET", times="2")
    assert worth(floor) == {"MILK": None, "BOX": Decimal("0.74"), "KIT": None}
    assert carried(floor, "K-1") == {"MILK": None, "BOX": Decimal("0.74"), "KIT": None}


def test_a_handhelds_kit_stands_beside_the_recipe_that_was_planned_or_held(floor: Floor) -> None:
    """The gateway names a kit only; the version that held, or was planned, tells what to expect."""
    states(floor, "SET", "kit", {"MILK": "2", "BOX": "1"}, {"KIT": {"quantity": "1"}})
    assert states(floor, "SET", "kit", {"MILK": "2", "BOX": "1"}, {"KIT": {"quantity": "1"}}) == 1
    newer = {"MILK": "3", "BOX": "1"}
    assert states(floor, "SET", "kit", newer, {"KIT": {"quantity": "1"}}, valid_from=at(20)) == 2
    other = {"GIFT": "1", "BOX": "1"}
    assert states(floor, "SET", "kit", other, {"KIT": {"quantity": "1"}}, valid_from=at(30)) == 3
    of_milk = floor.ledger.as_app(lambda conn: recipes(conn, NET, item="MILK", limit=9))
    assert [(each.version, each.valid_until) for each in of_milk] == [(1, at(20)), (2, at(30))]
    with pytest.raises(RecipeConflictError, match="what was valid is not rewritten"):
        states(floor, "SET", "kit", {"MILK": "9"}, {"KIT": {"quantity": "1"}}, valid_from=at(10))
    with pytest.raises(RecipeError, match=r"item 'NONE': there is no such item"):
        states(floor, "OTHER", "kit", {"NONE": "9"}, {"KIT": {"quantity": "1"}})
    floor.moves(
        goes("MILK", 11, "A-01", "@transformation", under="kit/4717", minute=5),
        goes("BOX", 5, "A-01", "@transformation", under="kit/4717", minute=5),
        goes("KIT", 5, "@transformation", "B-01", under="kit/4717", minute=6),
    )
    told = sheet(floor, "4717")
    assert (told.recipe.name if told.recipe else None, told.is_stated) == ("SET/1", False)
    lines = {line.row.item: (line.expected, line.variance, line.yield_percent) for line in told.lines}
    assert lines == {
        "MILK": (10, 1, None),
        "BOX": (5, 0, None),
        "KIT": (Decimal("5.5"), Decimal("-0.5"), Decimal("90.91")),
    }
    plan = PlanPaper.model_validate(
        {"site": SITE, "type": "kit", "id": "4717", "recipe": "SET", "version": 2, "times": "6"}
    )
    assert [floor.ledger.as_app(lambda conn: making.plan(conn, NET, plan, now=NOW)) for _ in range(2)] == [
        1,
        1,
    ]
    told = sheet(floor, "4717")
    assert (told.recipe.name if told.recipe else None, told.is_stated) == ("SET/2", True)
    assert next((line.row.item, line.expected, line.planned) for line in told.lines) == (
        "MILK",
        Decimal(15),
        Decimal(18),
    )
    rows = floor.ledger.as_app(
        lambda conn: making.transformations(conn, NET, site=SITE, from_at=at(0), until_at=at(10), limit=9)
    )
    assert [(row.type, row.id, row.recipe, row.version, row.item, row.quantity) for row in rows] == [
        ("kit", "4717", "SET", 2, "KIT", Decimal(5))
    ]


def serial(floor: Floor, name: str) -> SerialGenealogy:
    return floor.ledger.as_app(lambda conn: serial_genealogy(conn, NET, names=[name]))


def tree(told: SerialGenealogy) -> set[tuple[str, str | None, int, bool]]:
    return {
        (each.item, each.key.serial or each.key.lot, each.steps, each.is_possible)
        for each in told.genealogy.relatives.values()
        if each.steps
    }


def test_a_serial_is_found_in_the_kit_that_holds_it_and_where_that_went_on_its_pallet(floor: Floor) -> None:
    """Milk and a box into a kit, that into a gift, that onto a pallet to Acme; two kits are made together."""
    floor.orders("SO-1", "GIFT", 1, "ACME")
    account = "@transformation"
    floor.moves(
        *(goes("MILK", 1, "@supplier", "A-01", minute=n, epcs=(name,)) for n, name in enumerate(MILK)),
        goes("BOX", 5, "@supplier", "A-01", "B1", minute=5),
        goes("MILK", 1, "A-01", account, under="kit/1", minute=6, epcs=(MILK[0],)),
        goes("BOX", 1, "A-01", account, "B1", under="kit/1", minute=6),
        goes("KIT", 1, account, "B-01", under="kit/1", minute=7, epcs=(KIT[0],)),
        goes("KIT", 1, "B-01", account, under="repack/2", minute=8, epcs=(KIT[0],)),
        goes("GIFT", 1, account, "C-01", under="repack/2", minute=9, epcs=(GIFT,)),
        stands(PALLET, "LANE", 10),
        goes("GIFT", 1, "C-01", PALLET, minute=11, epcs=(GIFT,)),
        *(goes("MILK", 1, "A-01", account, under="kit/3", minute=12, epcs=(name,)) for name in MILK[1:3]),
        *(goes("KIT", 1, account, "B-01", under="kit/3", minute=13, epcs=(name,)) for name in KIT[1:3]),
    )
    milk = serial(floor, MILK[0])
    assert tree(milk) == {("KIT", KIT[0], 1, False), ("GIFT", GIFT, 2, False)}
    gift = milk.forward[-1]
    assert gift.stand is not None
    assert (gift.stand.place, gift.stand.stands, gift.stand.papers) == (PALLET, "LANE", None)
    floor.moves(goes("GIFT", 1, PALLET, "@customer", under="outbound_order/SO-1", minute=14))
    gift = serial(floor, MILK[0]).forward[-1]
    assert gift.stand is not None
    assert (gift.stand.partner, gift.stand.papers) == ("ACME", "outbound_order SO-1")

    assert tree(serial(floor, GIFT)) == {
        ("KIT", KIT[0], -1, False),
        ("MILK", MILK[0], -2, False),
        ("BOX", "B1", -2, False),
    }
    assert tree(serial(floor, MILK[1])) == {("KIT", KIT[1], 1, True), ("KIT", KIT[2], 1, True)}
    assert tree(serial(floor, KIT[2])) == {("MILK", MILK[1], -1, True), ("MILK", MILK[2], -1, True)}
    assert tree(serial(floor, MILK[4])) == set()
