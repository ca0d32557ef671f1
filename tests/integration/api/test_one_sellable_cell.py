"""What was found to be sellable over HTTP is what papers ship, claims hold and counts find."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
from serving import NOW, OWN, People
from test_documents import CASE, NETWORK, Desk

CONTROLLER = f"inventory_controller@{OWN}"
NUT = {"scheme": "gtin", "value": CASE}
RETURNED = {"location": "R-01", "disposition": "returned"}
SELLABLE = {"location": "R-01", "disposition": "sellable"}


def moved(quantity: str, source: dict[str, str], destination: dict[str, str]) -> dict[str, Any]:
    ends = {"source": source, "destination": destination}
    return {"site": OWN, "identifier": NUT, "quantity": quantity, "reason": "graded", **ends}


def order(name: str) -> dict[str, Any]:
    line = {"line": "1", "identifier": NUT, "quantity": "6"}
    return {"site": OWN, "type": "outbound_order", "id": name, "partner": "Shop", "lines": [line]}


def test_what_was_graded_and_shipped_is_not_claimed_again(client: httpx.Client, people: People) -> None:
    desk = Desk(client, people)
    item = {"code": "NUT", "name": "Nuts", "levels": [{"gtin": CASE, "base_units": 1}]}
    assert desk.post("items", item, who=NETWORK).status_code == 201

    def lying() -> list[tuple[str, str | None, Decimal]]:
        found = desk.get(f"balances?site={OWN}&item=NUT").json()["items"]
        return [(row["location"], row["disposition"], Decimal(row["quantity"])) for row in found]

    for movement in (moved("6", {"location": "@customer"}, RETURNED), moved("6", RETURNED, SELLABLE)):
        assert desk.post("movements", movement, who=CONTROLLER).status_code == 201
    assert lying() == [("R-01", None, 6)]
    for name in ("SO-1", "SO-2"):
        assert desk.post("documents", order(name)).status_code == 201
    of = {"type": "outbound_order", "id": "SO-1", "line": "1"}
    left = {
        "site": OWN,
        "shipment": "S-1",
        "location": "R-01",
        "lines": [{"line": "1", "of": of, "quantity": "6"}],
    }
    answer = desk.post("shipments", left)
    assert answer.status_code == 201, answer.text
    assert lying() == []
    claimed = desk.post("allocations", {"site": OWN, "documents": ["outbound_order/SO-2"], "kind": "hard"})
    assert claimed.status_code == 201, claimed.text
    assert desk.get(f"allocations?site={OWN}&item=NUT").json()["items"] == []
    came = moved("20", {"location": "@supplier"}, {"location": "A-09"})
    came["occurred_at"] = f"{NOW - timedelta(hours=1):%FT%TZ}"
    assert desk.post("movements", came, who=CONTROLLER).status_code == 201
    line = {"identifier": NUT, "quantity": "20", "disposition": "sellable"}
    counted = {"site": OWN, "location": "A-09", "scope": "bin", "lines": [line]}
    assert desk.post("counts", counted, who=CONTROLLER).status_code == 201
    (row,) = desk.get(f"variances?site={OWN}&item=NUT", who=CONTROLLER).json()["items"]
    assert (row["disposition"], Decimal(row["book"])) == ("sellable", 20)
    stated = {"item": "NUT", "location": "A-09", "quantity": "20", "disposition": "sellable"}
    listed = {"site": OWN, "observed_at": f"{NOW - timedelta(seconds=1):%FT%TZ}", "lines": [stated]}
    answer = desk.post("reconciliations", listed, who=CONTROLLER)
    assert answer.status_code == 201, answer.text
    assert "'differing': 0" in str(answer.json())
    assert lying() == [("A-09", None, 20)]
