"""`dockledger local` as a newcomer uses it: it starts, serves, survives kills, and leaves nothing running."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import psutil
import psycopg
import pytest

from cloud.local.home import erase
from cloud.local.postgres import EmbeddedPostgres
from cloud.local.supervisor import running as running_service
from cloud.settings import RUNNING_FILE, load
from tests.integration.local.test_broker import Listener, wait_until_accepted
from tests.patience import PATIENCE_S


@dataclass
class Local:
    """A running `dockledger local`."""

    process: subprocess.Popen[str]
    url: str

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        return next(child for child in self.family() if re.search(words, " ".join(child.cmdline())))

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def command(data_dir: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cloud", "--data-dir", str(data_dir), *arguments]


@contextmanager
def running(data_dir: Path, **environment: str) -> Iterator[Local]:
    process = subprocess.Popen(
        command(data_dir, "local"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "DOCKLEDGER_HTTP_PORT": "0", **environment},
    )
    assert process.stdout is not None
    try:
        told = []
        for line in process.stdout:
            told.append(line)
            if found := re.search(r"http://\S+", line):
                yield Local(process, found.group())
                break
        else:
            pytest.fail("".join(told))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        process.stdout.close()


def all_gone(family: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(family, timeout=PATIENCE_S)[1]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a data directory whose path has a space and whose parent nobody else enters."""
    yield from private_place(tmp_path)


@pytest.fixture(scope="module")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the data directory of `local`."""
    yield from private_place(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def local(shared_dir: Path) -> Iterator[Local]:
    """Give one stack for the tests that leave it as they found it."""
    with running(shared_dir) as started:
        yield started


def private_place(directory: Path) -> Iterator[Path]:
    parent = directory / "closed to others"
    parent.mkdir(mode=0o700)
    yield parent / "my data"
    erase(parent / "my data")


def serves(local: Local) -> bool:
    return httpx.get(f"{local.url}health/ready", timeout=PATIENCE_S).is_success


@pytest.mark.parametrize("broker", ["mosquitto", "nats"])
def test_serves_twice_in_a_row_and_stops_clean(data_dir: Path, broker: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with running(data_dir, DOCKLEDGER_EMBEDDED_BROKER=broker) as local:
            family = local.family()
            assert serves(local)
            assert (data_dir / RUNNING_FILE).stat().st_mode & 0o777 == 0o600
            assert local.end(number) == 0
            assert all_gone(family)
            assert not (data_dir / RUNNING_FILE).exists()


def test_a_killed_supervisor_takes_everything_along(data_dir: Path) -> None:
    with running(data_dir) as local:
        family = local.family()
        local.end(signal.SIGKILL)
        assert all_gone(family)
    with running(data_dir) as local:
        assert serves(local)


@pytest.mark.parametrize(
    "victim", ["postgres -D", "mosquitto -c|nats-server -c", "cloud.* ingest", "cloud.* api"]
)
def test_a_killed_service_comes_back(local: Local, victim: str) -> None:
    killed = local.child(victim)
    killed.kill()
    assert all_gone([killed])
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if local.child(victim).pid != killed.pid and serves(local):
                return
        except (StopIteration, httpx.TransportError, psutil.NoSuchProcess):
            select.select([], [], [], 0.1)
    pytest.fail(f"{victim} did not come back")


def test_no_process_connects_as_superuser(local: Local, shared_dir: Path) -> None:
    loaded = load({"data_dir": shared_dir}).settings
    for name in ("owner_dsn", "ingest_dsn", "app_dsn"):
        with psycopg.connect(loaded.needed(name)) as conn:
            assert conn.info.parameter_status("is_superuser") == "off"
    with psycopg.connect(loaded.needed("owner_dsn")) as conn:
        users = conn.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchall()
    assert {user for (user,) in users} <= {"dockledger_migrator", "dockledger_ingest", "dockledger_app"}


def test_other_commands_find_the_running_services(local: Local, shared_dir: Path) -> None:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command(shared_dir, *words), capture_output=True, text=True, check=True)

    assert "admit it once more" in run("admit", "leeds", "dock-1").stderr
    run("gateway", "add", "dock-1", "--site", "leeds")
    admitted = run("admit", "leeds", "dock-1")
    told = re.fullmatch(r"mqtt://dock-1:([\w-]{32})@127\.0\.0\.1:\d+\n", admitted.stdout)
    assert told
    asked = httpx.get(f"{local.url}v1/ingest/state", auth=("dock-1", told[1]), timeout=PATIENCE_S)
    assert (asked.status_code, asked.json()["mode"]) == (200, "running"), "one password, at broker and ledger"
    renewed = run("gateway", "secret", "dock-1", "--json")
    assert renewed.stderr == "", "the embedded broker is told"
    secret = orjson.loads(renewed.stdout)["secret"]
    assert run("admit", "leeds", "dock-1").stdout == admitted.stdout.replace(told[1], secret)
    for shown, status in ((told[1], 401), (secret, 200)):
        asked = httpx.get(f"{local.url}v1/ingest/state", auth=("dock-1", shown), timeout=PATIENCE_S)
        assert asked.status_code == status
    assert wait_until_accepted(admitted.stdout.strip().replace(told[1], secret))
    with pytest.raises(PermissionError):
        Listener(admitted.stdout.strip())
    run("gateway", "retire", "dock-1")
    assert "dock-1" not in (shared_dir / "gateways.json").read_text()
    checked = run("check")
    assert "(embedded services, " in checked.stdout


def test_a_second_one_on_the_same_data_is_refused(local: Local, shared_dir: Path) -> None:
    second = refused_start(shared_dir, "0")
    assert second.returncode == 1
    assert f"in use by process {local.process.pid}" in second.stdout
    assert (shared_dir / RUNNING_FILE).exists()


def test_a_port_in_use_is_named(local: Local, data_dir: Path) -> None:
    port = local.url.rstrip("/").rpartition(":")[2]
    refused = refused_start(data_dir, port)
    assert refused.returncode == 2
    assert f"http_port = {port}: a process listens there: expected a free port" in refused.stderr


def refused_start(data_dir: Path, port: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(data_dir, "local"),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKLEDGER_HTTP_PORT": port},
    )


def test_a_server_of_ones_own_is_used_when_its_administrator_is_named(data_dir: Path) -> None:
    own = EmbeddedPostgres(data_dir / "own server", "test-postgres")
    with running_service(own.prepare()):
        with psycopg.connect(own.admin_dsn, autocommit=True) as superuser:
            superuser.execute("CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'test-boss'")
        with running(
            data_dir, DOCKLEDGER_ADMIN_DSN=f"postgresql://boss:test-boss@127.0.0.1:{own.port}/postgres"
        ) as local:
            assert not any("postgres" in child.name() for child in local.family())
            assert serves(local)
    own.release()
    erase(data_dir / "own server")
