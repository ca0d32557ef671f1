"""The release before this one (FAULTS F12): its database, its keys, its agents and its answers go on.

What is under `tests/golden/upgrade` was recorded by the code of that release (`record_release.py`), so
nothing here imitates it.
"""

import base64
import gzip
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg
import pytest
from record_release import rows_of
from serving import Clock, served

from cloud.cli import main
from cloud.db import LastingConnection, connect, in_transaction, open_pool, pending
from cloud.identity.gate import Gate
from cloud.ingest.arrival import Delivery, read
from cloud.ingest.worker import write
from cloud.ledger.balances import wrong_balances
from cloud.ledger.verification.service import verify
from contracts.feedback import Ack
from tests.patience import PATIENCE_S

MENDED = ("/v1/stock-value?site=madrid: body.value was '0', is None",)
"""What a release before answered wrongly: a value that nobody knows is null, not zero."""
UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
GOLDEN = Path(__file__).resolve().parents[2] / "golden"
RELEASES = sorted((GOLDEN / "upgrade").iterdir())
SHAPE = """
SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'function', proname, oid::regprocedure::text,
    concat(prosecdef, provolatile, proconfig, pg_get_userbyid(proowner), md5(prosrc), proacl::text)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'policy', tablename, policyname, concat(roles, cmd, qual, with_check) FROM pg_policies
UNION ALL SELECT 'relation', relkind::text, relname,
    concat(
        pg_get_userbyid(relowner), relrowsecurity,
        (SELECT array_agg(a::text ORDER BY 1) FROM unnest(relacl) a))
FROM pg_class WHERE relnamespace = 'public'::regnamespace
ORDER BY 1, 2, 3, 4
"""
"""All that a schema is."""
READ = """
import sys
sys.path.insert(0, sys.argv[1])
import orjson
from contracts.schema import MESSAGES
import contracts
assert contracts.__file__.startswith(sys.argv[1])
for line in sys.stdin.buffer:
    name, text = orjson.loads(line)
    if name not in MESSAGES:
        continue
    message = MESSAGES[name].model_validate_json(text)
    assert orjson.loads(message.model_dump_json(by_alias=True)) == orjson.loads(text), name
    print(name)
"""
"""How the release before reads a message: by its own code, losing nothing of it."""


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def before(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def old(before: Path, cluster: Any, template: str) -> Iterator[Any]:
    """Give a database as that release left it."""
    del template  # whoever makes it makes the roles
    with cluster.clone("template0") as database:
        with psycopg.connect(database.admin_dsn, autocommit=True) as conn:
            conn.execute(gzip.decompress((before / "database.sql.gz").read_bytes()).decode())
        yield database


@pytest.fixture
def fresh(cluster: Any, template: str) -> Iterator[Any]:
    """Give a database that this release has made."""
    with cluster.clone(template) as database:
        yield database


@pytest.fixture
def shell(
    old: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Give the shipped command, set to that database."""
    monkeypatch.setenv("DOCKLEDGER_OWNER_DSN", old.owner_dsn)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["db", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_the_database_of_the_release_before_comes_forward_with_all_it_holds(
    before: Path,
    old: Any,
    fresh: Any,
    shell: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
) -> None:
    to_come = pending(old.owner_dsn)
    assert (to_come.last or "").startswith(before.name)
    code, told, _ = shell("status")
    assert (code, told.count("  to apply: ")) == (1, len(to_come.migrations))
    code, _, told = shell("upgrade")
    assert (code, "say --backup FILE to have one taken now" in told) == (2, True)
    assert pending(old.owner_dsn) == to_come
    middle = len(to_come.migrations) // 2
    kill_at(old, to_come.migrations[middle])
    assert pending(old.owner_dsn).migrations == to_come.migrations[middle:]
    backup = tmp_path / "before.backup"
    code, told, _ = shell("upgrade", "--backup", str(backup))
    assert (code, f"{backup}: ledger " in told, backup.stat().st_size > 10_000) == (0, True, True)
    assert shell("status")[0] == 0
    assert shape(old) == shape(fresh), "an upgraded database and a new one are the same"
    with connect(old.owner_dsn, "test") as conn, connect(old.owner_dsn, "test") as beside:
        for each in (conn, beside):
            each.execute("SET ROLE dockledger_owner")
        report = verify(conn, lambda *_: None, beside=beside)
        assert report.is_clean, [each for each in report.findings if each.breach_count]
        assert wrong_balances(conn) == []
    recorded = orjson.loads(gzip.decompress((before / "answers.json.gz").read_bytes()))
    with (
        open_pool(old.app_dsn, "test") as pool,
        served(Gate(pool, Clock())) as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S, verify=UNUSED) as client,
    ):
        wrong = [
            told
            for asked, expected in recorded["answers"].items()
            for told in differences(client, recorded["keys"], asked, expected)
        ]
    wrong = [told for told in wrong if not told.endswith(MENDED)]
    assert not wrong, "\n".join(wrong)
    agent_goes_on(before, old)


def test_the_release_before_reads_what_this_one_sends(before: Path) -> None:
    messages = [
        (path.stem, path.read_text())
        for path in sorted((GOLDEN / "v1").glob("*.json"))
        if not path.stem.startswith("batch")
    ]
    known = read_by_release_before(before, messages)
    assert known >= {"ack", "assignment", "config_desired", "ingest_state", "reference_snapshot", "task_list"}


def shape(database: Any) -> list[tuple[str, ...]]:
    with psycopg.connect(database.admin_dsn) as conn:
        return conn.execute(SHAPE).fetchall()


def agent_goes_on(before: Path, old: Any) -> None:
    """Send what that release's agent had not sent, and again what it had: rows and answers are the same."""
    frames = orjson.loads((before / "frames.json").read_bytes())
    readings = [
        read(
            Delivery(
                each["topic"], base64.b64decode(each["frame"]), datetime.fromisoformat(each["received_at"])
            )
        )
        for each in frames["sent"]
    ]
    with closing(LastingConnection(old.ingest_dsn, "test")) as lasting:
        written = in_transaction(lasting, lambda conn: write(conn, readings[1:]))
        again = in_transaction(lasting, lambda conn: write(conn, readings))
    acks = [answer.ack for answer in written.answers]
    told = ("gateway", "epoch", "contiguous_no", "contiguous_sha256", "extra", "resend")
    (then,) = [Ack.model_validate_json(ack) for ack in frames["acks"]]
    assert [[getattr(ack, name) for name in told] for ack in acks] == [[getattr(then, name) for name in told]]
    assert {answer.ack.contiguous_no for answer in again.answers} == {then.contiguous_no}
    for kind, rows in rows_of(old.admin_dsn).items():
        assert [
            {name: row[name] for name in known} for row, known in zip(rows, frames["rows"][kind], strict=True)
        ] == frames["rows"][kind], kind
    assert read_by_release_before(before, [("ack", ack.model_dump_json()) for ack in acks]) == {"ack"}


def read_by_release_before(before: Path, messages: Sequence[tuple[str, str]]) -> set[str]:
    """Let that release's own code read messages; gives the names of those that it knows."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(before / "contracts.zip")],
        input=b"\n".join(map(orjson.dumps, messages)),
        capture_output=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr.decode()
    return set(done.stdout.decode().split())


def kill_at(old: Any, name: str) -> None:
    """Kill an upgrade while it is within a migration."""
    with psycopg.connect(old.owner_dsn) as hindrance:
        hindrance.execute("SET ROLE dockledger_owner")
        hindrance.execute("INSERT INTO schema_migration (name, sha256) VALUES (%s, 'x')", (name,))
        with subprocess.Popen(
            [sys.executable, "-m", "cloud", "db", "upgrade", "--without-backup"],
            cwd=GOLDEN.parents[1],
            env=os.environ | {"DOCKLEDGER_OWNER_DSN": old.owner_dsn},
            stdout=subprocess.DEVNULL,
        ) as upgrade:
            waits = (
                "SELECT count(*) FROM pg_stat_activity, pg_sleep(0.05) "
                "WHERE application_name = 'dockledger-migrate' AND wait_event_type = 'Lock'"
            )
            with psycopg.connect(old.admin_dsn, autocommit=True) as looking:
                while looking.execute(waits).fetchone() == (0,):
                    assert upgrade.poll() is None
            upgrade.kill()
        hindrance.rollback()


def differences(
    client: httpx.Client, keys: dict[str, str], asked: str, expected: dict[str, Any]
) -> Iterator[str]:
    """Ask again with the key of then: what was answered is answered, new fields beside it."""
    who, path = asked.split(" ", 1)
    answer = client.get(path, headers={"Authorization": f"Bearer {keys[who]}"})
    if answer.status_code != expected["status"]:
        yield f"{asked}: {answer.status_code}, not {expected['status']}: {answer.text[:200]}"
    elif answer.status_code == 200:
        yield from (f"{asked}: {told}" for told in unlike(expected["body"], answer.json(), "body"))


def unlike(then: Any, now: Any, place: str) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for name, value in then.items():
            yield from unlike(value, now.get(name, "absent"), f"{place}.{name}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from unlike(one, other, f"{place}[{number}]")
    elif then != now:
        yield f"{place} was {then!r:.200}, is {now!r:.200}"
