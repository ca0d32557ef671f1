"""JSON over TLS: readers and brokers prove who they are, or nothing is said to them."""

import http.client
import ssl
import subprocess
from contextlib import closing
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

import pytest

from edge_agent.readers.iot.inbox import HttpInbox
from edge_agent.readers.tls import pin_of
from simulators.iot_reader.senders import Poster, Publisher
from simulators.iot_reader.stream import PATH, StreamServer
from simulators.llrp_reader.tls import TlsFront
from tests.conftest import Broker
from tests.integration.iot.conftest import PASSWORD, Floor, tag, wait_for
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


def test_a_stream_is_read_from_the_reader_that_is_pinned_and_from_no_other(
    floor: Floor, certificate: Path
) -> None:
    begin = "-----BEGIN CERTIFICATE-----"
    text = begin + certificate.read_text("ascii").partition(begin)[2].partition("-----BEGIN ")[0]
    pin = pin_of(ssl.PEM_cert_to_DER_cert(text))
    with StreamServer(PASSWORD) as stream:
        behind = (urlsplit(stream.url).hostname or "", urlsplit(stream.url).port or 0)
        with TlsFront(certificate, behind) as front:
            url = f"https://127.0.0.1:{front.port}{PATH}"
            stranger = floor.listen(url=url, user="root", password=PASSWORD)
            wait_for(lambda: "certificate verify failed" in stranger.counters.detail)
            stranger.stop()
            other = floor.listen(url=url, user="root", password=PASSWORD, tls_pin="0" * 64)
            wait_for(lambda: f"its certificate is {pin}" in other.counters.detail)
            other.stop()
            assert not stream.wait_for_clients(1, 0.0)
            known = floor.listen(url=url, user="root", password=PASSWORD, tls_pin=pin)
            assert stream.wait_for_clients(1, PATIENCE_S)
            stream.send(tag(1))
            floor.heard.wait(lambda: len(floor.heard.epcs) == 1)
            known.stop()


def test_a_broker_is_believed_by_its_authority(floor: Floor, broker: Broker, certificate: Path) -> None:
    parts = urlsplit(broker.url)
    with TlsFront(certificate, ("127.0.0.1", broker.port)) as front:
        given = {"url": f"mqtts://127.0.0.1:{front.port}/dl/v1/s/g/records", "user": parts.username}
        stranger = floor.listen(**given, password=parts.password)
        wait_for(lambda: "certificate verify failed" in stranger.counters.detail)
        stranger.stop()
        known = floor.listen(**given, password=parts.password, tls_ca=certificate)
        floor.heard.wait(lambda: "connected" in floor.heard.words)
        with closing(Publisher(f"{broker.url}/dl/v1/s/g/records")) as publisher:
            publisher.send(tag(1))
        floor.heard.wait(lambda: len(floor.heard.epcs) == 1)
        known.stop()


def test_readers_elsewhere_post_by_https(floor: Floor, certificate: Path) -> None:
    reader = floor.listen(url="listen://0.0.0.0:0", password=PASSWORD, listen_certificate=certificate)
    wait_for(lambda: isinstance(reader.link, HttpInbox) and reader.link.address[1])
    assert isinstance(reader.link, HttpInbox)
    port = reader.link.address[1]
    believing = ssl.create_default_context(cafile=certificate)
    with closing(http.client.HTTPSConnection("127.0.0.1", port, context=believing)) as poster:
        poster.request("POST", "/", tag(1), {"Authorization": f"Bearer {PASSWORD}"})
        assert poster.getresponse().status == 204
    with closing(Poster(f"http://127.0.0.1:{port}/", "reader", PASSWORD)) as plain, pytest.raises(OSError):
        plain.send(tag(2))
    assert len(floor.heard.epcs) == 1
