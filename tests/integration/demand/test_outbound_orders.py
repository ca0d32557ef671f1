"""What outbound orders ask for is demand, whether or not it left; what did not is measured."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from asking import CASE_OF_TEA, NOW, TEA, Demand
from shop import ADMIN, Pulls, pulling

from cloud.cli import main
from cloud.demand.sources import service, shorts
from cloud.demand.sources.domain import NewSource, SourceError, SourceKind, SourceSettings
from cloud.documents import service as documents
from cloud.documents import visits
from cloud.documents.papers import ImportPaper, has_check_digit
from tests.integration.ledger.scenario import CONTROLLER, NETWORK_CONTROLLER


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
        "portals": [
            {
                "site": "leeds",
                "portal": "dock-1",
                "gateway": "gw-1",
                "inside_location": "STAGE-1",
                "outside_location": "@clearing/dock-1",
            }
        ],
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

    asked_again = demand.ledger.as_app(
        lambda conn: service.backfill_source(conn, ADMIN, made.source_id, from_at=begun, now=NOW)
    )
    assert (asked_again.cursor, asked_again.from_at) == (None, begun)
    assert pulls.one(made.source_id).lines == 6
    other = NewSource("leeds", "x", SourceKind.ORDERS, "/srv", SourceSettings(), None, 5)
    with pytest.raises(SourceError, match="outbound orders are registered here; expected neither"):
        demand.ledger.as_app(lambda conn: service.add_source(conn, ADMIN, other, site="leeds", now=NOW))
