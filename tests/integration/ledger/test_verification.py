"""Verify finds nothing in an honest ledger and every change in a dishonest one."""

from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg
import pytest
from closing import closed
from psycopg import sql
from scenario import CONTROLLER, NETWORK_CONTROLLER, Ledger, Outbox, at, move, stated

from cloud.db import open_pool
from cloud.ledger.corrections import adjust_to_count, merge_items, post_reversal
from cloud.ledger.heads.domain import HeadError, read_heads, require_key
from cloud.ledger.heads.service import heads, require_kept, sign_head
from cloud.ledger.past import fold
from cloud.ledger.verification import service, store
from cloud.ledger.verification.domain import Checkpoint, Report
from cloud.ledger.verification.service import PROMISES, verify, verify_since
from contracts.records import RECORD, RowRef, Side

COMMON = {
    "seq": 1,
    "occurred_at_claimed": at(3),
    "mono_ns": 0,
    "boot_id": "b",
    "clock_ok": True,
    "device": "d-1",
}
PALLET = "003012345678901235"

OTHER_KINDS = [
    {"kind": "unit_position", "unit": PALLET, "location": "STAGE", "from_location": "@clearing/dock-1"},
    {
        "kind": "crossing",
        "portal": "dock-1",
        "epc": "urn:epc:id:sscc:0301234.5678901235",
        "direction": "in",
        "first_seen_at": at(2),
        "reads": 12,
        "posted": "posted",
        "visit": "v-1",
    },
    {
        "kind": "count",
        "scope": "bin",
        "location": "A-01",
        "count_task": "t-1",
        "clock_uncertainty_s": 0.5,
        "lines": [{"identifier": {"scheme": "gtin", "value": "05012345678900"}, "quantity": "6"}],
        "zero_confirmed": [{"scheme": "gtin", "value": "05012345678917"}],
    },
    {"kind": "workflow_event", "workflow": "pick", "step": "begun", "outcome": "ok"},
    {"kind": "gap", "gap_device": "d-1", "from_at": at(1), "to_at": at(2), "cause": "silent"},
]


def fill(ledger: Ledger) -> None:
    """Use every table of the ledger once."""
    gateway = Outbox()
    ledger.post(
        gateway.seal(
            [
                move("10", "@supplier", Side(unit=PALLET), reason="asn"),
                move(
                    "9",
                    Side(unit=PALLET),
                    Side(location="A-01", lot="L1", disposition="sellable", owner="us"),
                ),
                *(RECORD.validate_python(COMMON | fields) for fields in OTHER_KINDS),
                move("1", "@nowhere", "A-01"),
            ]
        )
    )
    for _ in range(3):
        ledger.post(
            gateway.seal([move("1", "@supplier", "B-01", minute=n % 50) for n in range(30)], final=False)
        )
    ledger.state(stated(move("2", "B-01", "C-01", minute=60, item="05012345678917")))
    undone = RowRef(gateway="gw-1", epoch=gateway.epoch, seq=1)
    ledger.as_app(lambda conn: post_reversal(conn, CONTROLLER, undone, reason="misread"))
    ((cell_id,),) = ledger.query(
        "SELECT cell_id FROM cell JOIN location USING (location_id) WHERE code = 'B-01' LIMIT 1"
    )
    ledger.as_app(
        lambda conn: adjust_to_count(
            conn, CONTROLLER, cell_id=cell_id, observed_at=at(70), counted=Decimal(80), reason="cycle_count"
        )
    )
    codes = {"from_code": "gtin:05012345678917", "to_code": "gtin:05012345678900"}
    ledger.as_app(lambda conn: merge_items(conn, NETWORK_CONTROLLER, **codes))
    ledger.query("UPDATE site SET currency = 'EUR' RETURNING 1")
    ledger.query("INSERT INTO item_cost SELECT item_id, 'leeds', '-infinity', 2, 'EUR' FROM item RETURNING 1")
    closed(ledger, "2026-03", "figures_due")
    ledger.post(gateway.seal([move("1", "@supplier", "B-01", minute=7)]))
    ledger.as_app(lambda conn: fold(conn, most=1000))


def verified(ledger: Ledger) -> Report:
    return ledger.as_owner(verify)


def test_an_honest_ledger_has_no_breach(ledger: Ledger) -> None:
    assert verified(ledger).is_clean
    fill(ledger)
    report = verified(ledger)
    assert [breach for finding in report.findings for breach in finding.breaches] == []
    assert {finding.check for finding in report.findings} == set(PROMISES)
    assert report.position == 10


