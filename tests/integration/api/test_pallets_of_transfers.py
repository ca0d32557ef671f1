"""A pallet goes from one site to the other with a vehicle at each, and nobody types a reason; over HTTP."""

from datetime import timedelta

from doors_at_work import passed, send
from serving import NOW, OTHER, OWN
from test_documents import CASE, DOOR, VEHICLE, Desk, desk

from cloud.db import ConnectionPool
from tests.integration.crossings.doors import INSIDE, stood
from tests.integration.documents.dock import sscc
from tests.integration.ledger.scenario import Outbox

__all__ = ["desk"]  # a fixture

NETWORK = "inventory_controller"
UNIT = sscc(70)
GATEWAYS = {OWN: "dock-m1", OTHER: "dock-l1"}


def crosses(ingest: ConnectionPool, site: str, visit: str, direction: str, minutes_ago: float) -> None:
    """Let the pallet pass the door of a site for a visit."""
    at = NOW - timedelta(minutes=minutes_ago)
    account = f"@clearing/{visit}"
    source, place = (account, INSIDE) if direction == "in" else (INSIDE, account)
    names = {"unit": UNIT, "epc": f"urn:epc:id:sscc:{UNIT}"}
    seen = passed("posted", at, direction=direction, visit=visit, outside_location=account, **names)
    placed = stood(place, minute=0, source=source, occurred_at_claimed=at, unit=UNIT)
    outbox = Outbox(GATEWAYS[site], site)
    send(ingest, outbox, seen, placed.model_copy(update={"evidence_id": seen.evidence_id}))


def test_a_pallet_crosses_two_doors_and_is_a_transfer_that_was_received(
    desk: Desk, ingest: ConnectionPool
) -> None:
    case = {"line": "1", "identifier": {"scheme": "gtin", "value": CASE}, "unit_seen": CASE}
    draft = {"from_site": OWN, "to_site": OTHER, "id": "T-1", "lines": [case | {"quantity": "3"}]}
    away = DOOR | {"site": OTHER, "gateway": GATEWAYS[OTHER]}
    came = {
        "site": OWN,
        "receipt": "R-1",
        "occurred_at": (NOW - timedelta(hours=2)).isoformat(),
        "location": "A-01-1",
        "lines": [case | {"received": 3, "unit": UNIT}],
    }
    named = {"documents": [{"type": "transfer", "id": "T-1"}]}
    for path, body in (
        ("receipts", came),
        ("transfers", draft),
        ("portals", away),
        ("visits", VEHICLE | named | {"visit": "V-2", "direction": "outbound"}),
        ("visits", VEHICLE | named | {"visit": "V-3", "site": OTHER}),
    ):
        answer = desk.post(path, body, who=NETWORK)
        assert answer.status_code == 201, (path, answer.text)
    crosses(ingest, OWN, "V-2", "out", 90)
    left = desk.post(f"visits/{OWN}/V-2/departure", {}, who=NETWORK)
    assert (left.status_code, left.json()["settled"]) == (201, ["transfer/T-1/1"]), left.text
    assert left.json()["unexpected_units"] == []
    assert desk.post(f"visits/{OWN}/V-2/close", {}, who=NETWORK).json()["state"] == "closed"
    assert desk.get(f"transfers/{OWN}/T-1", who=NETWORK).json()["state"] == "in_transit"
    crosses(ingest, OTHER, "V-3", "in", 30)
    waits = desk.get(f"visits/{OTHER}/V-3", who=NETWORK).json()["remainders"]
    assert [(each["kind"], each["name"]) for each in waits] == [("unsettled_unit", UNIT)]
    taken = desk.post(f"visits/{OTHER}/V-3/receipt", {}, who=NETWORK)
    assert (taken.status_code, taken.json()["settled"]) == (201, ["transfer/T-1/1"]), taken.text
    assert desk.post(f"visits/{OTHER}/V-3/close", {}, who=NETWORK).json()["state"] == "closed"
    told = desk.get(f"transfers/{OWN}/T-1", who=NETWORK).json()
    assert (told["state"], told["content"][0]["received"]) == ("received", "72.000000")
