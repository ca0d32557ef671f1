"""Each rule of what was not stated, in its order; and that later windows tell what one pass tells."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from cloud.lots.inferring import End, Fact, Key, Policy, RowName, Rule, differences, infer

BIN, UNIT, CUSTOMER, SUPPLIER, DOCK = 1, 2, 3, 4, 5
START = datetime(2026, 3, 2, tzinfo=UTC)
SHELVES = {BIN, UNIT, DOCK}
KNOWN = Policy(is_lot_controlled=True)


def fact(number: int, quantity: int, source: int, destination: int, **more: object) -> Fact:
    """State a movement; ``lots`` are those of its sides, ``owner`` is stated at both."""
    lots = more.pop("lots", (None, None))
    owner = more.pop("owner", None)
    ends = [
        End(place, place in SHELVES, lot, None, owner, is_unit=place == UNIT)
        for place, lot in zip((source, destination), lots, strict=True)
    ]
    at = START + timedelta(minutes=number)
    return Fact(RowName("gw-1", "aa", number), at, Decimal(quantity), *ends, **more)


def lying(**lots: int) -> dict:
    return {(BIN, None): {(lot, None): Decimal(amount) for lot, amount in lots.items()}}


def source_of(found: dict, number: int = 1) -> list[tuple[str | None, str | None, int, str]]:
    return [
        (key.lot, key.owner, int(part.quantity), part.rule)
        for key, part in found.items()
        if key.side == "source" and key.name.seq == number
    ]


@pytest.mark.parametrize(
    ("taken", "held", "policy", "expected"),
    [
        (fact(1, 2, BIN, CUSTOMER), lying(L1=5), KNOWN, [("L1", None, 2, Rule.ONLY_CELL)]),
        (
            fact(1, 7, BIN, CUSTOMER),
            lying(L1=5),
            KNOWN,
            [("L1", None, 5, Rule.ONLY_CELL), ("unspecified", None, 2, Rule.UNSPECIFIED)],
        ),
        (fact(1, 2, BIN, CUSTOMER), lying(L1=5, L2=5), KNOWN, [("unspecified", None, 2, Rule.UNSPECIFIED)]),
        (
            fact(1, 2, BIN, CUSTOMER, document_lots=["L2"]),
            lying(L1=5, L2=5),
            KNOWN,
            [("L2", None, 2, Rule.DOCUMENT)],
        ),
        (
            fact(1, 3, BIN, CUSTOMER, serial_lots={"L2": 1, "L1": 1}),
            lying(L1=5, L2=5),
            Policy(
                is_lot_controlled=True,
                rule="fefo",
                expires_on={"L1": date(2026, 6, 1), "L2": date(2026, 5, 1)},
            ),
            [("L1", None, 1, Rule.SERIAL), ("L2", None, 2, Rule.SERIAL)],
        ),
        (
            fact(1, 6, BIN, CUSTOMER),
            lying(L1=5, L2=5),
            Policy(
                is_lot_controlled=True, rule="fifo", first_at={"L1": START, "L2": START - timedelta(days=1)}
            ),
            [("L2", None, 5, Rule.FIFO), ("L1", None, 1, Rule.FIFO)],
        ),
        (
            fact(1, 2, BIN, CUSTOMER, lots=(None, "L9")),
            lying(L1=5),
            KNOWN,
            [("L9", None, 2, Rule.OTHER_SIDE)],
        ),
        (fact(1, 2, SUPPLIER, UNIT, unit_lots=["L3"]), {}, KNOWN, [("L3", None, 2, Rule.UNIT_CONTENT)]),
        (fact(1, 2, DOCK, BIN, receipt_lots=["L4"]), {}, KNOWN, [("L4", None, 2, Rule.RECEIPT)]),
        (fact(1, 2, BIN, CUSTOMER, lots=("L1", "L1")), lying(L2=5), KNOWN, []),
        (fact(1, 2, BIN, CUSTOMER), lying(L1=5), Policy(is_lot_controlled=False), []),
        (fact(1, 2, BIN, CUSTOMER, is_due=False), lying(L1=5), KNOWN, []),
        (fact(1, 2, BIN, CUSTOMER, is_taken_back=True), lying(L1=5), KNOWN, []),
    ],
)
def test_each_rule_in_its_order(taken: Fact, held: dict, policy: Policy, expected: list) -> None:
    assert source_of(infer([taken], held, policy)) == expected


def test_own_goods_go_before_those_of_the_one_consignor_who_has_some_there() -> None:
    held = {(BIN, None): {(None, None): Decimal(3), (None, "acme"): Decimal(9)}}
    loose = Policy(is_lot_controlled=False)
    found = infer([fact(1, 5, BIN, CUSTOMER), fact(2, 1, BIN, CUSTOMER)], held, loose)
    assert source_of(found) == [(None, "acme", 2, Rule.OWN_FIRST)]
    assert source_of(found, 2) == [(None, "acme", 1, Rule.ONLY_CELL)]
    two = {(BIN, None): {(None, "acme"): Decimal(9), (None, "beta"): Decimal(9)}}
    assert not infer([fact(1, 5, BIN, CUSTOMER)], two, loose), "of several consignors nobody is guessed"
    lots = {(BIN, None): {("L1", None): Decimal(1), ("L1", "acme"): Decimal(9)}}
    taken = source_of(infer([fact(1, 3, BIN, CUSTOMER)], lots, KNOWN))
    assert taken == [("L1", None, 1, Rule.ONLY_CELL), ("L1", "acme", 2, Rule.ONLY_CELL)]


def test_what_somebody_stated_of_unknown_goods_is_no_second_taking_when_they_turn_out_to_be_known() -> None:
    came = fact(1, 4, SUPPLIER, BIN)
    said = fact(2, 3, BIN, BIN, lots=("unspecified", "L1"))
    assert source_of(infer([came, said], {}, KNOWN), 2) == []
    known = fact(1, 4, SUPPLIER, BIN, document_lots=["L1"])
    assert source_of(infer([known, said], {}, KNOWN), 2) == [("L1", None, 3, Rule.OTHER_SIDE)]


def test_windows_that_begin_where_something_changed_tell_what_one_pass_tells() -> None:
    random = Random(5)
    places = (BIN, UNIT, DOCK, CUSTOMER, SUPPLIER)
    for _ in range(40):
        facts = [
            fact(number, random.randrange(1, 6), *random.sample(places, 2), lots=random.choice(LOTS))
            for number in range(12)
        ]
        policy = Policy(is_lot_controlled=True, rule=random.choice((None, "fefo", "fifo")))
        whole = infer(facts, {}, policy)
        cut = random.randrange(1, 11)
        early = infer(facts[:cut], {}, policy)
        held, first_at = after(facts[:cut], early)
        late = infer(facts[cut:], held, Policy(policy.is_lot_controlled, policy.rule, {}, first_at))
        assert early | late == whole
        posted = {key: part.quantity for key, part in early.items()}
        assert differences(whole, posted) == late


LOTS = ((None, None), (None, None), ("L1", "L1"), ("L2", "L2"), (None, "L3"))


def after(facts: Iterable[Fact], found: dict) -> tuple[dict, dict]:
    """Give what lies where after movements and what was inferred of them, as the ledger would."""
    held: dict = {}
    first_at: dict = {}

    def add(place: int, lot: str | None, owner: str | None, amount: Decimal, at: datetime) -> None:
        shelf = held.setdefault((place, None), {})
        shelf[lot, owner] = shelf.get((lot, owner), Decimal(0)) + amount
        if lot is not None and amount > 0:
            first_at.setdefault(lot, at)

    for one in facts:
        for side, end, sign in (("source", one.source, -1), ("destination", one.destination, 1)):
            parts = {
                key: part.quantity for key, part in found.items() if (key.name, key.side) == (one.name, side)
            }
            rest = one.quantity - sum(parts.values(), Decimal(0))
            for key, amount in (*parts.items(), (Key(one.name, side, end.lot, end.owner), rest)):
                if amount:
                    add(end.place, key.lot, key.owner, sign * amount, one.occurred_at)
    return held, first_at