MUTATED = [
    "ledger_entry",
    "ledger_head",
    "batch",
    "movement",
    "unit_position",
    "crossing",
    "count",
    "count_line",
    "workflow_event",
    "gap",
    "cell",
    "claim",
    "item_alias",
    "count_anchor",
    "period_close",
    "period_balance",
    "period_cost",
    "prior_period_fact",
    "audit_event",
    "audit_head",
    "balance",
    "cell_delta",
    "cell_bucket",
    "quarantine",
    "completeness",
    "fold_head",
    "location",
    "identifier",
]

LEGITIMATELY_MUTABLE = {
    ("quarantine", "state"),
    ("quarantine", "settled_at"),
    ("quarantine", "settled_by"),
    ("quarantine", "settled_posting"),
    ("completeness", "stated_no"),
    ("completeness", "stated_until"),
    ("completeness", "abandoned_at"),
    ("location", "parent_id"),
    ("location", "is_provisional"),
    ("ledger_head", "shard"),
    ("audit_head", "only_row"),
    ("fold_head", "only_row"),
}
"""What may change by right; and keys of tables that hold a single row."""

CHANGE = {
    "bigint": "coalesce({c}, 0) + 1",
    "integer": "coalesce({c}, 0) + 1",
    "smallint": "coalesce({c}, 0) + 1",
    "numeric": "coalesce({c}, 0) + 1",
    "double precision": "{c} + 1",
    "text": "coalesce({c}, '') || 'x'",
    "bytea": "{c} || '\\x00'",
    "boolean": "NOT {c}",
    "jsonb": "coalesce({c}, '{{}}') || '{{\"forged\": true}}'",
    "timestamp with time zone": "coalesce(nullif({c}, '-infinity'), now()) + interval '1 second'",
    "timestamp with time zone[]": "{c}[2:] || {c}[1]",
    "numeric[]": "{c}[2:] || {c}[1]",
}


def is_seen(admin: psycopg.Connection, change: sql.Composable) -> bool | None:
    """Change something as only a superuser can, verify, undo it; None if the database would not take it."""
    with admin.transaction(force_rollback=True):
        try:
            with admin.transaction():
                changed = admin.execute(change).rowcount
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError, psycopg.errors.GeneratedAlways):
            return None
        if changed == 0:
            return None
        try:
            found = service._report([admin], PROMISES, store.examined(admin), Checkpoint(), silent)
        except LookupError:
            return True  # the ledger has no head any more, and verify says so
        return not found.is_clean


def silent(check: str, done: int, total: int) -> None:
    del check, done, total


def columns(admin: psycopg.Connection) -> list[tuple[str, str, str]]:
    """List what is stored: table, column and type, without what may change by right."""
    found = admin.execute(
        "SELECT a.attrelid::regclass::text, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a "
        "WHERE a.attrelid::regclass::text = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2",
        (MUTATED,),
    ).fetchall()
    assert {table for table, _, _ in found} == set(MUTATED)
    return [row for row in found if row[:2] not in LEGITIMATELY_MUTABLE]


def changing(table: str, column: str, kind: str, which: str) -> sql.Composable:
    return sql.SQL("UPDATE {0} SET {1} = {2} WHERE ctid = (SELECT {3} FROM {0})").format(
        sql.Identifier(table), sql.Identifier(column), sql.SQL(CHANGE[kind].format(c=column)), sql.SQL(which)
    )


