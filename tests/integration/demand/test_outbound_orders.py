"""What outbound orders ask for is demand, whether or not it left; what did not is measured."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from asking import CASE_OF_TEA, NOW, TEA, Demand, line
from shop import ADMIN, Pulls, pulling

from cloud.cli import main
from cloud.demand import held, substitutions
from cloud.demand.departures import as_left
from cloud.demand.domain import DemandError
from cloud.demand.reading import daily_matrix
from cloud.demand.sources import service, shorts
from cloud.demand.sources.domain import NewSource, SourceError, SourceKind, SourceSettings
from cloud.demand.substitutions import Substitution
from cloud.demand.waiting import HeldState
from cloud.documents import service as documents
from cloud.documents import visits
from cloud.documents.import_file import ImportPaper
from cloud.documents.shipping import service as shipping
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.short_lines import ClosePaper, close_short
from cloud.identity.store import act_as
from cloud.master.places import add_location
from cloud.sheets.fields import has_check_digit
from tests.integration.ledger.scenario import CONTROLLER, NETWORK_CONTROLLER

PORTAL = {
    "site": "leeds",
    "portal": "dock-1",
    "gateway": "gw-1",
    "inside_location": "STAGE-1",
    "outside_location": "@clearing/dock-1",
}


@pytest.fixture(scope="module")
def pulls(furnished: Demand) -> Iterator[Pulls]:
    with pulling(furnished.ledger.app_dsn) as opened:
        yield opened


def sscc(number: int) -> str:
    digits = f"10614141{number:09d}"
    return digits + next(check for check in "0123456789" if has_check_digit(digits + check))


def asked(number: int, quantity: str, unit: str | None = None, gtin: str = CASE_OF_TEA) -> dict[str, object]:
    return {
        "line": str(number),
        "identifier": {"scheme": "gtin", "value": gtin},
        "quantity": quantity,
        "unit_seen": gtin if gtin == CASE_OF_TEA else "base",
        "units": [unit] if unit else [],
    }


def test_orders_are_demand_and_what_did_not_leave_is_measured(
    demand: Demand, pulls: Pulls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    papers = {
        "portals": [PORTAL],
        "documents": [
            {
                "site": "leeds",
                "type": "outbound_order",
                "id": name,
                "lines": [asked(1, "2", sscc(unit)), asked(2, "1", sscc(unit + 1)), asked(3, "5", gtin=TEA)],
            }
            for name, unit in (("SO-1", 10), ("SO-2", 20))
        ],
        "visits": [
            {
                "site": "leeds",
                "visit": "V-1",
                "door": "dock-1",
                "direction": "outbound",
                "from_at": "2026-03-02T06:00:00Z",
                "documents": [{"type": "outbound_order", "id": "SO-1"}],
            }
        ],
    }
    begun = datetime.now(UTC) - timedelta(seconds=1)
    checked = ImportPaper.model_validate(papers)
    demand.ledger.as_app(lambda conn: documents.import_all(conn, NETWORK_CONTROLLER, checked, now=NOW))
    # What another site asks for is no demand, or it would be planned there and here (DOMAIN D10).
    demand.ledger.query(
        "WITH d AS (INSERT INTO document (site_id, type, id, partner, created_by)"
        " VALUES ('leeds', 'transfer', 'TR-1', 'york', 't') RETURNING site_id, type, id)"
        " INSERT INTO document_line"
        " (site_id, type, id, line, ordinal, identifier_scheme, identifier, quantity, unit_seen)"
        f" SELECT d.*, '1', 1, 'gtin', '{TEA}', 7, 'base' FROM d RETURNING 1"
    )
    settings = SourceSettings(constants={"channel": "b2b"})
    wished = NewSource("leeds", "orders", SourceKind.ORDERS, None, settings, None, 5)
    made = demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, wished, site="leeds", now=NOW))
    assert pulls.one(made.source_id).lines == 6
    found = demand.ledger.query(
        "SELECT document, line, quantity, kind, channel FROM demand_line WHERE source = %s ORDER BY 1, 2",
        "orders",
    )
    assert found == [
        (order, line, quantity, "requested", "b2b")
        for order in ("SO-1", "SO-2")
        for line, quantity in (("1", 24), ("2", 12), ("3", 5))
    ]

    demand.ledger.as_app(
        lambda conn: visits.confirm(
            conn, CONTROLLER, site="leeds", visit="V-1", confirmed_units=[sscc(10)], now=NOW
        )
    )
    told = demand.ledger.as_app(lambda conn: visits.story(conn, CONTROLLER, site="leeds", visit="V-1"))
    reasons = {left.name: "short" for left in told.remainders}
    demand.ledger.as_app(
        lambda conn: visits.close(conn, CONTROLLER, site="leeds", visit="V-1", reasons=reasons, now=NOW)
    )
    after = pulls.one(made.source_id)
    assert (after.state, after.lines, after.last_error) == ("active", 6, None), (
        "what is known changes nothing"
    )
    today = begun.date().isoformat()
    assert demand.of_tea(today, today) == {today: Decimal(82)}, "what was short was asked for all the same"

    (row,) = demand.ledger.as_app(
        lambda conn: shorts.shorts(conn, CONTROLLER, site="leeds", from_at=begun, until_at=NOW)
    )
    assert row[:6] == ("TEA", 6, 82, 29, 12, 1)
    assert row.fill == Decimal(29) / Decimal(41)
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", demand.ledger.app_dsn)
    assert main(["demand", "sources", "shorts", "--site", "leeds"]) == 0
    assert "requested 82  left 29  short 12 in 1 of 6 lines  70.7% filled" in capsys.readouterr().out

    # A line of 12 that the visit left behind; two mugs went in place of five. It is 12 asked for, once.
    assert fed_back(demand, begun) == {"TEA": (82, 12, 0, 0, 70)}
    swap = Substitution(1, "leeds", "orders", "SO-1", "2", "TEA", Decimal(5), "MUG", Decimal(2), begun, None)
    demand.ledger.as_app(lambda conn: substitutions.record(conn, CONTROLLER, [swap], origin="line", now=NOW))
    assert fed_back(demand, begun) == {"TEA": (82, 7, 5, 0, 70), "MUG": (0, 0, 0, 2, 2)}
    # The customer takes 4 back: of what did not leave.
    gone = line("4", begun.isoformat(), source="orders", document="C-1", kind="cancelled", of=("SO-1", "2"))
    demand.tell(gone)
    assert fed_back(demand, begun) == {"TEA": (78, 3, 5, 0, 70), "MUG": (0, 0, 0, 2, 2)}
    # And 7 more: one is left of the line, a fifth of what was sent instead.
    demand.tell(gone._replace(document="C-2", quantity="7"))
    assert fed_back(demand, begun) == {
        "TEA": (71, 0, 1, 0, 70),
        "MUG": (0, 0, 0, Decimal("0.4"), Decimal("0.4")),
    }
    # What is cancelled without a request takes back the latest of what each of both tells.
    demand.tell(gone._replace(document="C-3", quantity="20", of_document=None, of_line=None))
    assert fed_back(demand, begun)["TEA"] == (51, 0, 1, 0, 50)
    day = date.fromisoformat(today)
    known, left = demand.ledger.as_app(lambda conn: asked_and_left(conn, day))
    assert known == {"TEA": 51}
    assert left == {"TEA": 50}
    asked_again = demand.ledger.as_app(
        lambda conn: service.backfill_source(conn, ADMIN, made.source_id, from_at=begun, now=NOW)
    )
    assert (asked_again.cursor, asked_again.from_at) == (None, begun)
    assert pulls.one(made.source_id).lines == 6
    other = NewSource("leeds", "x", SourceKind.ORDERS, "/srv", SourceSettings(), None, 5)
    with pytest.raises(SourceError, match="outbound orders are registered here; expected neither"):
        demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, other, site="leeds", now=NOW))


def test_what_is_short_of_a_line_is_what_departures_left_of_it_when_it_was_closed(
    demand: Demand, pulls: Pulls
) -> None:
    wanted = {"SO-31": ("10", "4"), "SO-32": ("7",), "SO-33": ("8",), "SO-34": ("3",)}
    papers = {
        "portals": [PORTAL],
        "documents": [
            {
                "site": "leeds",
                "type": "outbound_order",
                "id": name,
                "lines": [asked(number, each, gtin=TEA) for number, each in enumerate(quantities, start=1)],
            }
            for name, quantities in wanted.items()
        ],
        "visits": [
            {
                "site": "leeds",
                "visit": "V-31",
                "door": "dock-1",
                "direction": "outbound",
                "from_at": "2026-03-03T06:00:00Z",
                "documents": [{"type": "outbound_order", "id": "SO-31"}],
            }
        ],
    }
    begun = datetime.now(UTC) - timedelta(seconds=1)
    checked = ImportPaper.model_validate(papers)
    demand.ledger.as_app(lambda conn: documents.import_all(conn, NETWORK_CONTROLLER, checked, now=NOW))
    wished = NewSource("leeds", "parts", SourceKind.ORDERS, None, SourceSettings(), None, 5)
    made = demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, wished, site="leeds", now=NOW))
    assert pulls.one(made.source_id).lines == 5

    demand.ledger.as_app(
        lambda conn: add_location(conn, CONTROLLER, site="leeds", code="A-01", kind="bin", parent=None)
    )

    def told() -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
        (row,) = demand.ledger.as_app(
            lambda conn: shorts.shorts(conn, CONTROLLER, site="leeds", from_at=begun, until_at=NOW)
        )
        return row[3:6], fed_back(demand, begun).get("TEA", ())

    ship(demand, "S-31", ("SO-31", 1, 6), ("SO-31", 2, 1), ("SO-32", 1, 2), ("SO-33", 1, 3))
    ship(demand, "S-32", ("SO-31", 2, 3))
    assert told() == ((15, 0, 0), ()), "what is still open is not short"
    close(demand, "SO-32", "1")
    assert told() == ((15, 5, 1), (32, 5, 0, 0, 27)), "no visit was to take it"
    story = demand.ledger.as_app(lambda conn: visits.story(conn, CONTROLLER, site="leeds", visit="V-31"))
    reasons = {left.name: "short" for left in story.remainders}
    demand.ledger.as_app(
        lambda conn: visits.close(conn, CONTROLLER, site="leeds", visit="V-31", reasons=reasons, now=NOW)
    )
    assert told() == ((15, 9, 2), (32, 9, 0, 0, 23)), "four of ten, and nothing of what left whole"
    ship(demand, "S-33", ("SO-31", 1, 1))
    close(demand, "SO-34", "1")
    assert told() == ((16, 11, 3), (32, 11, 0, 0, 21)), "one of them left later, three never"
    demand.ledger.as_app(
        lambda conn: shipping.reverse_line(
            conn, CONTROLLER, site="leeds", name="S-32", line="1", reason="not loaded"
        )
    )
    assert told() == ((13, 14, 4), (32, 14, 0, 0, 18)), "what had left whole is open again"
    demand.ledger.as_app(
        lambda conn: shipping.reverse_line(
            conn, CONTROLLER, site="leeds", name="S-31", line="4", reason="not loaded"
        )
    )
    assert told()[0] == (10, 14, 4)
    close(demand, "SO-33", "1", reason="customer_cancelled")
    assert told()[0] == (10, 14, 4), "what the customer does not want any more is not short"
    # Of what the visit left behind the customer takes two back.
    demand.tell(line("2", begun.isoformat(), source="parts", kind="cancelled", of=("SO-31", "1")))
    assert told()[1] == (30, 12, 0, 0, 18)


def ship(demand: Demand, name: str, *lines: tuple[str, int, int]) -> None:
    stated = {
        "site": "leeds",
        "shipment": name,
        "location": "A-01",
        "lines": [
            {
                "line": str(number),
                "of": {"type": "outbound_order", "id": order, "line": str(of)},
                "quantity": str(quantity),
            }
            for number, (order, of, quantity) in enumerate(lines, start=1)
        ],
    }
    paper = ShipmentPaper.model_validate(stated)
    demand.ledger.as_app(lambda conn: shipping.ship(conn, CONTROLLER, paper, now=NOW))


def close(demand: Demand, order: str, *lines: str, reason: str = "out_of_stock") -> None:
    stated = {"site": "leeds", "type": "outbound_order", "id": order, "lines": lines}
    paper = ClosePaper.model_validate(stated | {"reason": reason})
    demand.ledger.as_app(lambda conn: close_short(conn, CONTROLLER, paper))


def fed_back(demand: Demand, begun: datetime) -> dict[str, tuple[Decimal, ...]]:
    found = demand.ledger.as_app(
        lambda conn: substitutions.feedback(conn, CONTROLLER, site="leeds", from_at=begun, until_at=NOW)
    )
    return {row.item: row[1:] for row in found}


def asked_and_left(conn: psycopg.Connection, day: date) -> tuple[dict[str, float], dict[str, float]]:
    act_as(conn, CONTROLLER)
    found = daily_matrix(conn, "leeds", day, day + timedelta(1))
    left = as_left(conn, "leeds", found)
    codes = [item.code for item in found.items]
    return tuple(dict(zip(codes, each.sum(axis=1), strict=True)) for each in (found.quantity, left))  # type: ignore[return-value]


def test_a_line_that_cannot_be_stored_yet_waits_by_itself_until_its_item_is_known(
    demand: Demand, pulls: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate, third = "25012345678904", "35012345678901"
    demand.ledger.query(
        "INSERT INTO identifier (scheme, value, item_id, numerator, denominator) "
        "SELECT 'gtin', %s, item_id, 1, 3 FROM item WHERE code = 'TEA' RETURNING 1",
        third,
    )
    demand.ledger.query(
        "INSERT INTO document (site_id, type, id, created_by) "
        "VALUES ('leeds', 'outbound_order', 'SO-9', 'user:ann') RETURNING 1"
    )
    demand.ledger.query(
        "INSERT INTO document_line (site_id, type, id, line, ordinal, identifier_scheme, identifier, "
        "quantity, unit_seen) "
        "SELECT 'leeds', 'outbound_order', 'SO-9', x.line, x.line::integer, 'gtin', x.gtin, x.n, x.unit "
        "FROM (VALUES ('1', %s, 2, %s), ('2', '04006381333931', 3, 'base'), "
        "('3', %s, 5, %s), ('4', %s, 1, %s)) AS x (line, gtin, n, unit) RETURNING 1",
        *(CASE_OF_TEA, CASE_OF_TEA, TEA, crate, third, third),
    )
    demand.ledger.as_owner(lambda conn: conn.execute("UPDATE demand_source SET state = 'paused'"))
    wished = NewSource("leeds", "so", SourceKind.ORDERS, None, SourceSettings(), None, 5)
    made = demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, wished, site="leeds", now=NOW))
    with monkeypatch.context() as narrow:
        narrow.setattr(held, "MOST_WAITING", 2)
        full = pulls.one(made.source_id)
    assert (full.state, full.cursor, stored(demand)) == ("active", None, []), "nothing of it is lost"
    assert str(full.last_error).startswith("too much of 'so' waits already: expected at most 2 messages")
    after = pulls.one(made.source_id)
    assert (after.state, after.last_error) == ("active", None)
    assert stored(demand) == [("1", 24)], "what can be stored is, whatever stands beside it"
    assert waiting(demand) == {
        "SO-9/2": "unknown_name: line 2 of order SO-9: the item of gtin '04006381333931' is not registered",
        "SO-9/3": f"unknown_name: line 3 of order SO-9: the unit of gtin '{TEA}' is not registered",
        "SO-9/4": "too_exact: line 4 of order SO-9: 0.33333333333333333333 of TEA cannot be told in "
        "14 digits and six decimals",
    }
    assert tickets(demand) == ["Demand of so waits (3)"]
    assert pulls.one(made.source_id).lines == after.lines, "again, nothing changes"
    assert pulls.due(NOW + timedelta(minutes=2))["replayed"] == 0, "still unknown"

    demand.ledger.query(
        "INSERT INTO identifier (scheme, value, item_id, numerator, valid_from) "
        "SELECT 'gtin', x.value, i.item_id, x.n, clock_timestamp() "
        "FROM (VALUES ('04006381333931', 'MUG', 1), (%s, 'TEA', 100)) x (value, code, n) "
        "JOIN item i ON i.code = x.code RETURNING 1",
        crate,
    )
    assert pulls.due(NOW + timedelta(minutes=10))["replayed"] == 2, "known since after the order"
    assert stored(demand) == [("1", 24), ("2", 3), ("3", 500)]
    assert tickets(demand) == ["Demand of so waits (1)"]

    (last,) = demand.ledger.as_app(lambda conn: held.listed(conn, CONTROLLER))
    with pytest.raises(DemandError, match="expected 1 to 500 printable characters"):
        demand.ledger.as_app(lambda conn: held.discard(conn, CONTROLLER, last.held_id, reason=" ", now=NOW))
    demand.ledger.as_app(
        lambda conn: held.discard(conn, CONTROLLER, last.held_id, reason="a test order", now=NOW)
    )
    assert tickets(demand) == []
    begin = NOW - timedelta(days=300)
    demand.ledger.as_app(
        lambda conn: service.backfill_source(conn, ADMIN, made.source_id, from_at=begin, now=NOW)
    )
    assert pulls.one(made.source_id).state == "active"
    known = demand.ledger.as_app(lambda conn: held.listed(conn, CONTROLLER, state=None))
    assert [one.state for one in known] == [HeldState.REPLAYED, HeldState.REPLAYED, HeldState.DISCARDED]


def stored(demand: Demand) -> list[tuple]:
    return demand.ledger.query(
        "SELECT line, quantity FROM demand_line WHERE source = 'so' AND document = 'SO-9' ORDER BY 1"
    )


def waiting(demand: Demand) -> dict[str, str]:
    found = demand.ledger.as_app(lambda conn: held.listed(conn, CONTROLLER))
    return {one.name: f"{one.reason}: {one.message}" for one in found}


def tickets(demand: Demand) -> list[str]:
    found = demand.ledger.query(
        "SELECT split_part(summary, ':', 1) FROM ticket WHERE kind = 'demand_held' AND resolved_at IS NULL"
    )
    return [summary for (summary,) in found]
