"""F18: the broker's certificate has ended. The edge keeps what it scans, and sends it once it is renewed."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.clock import Clock
from edge_agent.doctor.devices import about_broker
from edge_agent.outbox.draft import Draft
from edge_agent.publish.address import BrokerAddress, parse_broker_url
from tests.conftest import Broker
from tests.integration.edge.conftest import HandClock
from tests.integration.edge.scripted_ledger import ScriptedLedger
from tests.integration.edge.test_doctor import settings
from tests.integration.edge.test_publisher import GATEWAY, SITE, Edge

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
    # paho leaves the socket of a failed handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """Signs certificates for the loopback address that end so many days from now."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ca = directory / "ca.pem"
        self._run(
            "req",
            "-x509",
            *_KEY,
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        )

    def sign(self, name: str, days: int) -> ssl.SSLContext:
        self._run(
            "req", "-new", *_KEY, "-subj", "/CN=broker", "-keyout", f"{name}.key", "-out", f"{name}.csr"
        )
        (self._directory / "san").write_text("subjectAltName=IP:127.0.0.1\n")
        signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san")
        self._run("x509", "-req", "-in", f"{name}.csr", *signer, "-days", str(days), "-out", f"{name}.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        return context

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self._directory, check=True, capture_output=True)


class Terminator:
    """Ends TLS before a broker; its certificate may be changed while it runs."""

    def __init__(self, broker: BrokerAddress, context: ssl.SSLContext) -> None:
        self.context = context
        self.refused = 0
        self.broker = broker
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            try:
                client = self.context.wrap_socket(plain, server_side=True)
            except OSError:
                self.refused += 1
                plain.close()
                continue
            inner = socket.create_connection((self.broker.host, self.broker.port))
            self._sockets += [client, inner]
            for source, sink in ((client, inner), (inner, client)):
                pump = threading.Thread(target=_pump, args=(source, sink))
                pump.start()
                self._threads.append(pump)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def plain(broker: Broker) -> BrokerAddress:
    return parse_broker_url(broker.admit(SITE, GATEWAY))


@pytest.fixture
def terminator(plain: BrokerAddress, authority: Authority) -> Iterator[Terminator]:
    ending = Terminator(plain, authority.sign("ended", -1))
    yield ending
    ending.close()


def test_an_ended_certificate_holds_rows_back_and_a_renewed_one_lets_them_go(
    broker: Broker, authority: Authority, terminator: Terminator, event: Callable[..., Draft], tmp_path: Path
) -> None:
    plain = terminator.broker
    secure = replace(plain, port=terminator.port, is_tls=True, ca=authority.ca)
    ledger = ScriptedLedger(broker.url, SITE)
    edge = Edge(tmp_path / "outbox.db", secure, Clock(is_synchronised=lambda: True))
    edge.publisher.start()
    try:
        edge.scan(*(event(number) for number in range(5)))
        ledger.wait_until(lambda _: terminator.refused >= 2)
        assert edge.publisher.way is None
        assert (edge.outbox.stats().unacked_rows, ledger.arrivals) == (5, 0)
        url = f"mqtts://{plain.username}:{plain.password}@127.0.0.1:{terminator.port}"
        values = {"broker_url": url, "broker_ca": authority.ca}
        (ended,) = about_broker(settings(tmp_path / "o.db", **values), is_running=True)
        assert "certificate has expired" in ended.text
        edge.scan(event(5))
        terminator.context = authority.sign("renewed", 90)
        ledger.wait_until(lambda it: len(it.books.devices()) == 6)
        ledger.wait_until(lambda _: edge.outbox.stats().unacked_rows == 0)
        assert ledger.books.devices() == [str(number) for number in range(6)]
    finally:
        edge.close()
        ledger.close()


def test_files_of_certificates_that_are_missing_stop_nobody_from_scanning(
    plain: BrokerAddress, hands: HandClock, event: Callable[..., Draft], tmp_path: Path
) -> None:
    edge = Edge(
        tmp_path / "outbox.db", replace(plain, is_tls=True, certificate=tmp_path / "none.pem"), hands.make()
    )
    edge.publisher.start()
    edge.scan(event(0))
    assert edge.outbox.stats().unacked_rows == 1
    edge.close()
