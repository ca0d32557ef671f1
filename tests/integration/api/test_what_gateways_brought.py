"""Batches, gaps and units as the API tells them, and stock as a spreadsheet reads it."""

import csv
import io
from datetime import timedelta

import httpx
import pytest
from serving import NOW, OTHER, OWN, ROOT, People, moved, post_all

from cloud.db import ConnectionPool
from cloud.identity import service
from cloud.identity.actor import INGEST
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from cloud.ledger.domain import AcceptedBatch, PostingKind
from cloud.ledger.service import post
from contracts.records import Gap, Record, UnitPosition
from tests.integration.ledger.scenario import Outbox, move

SSCC = "340123450000000018"


def said(record: type[Record], minutes_ago: float, **fields: object) -> Record:
    """State something as a gateway does, some minutes before the present."""
    common = {"seq": 1, "mono_ns": 0, "boot_id": "b", "clock_ok": True, "device": "scanner-1"}
    at = NOW - timedelta(minutes=minutes_ago)
    return record.model_validate({**common, "occurred_at_claimed": at, **fields})


@pytest.fixture
def batch(gate: Gate, people: People) -> AcceptedBatch:
    del people
    sealed = Outbox("dock-m1", OWN).seal(
        [
            said(UnitPosition, 50, unit=SSCC, location="STAGING"),
            said(UnitPosition, 40, unit=SSCC, location="A-01-1", from_location="STAGING"),
            said(Gap, 30, gap_device="scanner-1", from_at=NOW - timedelta(minutes=30), cause="down"),
            said(Gap, 20, gap_device="scanner-2", from_at=NOW - timedelta(minutes=25), cause="down"),
            said(
                Gap,
                10,
                gap_device="scanner-2",
                from_at=NOW - timedelta(minutes=25),
                to_at=NOW - timedelta(minutes=12),
                cause="down",
            ),
            move("2", "STAGING", "A-01-1"),
        ]
    )
    with gate.pool.connection() as conn:
        post(conn, INGEST, kind=PostingKind.BATCH, batches=[sealed])
    return sealed


def items(client: httpx.Client, people: People, path: str, who: str = f"auditor@{OWN}") -> list[dict]:
    answer = client.get(path, headers=people.headers(who))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_batch_is_told_with_its_place_in_the_gateways_chain_and_in_the_ledger(
    client: httpx.Client, people: People, batch: AcceptedBatch
) -> None:
    (told,) = items(client, people, "/v1/batches?gateway=dock-m1")
    header = batch.header
    assert told == {
        "gateway": "dock-m1",
        "site": OWN,
        "epoch": header.epoch,
        "batch_no": 1,
        "sha256": batch.sha256,
        "prev_sha256": header.prev_sha256,
        "first_seq": 1,
        "last_seq": 6,
        "complete_until": header.complete_until.isoformat().replace("+00:00", "Z"),
        "is_final": False,
        "status": "stored",
        "received_at": batch.received_at.isoformat().replace("+00:00", "Z"),
        "position": 6,
        "recorded_at": told["recorded_at"],
    }
    assert items(client, people, "/v1/batches", f"auditor@{OTHER}") == []


@pytest.mark.usefixtures("batch")
def test_gaps_are_told_latest_first_and_one_that_ended_with_its_end(
    client: httpx.Client, people: People
) -> None:
    told = items(client, people, "/v1/gaps")
    assert [(gap["device"], gap["from_at"], gap["to_at"]) for gap in told] == [
        ("scanner-2", "2026-03-02T13:35:00Z", "2026-03-02T13:48:00Z"),
        ("scanner-1", "2026-03-02T13:30:00Z", None),
    ]
    assert {(gap["site"], gap["gateway"], gap["cause"]) for gap in told} == {(OWN, "dock-m1", "down")}
    assert items(client, people, "/v1/gaps?open=true") == told[1:]
    assert items(client, people, "/v1/gaps", f"auditor@{OTHER}") == []


@pytest.mark.usefixtures("batch")
def test_a_unit_stands_where_it_was_last_seen(client: httpx.Client, people: People) -> None:
    (unit,) = items(client, people, f"/v1/units?unit={SSCC}")
    assert (unit["unit"], unit["site"], unit["location"], unit["parent"]) == (SSCC, OWN, "A-01-1", None)
    assert unit["since_at"] == "2026-03-02T13:20:00Z"
    assert items(client, people, "/v1/units", f"auditor@{OTHER}") == []
    (hour,) = items(client, people, "/v1/gateway-hours?gateway=dock-m1")
    assert (hour["hour"], hour["sightings"], hour["crossings"]) == ("2026-03-02T13:00:00Z", 2, 0)
    assert items(client, people, "/v1/gateway-hours?until=2026-03-02T13:00:00Z") == []
    assert items(client, people, "/v1/gateway-hours", f"auditor@{OTHER}") == []


def test_stock_as_csv_is_numbers_and_texts_and_never_a_formula(
    client: httpx.Client, people: People, pool: ConnectionPool
) -> None:
    formula = '=HYPERLINK("http://example.org")'
    post_all(pool, moved("3", "@supplier", formula))
    with pool.connection() as conn:
        service.add_user(
            conn, ROOT, name="cy", password="a long password", grants=[Grant.parse(f"auditor@{OWN}")]
        )
    client.post("/login", data={"name": "cy", "password": "a long password"})
    answer = client.get("/stock.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="stock_2026-03-02T140000Z.csv"'
    assert answer.content.startswith("\ufeffsite,item,name,lot,location".encode())
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["item"], row["location"], row["quantity"]) for row in rows] == [
        ("MUG-BLUE", "A-02-1", "-30"),
        ("TEA-500", "STAGING", "280"),
        ("TEA-500", "A-01-1", "188"),
        ("TEA-500", f"'{formula}", "3"),
    ]
    assert {(row["site"], row["unit"]) for row in rows} == {(OWN, "each")}
