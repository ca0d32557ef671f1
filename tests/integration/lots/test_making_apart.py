"""A transformation's page tells what the whole books do, and reads only what its own goods are made of."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from cloud.documents import service as documents
from cloud.documents.import_file import ImportPaper
from cloud.recipes.domain import UnknownRecipeError
from contracts.records import DocumentRef, Movement
from tests.integration.ledger.scenario import SITE, at, move, open_ledger
from tests.integration.lots.floor import NET, Floor
from tests.integration.lots.test_making import closes, pays, sheet, takes_back

DAY = 60 * 24
APRIL, MAY = DAY * 40, DAY * 70
ROUND, CHAIN, STEPS, OTHER = "ABC", "DEFGH", "IJKL", "MNO"
"""Made in a circle; each of what stands before it; likewise, of boxes that the chain uses too; on its own."""
BOX = "Z"
ITEMS = ROUND + CHAIN + STEPS + OTHER + BOX
Value = Decimal | None
WHOLE = """
WITH close AS (
    SELECT c.close_id, c.opens_from, c.ends_at, c.as_of_position FROM period_close c
    UNION ALL
    SELECT NULL, close_before(%(site)s, clock_timestamp()), clock_timestamp(), 9223372036854775807
), made AS MATERIALIZED (
    SELECT c.*,
        ARRAY(SELECT l FROM made_lines(%(site)s, c.opens_from, c.ends_at, c.as_of_position) l) AS lines
    FROM close c
), priced AS MATERIALIZED (
    SELECT m.lines, CASE WHEN m.close_id IS NULL THEN (
            SELECT jsonb_object_agg(a.item_id, a.cost)
            FROM average_costs(%(site)s, m.opens_from, m.ends_at, m.as_of_position, m.lines) a)
        ELSE (SELECT jsonb_object_agg(p.item_id, p.cost) FROM period_cost p
            WHERE p.close_id = m.close_id AND p.basis = 'average') END AS costs
    FROM made m
)
SELECT r.id, r.is_input, i.code, CASE WHEN bool_and(r.value IS NOT NULL) THEN sum(r.value) END
FROM priced p CROSS JOIN LATERAL carry(p.lines, coalesce(p.costs, '{}'), 2) r JOIN item i USING (item_id)
GROUP BY r.id, r.is_input, i.code
"""
"""What the closes hold of every transformation, and one of all that is open would."""


def gtin(item: str) -> str:
    digits = f"006141410{ord(item):04}"
    return digits + str(-sum(int(d) * (3, 1)[n % 2] for n, d in enumerate(digits)) % 10)


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_ledger(database, gateways=("gw-1",)) as ledger:
        items = [{"code": item, "levels": [{"gtin": gtin(item), "base_units": 1}]} for item in ITEMS]
        papers = ImportPaper.model_validate({"items": items})
        ledger.as_app(lambda conn: documents.import_all(conn, NET, papers, now=at(0)))
        ledger.query("UPDATE site SET currency = 'GBP' RETURNING 1")
        yield Floor(ledger)


def buys(item: str, quantity: int, minute: float) -> Movement:
    return move(str(quantity), "@supplier", "A-01", item=gtin(item), minute=minute)


def uses(name: str, item: str, quantity: int, minute: float) -> Movement:
    papers = (DocumentRef(type="repack", id=name, line="1"),)
    return move(str(quantity), "A-01", "@transformation", item=gtin(item), minute=minute, documents=papers)


def yields(name: str, item: str, quantity: int, minute: float) -> Movement:
    papers = (DocumentRef(type="repack", id=name, line="2"),)
    return move(str(quantity), "@transformation", "A-01", item=gtin(item), minute=minute, documents=papers)


def pages(floor: Floor, names: set[str]) -> dict[tuple[str, bool, str], Value]:
    told: dict[tuple[str, bool, str], Value] = {}
    for name in sorted(names):
        try:
            lines = sheet(floor, name, "repack").lines
        except UnknownRecipeError:
            continue
        told |= {(name, line.row.is_input, line.row.item): line.row.value for line in lines}
    return told


def books(floor: Floor) -> dict[tuple[str, bool, str], Value]:
    rows = floor.ledger.as_owner(lambda conn: conn.execute(WHOLE, {"site": SITE}).fetchall())
    return {(name, is_input, item): value for name, is_input, item, value in rows}


def agree(floor: Floor, names: set[str]) -> dict[tuple[str, bool, str], Value]:
    told, whole = pages(floor, names), books(floor)
    assert told == {key: whole[key] for key in told}
    return told


def repacks(chance: random.Random, name: str, minute: float) -> list[Movement]:
    """Make something of what may make it: in the circle of anything, else of what stands before it."""
    group = chance.choice((ROUND, CHAIN, STEPS, OTHER))
    product = chance.randrange(1, len(group))
    before = [item for n, item in enumerate(group) if (n < product) or (group == ROUND and n != product)]
    used = set(chance.sample(before, chance.randint(1, min(2, len(before)))))
    used |= {BOX} if group in (CHAIN, STEPS) and chance.random() < 0.5 else set()
    beside = [item for item in group[product + 1 :] if chance.random() < 0.3] if group != ROUND else []
    return [
        *(uses(name, item, chance.randint(1, 9), minute) for item in sorted(used)),
        *(yields(name, item, chance.randint(3, 9), minute + 1) for item in (group[product], *beside)),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_pages_tell_what_the_whole_books_do(floor: Floor, seed: int) -> None:
    """Through two closes, with what came late, went on after one, or was taken back; circles included."""
    chance = random.Random(seed)
    for item in ITEMS.replace(OTHER[0], ""):
        pays(floor, item, f"{chance.randint(1, 900) / 97:.4f}")
        pays(floor, item, f"{chance.randint(1, 900) / 89:.4f}", since="2026-04-01")
    names: set[str] = set()
    for period, start in enumerate((0, APRIL, MAY)):
        records: list[Any] = [buys(item, chance.randint(20, 60), start + 1) for item in ITEMS]
        fresh = [f"{chance.randrange(1000):03}-{period}-{n}" for n in range(14)]
        for n, name in enumerate(fresh):
            records += repacks(chance, name, start + 10 + n * 3)
        if names:
            late, *more = chance.sample(sorted(names), 4)
            records += repacks(chance, f"{late}-late", start - DAY * 30 + 99)
            records += [uses(name, chance.choice((BOX, *CHAIN)), 1, start + 99) for name in more]
            names.add(f"{late}-late")
        floor.moves(*records)
        names |= set(fresh)
        takes_back(floor, chance.choice(fresh), "repack")
        told = agree(floor, names)
        assert len({value for value in told.values() if value}) > 20
        if start != MAY:
            closes(floor, ("2026-03", "2026-04")[period], now=at(MAY))
            assert pages(floor, names) == told, "the close has what its pages told before"
            agree(floor, names)


def test_what_is_made_far_from_a_kit_is_not_read_for_it(floor: Floor) -> None:
    """Of three goods that kits are made of it takes the two that its own kit comes of."""
    for item in "DEFM":
        pays(floor, item, "1.10")
    floor.moves(
        *(buys(item, 10, 1) for item in "DEFM"),
        *(uses("1", "D", 2, 2), yields("1", "E", 2, 3)),
        *(uses("2", "E", 1, 4), yields("2", "G", 1, 5)),
        *(uses("3", "M", 1, 6), yields("3", "N", 1, 7)),
        *(uses("4", "D", 1, 8), yields("4", "H", 1, 9)),
    )
    ((items, lines),) = floor.ledger.query(
        "SELECT ARRAY(SELECT i.code FROM item i WHERE i.item_id = ANY (b.items) ORDER BY 1), "
        "ARRAY(SELECT DISTINCT l.id FROM unnest(b.lines) l ORDER BY 1) "
        "FROM lines_behind(%s, 'repack', '2', NULL, clock_timestamp(), 9223372036854775807, true) b",
        SITE,
    )
    assert (items, lines) == (["D", "E"], ["1", "2", "4"])
