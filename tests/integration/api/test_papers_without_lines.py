"""Pages of what happened under papers whose lines nobody said, as most handhelds state it."""

from datetime import timedelta

import httpx
from doors_at_work import send
from serving import NOW, OWN, People
from test_scans_on_hold import log_in

from cloud.db import ConnectionPool
from contracts.records import DocumentRef, Side
from tests.integration.crossings.doors import CASE, EPC, PALLET
from tests.integration.ledger.scenario import Outbox, move


def test_papers_of_which_no_line_was_said_are_told_on_every_page(
    client: httpx.Client, people: People, pool: ConnectionPool, ingest: ConnectionPool
) -> None:
    assert people
    at = {"occurred_at_claimed": NOW - timedelta(minutes=5)}
    serial = {"identifier": {"scheme": "sgtin", "value": EPC}, "unit_seen": CASE, "epcs": (EPC,)}
    whole = (DocumentRef(type="asn", id="ASN-B"), DocumentRef(type="receipt", id="DN-9", line="2"))
    came = move("1", "@supplier", Side(unit=PALLET), documents=whole, **at, **serial)
    send(ingest, Outbox("dock-m1", OWN), came)
    log_in(client, pool)
    for page in ("/movements/dock-m1/00000000000000aa/1", f"/serials/{EPC}", f"/units/{PALLET}"):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "ASN-B" in answer.text
        assert "ASN-B, line" not in answer.text
        assert "DN-9, line 2" in answer.text
