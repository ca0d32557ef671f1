"""Goods that wait are judged with their owner, whose they stay (consignment); on the real ledger."""

import functools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from cloud.db import Connection
from cloud.documents.domain import DocumentError
from cloud.documents.judging import scrapping
from cloud.documents.judging import service as judging
from cloud.documents.judging.by_hand import move_by_hand
from cloud.documents.judging.scrapping import ScrapPaper
from cloud.ledger.domain import NotPostableError
from cloud.ledger.manual import ManualMovement
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import Disposition
from tests.integration.documents.dock import EACH, KEEPER, open_dock
from tests.integration.documents.held_scans import Held
from tests.integration.ledger.scenario import SITE, at, move

HOLD: Final[dict[str, Any]] = {"disposition": Disposition.HOLD}


@pytest.fixture
def held(database: str) -> Iterator[Held]:
    with open_dock(database) as dock:
        yield Held(dock)


def comes(held: Held, owner: str | None, quantity: int = 13) -> None:
    """Scan goods of an owner under ASN-1, ten of which were announced; what is over is put on hold."""
    held.dock.doors.send(
        move(
            str(quantity),
            Side(location="@supplier", owner=owner),
            Side(location="STAGE-1", owner=owner),
            item=EACH,
            minute=1,
            documents=(DocumentRef(type="receipt", id="ASN-1", line="1"),),
            actor="user:pia",
            biz_step="receiving",
        )
    )
    held.complete(5)
    assert held.holds()["held"] == 1


def goes(held: Held, quantity: int, source: Side, destination: Side, minute: int = 6) -> None:
    held.dock.doors.send(move(str(quantity), source, destination, item=EACH, minute=minute))
    held.complete(minute + 1)


def lies(held: Held) -> dict[tuple[str, str | None, str | None], int]:
    """Give what lies in the site by place, condition and owner; zero is left out."""
    rows = held.dock.ledger.query(
        "SELECT l.code, c.disposition, c.owner, sum(b.quantity) FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id)"
        " WHERE l.kind <> 'virtual' AND l.code <> 'Z-09' GROUP BY 1, 2, 3 HAVING sum(b.quantity) <> 0"
    )
    return {(place, condition, owner): int(quantity) for place, condition, owner, quantity in rows}


def waiting(held: Held) -> list[tuple[str, str | None, int]]:
    """Give what waits by place and owner."""
    rows = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    return sorted(((row.location, row.owner, int(row.quantity)) for row in rows), key=str)


def test_goods_of_another_are_judged_as_theirs_and_stay_theirs(held: Held) -> None:
    comes(held, "ACME")
    assert waiting(held) == [("STAGE-1", "ACME", 3)]
    held.judges(2, "sellable")
    assert waiting(held) == [("STAGE-1", "ACME", 1)]
    held.judges(1, "damaged")
    assert lies(held) == {("STAGE-1", None, "ACME"): 12, ("STAGE-1", "damaged", "ACME"): 1}
    assert (waiting(held), held.dock.is_clean()) == ([], True)


@pytest.mark.parametrize("place", ["STAGE-1", "A-01"])
def test_goods_made_anothers_while_they_waited_are_judged_as_theirs(held: Held, place: str) -> None:
    comes(held, None)
    goes(held, 3, Side(location="STAGE-1", **HOLD), Side(location="STAGE-1", owner="ACME", **HOLD))
    if place != "STAGE-1":
        acme = Side(location="STAGE-1", owner="ACME", **HOLD)
        goes(held, 3, acme, Side(location=place, owner="ACME", **HOLD), minute=8)
    assert waiting(held) == [(place, "ACME", 3)]
    held.judges(1, "sellable")
    assert waiting(held) == [(place, "ACME", 2)]
    held.judges(2, "damaged")
    assert lies(held) == {
        ("STAGE-1", None, None): 10,
        (place, None, "ACME"): 1,
        (place, "damaged", "ACME"): 2,
    }
    assert (waiting(held), held.dock.is_clean()) == ([], True)


