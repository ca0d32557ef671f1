"""What is in the making when a period is closed is in no figure twice, and comes back whole."""

import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.integration.ledger.scenario import at
from tests.integration.lots.floor import Floor, goes, open_floor
from tests.integration.lots.test_making import closes, pays, takes_back, worth

DAY = 60 * 24
MONTHS = {"2026-03": 0, "2026-04": 32, "2026-05": 62, "2026-06": 93}
"""By period, a day of it, counted from the test's start."""
LATER = at(DAY * 130)
COIN = Decimal("0.01")


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", "KIT", gateways=("gw-1",)) as floor:
        floor.ledger.query("UPDATE site SET currency = 'GBP' RETURNING 1")
        floor.costs("BOX", "0.37")
        pays(floor, "MILK", "1.25")
        yield floor


@pytest.mark.parametrize("seed", range(2))
def test_stock_and_what_is_in_the_making_are_worth_what_was_paid_at_every_close(
    floor: Floor, seed: int
) -> None:
    """Work begins, goes on, makes some and makes the rest in any of four periods; some of it is given up."""
    chance = random.Random(seed)
    costs = {"MILK": Decimal("1.25"), "BOX": Decimal("0.37")}
    paid = Decimal(0)
    used: defaultdict[str, Decimal] = defaultdict(Decimal)
    """By work in the making, what it used is worth."""
    begun: list[str] = []
    made: set[str] = set()
    for period, day in MONTHS.items():
        minute = float(DAY * day + 1)
        records = []
        for item, cost in costs.items():
            bought = chance.randint(60, 90)
            paid += bought * cost
            records.append(goes(item, bought, "@supplier", "A-01", minute=minute))
        begun += [f"{period}-{n}" for n in range(4)]
        for name in chance.sample(begun, min(len(begun), 6)):
            minute += 10
            if name not in made or chance.random() < 0.5:
                item, quantity = chance.choice(sorted(costs)), chance.randint(1, 8)
                records.append(
                    goes(item, quantity, "A-01", "@transformation", under=f"kit/{name}", minute=minute)
                )
                used[name] += quantity * costs[item]
            if used[name] and chance.random() < 0.5:
                records.append(
                    goes(
                        "KIT",
                        chance.randint(1, 5),
                        "@transformation",
                        "B-01",
                        under=f"kit/{name}",
                        minute=minute + 1,
                    )
                )
                made.add(name)
        floor.moves(*records)
        given_up = [name for name in begun if used[name] and name not in made]
        if len(given_up) > 2:
            takes_back(floor, given_up[0])
            begun.remove(given_up[0])
            del used[given_up[0]]
        in_the_making = sum((value for name, value in used.items() if name not in made), Decimal(0))
        stock = worth(floor, closes(floor, period, now=LATER))
        assert None not in stock.values()
        assert abs(sum(stock.values(), Decimal(0)) + in_the_making - paid) <= COIN * len(stock), period
    assert made
    assert any(name not in made for name in begun)
