"""Pallets that hold boxes, and pallets that came back: nothing leaves or comes twice, whoever names what."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.papers import TransferPaper
from cloud.master.places import add_location
from contracts.records import UnitPosition
from tests.integration.crossings.doors import stood
from tests.integration.documents.dock import (
    CASES,
    OTHER_SITE,
    PALLET,
    SECOND,
    Dock,
    line,
    open_dock,
    paper,
    sscc,
)
from tests.integration.documents.test_pallets_of_visits import (
    OF,
    OUTBOUND,
    drafted,
    holds,
    packed,
    sent_from_york,
    shipped,
    transfer,
)
from tests.integration.documents.test_papers_of_visits import EVERYWHERE, named
from tests.integration.ledger.scenario import SITE, at

THIRD = sscc(3)
ROUNDS = 8


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    """Two sites, whose ledger proves itself afterwards."""
    with open_dock(database) as dock:
        for site, code in ((SITE, "STAGE-1"), (OTHER_SITE, "Y-01")):
            place = {"site": site, "code": code, "kind": "bin", "parent": None}
            dock.ledger.as_app(lambda conn, place=place: add_location(conn, EVERYWHERE, **place))
        yield dock
        assert dock.is_clean()


def put_in(dock: Dock, unit: str, outer: str, *, minute: float) -> None:
    inside = stood("STAGE-1", minute=minute).model_dump() | {"unit": unit, "location": None, "parent": outer}
    dock.doors.send(UnitPosition.model_validate(inside))


def boxed(dock: Dock) -> None:
    """Let a pallet of one case hold a box of two, of a transfer of nine."""
    packed(dock, 1)
    packed(dock, 2, SECOND, minute=3)
    put_in(dock, SECOND, PALLET, minute=5)
    drafted(dock, line(1, 9))


def test_a_box_that_a_person_names_leaves_once_with_the_pallet_that_holds_it(dock: Dock) -> None:
    boxed(dock)
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    told = dock.confirm("V-2", SECOND)
    assert [(each.unit, each.quantity) for each in told.lines] == [(PALLET, 24), (SECOND, 48)]
    assert (transfer(dock)[1], holds(dock, PALLET, SECOND)) == ([(72, 0)], {})
    assert (told.unexpected_units, dock.remains("V-2")) == ((), [])


def test_boxes_in_boxes_leave_once_when_all_of_them_are_named(dock: Dock) -> None:
    boxed(dock)
    packed(dock, 3, THIRD, minute=6)
    put_in(dock, THIRD, SECOND, minute=7)
    dock.expect("V-2", **OUTBOUND)
    told = dock.confirm("V-2", THIRD, PALLET, SECOND)
    left = [(PALLET, 24), (SECOND, 48), (THIRD, 72)]
    assert sorted((each.unit or "", int(each.quantity)) for each in told.lines) == sorted(left)
    assert (transfer(dock)[1], holds(dock, PALLET, SECOND, THIRD)) == ([(144, 0)], {})


def test_a_box_that_an_order_declares_leaves_for_it_alone(dock: Dock) -> None:
    boxed(dock)
    dock.register(paper(line(1, 2, unit=SECOND), name="SO-1", kind="outbound_order"))
    names = [{"type": "transfer", "id": "T-1"}, {"type": "outbound_order", "id": "SO-1"}]
    dock.expect("V-2", direction="outbound", documents=names)
    dock.crosses(minute=10, direction="out", visit="V-2")
    told = dock.confirm("V-2")
    left = [("outbound_order", SECOND, 2), ("transfer", PALLET, 24)]
    assert [(each.type, each.unit, each.quantity) for each in told.lines] == left
    assert (transfer(dock)[1], holds(dock, PALLET, SECOND), dock.remains("V-2")) == ([(24, 0)], {}, [])


def test_a_box_that_a_person_names_comes_once_with_the_pallet_that_holds_it(dock: Dock) -> None:
    drafted(dock, line(1, 9), sending=OTHER_SITE, receiving=SITE)
    sent_from_york(dock)
    sent_from_york(dock, 1, SECOND)
    put_in(dock, SECOND, PALLET, minute=-10)
    dock.expect("V-1", **named("transfer", "T-1"))
    dock.crosses()
    told = dock.confirm("V-1", SECOND)
    assert [(each.unit, each.quantity) for each in told.lines] == [(PALLET, 48), (SECOND, 24)]
    assert (transfer(dock), dock.remains()) == (("received", [(72, 72)]), [])


def test_a_pallet_that_came_back_and_was_filled_anew_does_not_leave_again(dock: Dock) -> None:
    packed(dock, 2)
    drafted(dock, line(1, 9))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    dock.confirm("V-2", minute=20)
    packed(dock, 3, minute=30)
    assert dock.remains("V-2") == []
    assert dock.confirm("V-2", minute=60).position is None
    assert (transfer(dock)[1], holds(dock)) == ([(48, 0)], {(PALLET, None, None): 72})
    dock.confirm("V-2", PALLET, minute=70)
    assert transfer(dock)[1] == [(120, 0)], "on a person's word it does"
    assert [row[-1] for row in shipped(dock)] == [48, 72]


def test_a_pallet_that_was_refused_and_put_back_does_not_leave(dock: Dock) -> None:
    packed(dock, 2)
    drafted(dock, line(1, 9))
    dock.expect("V-2", **OUTBOUND)
    dock.crosses(minute=10, direction="out", visit="V-2")
    dock.stands(PALLET, "STAGE-1", minute=15)
    assert (dock.remains("V-2"), dock.confirm("V-2").position) == ([], None)
    assert (transfer(dock)[1], holds(dock)) == ([(0, 0)], {(PALLET, None, None): 48})
    dock.crosses(minute=70, direction="out", visit="V-2")
    dock.confirm("V-2", minute=80)
    assert transfer(dock)[1] == [(48, 0)]


def test_a_declared_pallet_that_was_put_back_does_not_leave_unless_a_person_says_so(dock: Dock) -> None:
    packed(dock, 2)
    dock.register(paper(line(1, 2, unit=PALLET), name="SO-1", kind="outbound_order"))
    dock.expect("V-2", "SO-1", direction="outbound")
    dock.crosses(minute=10, direction="out", visit="V-2")
    assert dock.remains("V-2") == [("unsettled_unit", PALLET, None)]
    dock.stands(PALLET, "STAGE-1", minute=15)
    assert dock.remains("V-2") == [("missing_unit", PALLET, None)]
    told = dock.confirm("V-2")
    assert (told.position, told.missing_units, holds(dock)) == (None, (PALLET,), {(PALLET, None, None): 48})
    dock.confirm("V-2", PALLET, minute=70)
    assert (holds(dock), dock.close("V-2").state) == ({}, "closed")


class Nesting:
    """Units at random in each other, each with some cases of one lot; a transfer, an order and a visit."""

    def __init__(self, dock: Dock, seed: int) -> None:
        self.dock, self.rng, self.minute = dock, random.Random(seed), 1 + 10 * seed
        self.units = [sscc(1000 + 10 * seed + nth) for nth in range(4)]
        self.held = {unit: (self.rng.choice("AB"), self.rng.randint(1, 3)) for unit in self.units}
        self.rng.shuffle(self.units)
        self.transfer, self.order, self.visit = f"T-{seed}", f"SO-{seed}", f"V-{seed + 10}"

    def some(self) -> list[str]:
        return [unit for unit in self.units if self.rng.random() < 0.5]

    def nest(self, minute: float) -> None:
        for nth, unit in enumerate(self.units):
            if outer := self.rng.choice([*self.units[:nth], *self.units[max(nth - 1, 0) : nth], None]):
                put_in(self.dock, unit, outer, minute=minute)

    def draft(self, sending: str, receiving: str, cases: int) -> None:
        lines = [line(1, self.rng.randint(1, 4), lot="A"), line(2, cases)]
        stated = {"from_site": sending, "to_site": receiving, "id": self.transfer, "lines": lines}
        draft = TransferPaper.model_validate(stated)
        self.dock.ledger.as_app(lambda conn: transfers.draft(conn, EVERYWHERE, draft))

    def confirm(self, direction: str, declared: list[str]) -> Counter[tuple[str, str]]:
        """Let some units cross, and a person name others: what of each unit and lot changed hands."""
        for unit in self.some():
            self.dock.crosses(unit, minute=self.minute + 4, direction=direction, visit=self.visit)
        changed: Counter[tuple[str, str]] = Counter()
        for named_now in ([unit for unit in self.some() if unit not in declared], []):
            told = self.dock.confirm(self.visit, *named_now, minute=self.minute + 5)
            for each in told.lines:
                base = 24 if each.unit_seen == CASES else 1
                changed[f"{each.unit}", f"{each.lot}"] += int(each.quantity) * base
        return changed

    def is_there(self, changed: Counter[tuple[str, str]]) -> bool:
        return changed <= Counter({(unit, lot): 24 * cases for unit, (lot, cases) in self.held.items()})


def test_never_more_leaves_than_was_there_however_boxes_stand_in_each_other(dock: Dock) -> None:
    for seed in range(ROUNDS):
        nesting = Nesting(dock, seed)
        for unit, (lot, cases) in nesting.held.items():
            packed(dock, cases, unit, minute=nesting.minute, lot=lot)
        nesting.nest(nesting.minute + 1)
        nesting.draft(SITE, OTHER_SITE, nesting.rng.choice((2, 99)))
        declared = nesting.some()[:2]
        names = [{"type": "transfer", "id": nesting.transfer}]
        if declared:
            of = [
                line(nth, nesting.held[unit][1], unit=unit, lot=nesting.held[unit][0])
                for nth, unit in enumerate(declared, start=1)
            ]
            dock.register(paper(*of, name=nesting.order, kind="outbound_order"))
            names.append({"type": "outbound_order", "id": nesting.order})
        times = {"from_at": at(nesting.minute), "to_at": at(nesting.minute + 9)}
        dock.expect(nesting.visit, direction="outbound", documents=names, **times)
        changed = nesting.confirm("out", declared)
        assert nesting.is_there(changed), (seed, nesting.held, declared, changed)
        left = holds(dock, *nesting.units)
        there = Counter({(unit, lot): 24 * cases for unit, (lot, cases) in nesting.held.items()})
        assert {(unit, lot): much for (unit, lot, _), much in left.items()} == dict(there - changed), seed


def test_never_more_comes_than_was_sent_however_boxes_stand_in_each_other(dock: Dock) -> None:
    for seed in range(ROUNDS):
        nesting = Nesting(dock, seed)
        nesting.draft(OTHER_SITE, SITE, 99)
        for unit, (lot, cases) in nesting.held.items():
            sent_from_york(dock, cases, unit, of=OF | {"id": nesting.transfer, "line": "2"}, lot=lot)
        nesting.nest(-10)
        times = {"from_at": at(nesting.minute), "to_at": at(nesting.minute + 9)}
        dock.expect(nesting.visit, **named("transfer", nesting.transfer), **times)
        changed = nesting.confirm("in", [])
        assert nesting.is_there(changed), (seed, nesting.held, changed)
