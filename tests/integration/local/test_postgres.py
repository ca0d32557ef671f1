"""The embedded PostgreSQL where people really run it: spaces, private parents, root, users, crashes."""

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from cloud.local.home import HomeError, erase
from cloud.local.postgres import EmbeddedPostgres, PostgresError
from cloud.local.process import free_port
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[3]
KEEPER = Path(__file__).with_name("keeper.py")
ORDINARY_USER = 65534


@dataclass
class Keeper:
    """A running `keeper.py`: the supervisor's process, the server's process id and the connection."""

    process: subprocess.Popen[str]
    server: int
    dsn: str

    def ask(self, query: str) -> object:
        with psycopg.connect(self.dsn, autocommit=True) as conn:
            answer = conn.execute(query)  # type: ignore[arg-type]  # literal texts of this file
            row = answer.fetchone() if answer.description else None
            return row and row[0]


@contextmanager
def kept(data_dir: Path, *, python: str = sys.executable, user: int | None = None) -> Iterator[Keeper]:
    process = subprocess.Popen(
        [python, KEEPER, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        lines = (line.split() for line in process.stdout)
        server, dsn = next(words for words in lines if len(words) == 2 and words[1].startswith("postgresql"))
        yield Keeper(process, int(server), dsn)
    finally:
        process.stdin.close()
        process.wait(PATIENCE_S)
        process.stdout.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a data directory whose path has a space and whose parent nobody else enters."""
    parent = tmp_path / "closed to others"
    parent.mkdir(mode=0o700)
    yield parent / "my data"
    erase(parent / "my data")


def gone(pid: int) -> bool:
    """Wait for the end of a process that need not be our child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], PATIENCE_S)[0])
    finally:
        os.close(descriptor)


def test_starts_below_a_private_parent_with_a_space_and_leaves_the_parent_alone(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        assert keeper.ask("SELECT 1") == 1
    assert data_dir.parent.stat().st_mode & 0o777 == 0o700
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_is_set_up_as_a_ledger_needs_it(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        expected = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "password_encryption": "scram-sha-256",
            "server_encoding": "UTF8",
            "lc_collate": "C",
            "listen_addresses": "127.0.0.1",
            "TimeZone": "UTC",
        }
        found = {
            name: keeper.ask(f"SELECT current_setting('{name}')") for name in expected if name != "lc_collate"
        }
        found["lc_collate"] = keeper.ask("SELECT datcollate FROM pg_database WHERE datname = 'template1'")
    assert found == expected


def test_keeps_its_data_and_its_port_from_run_to_run(data_dir: Path) -> None:
    with kept(data_dir) as first:
        first.ask("CREATE TABLE kept AS SELECT 42 AS answer")
    with kept(data_dir) as second:
        assert second.ask("SELECT answer FROM kept") == 42
    assert second.dsn == first.dsn


@pytest.mark.parametrize(
    ("given_away", "lowest", "highest"),
    [("32768\t60999\n", 20_768, 32_767), ("1024\t65535\n", 1, 65_535)],
    ids=["usual", "nearly all"],
)
def test_a_free_port_is_where_there_is_room_none_that_the_system_gives_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_away: str, lowest: int, highest: int
) -> None:
    told = tmp_path / "range"
    told.write_text(given_away, "ascii")
    monkeypatch.setattr("cloud.local.process._PORTS_OF_THE_SYSTEM", told)
    found = [free_port() for _ in range(20)]
    assert all(lowest <= port <= highest for port in found)
    assert free_port(found[0]) == found[0]
    with socket.create_server(("127.0.0.1", found[0])):
        assert free_port(found[0]) != found[0]


