"""TimescaleDB changes where rows lie, never an answer (PROTOCOL P7)."""

from pathlib import Path

import psycopg
import pytest

from tests.integration.timescale.conftest import apply

STORY = (Path(__file__).parent / "story.sql").read_text(encoding="utf-8")
HOURS = (Path(__file__).parent / "story_of_hours.sql").read_text(encoding="utf-8")
LEDGER = {"movement", "unit_position", "crossing", "workflow_event"}
HOURS_OF = ("door_hour", "sighting_hour", "metric_hour")

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
    "hours": (
        "SELECT * FROM gateway_hours(NULL, NULL, '2026-01-01Z', '2027-01-01Z', '2027-01-01Z', '', 5000)"
    ),
    "doors": "SELECT * FROM door_hour ORDER BY hour, portal",
    "sum": "SELECT item_id, sum(quantity) FROM balance JOIN cell USING (cell_id) GROUP BY 1 ORDER BY 1",
}


def tell(conn: psycopg.Connection) -> None:
    with conn.transaction():
        conn.execute(STORY)
        conn.execute(HOURS)
        conn.execute("SET dockledger.sites = '*'")
    while conn.execute("SELECT fold(500) < (SELECT position FROM ledger_head)").fetchone() == (True,):
        pass


def ask(conn: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    return {name: conn.execute(question).fetchall() for name, question in QUESTIONS.items()}


def materialised(conn: psycopg.Connection, name: str) -> str:
    (found,) = conn.execute(
        "SELECT format('%%I.%%I', materialization_hypertable_schema, materialization_hypertable_name) "
        "FROM timescaledb_information.continuous_aggregates WHERE view_name = %s",
        (name,),
    ).fetchone()
    return str(found)


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
    timescale.execute("SET ROLE dockledger_migrator")
    for (job,) in timescale.execute("SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000"):
        timescale.execute(f"CALL run_job({job})")
    for name in HOURS_OF:
        kept = f"SELECT count(*) FROM {materialised(timescale, name)}"
        assert timescale.execute(kept).fetchone() == (0,), "what is older than 90 days is no policy's"
        timescale.execute(f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)")
        assert timescale.execute(kept).fetchone()[0] > 15
    timescale.execute("SET ROLE dockledger_owner")
    assert ask(timescale) == expected
    assert len(expected["hours"]) > 2000
    assert all(row[1] for row in expected["digest"])
    assert len(expected["past"]) > 100


def test_hypertables_stay_append_only_and_no_policy_ever_drops_a_chunk(timescale: psycopg.Connection) -> None:
    tell(timescale)
    hypertables = timescale.execute(
        "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables "
        "WHERE hypertable_schema = 'public' ORDER BY 1"
    ).fetchall()
    assert hypertables == [
        ("crossing", True),
        ("gateway_metric", True),
        ("movement", True),
        ("unit_position", True),
        ("workflow_event", True),
    ]
    policies = timescale.execute(
        "SELECT j.proc_name, coalesce(c.view_name, j.hypertable_name)::text, j.owner::text "
        "FROM timescaledb_information.jobs j "
        "LEFT JOIN timescaledb_information.continuous_aggregates c "
        "ON c.materialization_hypertable_name = j.hypertable_name "
        "WHERE j.hypertable_name IS NOT NULL ORDER BY 2"
    ).fetchall()
    assert policies == [
        ("policy_refresh_continuous_aggregate", name, "dockledger_migrator") for name in sorted(HOURS_OF)
    ]
    assert not {name for _, name, _ in policies} & LEDGER
    refuses_rewrites(timescale)


def refuses_rewrites(conn: psycopg.Connection) -> None:
    for rewrite in ("UPDATE movement SET quantity = 1", "DELETE FROM movement", "TRUNCATE movement"):
        with pytest.raises(psycopg.Error, match="append-only"):
            conn.execute(rewrite)


@pytest.mark.soak
def test_a_database_that_began_without_the_extension_moves_into_chunks(plain: psycopg.Connection) -> None:
    tell(plain)
    expected = ask(plain)
    plain.execute("RESET ROLE")
    plain.execute("CREATE EXTENSION timescaledb")
    plain.execute("SET ROLE dockledger_owner")
    apply(plain, "repeatable", with_timescale=True)
    plain.execute("SET dockledger.sites = '*'")
    assert plain.execute("SELECT count(*) > 10 FROM timescaledb_information.chunks").fetchone() == (True,)
    assert ask(plain) == expected
    refuses_rewrites(plain)
