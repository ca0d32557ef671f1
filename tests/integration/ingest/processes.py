"""`dockledger ingest` as processes, and a gateway's side of the broker."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from cloud.ingest.arrival import Delivery
from cloud.ingest.mqtt import Link, Outgoing
from contracts.feedback import Ack, IngestState
from contracts.topics import INGEST_STATE, Channel, topic
from tests.integration.ingest.forge import Forge
from tests.patience import PATIENCE_S

Process = subprocess.Popen[bytes]


def wait_until(condition: Callable[[], object], what: str, *, within_s: float = PATIENCE_S) -> float:
    """Look until something is so, and give the seconds it took."""
    began_at = time.monotonic()
    while not condition():
        took_s = time.monotonic() - began_at
        assert took_s < within_s, f"not within {within_s} s: {what}"
        threading.Event().wait(0.02)
    return time.monotonic() - began_at


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Serve an application on a free port; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listener.close()


class Ingest:
    """Worker processes of one test."""

    def __init__(self, dsn: str, broker_url: str, log: Path, **more: str) -> None:
        self._environment = {
            **os.environ,
            "DOCKLEDGER_INGEST_DSN": dsn,
            "DOCKLEDGER_BROKER_URL": broker_url,
            "DOCKLEDGER_DATA_DIR": str(log.parent),
            **more,
        }
        self._environment.pop("DOCKLEDGER_TEST_DSN", None)
        self._log = log
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "cloud", "ingest"],
                env=self._environment | environment,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.processes.append(process)
        return process

    def stop_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            process.wait(PATIENCE_S)

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")


class Radio:
    """What a gateway hears and says: acknowledgements by epoch, and batches sent again until they are in."""

    def __init__(self, url: str, forge: Forge) -> None:
        self.forge = forge
        self.acks: dict[str, Ack] = {}
        self.heard: list[Ack] = []
        self.states: list[IngestState] = []
        self._link = Link(
            url,
            client_id=forge.gateway,
            will=Outgoing(topic(forge.site, forge.gateway, Channel.STATUS), b"{}", retain=False),
            on_delivery=self._hear,
            on_listening=lambda: None,
        )
        self._link.listen([topic(forge.site, forge.gateway, Channel.ACK), INGEST_STATE])

    def _hear(self, delivery: Delivery) -> None:
        if delivery.topic == INGEST_STATE:
            self.states.append(IngestState.model_validate_json(delivery.payload))
        else:
            ack = Ack.model_validate_json(delivery.payload)
            self.heard.append(ack)
            self.acks[ack.epoch] = ack

    @property
    def contiguous_no(self) -> int:
        ack = self.acks.get(self.forge.epoch)
        return ack.contiguous_no if ack else 0

    def say(self, delivery: Delivery) -> None:
        self._link.publish(Outgoing(delivery.topic, delivery.payload, retain=False))

    def send_until_acknowledged(self, *, within_s: float = PATIENCE_S, again_after_s: float = 1.0) -> float:
        """Send what is not acknowledged, and again each second, as an edge does; give the seconds it took."""
        sent_at = -again_after_s

        def done() -> bool:
            nonlocal sent_at
            last = self.forge.next_no - 1
            if self.contiguous_no < last and time.monotonic() - sent_at >= again_after_s:
                sent_at = time.monotonic()
                for batch_no in range(self.contiguous_no + 1, last + 1):
                    self.say(self.forge.send(batch_no, sent_mono_ns=time.monotonic_ns()))
            return self.contiguous_no >= last

        return wait_until(done, f"batch {self.forge.next_no - 1} acknowledged", within_s=within_s)


@contextmanager
def radio(url: str, forge: Forge) -> Iterator[Radio]:
    """Connect as a gateway."""
    one = Radio(url, forge)
    one._link.start()
    try:
        wait_until(lambda: one._link.is_up, "gateway connected")
        yield one
    finally:
        one._link.close()
