"""What came as its paper declares it is called unchecked on its receipt, in stock by unit and in files."""

from datetime import timedelta
from decimal import Decimal

import httpx
from doors_at_work import passed, send
from serving import NOW, OWN, People
from test_documents import DOOR, EACH, ITEM, NETWORK, NOTICE, SUPERVISOR, VEHICLE, Desk
from test_scans_on_hold import log_in

from cloud.db import ConnectionPool
from contracts.records import Count, CountLine, Identifier
from tests.integration.crossings.doors import INSIDE, PALLET, stood
from tests.integration.ledger.scenario import Outbox


def test_a_pallet_that_nobody_counted_is_unchecked_on_its_receipt_and_in_stock_until_it_is_counted(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool
) -> None:
    desk = Desk(client, people)
    rule = {"site": OWN, "item": "HAM", "inspects": True}
    stated = (("items", ITEM, NETWORK), ("portals", DOOR, SUPERVISOR), ("receiving-rules", rule, SUPERVISOR))
    expected = (("documents", NOTICE, SUPERVISOR), ("visits", VEHICLE, SUPERVISOR))
    for path, body, who in stated + expected:
        assert desk.post(path, body, who=who).status_code == 201, path
    outbox = Outbox("dock-m1", OWN)
    crossing = passed("posted", NOW, direction="in", visit="V-1", outside_location="@clearing/V-1")
    stands = stood(INSIDE, minute=0, source="@clearing/V-1", occurred_at_claimed=NOW)
    send(ingest, outbox, crossing, stands.model_copy(update={"evidence_id": crossing.evidence_id}))
    assert desk.post(f"visits/{OWN}/V-1/receipt", {}).status_code == 201
    log_in(client, pool)
    receipt = f"/receiving/{OWN}/receipts/V-1~received"

    def told() -> list[object]:
        """Ask programs, pages and files."""
        lines = desk.get(f"receipts/{OWN}/V-1~received/lines").json()["items"]
        stock = desk.get("stock-by/unit").json()["items"]
        files = [client.get(path).text for path in (f"{receipt}/lines.csv", "/stock/by-unit.csv")]
        header, row = zip(*(file.lstrip("\ufeff").split("\r\n")[:2] for file in files), strict=True)
        cells = [
            dict(zip(names.split(","), said.split(","), strict=True))["unchecked"]
            for names, said in zip(header, row, strict=True)
        ]
        pages = [">unchecked</span>" in client.get(path).text for path in (receipt, "/stock/by-unit")]
        programs = [each["is_unchecked"] for each in (*lines, *stock) if each["unit"] == PALLET]
        return [programs, pages, cells]

    assert told() == [[True, True], [True, True], ["true", "true"]]
    seen = CountLine(identifier=Identifier(scheme="gtin", value=EACH), quantity=Decimal(480), unit=PALLET)
    times = {
        "occurred_at_claimed": NOW + timedelta(minutes=1),
        "mono_ns": 0,
        "boot_id": "b",
        "clock_ok": True,
    }
    send(ingest, outbox, Count(seq=1, scope="bin", location=INSIDE, lines=(seen,), **times))
    assert told() == [[False, False], [False, False], ["false", "false"]]