def test_whose_goods_are_judged_is_asked_where_several_owners_wait(held: Held) -> None:
    comes(held, "ACME")
    goes(held, 1, Side(location="STAGE-1", owner="ACME", **HOLD), Side(location="STAGE-1", **HOLD))
    assert waiting(held) == [("STAGE-1", "ACME", 2), ("STAGE-1", None, 1)]
    with pytest.raises(
        DocumentError, match=r"several owners wait: expected owner, one of '' \(our own\), ACME"
    ):
        held.judges(1, "sellable")
    with pytest.raises(DocumentError, match="expected at most 1"):
        held.judges(2, "sellable", owner="")
    held.judges(2, "damaged", owner="ACME")
    assert waiting(held) == [("STAGE-1", None, 1)]
    held.judges(1, "sellable", owner="")
    assert lies(held) == {
        ("STAGE-1", None, "ACME"): 10,
        ("STAGE-1", "damaged", "ACME"): 2,
        ("STAGE-1", None, None): 1,
    }
    assert (waiting(held), held.dock.is_clean()) == ([], True)


def test_what_was_carried_on_is_of_the_line_of_its_owner(held: Held) -> None:
    comes(held, None)
    comes(held, "ACME", 4)
    first, second = ("A-01", "ACME", 4), ("Z-01", None, 3)
    for minute, (place, owner, quantity) in enumerate((first, second), 8):
        at_dock = Side(location="STAGE-1", owner=owner, **HOLD)
        goes(held, quantity, at_dock, Side(location=place, owner=owner, **HOLD), minute)
    rows = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    found = {(row.location, row.owner, int(row.quantity)): row.line for row in rows}
    assert set(found) == {first, second}
    moved = held.dock.ledger.query(
        "SELECT d ->> 'line', c.owner FROM movement m JOIN cell c ON c.cell_id = m.to_cell"
        " CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d"
        " WHERE c.disposition = 'hold' AND d ->> 'id' = 'ASN-1~held'"
    )
    assert dict(moved) == {found[first]: "ACME", found[second]: None}


def test_what_was_judged_as_anothers_is_of_the_line_that_brought_it(held: Held) -> None:
    ours, acme = Side(location="STAGE-1", **HOLD), Side(location="STAGE-1", owner="ACME", **HOLD)
    comes(held, None)
    goes(held, 3, ours, acme)
    held.judges(2, "sellable")
    comes(held, None, 2)
    goes(held, 2, ours, acme, minute=8)
    assert waiting(held) == [("STAGE-1", "ACME", 1), ("STAGE-1", "ACME", 2)]


def test_a_movement_by_hand_takes_no_goods_of_another_that_wait(held: Held) -> None:
    comes(held, "ACME")
    for owner in ("ACME", None):
        taken = ManualMovement(
            SITE,
            Identifier(scheme="gtin", value=EACH),
            Decimal(3),
            EACH,
            Side(location="STAGE-1", owner=owner, **HOLD),
            Side(location="STAGE-1", owner=owner),
            at(8),
            "by_hand",
        )
        with pytest.raises(NotPostableError, match="wait as hold"):
            held.dock.ledger.as_app(functools.partial(move_by_hand, actor=KEEPER, movement=taken, now=at(9)))
    assert waiting(held) == [("STAGE-1", "ACME", 3)]


def test_goods_of_another_are_scrapped_as_theirs(held: Held) -> None:
    comes(held, "ACME")
    (row,) = held.dock.ledger.as_app(lambda conn: judging.waiting(conn, KEEPER, site=SITE, limit=50))
    stated = {"site": SITE, "receipt": row.receipt, "line": row.line, "waits_as": "hold", "quantity": 3}
    asked = ScrapPaper.model_validate(stated | {"reason": "defective"})

    def scrap(conn: Connection) -> None:
        decision = scrapping.ask_to_scrap(conn, KEEPER, asked)
        assert "ACME" in decision.effect["summary"]
        scrapping.SCRAP.apply(conn, KEEPER, decision)

    held.dock.ledger.as_app(scrap)
    assert lies(held) == {("STAGE-1", None, "ACME"): 10}
    gone = held.dock.ledger.query(
        "SELECT c.owner, b.quantity FROM balance b JOIN cell c USING (cell_id)"
        " JOIN location l USING (location_id) WHERE l.code = '@scrap'"
    )
    assert [(owner, int(quantity)) for owner, quantity in gone] == [("ACME", 3)]
    assert (waiting(held), held.dock.is_clean()) == ([], True)
