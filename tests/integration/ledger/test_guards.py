"""The database refuses to rewrite history, to every role, and to show what is not the actor's."""

import psycopg
import pytest
from psycopg import sql
from scenario import SITE, Ledger, Outbox, move

from cloud.db import SuperuserError, connect, migrate, open_pool, statements
from cloud.db.schema import MigrationError
from cloud.ledger.verification.service import PROMISES

APPEND_ONLY = [
    "ledger_entry",
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
    "identifier",
    "item_alias",
    "period_close",
    "period_balance",
    "period_cost",
    "prior_period_fact",
    "item_cost",
    "purchase_cost",
    "exchange_rate",
    "signed_head",
    "reconciliation",
    "reconciliation_line",
    "audit_event",
    "cell_delta",
    "cell_bucket",
    "crossing_answer",
]
ROLES = ("owner", "ingest", "app", "planner", "auditor")
REFUSALS = (psycopg.errors.RestrictViolation, psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_updates_deletes_or_truncates_the_ledger(ledger: Ledger, database: object, role: str) -> None:
    ledger.post(Outbox().seal([move("1", "@supplier", "A-01")]))
    with connect(getattr(database, f"{role}_dsn"), "test", autocommit=True) as conn:
        if role == "owner":
            conn.execute("SET ROLE dockledger_owner")
        for table in APPEND_ONLY:
            name = sql.Identifier(table)
            if role == "owner":
                filled = conn.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone()[0]
            else:
                filled = True
            attempts = [sql.SQL("TRUNCATE {} CASCADE")]
            if filled:
                attempts += [sql.SQL("DELETE FROM {}"), sql.SQL("UPDATE {} SET posting_id = 0")]
            for attempt in attempts:
                with pytest.raises((*REFUSALS, psycopg.errors.UndefinedColumn)):
                    conn.execute(attempt.format(name))
    assert ledger.balances() == {"@supplier": -1, "A-01": 1}


@pytest.mark.parametrize("table", ["movement", "unit_position", "crossing", "ledger_entry"])
def test_a_filled_table_refuses_by_its_trigger(ledger: Ledger, table: str) -> None:
    ledger.post(Outbox().seal([move("1", "@supplier", "A-01")]))
    filled = {"movement", "ledger_entry"}
    if table not in filled:
        with pytest.raises(psycopg.errors.RestrictViolation, match=f"TRUNCATE on {table} refused"):
            ledger.as_owner(lambda conn: conn.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table))))
        return
    with pytest.raises(
        psycopg.errors.RestrictViolation, match=f"DELETE on {table} refused: the ledger is append-only"
    ):
        ledger.as_owner(lambda conn: conn.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table))))


