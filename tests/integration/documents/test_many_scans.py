"""Scans are told by pages and looked at by item, with the answers of a look at all; on the real ledger."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from cloud.documents.receiving.scanned import Scanned, judged, scanned_page
from cloud.identity.store import act_as
from contracts.records import RowRef, Side
from tests.integration.documents.dock import EACH, KEEPER, line, open_dock, paper
from tests.integration.documents.held_scans import STRANGE, Held
from tests.integration.documents.test_scanned_receipts import work
from tests.integration.ledger.scenario import SITE

MUG, PEN = "00614141999996", "00614141888887"
UNITS = ("106141412345678908", "106141412345678915")
LOTS = ("", "", "L1", "L2")


@pytest.fixture
def held(database: object) -> Iterator[Held]:
    with open_dock(database) as dock:
        items = [
            {"code": code, "levels": [{"gtin": gtin, "base_units": 1}]}
            for code, gtin in (("MUG", MUG), ("PEN", PEN))
        ]
        dock.imports({"items": items})
        yield Held(dock)
        assert dock.is_clean()


@dataclass
class Line:
    """A line of the paper; all of one item are sought in its order."""

    name: str
    gtin: str
    lot: str | None
    unit: str | None
    open: Decimal


@dataclass(frozen=True)
class Scan:
    """What a handheld said."""

    ref: RowRef
    at: datetime
    gtin: str
    lot: str | None
    unit: str | None
    named: str | None
    quantity: Decimal
    is_taken_back: bool = False


def places(lines: Sequence[Line], scan: Scan) -> list[tuple[int, Line]]:
    """Say which lines a scan may be of, the best first."""

    def place(line: Line) -> int:
        if line.name == scan.named:
            return 1
        if line.unit and line.unit == scan.unit:
            return 2
        if line.lot and line.lot == scan.lot:
            return 3
        if line.lot is None and scan.lot is None:
            return 4
        return 5 if line.lot is None or scan.lot is None else 6

    found = sorted(((place(line), n) for n, line in enumerate(lines)))
    return [(kind, lines[n]) for kind, n in found]


def told_one_by_one(lines: Sequence[Line], scans: Sequence[Scan]) -> list[tuple[Any, ...]]:
    """Say of which line each scan is, one after the other, as the documentation does."""
    lines, parts = [replace(line) for line in lines], list[tuple[Any, ...]]()
    for scan in sorted(scans, key=lambda each: (each.at, each.ref.gateway, each.ref.seq)):
        fitting = places([line for line in lines if line.gtin == scan.gtin], scan)
        best = [each for kind, each in fitting if kind == fitting[0][0]]
        rest = scan.quantity
        for _, each in fitting[:1] if fitting and fitting[0][0] == 1 else fitting:
            took = min(rest, each.open)
            if took > 0 and not scan.is_taken_back:
                each.open -= took
                parts.append((scan.ref.seq, each.name, took, False))
            rest -= took
        if rest > 0 and not scan.is_taken_back:
            parts.append((scan.ref.seq, best[-1].name if best else None, rest, bool(best)))
    return sorted(parts, key=str)


def read(held: Held, *, items: list[int] | None = None) -> list[Scanned]:
    def ask(conn: Any) -> list[Scanned]:
        act_as(conn, KEEPER)
        return list(judged(conn, site=SITE, name="ASN-5", items=items))

    return held.dock.ledger.as_app(ask)


def of_page(held: Held, *, in_question: bool = False, size: int = 7) -> list[Scanned]:
    found: list[Scanned] = []
    while True:
        asked = {"in_question": in_question, "after": len(found), "limit": size}
        page = held.dock.ledger.as_app(
            lambda conn, asked=asked: scanned_page(conn, KEEPER, site=SITE, name="ASN-5", **asked)
        )
        found += page
        if len(page) < size:
            return found


def bare(parts: Sequence[Scanned]) -> list[tuple[Any, ...]]:
    return [(each.row._replace(parts=0, over=0, unexpected=0), each.part, each.beyond) for each in parts]


def came_beyond(parts: Sequence[Scanned]) -> list[Decimal]:
    """Say what of each part is beyond, with what came of its line summed up by hand."""
    came: defaultdict[str, Decimal] = defaultdict(Decimal)
    found = []
    for each in parts:
        if each.row.line is None:
            found.append(each.row.quantity)
            continue
        came[each.row.line] += each.row.quantity
        room = max(Decimal(0), each.row.ordered * (1 + each.part.over_percent / 100) - each.row.taken)
        found.append(min(each.row.quantity, max(Decimal(0), came[each.row.line] - room)))
    return found


def noted(held: Held) -> list[tuple[Any, ...]]:
    return held.dock.ledger.query("SELECT type, id, line, number FROM line_scanned_whole ORDER BY 1, 2, 3")


def look_at_all(held: Held, minute: float) -> int:
    held.dock.ledger.query("INSERT INTO scanned_note (site_id, id) VALUES (%s, 'ASN-5') RETURNING 1", SITE)
    return held.holds(minute)["held"]


class Floor:
    """Scans drawn by chance, and the paper that they are of."""

    def __init__(self, held: Held, seed: int) -> None:
        self.held, self.chance = held, random.Random(seed)
        self.lines = [self.line(n) for n in range(1, self.chance.randint(8, 24))]
        self.scans: list[Scan] = []
        stated = [
            line(
                int(each.name),
                int(each.open),
                seen="base",
                unit=each.unit,
                identifier={"scheme": "gtin", "value": each.gtin},
                **({"lot": each.lot} if each.lot else {}),
            )
            for each in self.lines
        ]
        held.dock.register(paper(*stated, name="ASN-5"))
        held.tolerates(self.chance.choice((0, 10)))
        held.inspects(item="PEN")

    def line(self, number: int) -> Line:
        unit = self.chance.choice((None, None, None, *UNITS))
        gtin, lot = self.chance.choice((EACH, MUG, PEN)), self.chance.choice(LOTS) or None
        return Line(str(number), gtin, lot, unit, Decimal(self.chance.randint(1, 6)))

    def scan(self, minute: float) -> None:
        gtin = self.chance.choice((EACH, EACH, MUG, PEN, STRANGE))
        lot, unit = self.chance.choice(LOTS), self.chance.choice((None, None, *UNITS))
        named = self.chance.choice((None, None, None, self.chance.choice(self.lines).name))
        quantity = self.chance.randint(1, 4)
        steps = ["$RECEIVE/ASN-5", *([f"$LINE/{named}"] if named else []), f"$QTY/{quantity}"]
        label = f"]C101{gtin}" + (f"10{lot}" if lot else "")
        (record,) = [each for each in work(*steps, label, "$DONE", minute=minute) if each.kind == "movement"]
        if unit:
            record = record.model_copy(update={"destination": Side(unit=unit, lot=lot or None)})
        ref = self.held.dock.doors.send(record)[-1]
        at_once = record.occurred_at_claimed
        self.scans.append(Scan(ref, at_once, gtin, lot or None, unit, named, Decimal(quantity)))

    def takes_back(self) -> None:
        n = self.chance.randrange(len(self.scans))
        if not self.scans[n].is_taken_back:
            self.held.take_back(self.scans[n].ref)
            self.scans[n] = replace(self.scans[n], is_taken_back=True)


@pytest.mark.parametrize("seed", range(2))
def test_pages_and_looks_by_item_tell_what_a_look_at_all_does(held: Held, seed: int) -> None:
    """Late scans, scans taken back, named lines, lots, units, tolerance and inspection, by chance."""
    floor, chance = Floor(held, seed), random.Random(seed)
    for turn in range(4):
        start = turn * 40 + 1
        for n in range(12):
            late = chance.random() < 0.2 and turn
            floor.scan(start + n - (60 if late else 0) + chance.random() / 2)
        if turn % 2:
            floor.takes_back()
        whole = read(held)
        assert sorted(
            ((each.row.seq, each.row.line, each.row.quantity, each.row.is_over) for each in whole), key=str
        ) == told_one_by_one(floor.lines, floor.scans)
        assert [each.beyond for each in whole] == came_beyond(whole)
        assert bare(of_page(held)) == bare(whole)
        for item_id in {each.row.item_id for each in whole}:
            assert bare(read(held, items=[item_id])) == bare(
                [each for each in whole if each.row.item_id == item_id]
            )
        in_question = [
            each
            for each in whole
            if each.row.is_over or not each.row.line or each.row.asked or each.row.to_inspect
        ]
        page = of_page(held, in_question=True)
        assert bare(page) == bare(in_question)
        assert {each.row.seq for each in whole if each.is_beyond} <= {each.row.seq for each in page}
        first = whole[0].row
        assert (first.parts, first.over, first.unexpected) == (
            len(whole),
            sum(each.row.is_over for each in whole),
            sum(each.row.line is None for each in whole),
        )
        held.complete(start + 20)
        held.holds(start + 200)
        by_item = noted(held)
        assert look_at_all(held, start + 201) == 0, "by item it found all that there is to hold"
        assert noted(held) == by_item


def test_only_the_items_that_were_scanned_since_are_looked_at(held: Held) -> None:
    held.dock.register(
        paper(
            line(1, 5, seen="base"),
            line(2, 5, seen="base", identifier={"scheme": "gtin", "value": MUG}),
            name="ASN-5",
        )
    )
    held.scan(1, 5, under="ASN-5")
    held.scan(2, 2, gtin=MUG, under="ASN-5")
    held.complete(3)
    assert held.holds()["looked"] == 1
    held.scan(4, 3, gtin=MUG, under="ASN-5")
    held.holds()
    asked = "SELECT ARRAY(SELECT i.code FROM item i WHERE i.item_id = ANY (d.items)) FROM scanned_due d"
    assert held.dock.ledger.query(asked) == [(["MUG"],)], "not whole yet; of tea nothing is due"
    held.complete(5)
    assert held.holds()["looked"] == 1
    assert [name[2] for name in noted(held)] == ["1", "2"]
