"""LLRP over TLS: the reader proves who it is, or nothing is said to it."""

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from edge_agent.cli import main
from edge_agent.readers.llrp.listener import ReaderState
from edge_agent.readers.tls import pin_of
from simulators.llrp_reader.tls import TlsFront
from tests.integration.llrp.conftest import FAST, LIVELY, Dock
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.skipif(which("openssl") is None, reason="openssl makes the certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "reader.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=reader"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command.split(), *names, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True
    )
    made.write_bytes(made.read_bytes() + key.read_bytes())
    return made


@pytest.fixture
def front(dock: Dock, certificate: Path) -> Iterator[TlsFront]:
    with TlsFront(certificate, dock.server.address) as made:
        yield made
        dock.close()


def test_a_reader_that_proves_who_it_is_is_read(dock: Dock, front: TlsFront) -> None:
    dock.read(LIVELY, address=("127.0.0.1", front.port), tls=True, tls_ca=front.certificate)
    dock.wait_until_read()
    dock.expect(dock.show(200))
    dock.heard.wait(lambda: dock.reader.counters.keepalives >= 2)
    dock.server.faults.reset()
    dock.wait_until_read(times=2)
    dock.expect(dock.show())


def test_a_reader_that_does_not_is_told_nothing(dock: Dock, front: TlsFront) -> None:
    dock.read(FAST, address=("127.0.0.1", front.port), tls=True)
    until_s = time.monotonic() + PATIENCE_S
    while "certificate verify failed" not in dock.reader.counters.detail:
        assert time.monotonic() < until_s, dock.reader.counters.detail
        time.sleep(0.01)
    assert dock.reader.counters.state is ReaderState.WAITING
    assert dock.server.received == ()


def test_a_missing_file_of_authorities_is_told_and_not_fatal(dock: Dock, front: TlsFront) -> None:
    dock.read(FAST, address=("127.0.0.1", front.port), tls=True, tls_ca=Path("/absent/ca.pem"))
    until_s = time.monotonic() + PATIENCE_S
    while "No such file" not in dock.reader.counters.detail:
        assert time.monotonic() < until_s, dock.reader.counters.detail
        time.sleep(0.01)


def pin(certificate: Path) -> str:
    begin = "-----BEGIN CERTIFICATE-----"
    text = begin + certificate.read_text("ascii").partition(begin)[2].partition("-----BEGIN ")[0]
    return pin_of(ssl.PEM_cert_to_DER_cert(text))


def wait_for_detail(dock: Dock, words: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while words not in dock.reader.counters.detail:
        assert time.monotonic() < until_s, dock.reader.counters.detail
        time.sleep(0.01)


def test_a_pinned_certificate_is_believed_whoever_signed_it_and_no_other(dock: Dock, front: TlsFront) -> None:
    dock.read(FAST, address=("127.0.0.1", front.port), tls=True, tls_pin="00" * 32)
    wait_for_detail(dock, f"its certificate is {pin(front.certificate)}: expected tls_pin = 0000")
    assert dock.server.received == ()
    dock.reader.stop()
    with_colons = ":".join(f"{byte:02X}" for byte in bytes.fromhex(pin(front.certificate)))
    dock.read(FAST, address=("127.0.0.1", front.port), tls=True, tls_pin=with_colons)
    dock.wait_until_read()
    dock.expect(dock.show())


def test_a_reader_that_asks_for_the_agents_certificate_gets_it(dock: Dock, certificate: Path) -> None:
    with TlsFront(certificate, dock.server.address, client_authority=certificate) as front:
        dock.read(FAST, address=("127.0.0.1", front.port), tls=True, tls_ca=certificate)
        wait_for_detail(dock, "closed by the reader")  # a simulated one gives no reason
        assert dock.server.received == ()
        dock.reader.stop()
        there = ("127.0.0.1", front.port)
        dock.read(FAST, address=there, tls=True, tls_ca=certificate, tls_certificate=certificate)
        dock.wait_until_read()
        dock.expect(dock.show())
        dock.close()


def test_a_check_shows_the_certificate_that_it_does_not_believe(
    dock: Dock, front: TlsFront, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dock.read(FAST, address=("127.0.0.1", front.port), tls=True)
    wait_for_detail(dock, "certificate verify failed")
    dock.reader.stop()
    capsys.readouterr()
    file = tmp_path / "agent.toml"
    text = f"""
site = "s1"
gateway = "g1"
broker_url = "mqtt://u:p@127.0.0.1:1"

[[reader]]
id = "r1"
host = "127.0.0.1"
port = {front.port}
tls = true
"""
    file.write_text(text, "utf-8")
    assert main(["reader", "check", "--json", "--config", str(file)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "certificate verify failed" in found["refusal"]
    assert found["certificate_sha256"] == pin(front.certificate)
    file.write_text(text + f'tls_pin = "{found["certificate_sha256"]}"', "utf-8")
    assert main(["reader", "check", "--config", str(file)]) == 0
    told = capsys.readouterr().out
    assert f"certificate  SHA-256 {pin(front.certificate)}" in told
    assert "OK       the reader takes this ROSpec" in told