@pytest.mark.parametrize("role", ["ingest", "app"])
@pytest.mark.parametrize("table", ["movement", "unit_position", "crossing"])
def test_the_roles_that_post_cannot_read_what_was_posted(database: object, role: str, table: str) -> None:
    with (
        connect(getattr(database, f"{role}_dsn"), "test", autocommit=True) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(sql.SQL("SELECT FROM {}").format(sql.Identifier(table)))


def test_the_application_sees_balances_of_the_sites_it_named(ledger: Ledger) -> None:
    ledger.post(Outbox().seal([move("1", "@supplier", "A-01")]))

    def seen(sites: str | None) -> int:
        def ask(conn: psycopg.Connection) -> int:
            if sites is not None:
                conn.execute("SELECT set_config('dockledger.sites', %s, true)", (sites,))
            return conn.execute("SELECT count(*) FROM balance").fetchone()[0]

        return ledger.as_app(ask)

    assert (seen(None), seen("{york}"), seen(f"{{york,{SITE}}}"), seen("*")) == (0, 0, 2, 2)


def test_one_transaction_makes_one_posting(ledger: Ledger) -> None:
    def twice(conn: psycopg.Connection) -> None:
        conn.execute("SELECT begin_posting()")
        conn.execute("SELECT begin_posting()")

    with pytest.raises(psycopg.errors.InvalidTransactionState, match="one transaction makes one posting"):
        ledger.as_ingest(twice)
    with pytest.raises(psycopg.errors.InvalidTransactionState, match="was not begun"):
        ledger.as_ingest(lambda conn: conn.execute("SELECT close_posting(7, 'batch', 'me')"))


def test_no_process_connects_as_superuser(database: object) -> None:
    with pytest.raises(SuperuserError, match="is a superuser"):
        connect(database.admin_dsn, "test")
    for role in ROLES:
        with open_pool(getattr(database, f"{role}_dsn"), "test") as pool, pool.connection() as conn:
            row = conn.execute(
                "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user"
            ).fetchone()
            assert row == (False, False)


def test_connections_carry_a_name_limits_and_utc(database: object) -> None:
    with connect(database.app_dsn, "test-name") as conn:
        shown = [
            conn.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()[0]
            for name in (
                "application_name",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
                "timezone",
            )
        ]
    assert shown == ["test-name", "30s", "1min", "UTC"]


def test_migrating_twice_changes_nothing_and_an_edited_migration_is_refused(database: object) -> None:
    assert migrate(database.owner_dsn) == []
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE schema_migration SET sha256 = 'x' WHERE name = '0001_one_order.sql'")
    with pytest.raises(MigrationError, match=r"0001_one_order.sql was applied with sha256 x"):
        migrate(database.owner_dsn)


def test_a_newer_database_is_refused(database: object) -> None:
    with psycopg.connect(database.admin_dsn, autocommit=True) as admin:
        admin.execute("INSERT INTO schema_migration VALUES ('9999_future.sql', 'x')")
    with pytest.raises(MigrationError, match="it is newer"):
        migrate(database.owner_dsn)


@pytest.mark.parametrize(
    "package",
    [
        "cloud.ledger",
        "cloud.master",
        "cloud.ledger.verification",
        "cloud.ledger.backup",
        "cloud.documents",
        "cloud.decisions",
        "cloud.alerts",
        "cloud.alerts.webhooks",
        "cloud.allocation",
        "cloud.counting",
        "cloud.demand",
        "cloud.demand.sources",
        "cloud.events",
        "cloud.forecasting.chosen",
        "cloud.forecasting.overrides",
        "cloud.forecasting.registry",
        "cloud.forecasting.reviewing",
        "cloud.forecasting.track_record",
        "cloud.replenishment",
    ],
)
def test_every_named_statement_prepares_against_the_schema(ledger: Ledger, package: str) -> None:
    def prepare(conn: psycopg.Connection) -> None:
        for name, statement in statements(package).items():
            if statement.upper().startswith(("LOCK", "SET")):
                continue
            positional = sql.SQL("PREPARE {} AS ").format(sql.Identifier(name)).as_string(conn)
            query = psycopg._queries.PostgresQuery(psycopg.adapt.Transformer(conn))
            query.convert(statement, _any_arguments(statement))
            conn.execute((positional + query.query.decode()).encode())

    ledger.as_owner(prepare)


def _any_arguments(statement: str) -> dict[str, None]:
    return {part.partition(")")[0]: None for part in statement.split("%(")[1:]}


def test_every_check_of_verify_has_its_statement() -> None:
    assert set(PROMISES) - {"batch_bytes"} <= set(statements("cloud.ledger.verification"))


def test_functions_that_run_with_the_owners_rights_pin_their_search_path(ledger: Ledger) -> None:
    unpinned = ledger.query(
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace "
        "AND NOT coalesce(proconfig::text LIKE '%%search_path=public, pg_temp%%', false)"
    )
    assert unpinned == []


def test_no_retention_policy_stands_on_a_ledger_table(ledger: Ledger) -> None:
    has_timescale = ledger.query("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")
    if has_timescale == [(0,)]:
        pytest.skip("this PostgreSQL has no TimescaleDB: nothing can hold a retention policy")
    assert (
        ledger.query(
            "SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"
        )
        == []
    )
