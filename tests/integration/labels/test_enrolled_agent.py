"""From a one-time code to a row in the ledger: an enrolled agent before the broker that deploy describes."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from cloud.api.app import create_api
from cloud.api.metrics import Metrics
from cloud.db import ConnectionPool, open_pool
from cloud.gateways.broker import service as at_broker
from cloud.gateways.broker.domain import LIFE
from cloud.gateways.broker.files import BrokerFiles
from cloud.gateways.certificates import service as certificates
from cloud.gateways.certificates.authority import CA_FILE, Authority, make_authority
from cloud.gateways.credentials.domain import mosquitto_hash
from cloud.gateways.enrolment.service import broker_offer
from cloud.identity.gate import Gate
from cloud.ingest.https import HttpsDoor
from cloud.local.broker.embedded import find_program
from cloud.local.process import Service, accepts_connections, free_port
from cloud.local.supervisor import running
from edge_agent.certificates.keeper import write_private
from tests.conftest import Database
from tests.integration.edge.test_agent import Terminal, environment, start
from tests.integration.ingest.processes import Ingest, listening, wait_until
from tests.integration.ledger.scenario import SITE, Ledger, open_ledger
from tests.patience import PATIENCE_S

MOSQUITTO = find_program("mosquitto")
DEPLOYED: Final = Path(__file__).parents[3] / "deploy" / "mosquitto"
GATEWAY: Final = "gw-7"
LONG_AGO: Final = timedelta(days=61)
"""Two thirds of a certificate's life of 90 days are over: time for another one."""


