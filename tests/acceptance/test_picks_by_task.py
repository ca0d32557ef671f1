"""An order is allocated in the cloud, and picked at a handheld that loses broker and power meanwhile."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.edges import Edge
from benchmarks.mayhem import wait_until
from cloud.allocation import reading
from cloud.allocation.claiming import Wish
from cloud.allocation.following import JOB, follow
from cloud.allocation.picking import release_picks
from cloud.db import LastingConnection, in_transaction
from cloud.documents.import_file import ImportPaper
from cloud.documents.papers import DocumentPaper
from cloud.documents.service import import_all, register_document
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import CloudStatement, EffectiveRow, PostingKind
from cloud.ledger.service import post
from cloud.master.places import add_location
from contracts.occurrence import TimeBasis
from contracts.records import Identifier, Movement, Side
from tests.integration.edge.test_agent import Terminal
from tests.patience import PATIENCE_S

EACH = "00614141123452"
LABEL = f"]C101{EACH}"
KEEPER = Actor("user:net", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)


@contextmanager
def plugged_in(edge: Edge) -> Iterator[Terminal]:
    """Plug a scanner in where the edge looks for it."""
    terminal = Terminal()
    edge.directory.mkdir(exist_ok=True)
    edge.scanner.symlink_to(terminal.port)
    try:
        yield terminal
    finally:
        terminal.close()


def answer(terminal: Terminal, *texts: str) -> str:
    """Scan, and give what the display says to the last."""
    said = ""
    for text in texts:
        os.write(terminal.master, f"{text if text.startswith(']') else f']C0{text}'}\r\n".encode())
        said = os.read(terminal.master, 4096).decode()
    return said


def opening(site: str, place: str, quantity: int, at: datetime) -> CloudStatement:
    moved = Movement.model_validate(
        {
            "seq": 1,
            "occurred_at_claimed": at,
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "identifier": Identifier(scheme="gtin", value=EACH),
            "quantity_seen": Decimal(quantity),
            "source": Side(location="@opening"),
            "destination": Side(location=place),
        }
    )
    return CloudStatement(site, EffectiveRow(moved, at, TimeBasis.CLAIMED))


@pytest.mark.soak
def test_a_task_is_picked_through_a_dead_broker_and_a_power_cut(system: Callable[..., Any]) -> None:
    running = system(ingest_workers=1)
    stage = running.stage
    edge = Edge(stage, next(each for each in stage.gateways if each.name == "edge-1"), "edge-1")
    site, now = edge.gateway.site, datetime.now(UTC)
    with closing(LastingConnection(stage.dsn("dockledger_app"), "test-office")) as office:

        def do(work: Callable[[Any], Any]) -> Any:
            return in_transaction(office, work)

        def claims() -> list[tuple[str, str | None, Decimal]]:
            rows = do(lambda conn: reading.claims(conn, KEEPER, site=site, limit=100))
            return sorted((row.kind, row.location, row.quantity) for row in rows)

        def all_told(picked: int) -> bool:
            do(lambda conn: follow(conn, JOB, now=datetime.now(UTC)))
            return sum(quantity for kind, _, quantity in claims() if kind == "picked") == picked

        item = {"code": "TEA", "levels": [{"gtin": EACH, "base_units": 1}]}
        papers = ImportPaper.model_validate({"items": [item]})
        do(lambda conn: import_all(conn, KEEPER, papers, now=now))
        goods = [opening(site, "A-01-01", 5, now), opening(site, "A-01-02", 20, now)]
        do(lambda conn: post(conn, KEEPER, kind=PostingKind.STATEMENT, statements=goods))
        do(lambda conn: add_location(conn, KEEPER, site=site, code="STAGING", kind="bin", parent=None))
        line = {"line": "10", "identifier": {"scheme": "gtin", "value": EACH}, "quantity": "9"}
        paper = {"site": site, "type": "outbound_order", "id": "O-1", "lines": [line]}
        order = DocumentPaper.model_validate(paper)
        do(lambda conn: register_document(conn, KEEPER, order))
        wish = Wish(site, ("outbound_order/O-1",))
        with plugged_in(edge) as scanner:
            edge.start()
            scanner.scan("$BADGE/demo-operator")
            os.read(scanner.master, 4096)
            released = do(lambda conn: release_picks(conn, KEEPER, wish, to_location="STAGING", now=now))
            kept = edge.directory / "tasks.json"
            wait_until(kept.exists, within_s=PATIENCE_S, what="the task arrives")
            assert answer(scanner, "$TASK").endswith("A-01-01: 5 x TEA (1/2)\r\n")
            assert "2 x" in answer(scanner, "A-01-01", "$QTY/3", LABEL)
            wait_until(lambda: all_told(3), within_s=PATIENCE_S, what="the first pick is told")
            stage.parts["broker"].kill()
            assert "A-01-02: 4 x" in answer(scanner, "$SHORT/EMPTY")
            stage.parts[edge.name].kill()
            edge.start()
            scanner.scan(f"$TASK/{released.tasks[0]}")
            assert "A-01-02: 4 x" in os.read(scanner.master, 4096).decode()
            assert "nothing is left to do" in answer(scanner, "A-01-02", "$QTY/4", LABEL)
            stage.start_broker_anew()
            wait_until(lambda: all_told(7), within_s=PATIENCE_S, what="the rest is told")
            assert ("hard", "A-01-02", Decimal(2)) in claims()
            wait_until(
                lambda: "T2" in kept.read_text(), within_s=PATIENCE_S, what="the task for the rest arrives"
            )
            answer(scanner, "$DONE")
            assert answer(scanner, "$TASK").endswith("A-01-02: 2 x TEA (1/1)\r\n")
            answer(scanner, "A-01-02", "$QTY/2", LABEL, "$UNDO")
            answer(scanner, "A-01-02", "$QTY/2", LABEL)
            wait_until(lambda: all_told(9), within_s=PATIENCE_S, what="all is told")
    assert stage.run("verify").returncode == 0