def test_leaves_nothing_running(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        family = psutil.Process(keeper.process.pid).children(recursive=True)
        assert any(child.pid == keeper.server for child in family)
    assert not [child for child in family if child.is_running()]


def test_a_killed_supervisor_takes_its_server_along(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        keeper.process.send_signal(signal.SIGKILL)
        assert gone(keeper.server)
    with kept(data_dir) as keeper:
        assert keeper.ask("SELECT 1") == 1


def test_recovers_what_was_committed_before_a_crash(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        keeper.ask("CREATE TABLE committed AS SELECT 42 AS answer")
        os.kill(keeper.server, signal.SIGKILL)
        assert gone(keeper.server)
    with kept(data_dir) as keeper:
        assert keeper.ask("SELECT answer FROM committed") == 42


def test_a_process_id_reused_by_a_stranger_does_not_block_the_start(data_dir: Path) -> None:
    with kept(data_dir):
        pass
    pid_file = data_dir / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n", "ascii")
    with kept(data_dir) as keeper:
        assert keeper.ask("SELECT 1") == 1


def test_a_crash_inside_initdb_is_started_over(data_dir: Path) -> None:
    with kept(data_dir):
        pass
    home = (data_dir / "postgres").resolve()
    (home / "data").rename(home / "initdb")
    with kept(data_dir) as keeper:
        assert keeper.ask("SELECT 1") == 1


def test_a_second_owner_is_told_who_has_it(data_dir: Path) -> None:
    with kept(data_dir) as keeper, pytest.raises(PostgresError) as refusal:
        EmbeddedPostgres(data_dir, "test-postgres").prepare()
    assert f"in use by process {keeper.process.pid}: expected it free" in str(refusal.value)


def test_data_of_another_version_is_named_and_left_alone(data_dir: Path) -> None:
    with kept(data_dir):
        pass
    version = data_dir / "postgres" / "data" / "PG_VERSION"
    version.write_text("9\n", "ascii")
    with pytest.raises(PostgresError, match=r"made by PostgreSQL 9: expected \d+"):
        EmbeddedPostgres(data_dir, "test-postgres").prepare()


def test_the_superuser_cannot_come_over_the_network(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        port = keeper.dsn.rpartition("=")[2]
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(f"postgresql://postgres:test-postgres@127.0.0.1:{port}/postgres")


def test_a_wrong_password_is_refused_on_the_socket_too(data_dir: Path) -> None:
    with kept(data_dir) as keeper, pytest.raises(psycopg.OperationalError, match="password authentication"):
        psycopg.connect(keeper.dsn.replace("test-postgres", "guess"))


def test_a_directory_without_postgres_is_named(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match="has no program 'initdb'"):
        EmbeddedPostgres(data_dir, "test-postgres", bin_dir=tmp_path).prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand its database to somebody else")
def test_root_runs_the_server_as_a_user_without_account(data_dir: Path) -> None:
    with kept(data_dir) as keeper:
        assert psutil.Process(keeper.server).uids().real in range(61184, 65520)
        home = (data_dir / "postgres").resolve()
    assert home.parent == Path("/var/lib")
    assert home.stat().st_mode & 0o777 == 0o710
    erase(data_dir)
    assert not home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user already")
def test_an_ordinary_user_keeps_everything_below_the_data_directory(tmp_path: Path) -> None:
    python = ordinary_python()
    if python is None:
        pytest.skip(
            f"no interpreter of this version that an ordinary user may run, {sys.executable} is private"
        )
    place = Path(tempfile.mkdtemp(prefix="dockledger test ", dir="/var/tmp"))
    os.chown(place, ORDINARY_USER, ORDINARY_USER)
    try:
        for _ in range(2):
            with kept(place / "data", python=python, user=ORDINARY_USER) as keeper:
                assert psutil.Process(keeper.server).uids().real == ORDINARY_USER
        assert (place / "data" / "postgres" / "data" / "PG_VERSION").is_file()
    finally:
        erase(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
def test_a_data_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, ORDINARY_USER, ORDINARY_USER)
    with pytest.raises(HomeError, match=f"belongs to user {ORDINARY_USER}: expected 0"):
        EmbeddedPostgres(tmp_path, "test-postgres").prepare()


def ordinary_python() -> str | None:
    """Find an interpreter of our version that an unprivileged user may run."""
    wanted = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    for python in (sys.executable, "/usr/bin/python3", f"/usr/local/bin/python3.{sys.version_info.minor}"):
        try:
            answer = subprocess.run([python, "-c", wanted], user=ORDINARY_USER, extra_groups=[], check=False)
        except OSError:
            continue
        if answer.returncode == 0:
            return python
    return None