@dataclass
class Site:
    """The cloud, its broker, and a machine that is no gateway yet."""

    ledger: Ledger
    pool: ConnectionPool
    directory: Path
    url: str
    page_port: int
    environment: dict[str, str]

    def sign(self, at: datetime) -> None:
        """Do what the scheduler does: sign what is asked for, and tell the broker what was called back."""
        certificates.follow(self.pool, certificates.JOB, at, directory=self.directory)
        tell(self.pool, self.directory)

    def cloud(self, *words: str) -> str:
        """Type a command where the cloud runs."""
        done = subprocess.run(
            [sys.executable, "-m", "cloud", *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def enrol(self, code: str, config: Path) -> None:
        """Type the command on the machine, while the scheduler signs with an early date."""
        words = ["edge-agent", "enrol", "--url", self.url, "--code", code, "--config", str(config)]
        with subprocess.Popen(words, env=environment()) as machine:
            try:
                wait_until(lambda: (self.sign(datetime.now(UTC) - LONG_AGO), machine.poll() is not None)[1],
                           "enrolled", within_s=PATIENCE_S)  # fmt: skip
            finally:
                machine.kill()
        assert machine.returncode == 0

    @property
    def page(self) -> dict[str, Any]:
        """What the agent's own page tells; nothing before it is open."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.page_port}/status.json", timeout=PATIENCE_S
            ) as told:
                status: dict[str, Any] = json.loads(told.read())
                return status
        except OSError:
            return {"way": None, "health": {"certificate": None, "counters": {}}}

    @property
    def serial(self) -> str | None:
        of = self.page["health"]["certificate"]
        return None if of is None else str(of["serial"])

    def rows(self) -> int:
        ((count,),) = self.ledger.query(
            "SELECT count(*) FROM movement m JOIN gateway g USING (gateway_id) WHERE g.name = %s", GATEWAY
        )
        return int(count)


def tell(pool: ConnectionPool, directory: Path) -> None:
    files = BrokerFiles(directory / "told")
    at_broker.follow(pool, at_broker.JOB, datetime.now(UTC), directory=directory, files=files)


@contextmanager
def deployed_broker(directory: Path, authority: Authority) -> Iterator[tuple[int, int]]:
    """Run Mosquitto by the shipped configuration, its paths and ports put here."""
    pair = authority.sign_server("127.0.0.1", now=datetime.now(UTC), life=LIFE)
    for name, text in zip(("server.crt", "server.key"), pair, strict=True):
        write_private(directory / name, text.encode())
    plain, secure = free_port(), free_port()
    shipped = (DEPLOYED / "mosquitto.conf").read_text("utf-8")
    for there, here in (
        ("/mosquitto/config/access", DEPLOYED / "access"),
        ("/mosquitto/secrets/ca.crt", directory / CA_FILE),
        ("/mosquitto/secrets", directory),
        ("/mosquitto/told", directory / "told"),
        ("listener 1883", f"listener {plain} 127.0.0.1"),
        ("listener 8883", f"listener {secure} 127.0.0.1"),
    ):
        assert there in shipped
        shipped = shipped.replace(there, str(here))
    root = "user root\n" if os.getuid() == 0 else ""
    (directory / "mosquitto.conf").write_text(root + shipped, "utf-8")
    assert MOSQUITTO is not None
    service = Service(
        name="broker",
        command=(str(DEPLOYED / "follow"), str(directory / "mosquitto.conf"), str(directory / "told"), "0.2"),
        log=directory / "broker.log",
        is_ready=lambda _: accepts_connections(secure),
        environment={**os.environ, "PATH": f"{MOSQUITTO.parent}:{os.environ['PATH']}"},
    )
    with running(service):
        yield plain, secure


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    directory = tmp_path / "cloud"
    (directory / "told").mkdir(parents=True)
    authority = make_authority(directory, network="test", now=datetime.now(UTC) - timedelta(days=1000))
    passwords = f"dockledger:{mosquitto_hash('ours', bytes(12))}\n"
    (directory / "told" / "passwords").write_text(passwords, "utf-8")
    with ExitStack() as owned:
        ledger = owned.enter_context(open_ledger(database))
        pool = owned.enter_context(open_pool(database.app_dsn, "test-enrolled", max_size=4))
        tell(pool, directory)
        plain, secure = owned.enter_context(deployed_broker(directory, authority))
        door = owned.enter_context(closing(HttpsDoor(database.ingest_dsn)))
        offer = broker_offer(f"mqtts://127.0.0.1:{secure}", None, directory)
        api = create_api(Gate(pool, lambda: datetime.now(UTC)), Metrics(), door, offer)
        url = owned.enter_context(listening(api))
        ingest = Ingest(
            database.ingest_dsn, f"mqtt://dockledger:ours@127.0.0.1:{plain}", tmp_path / "ingest.log"
        )
        owned.callback(ingest.stop_all)
        ingest.start()
        told = {"DOCKLEDGER_APP_DSN": database.app_dsn, "DOCKLEDGER_DATA_DIR": str(directory)}
        known = {name: value for name, value in os.environ.items() if name != "DOCKLEDGER_TEST_DSN"}
        yield Site(ledger, pool, directory, url, free_port(), known | told)


@pytest.fixture
def scanner() -> Iterator[Terminal]:
    with closing(Terminal()) as terminal:
        yield terminal


@contextmanager
def agent(config: Path) -> Iterator[Callable[[], int]]:
    """Run the shipped agent; gives what ends it by SIGTERM."""
    process = start(config)

    def end() -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE_S)

    try:
        yield end
    finally:
        process.kill()
        process.wait()


def scan(scanner: Terminal, order: str) -> None:
    scanner.scan(f"$RECEIVE/{order}", "85123A", "$DONE")


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto, which checks certificates, is not installed")
def test_an_enrolled_agent_speaks_mqtt_by_its_certificate_renews_it_and_is_refused_once_it_is_called_back(
    site: Site, scanner: Terminal, tmp_path: Path
) -> None:
    invited = json.loads(site.cloud("gateway", "invite", GATEWAY, "--site", SITE, "--json"))
    config = tmp_path / "machine" / "agent.toml"
    config.parent.mkdir()
    site.enrol(invited["code"], config)
    written = config.read_text("utf-8")
    assert "page_port = 8421" in written
    config.write_text(
        written.replace("page_port = 8421", f"page_port = {site.page_port}\nhttps_after_s = 1")
        + f"""
[[scanner]]
id = "scan-1"
port = "{scanner.port}"
profile = "generic_terminal"

[workflow]
staging = "STAGING"
returns = "RETURNS"
badge_required = false
item_pattern = "[0-9]{{5}}[A-Z]*"
location_pattern = "BIN-[0-9]+"
""",
        "utf-8",
    )

    with agent(config) as end:
        scan(scanner, "PO-1")
        wait_until(lambda: site.page["way"] == "mqtt", "connected by certificate", within_s=PATIENCE_S)
        first = site.serial
        wait_until(lambda: site.rows() == 1, "the first scan is in the ledger", within_s=PATIENCE_S)

        def is_renewed() -> bool:  # the enrolled one counts too, once the broker has taken it
            site.sign(datetime.now(UTC))
            return site.page["health"]["counters"].get("certificates_renewed") == 2

        wait_until(is_renewed, "renewed before its end", within_s=PATIENCE_S)
        wait_until(lambda: site.page["way"] == "mqtt", "connected by the new one", within_s=PATIENCE_S)
        renewed = site.serial
        assert renewed is not None
        assert renewed != first
        assert end() == 0

    site.cloud("gateway", "certificate", "revoke", GATEWAY, renewed, "--reason", "stolen")
    tell(site.pool, site.directory)
    seen = len(broker_log(site))
    with agent(config) as end:
        scan(scanner, "PO-2")
        wait_until(lambda: site.page["way"] == "https", "the broker refuses it", within_s=PATIENCE_S)
        wait_until(lambda: site.rows() == 2, "what was scanned went by HTTPS", within_s=PATIENCE_S)
        assert site.page["health"]["counters"].get("connects", 0) == 0
        assert site.serial == renewed
        assert end() == 0
    assert f"as {GATEWAY} " not in broker_log(site)[seen:]
    assert "certificate verify failed" in broker_log(site)[seen:]


def broker_log(site: Site) -> str:
    return (site.directory / "broker.log").read_text("utf-8")