def test_a_change_of_any_stored_column_is_found(ledger: Ledger, database: object) -> None:
    fill(ledger)
    unseen, found = [], 0
    with psycopg.connect(database.admin_dsn) as admin:
        admin.execute("SET session_replication_role = replica")
        for table, column, kind in columns(admin):
            seen = is_seen(admin, changing(table, column, kind, "max(ctid)"))
            if seen is False:
                unseen.append(f"{table}.{column}")
            found += seen is True
    assert unseen == []
    assert found > 150


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_of_a_thousand_mutations_are_found(
    ledger: Ledger, database: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any column of any row, rows taken away, rows put in twice."""
    fill(ledger)
    random = Random(1)
    unseen, found = [], 0
    with psycopg.connect(database.admin_dsn) as admin:
        admin.execute("SET session_replication_role = replica")
        known = columns(admin)
        while found < MUTATIONS:
            table, column, kind = random.choice(known)
            nth = random.randrange(int(admin.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))
            which = f"(array_agg(ctid ORDER BY ctid))[{nth + 1}]"
            change = random.choice((changing(table, column, kind, which),) * 4 + (deleting(table, which),))
            seen = is_seen(admin, change)
            if seen is False:
                unseen.append(f"{table}.{column} row {nth}: {change.as_string(admin)}")
            found += seen is True
            assert unseen == []
    with capsys.disabled():
        print(f"mutations found: {found:,} of {MUTATIONS:,}")  # noqa: T201  a figure of a release


MUTATIONS = 1_000


def deleting(table: str, which: str) -> sql.Composable:
    return sql.SQL("DELETE FROM {0} WHERE ctid = (SELECT {1} FROM {0})").format(
        sql.Identifier(table), sql.SQL(which)
    )


@pytest.mark.parametrize("table", ["movement", "batch", "ledger_entry", "cell_delta", "claim", "audit_event"])
def test_a_missing_row_is_found(ledger: Ledger, database: object, table: str) -> None:
    fill(ledger)
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        last = sql.SQL("DELETE FROM {0} WHERE ctid = (SELECT max(ctid) FROM {0})").format(
            sql.Identifier(table)
        )
        admin.execute(last)
    assert not verified(ledger).is_clean


def test_verifying_waits_for_nobody_and_writes_nothing(ledger: Ledger) -> None:
    fill(ledger)
    seen: list[int] = []
    gateway = Outbox("gw-2")

    def observe(check: str, done: int, total: int) -> None:
        if check == "balances" and not seen:
            seen.append(ledger.post(gateway.seal([move("1", "@supplier", "A-01")])).position)

    assert ledger.as_owner(lambda conn: verify(conn, observe)).is_clean
    assert seen == [11]
    seen.clear()
    with psycopg.connect(ledger.owner_dsn) as beside:  # two connections share the checks and see one state
        beside.execute("SET ROLE dockledger_owner")
        beside.commit()
        report = ledger.as_owner(lambda conn: verify(conn, observe, beside=beside))
        assert beside.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)
    assert (report.is_clean, report.position, seen) == (True, 11, [12])
    assert [finding.check for finding in report.findings] == list(PROMISES)


def test_a_signed_head_proves_the_past_and_what_follows_is_verified_alone(
    ledger: Ledger, database: object, tmp_path: Path
) -> None:
    fill(ledger)
    key = tmp_path / "keys" / "head.key"
    with open_pool(ledger.app_dsn, "test-heads", max_size=1) as pool:
        first = sign_head(pool, key, at(0))
        assert (first["signed"], first["position"]) == (1, 10)
        assert sign_head(pool, key, at(120)) == {"signed": 0}  # nothing was posted since
        ledger.post(Outbox("gw-2").seal([move("1", "@supplier", "A-01"), move("2", "A-01", "B-01")]))
        assert sign_head(pool, key, at(30)) == {"signed": 0}  # this hour has one
        assert sign_head(pool, key, at(60))["position"] == 11
    assert key.stat().st_mode & 0o777 == 0o600
    kept = ledger.as_app(lambda conn: list(heads(conn)))
    text = "\n".join(head.model_dump_json() for head in kept)
    assert read_heads(text, "heads.jsonl") == kept
    with pytest.raises(HeadError, match=r"heads\.jsonl:2: the signature of position 12"):
        read_heads(text.replace('"position":11', '"position":12'), "heads.jsonl")
    require_key(kept, first["public_key"])
    with pytest.raises(HeadError, match="expected 00"):
        require_key(kept, "00" * 32)
    ledger.as_owner(lambda conn: require_kept(conn, kept))

    since = Checkpoint(kept[0].position, kept[0].chain)
    report = ledger.as_owner(lambda conn: verify_since(conn, since))
    assert report.is_clean
    assert {finding.check: finding.examined for finding in report.findings} == {
        "checkpoint": 1, "order_since": 1, "contents": 1, "batches_since": 1, "batch_bytes": 1,
        "references_since": 3,
    }  # fmt: skip
    changes = (
        ("UPDATE movement SET quantity = quantity + 1 WHERE posting_id = {last}", "contents"),
        ("UPDATE ledger_entry SET actor = 'x' WHERE position = 11", "order_since"),
        ("UPDATE ledger_entry SET chain = sha256(chain) WHERE position = 10", "checkpoint"),
        ("UPDATE batch SET prev_sha256 = sha256 WHERE posting_id = {last}", "batches_since"),
        ("UPDATE movement SET identifier = 'x' WHERE posting_id = {last}", "batch_bytes"),
    )
    with psycopg.connect(database.admin_dsn) as admin:
        admin.execute("SET session_replication_role = replica")
        for change, found_by in changes:
            with admin.transaction(force_rollback=True):
                admin.execute(change.replace("{last}", "(SELECT max(posting_id) FROM batch)"))
                found = report_within(admin, since)
                assert found_by in found, change
        admin.execute("UPDATE ledger_entry SET chain = sha256(chain) WHERE position = 10")
        with pytest.raises(HeadError, match=r"position 10 was signed as .* up to there was rewritten"):
            require_kept(admin, kept)


def report_within(admin: psycopg.Connection, since: Checkpoint) -> set[str]:
    """Tell what a verification finds in a transaction that has changed something."""
    counts = store.examined_since(admin, since.position)
    report = service._report([admin], service.SINCE, counts, since, lambda *_: None)
    return {finding.check for finding in report.findings if finding.breach_count}
