"""LLRP over TLS: the reader proves who it is, or nothing is said to it."""

import asyncio
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from edge_agent.readers.llrp.listener import ReaderState
from tests.integration.llrp.conftest import FAST, LIVELY, PATIENCE_S, Dock

pytestmark = pytest.mark.skipif(which("openssl") is None, reason="openssl makes the certificate")


@dataclass
class TlsFront:
    """Takes TLS and speaks plainly to a reader behind it, as a reader's own secure port does."""

    certificate: Path
    behind: tuple[str, int]
    port: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tls-front")

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*self.behind)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, inner_writer), self._pump(inner_reader, writer))
        writer.close()
        inner_writer.close()

    @staticmethod
    async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()


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
    made = TlsFront(certificate, dock.server.address)
    made.start()
    yield made
    dock.reader.stop()
    made.stop()


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
