"""What customers send back loose crosses a door, waits, is received and graded; over HTTP."""

from contextlib import closing
from datetime import timedelta
from typing import Any

from doors_at_work import passed, send
from serving import NOW, OWN
from test_documents import CASE, VEHICLE, Desk, desk

from cloud.db import ConnectionPool, LastingConnection
from cloud.documents.receiving.holding import JOB, hold_scanned
from tests.integration.crossings.doors import EPC, INSIDE, carried
from tests.integration.ledger.scenario import Outbox

__all__ = ["desk"]  # a fixture


def test_loose_returns_cross_a_door_and_are_graded(desk: Desk, ingest: ConnectionPool, database: Any) -> None:
    case = {"line": "1", "identifier": {"scheme": "gtin", "value": CASE}, "unit_seen": CASE, "quantity": "2"}
    back = {"site": OWN, "type": "customer_return", "id": "RET-1", "partner": "Shop 7", "lines": [case]}
    assert desk.post("documents", back).status_code == 201
    vehicle = VEHICLE | {"visit": "V-2", "documents": [{"type": "customer_return", "id": "RET-1"}]}
    assert desk.post("visits", vehicle).status_code == 201
    at, account = NOW - timedelta(minutes=30), "@clearing/V-2"
    seen = passed("posted", at, loose=True, direction="in", visit="V-2", outside_location=account)
    names: dict[str, Any] = {"identifier": {"scheme": "gtin", "value": CASE}, "unit_seen": CASE}
    moved = carried(account, INSIDE, minute=0, occurred_at_claimed=at, evidence_id=seen.evidence_id)
    moved = type(moved).model_validate(moved.model_dump() | names | {"epcs": (EPC,)})
    send(ingest, Outbox("dock-m1", OWN), seen, moved)
    with closing(LastingConnection(database.app_dsn, "test-returns")) as source:
        assert hold_scanned(source, JOB, NOW)["loose"] == 1
    (waiting,) = desk.get(f"waiting-goods?site={OWN}&waits_as=returned").json()["items"]
    assert (waiting["receipt"], waiting["partner"]) == ("V-2~held", "Shop 7")
    assert float(waiting["quantity"]) == 24
    taken = desk.post(f"visits/{OWN}/V-2/receipt", {})
    assert (taken.status_code, taken.json()["settled"]) == (201, ["customer_return/RET-1/1"]), taken.text
    whole = desk.get(f"documents/{OWN}/customer_return/RET-1").json()
    assert whole["settled_lines"] == 0, "one case is still open"
    verdict = {"site": OWN, "receipt": "V-2~held", "line": "1", "waits_as": "returned", "verdict": "sellable"}
    graded = desk.post("judgements", verdict | {"quantity": 24, "reason": "sound", "grade": "A"})
    assert graded.status_code == 201, graded.text
    assert desk.get(f"waiting-goods?site={OWN}&waits_as=returned").json()["items"] == []
    assert desk.post(f"visits/{OWN}/V-2/close", {}).json()["state"] == "closed"
