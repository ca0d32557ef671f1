"""What may be promised by date can be claimed, in a real database: lots, customers, claims at random."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from cloud.allocation import reading, service, terms
from cloud.allocation.claiming import Wish
from cloud.allocation.domain import ClaimKind
from cloud.allocation.promise import Promise
from cloud.documents import service as documents
from cloud.documents.papers import DocumentPaper
from tests.integration.allocation.shelves import EACH, KEEPER, NETWORK, NOW, TODAY, Shelves
from tests.integration.ledger.scenario import SITE


class _UndoneError(Exception):
    """Ends a transaction whose effects nobody wants."""


def promised(conn: psycopg.Connection) -> Sequence[Promise]:
    return reading.promise(conn, KEEPER, site=SITE, item="TEA", now=NOW).rows


def orders(conn: psycopg.Connection, name: str, quantity: Decimal, on: date, partner: str = "EASY") -> Wish:
    named = {"scheme": "gtin", "value": EACH}
    line = {"line": "1", "identifier": named, "quantity": f"{quantity}", "unit_seen": "base"}
    head = {"site": SITE, "type": "outbound_order", "id": name, "partner": partner, "due_on": on.isoformat()}
    documents.register_document(conn, KEEPER, DocumentPaper.model_validate(head | {"lines": [line]}))
    return Wish(SITE, (f"outbound_order/{name}",))


def require_claimable(shelves: Shelves, row: Promise) -> None:
    """Claim all that may be promised for a day, and let it go again."""

    def claim(conn: psycopg.Connection) -> None:
        wish = orders(conn, "NEW", row.available, row.on)
        done = service.allocate(conn, KEEPER, wish, kind=ClaimKind.HARD, now=NOW)
        assert not done.shortfalls, (row, done.shortfalls)
        raise _UndoneError

    with pytest.raises(_UndoneError):
        shelves.ledger.as_app(claim)


def test_a_later_lot_that_a_customer_has_claimed_is_promised_to_nobody_else(shelves: Shelves) -> None:
    for lot, days in (("D1", 10), ("D2", 60)):
        shelves.expires(lot, TODAY + timedelta(days))
        shelves.holds("A-1", 10, lot=lot)
    shelves.ledger.as_app(lambda conn: terms.put_life(conn, NETWORK, partner="PICKY", item=None, days=30))

    def picky(conn: psycopg.Connection) -> Wish:
        return orders(conn, "O-1", Decimal(10), TODAY + timedelta(1), "PICKY")

    wish = shelves.ledger.as_app(picky)
    days = [0, 1, 10, 60]
    waiting = {(row.on - TODAY).days: int(row.available) for row in shelves.ledger.as_app(promised)}
    assert waiting == dict(zip(days, [10, 10, 0, 0], strict=True))  # only the later lot will do for it
    assert shelves.allocates(*wish.documents or ()).claims[0].cell.lot == "D2"
    claimed = shelves.ledger.as_app(promised)
    assert {(row.on - TODAY).days: int(row.available) for row in claimed} == {0: 10, 10: 0, 60: 0}
    assert (claimed[0].receipts, claimed[0].orders, claimed[0].projected) == (20, 10, 10)
    require_claimable(shelves, claimed[0])


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_promised_for_a_day_can_be_claimed(shelves: Shelves, seed: int) -> None:
    dice = random.Random(seed)
    shelves.ledger.as_app(lambda conn: terms.put_life(conn, NETWORK, partner="PICKY", item=None, days=30))
    for nth in range(dice.randint(2, 5)):
        lot = f"D{nth}"
        shelves.expires(lot, TODAY + timedelta(dice.randint(1, 70)) if dice.random() < 0.9 else None)
        shelves.holds(f"A-{nth % 2}", dice.randint(1, 15), lot=lot)
    wishes = []
    for nth in range(4):
        on, partner = TODAY + timedelta(dice.randint(0, 25)), dice.choice(["PICKY", "EASY"])
        quantity = Decimal(dice.randint(1, 9))
        wish = shelves.ledger.as_app(
            lambda conn, name=f"O-{nth}", asked=(quantity, on, partner): orders(conn, name, *asked)
        )
        wishes.append((wish, dice.choice([None, ClaimKind.HARD, ClaimKind.SOFT])))
    for wish, kind in wishes:
        if kind is not None:
            shelves.allocates(*wish.documents or (), kind=kind)
    for row in shelves.ledger.as_app(promised):
        if row.available > 0:
            require_claimable(shelves, row)
