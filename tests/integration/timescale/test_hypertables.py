"""TimescaleDB changes where rows lie, never an answer (PROTOCOL P7)."""

from pathlib import Path

import psycopg
import pytest

STORY = (Path(__file__).parent / "story.sql").read_text(encoding="utf-8")

QUESTIONS = {
    "balances": "SELECT cell_id, quantity FROM balance ORDER BY cell_id",
    "past": (
        "SELECT t, a.cell_id, a.quantity FROM generate_series("
        "timestamptz '2024-05-02 00:00Z', timestamptz '2025-12-01 00:00Z', interval '7 weeks') t, "
        "as_of(ARRAY(SELECT cell_id FROM cell ORDER BY cell_id), t, 9) a ORDER BY t, a.cell_id"
    ),
    "history": (
        "SELECT seq, quantity, occurred_at FROM movement WHERE item_id = 3 "
        "ORDER BY occurred_at DESC, seq LIMIT 50"
    ),
    "digest": "SELECT position, content_sha = posting_digest(posting_id, digest_version) FROM ledger_entry",
    "sum": "SELECT item_id, sum(quantity) FROM balance JOIN cell USING (cell_id) GROUP BY 1 ORDER BY 1",
}


def tell(conn: psycopg.Connection) -> None:
    with conn.transaction():
        conn.execute(STORY)
    while conn.execute("SELECT fold(500) < (SELECT position FROM ledger_head)").fetchone() == (True,):
        pass


def ask(conn: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: conn.execute(question).fetchall() for name, question in QUESTIONS.items()}


def test_compressed_monthly_chunks_answer_as_plain_postgresql_does(
    timescale: psycopg.Connection, database: object
) -> None:
    with psycopg.connect(database.owner_dsn, autocommit=True) as plain:
        plain.execute("SET TimeZone = 'UTC'")
        plain.execute("SET ROLE dockledger_owner")
        tell(plain)
        expected = ask(plain)
        assert plain.execute("SELECT tend_history()").fetchone() == (0,)
    tell(timescale)
    assert ask(timescale) == expected
    tended = 0
    while timescale.execute("SELECT tend_history()").fetchone() == (1,):
        tended += 1
    chunks = "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed"
    assert timescale.execute(chunks).fetchone() == (tended,)
    assert tended > 12
    assert ask(timescale) == expected
    assert all(row[1] for row in expected["digest"])
    assert len(expected["past"]) > 100


def test_hypertables_stay_append_only_and_no_policy_ever_drops_a_chunk(timescale: psycopg.Connection) -> None:
    tell(timescale)
    hypertables = timescale.execute(
        "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables ORDER BY 1"
    ).fetchall()
    assert hypertables == [
        ("crossing", True),
        ("movement", True),
        ("unit_position", True),
        ("workflow_event", True),
    ]
    policies = timescale.execute(
        "SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name IS NOT NULL"
    ).fetchall()
    assert policies == []
    for rewrite in ("UPDATE movement SET quantity = 1", "DELETE FROM movement", "TRUNCATE movement"):
        with pytest.raises(psycopg.Error, match="append-only"):
            timescale.execute(rewrite)
