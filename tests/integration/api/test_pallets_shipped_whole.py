"""Over HTTP a pallet that is shipped whole is refused while it holds what no line names; nothing is lost."""

from datetime import timedelta
from decimal import Decimal

from serving import MUG, NOW, OWN
from test_documents import CASE, Desk, desk

from tests.integration.documents.dock import sscc

__all__ = ["desk"]  # a fixture

KEEPER = "inventory_controller@madrid"
UNIT = sscc(71)


def test_what_no_line_names_is_told_with_unit_item_and_quantity_and_stays_in_stock(desk: Desk) -> None:
    cases, mugs = ({"scheme": "gtin", "value": CASE}, {"scheme": "sku", "value": MUG})
    came = {
        "site": OWN,
        "receipt": "R-1",
        "location": "STAGING",
        "occurred_at": (NOW - timedelta(hours=1)).isoformat(),
        "lines": [
            {"line": "1", "identifier": cases, "unit_seen": CASE, "received": 3, "unit": UNIT},
            {"line": "2", "identifier": mugs, "received": 7, "unit": UNIT},
        ],
    }
    line = {"line": "1", "identifier": cases, "unit_seen": CASE, "quantity": "3"}
    order = {"site": OWN, "type": "outbound_order", "id": "SO-1", "lines": [line]}
    for path, body in (("receipts", came), ("documents", order)):
        answer = desk.post(path, body, who=KEEPER)
        assert answer.status_code == 201, (path, answer.text)

    def mugs_on_hand() -> Decimal:
        (row,) = desk.get(f"availability?site={OWN}&item={MUG}", who=KEEPER).json()["items"]
        return Decimal(row["on_hand"])

    before = mugs_on_hand()
    of = {"type": "outbound_order", "id": "SO-1", "line": "1"}
    whole = {"line": "1", "of": of, "quantity": "3", "unit": UNIT, "with_unit": True}
    refused = desk.post("shipments", {"site": OWN, "shipment": "S-1", "lines": [whole]}, who=KEEPER)
    assert refused.status_code == 422, refused.text
    (fault,) = refused.json()["errors"]
    assert fault["message"].startswith(f"unit '{UNIT}' would take along 7 of item '{MUG}', which no line")
    out = whole | {"with_unit": False}
    done = desk.post("shipments", {"site": OWN, "shipment": "S-1", "lines": [out]}, who=KEEPER)
    assert done.status_code == 201, done.text
    assert mugs_on_hand() == before
