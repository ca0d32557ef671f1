"""What is in a unit that came is as its paper declares it, until somebody counts it; on the real ledger."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from cloud.documents.receiving import reading
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.rules import RulePaper, put_rule
from cloud.documents.receiving.service import receive
from cloud.units.names import Unit
from cloud.units.reading import NOW, AsOf, unit_now
from cloud.units.stock import By, StockFilter, stock_by
from contracts.records import Count, CountLine, Identifier
from tests.conftest import Database
from tests.integration.documents.dock import EACH, KEEPER, PALLET, SECOND, Dock, line, open_dock, paper
from tests.integration.ledger.scenario import SITE, at
from tests.integration.units.test_packaging import at_minute


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    """PALLET and SECOND are declared, of 24 pieces each."""
    with open_dock(database) as dock:
        dock.register(paper(line(1, 1, unit=PALLET), line(2, 1, unit=SECOND)))
        dock.expect("V-1", "ASN-1")
        yield dock
        assert dock.is_clean()


def content(dock: Dock, unit: str = PALLET, moment: AsOf = NOW) -> list[tuple[int, bool]]:
    """Give how much is in a unit, and whether that is unchecked."""
    now = dock.ledger.as_app(lambda conn: unit_now(conn, KEEPER, Unit(unit), moment=moment))
    return [(int(row.quantity), row.is_unchecked) for row in now.content if row.quantity is not None]


def counts(dock: Dock, pieces: int, minute: float) -> None:
    """Count what is in PALLET with a handheld."""
    seen = CountLine(identifier=Identifier(scheme="gtin", value=EACH), quantity=Decimal(pieces), unit=PALLET)
    dock.doors.send(Count(scope="bin", location="STAGE-1", lines=(seen,), **at_minute(minute)))


def test_what_is_declared_is_no_stock_before_it_came_and_unchecked_until_it_is_counted(dock: Dock) -> None:
    dock.crosses()
    assert content(dock) == [], "declared, not stock"
    dock.confirm("V-1", SECOND)
    assert (content(dock), content(dock, SECOND)) == ([(24, True)], [(24, True)])
    why = "SELECT reason FROM movement ORDER BY reason"
    assert dock.ledger.query(why) == [("completeness_inferred",), ("not_read",)]
    counts(dock, 24, 70)
    assert (content(dock), content(dock, SECOND)) == ([(24, False)], [(24, True)])
    assert content(dock, moment=AsOf(at=at(65))) == [(24, True)], "as it was then"


def test_what_a_person_says_came_is_checked(dock: Dock) -> None:
    dock.stands(PALLET, "STAGE-1", minute=10)
    of = {"type": "asn", "id": "ASN-1", "line": "1"}
    told = {"line": "1", "of": of, "received": "23", "unit_seen": "base", "unit": PALLET}
    delivery = DeliveryPaper.model_validate(
        {"site": SITE, "receipt": "R-1", "location": "STAGE-1", "visit": "V-1", "lines": [told]}
    )
    dock.ledger.as_app(lambda conn: receive(conn, KEEPER, delivery, now=at(60)))
    assert content(dock) == [(23, False)]


def test_stock_by_unit_says_it_of_units_alone_as_of_any_instant(dock: Dock) -> None:
    dock.crosses()
    dock.confirm("V-1", SECOND)
    counts(dock, 24, 70)

    def told(by: By, at_minute: float | None = None) -> dict[str | None, bool]:
        wanted = StockFilter(site=SITE, until_at=None if at_minute is None else at(at_minute))
        rows = dock.ledger.as_app(lambda conn: stock_by(conn, KEEPER, by, wanted, limit=9))
        return {row.unit: row.is_unchecked for row in rows}

    assert told(By.UNIT) == {PALLET: False, SECOND: True}
    assert told(By.UNIT, 65) == {PALLET: True, SECOND: True}
    assert told(By.PLACE) == told(By.LOT) == {None: False}


def test_what_came_with_a_pallet_is_read_once_for_all_its_lines_of_a_receipt(
    dock: Dock, database: Database
) -> None:
    rule = RulePaper(site=SITE, inspects=True)
    dock.ledger.as_app(lambda conn: put_rule(conn, KEEPER, rule))
    both = [line(number, 1, unit=unit) for number, unit in enumerate([PALLET, PALLET, SECOND], 1)]
    dock.cancel("V-1")
    dock.register(paper(*both, name="ASN-2"))
    dock.expect("V-2", "ASN-2")
    dock.confirm("V-2", PALLET, SECOND)
    with psycopg.connect(database.admin_dsn) as conn:
        conn.execute("SET track_functions = 'all'")
        told = reading.receipt(conn, KEEPER, site=SITE, name="V-2~received")
        calls = "SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = %s"
        ((read,),) = conn.execute(calls, ["unchecked_in_units"])
    assert ([each.is_unchecked for each in told.lines], read) == ([True, True, True], 1)
