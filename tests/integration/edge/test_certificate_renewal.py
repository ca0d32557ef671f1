"""F18 at a real broker that asks for certificates: renewed, taken back, ended; no row is lost by it."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.gateways.certificates.authority import Authority, make_authority
from cloud.local.broker.embedded import find_program
from cloud.local.process import Service, accepts_connections, free_port
from cloud.local.supervisor import running
from contracts.gateway import IssuedCertificate
from edge_agent.certificates.keeper import AGAIN_AFTER, TURN, CertificateKeeper, write_private
from edge_agent.certificates.x509 import CertificateError, new_key, request_for
from edge_agent.clock import Clock
from edge_agent.outbox.draft import Draft
from edge_agent.publish.address import BrokerAddress
from tests.integration.edge.scripted_ledger import ScriptedLedger
from tests.integration.edge.test_publisher import GATEWAY, SITE, Edge

MOSQUITTO = find_program("mosquitto")
LIFE = timedelta(days=90)

pytestmark = [
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto, which checks certificates, is not installed"),
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class Site:
    """A gateway before a broker that lets in whom the authority has signed, and knows nobody otherwise."""

    edge: Edge
    ledger: ScriptedLedger
    keeper: CertificateKeeper
    authority: Authority
    path: Path
    now: datetime

    def step(self) -> None:
        publisher = self.edge.publisher
        connects = publisher.counted().get("connects", 0)
        self.keeper.step(self.now, connects=connects, is_connected=publisher.way == "mqtt")

    def step_until(self, is_so: Callable[[], bool]) -> None:
        def look(_: ScriptedLedger) -> bool:
            self.step()
            return is_so()

        self.ledger.wait_until(look)

    def answer(self, authority: Authority | None = None, **fields: object) -> bool:
        """Let the cloud answer the request that the heartbeat carries."""
        health = self.keeper.health()
        assert health is not None
        assert health.request is not None
        signed = (authority or self.authority).sign(
            health.request, gateway=GATEWAY, now=datetime.now(UTC), life=LIFE
        )
        values = {"gateway": GATEWAY, "revision": 1, "issued_at": self.now, "certificate": signed.certificate}
        message = IssuedCertificate.model_validate(values | fields)
        return self.keeper.take(message.model_dump_json().encode(), self.now)

    def arrived(self, count: int) -> bool:
        return len(self.ledger.books.devices()) == count

    @property
    def serial(self) -> str:
        facts = self.keeper.facts()
        assert facts is not None
        return facts.serial


def put(path: Path, authority: Authority, *, now: datetime) -> None:
    """Give a gateway a certificate of 90 days from an instant, as its enrolment did."""
    key = new_key()
    signed = authority.sign(request_for(key, GATEWAY), gateway=GATEWAY, now=now, life=LIFE)
    write_private(path, signed.certificate.encode() + key)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    now = datetime.now(UTC)
    authority = make_authority(tmp_path / "ca", network="test", now=now - timedelta(days=1000))
    certificate, key = authority.sign_server("127.0.0.1", now=now, life=LIFE)
    write_private(tmp_path / "server.pem", certificate.encode())
    write_private(tmp_path / "server.key", key.encode())
    plain, secure = free_port(), free_port()
    (tmp_path / "mosquitto.conf").write_text(
        f"""per_listener_settings true
{"user root" if os.getuid() == 0 else ""}
listener {plain} 127.0.0.1
allow_anonymous true
listener {secure} 127.0.0.1
cafile {tmp_path / "ca" / "gateway-ca.pem"}
certfile {tmp_path / "server.pem"}
keyfile {tmp_path / "server.key"}
require_certificate true
use_identity_as_username true
use_username_as_clientid true
"""
    )
    service = Service(
        name="broker",
        command=(str(MOSQUITTO), "-c", str(tmp_path / "mosquitto.conf")),
        log=tmp_path / "broker.log",
        is_ready=lambda _: accepts_connections(plain),
    )
    path = tmp_path / "gateway.pem"
    put(path, authority, now=now)
    address = BrokerAddress(
        "127.0.0.1", secure, is_tls=True, username=None, password=None,
        ca=tmp_path / "ca" / "gateway-ca.pem", certificate=path,
    )  # fmt: skip
    with running(service), closing(ScriptedLedger(f"mqtt://any:any@127.0.0.1:{plain}", SITE)) as ledger:
        edge = Edge(tmp_path / "outbox.db", address, Clock(is_synchronised=lambda: True))
        keeper = CertificateKeeper(path, GATEWAY, renew_link=edge.publisher.renew)
        edge.publisher.start()
        try:
            yield Site(edge, ledger, keeper, authority, path, now)
        finally:
            edge.close()


def test_a_certificate_is_renewed_taken_back_and_replaced_after_its_end_without_losing_a_row(
    site: Site, event: Callable[..., Draft], tmp_path: Path
) -> None:
    site.edge.scan(event(0))
    site.step_until(lambda: site.arrived(1))
    assert site.keeper.health().request is None, "there is time"
    first = site.serial

    site.now += timedelta(days=61)
    site.step()
    assert not site.answer(gateway="gw-2"), "somebody else's"
    assert site.answer()
    site.edge.scan(event(1))
    site.step_until(lambda: site.keeper.counters["certificates_renewed"] == 1)
    second = site.serial
    site.edge.scan(event(2))
    site.step_until(lambda: site.arrived(3))
    assert second != first
    assert site.path.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("gateway.pem.trial"))

    strangers = make_authority(tmp_path / "strangers", network="strangers", now=datetime.now(UTC))
    site.now = datetime.now(UTC) + timedelta(days=61)
    site.step()
    assert site.answer(strangers)
    site.step()
    assert site.serial != second
    site.edge.scan(event(3))
    restarted = CertificateKeeper(site.path, GATEWAY, renew_link=site.edge.publisher.renew)
    site.keeper = restarted  # the agent was started again in the middle
    site.step_until(lambda: site.edge.publisher.way is None)
    site.now += TURN
    site.step_until(lambda: site.keeper.counters["certificates_taken_back"] == 1)
    assert site.serial == second
    assert "of before, not the renewed one" in str(site.keeper.health().problem)
    site.step_until(lambda: site.arrived(4))
    site.step()
    assert site.keeper.health().request is None
    site.now += AGAIN_AFTER
    site.step()
    assert site.keeper.health().request is not None, "it asks again after an hour"

    put(site.path, site.authority, now=datetime.now(UTC) - timedelta(days=100))
    site.edge.publisher.renew()
    site.step_until(lambda: site.edge.publisher.way is None)
    site.edge.scan(event(4), event(5))
    assert site.edge.outbox.stats().unacked_rows >= 2
    with pytest.raises(CertificateError, match="expected a certificate in PEM"):
        site.keeper.install(b"none", datetime.now(UTC))
    signed = site.authority.sign(site.keeper.request(), gateway=GATEWAY, now=datetime.now(UTC), life=LIFE)
    site.keeper.install(signed.certificate.encode(), datetime.now(UTC))
    site.now = datetime.now(UTC)
    site.step_until(lambda: site.keeper.counters["certificates_renewed"] == 1)
    site.step_until(lambda: site.edge.outbox.stats().unacked_rows == 0)
    assert site.ledger.books.devices() == [str(number) for number in range(6)]


def test_an_answer_that_is_not_for_this_key_or_gateway_changes_nothing(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = make_authority(tmp_path / "ca", network="test", now=now)
    path = tmp_path / "gateway.pem"
    keeper = CertificateKeeper(path, GATEWAY, renew_link=lambda: None)
    keeper.step(now, connects=0, is_connected=False)
    asked = keeper.health()
    assert asked is not None
    assert (asked.not_after, asked.request is None) == (None, False)
    with pytest.raises(CertificateError, match="nothing was asked for"):
        CertificateKeeper(tmp_path / "other.pem", GATEWAY, renew_link=lambda: None).install(b"", now)
    other = authority.sign(request_for(new_key(), GATEWAY), gateway=GATEWAY, now=now, life=LIFE)
    alien = authority.sign(request_for(new_key(), "gw-2"), gateway="gw-2", now=now, life=LIFE)
    for made in (other, alien):
        message = IssuedCertificate(gateway=GATEWAY, revision=1, issued_at=now, certificate=made.certificate)
        assert not keeper.take(message.model_dump_json().encode(), now)
    assert keeper.counters["certificates_refused"] == 1, "an answer to an earlier request is no refusal"
    assert not keeper.take(b"{}", now)
    assert not path.exists()
    old = authority.sign(keeper.request(), gateway=GATEWAY, now=now, life=timedelta(hours=1))
    with pytest.raises(CertificateError, match="it ended on"):
        keeper.install(old.certificate.encode(), now + timedelta(hours=2))
