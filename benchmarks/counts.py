"""From a count at a gateway to its provisional variance on the page, with fifty people looking.

A gateway seals one count after the other of a bin whose book differs, while another keeps the ledger busy;
both go through the broker and ingest. A viewer without a browser follows *Variances and alerts* by
server-sent events and notes when each count's record appears; the time runs from the count's own instant.
The scheduler settles counts meanwhile, as it does in service.
"""

import argparse
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Self

from benchmarks.ground import own_folder
from benchmarks.mayhem import wait_until
from benchmarks.parts import Part, command
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.db import open_pool
from cloud.identity import service, sessions
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from cloud.local.process import Service, accepts_connections, free_port
from contracts.base import NO_PREDECESSOR, EpochId, GatewayId, SiteId
from contracts.batch import BatchHeader, encode_record, seal
from contracts.records import Count, CountLine, Identifier, Movement, Record, Side
from contracts.vocabulary import CountScope
from simulators.warehouse.gateways import GatewayIdentity, SealedBatch
from simulators.warehouse.player import play
from simulators.warehouse.truth import SealedRange

_SITE: Final = SiteId("shop-1")
_ITEM: Final = Identifier(scheme="sku", value="TEA-500")
_BINS: Final = 20
_BUSY_ROWS: Final = 10
_ROOT: Final = Actor("system:bench", frozenset({Role.ADMIN}), all_sites=True)
_LOOK_S: Final = 0.02
_SETTLING_S: Final = 3.0
"""From the first batch to the first count, so that every bin is filled."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--counts", type=int, default=60, help="default: 60")
    parser.add_argument("--rate", type=float, default=2.0, help="counts a second, default: 2")
    parser.add_argument("--movements", type=float, default=100.0, help="a second meanwhile, default: 100")
    parser.add_argument("--viewers", type=int, default=50, help="people who follow the page, default: 50")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Times from count to page, and what the pages cost.
    """
    gateways = (Gateway(_SITE, "scanner-1"), Gateway(_SITE, "dock-1"))
    with own_folder() as directory, Stage(directory, gateways) as stage:
        port = free_port()
        api = _served(stage, port)
        stage.add(_process(stage, "scheduler", {}))
        cookie = _session(stage)
        seconds = arguments.counts / arguments.rate
        counting = _Counting(gateways[0], arguments.counts, arguments.rate)
        busy = _Busy(gateways[1], arguments.movements, seconds + _SETTLING_S)
        with _viewers(port, cookie, arguments.viewers - 1) as others, _Watcher(port, cookie) as watcher:
            before_s = _cpu_s(api.pid)
            began_s = time.monotonic()
            play(stage.gateways_url, {one.identity: one for one in (counting, busy)}, give_up_after_s=60)
            wait_until(lambda: counting.names <= watcher.seen.keys(), within_s=30, what="every count shown")
            viewers = 1 + others.alive
            busy_share = (_cpu_s(api.pid) - before_s) / (time.monotonic() - began_s)
    ages = sorted(watcher.seen[name] - at for name, at in counting.said.items())
    return Result(
        benchmark="counts",
        headline="count_to_page_p99_s",
        figures={
            "count_to_page_p99_s": ages[min(len(ages) * 99 // 100, len(ages) - 1)],
            "count_to_page_p50_s": ages[len(ages) // 2],
            "count_to_page_max_s": ages[-1],
            "api_share_of_a_core": busy_share,
            "events_per_viewer": watcher.events,
            "viewers": viewers,
        },
        limits={"count_to_page_p99_s": Limit(must=2.0, goal=0.5, better="lower")},
        input={
            "counts": arguments.counts,
            "counts_per_s": arguments.rate,
            "movements_per_s": arguments.movements,
            "lines_per_count": 1,
            "ingest_workers": 2,
            "api_processes": 1,
            "path": "sealed batch, broker, ingest, ledger, page, server-sent event",
            "age": "arrival of the event that first holds the record, less the count's own instant",
        },
    )


@dataclass
class _Source:
    """Seals records one batch at a time, as a gateway does."""

    gateway: Gateway
    batch_no: int = 0
    seq: int = 0
    sha256: str = NO_PREDECESSOR
    identity: GatewayIdentity = field(init=False)

    def __post_init__(self) -> None:
        name = self.gateway.name
        epoch = EpochId(name.encode().hex().ljust(16, "0")[:16])
        self.identity = GatewayIdentity(SiteId(self.gateway.site), GatewayId(name), epoch, "boot-1")

    def sealed(self, records: Sequence[Record]) -> SealedBatch:
        """Seal records of now."""
        numbered = [
            record.model_copy(update={"seq": self.seq + offset}) for offset, record in enumerate(records, 1)
        ]
        header = BatchHeader(
            site=self.identity.site,
            gateway=self.identity.gateway,
            epoch=self.identity.epoch,
            batch_no=self.batch_no + 1,
            prev_sha256=self.sha256,
            first_seq=self.seq + 1,
            last_seq=self.seq + len(numbered),
            complete_until=datetime.now(UTC),
            agent="bench",
        )
        batch = seal(header, [encode_record(record) for record in numbered])
        self.batch_no, self.seq, self.sha256 = header.batch_no, header.last_seq, batch.sha256
        place = (header.gateway, header.epoch, header.batch_no, header.first_seq, header.last_seq)
        return SealedBatch(self.identity, batch, SealedRange(*place, len(numbered), batch.sha256))


class _Counting(_Source):
    """Fills the bins, then counts one every so often."""

    def __init__(self, gateway: Gateway, counts: int, rate: float) -> None:
        super().__init__(gateway)
        self.said: dict[str, float] = {}
        """By name of the record when it was counted, as `time.time`."""
        self._left = counts
        self._every_s = 1 / rate
        self._next_s = time.monotonic() + _SETTLING_S
        self._is_filled = False

    @property
    def names(self) -> set[str]:
        """Records that the page must show."""
        return set(self.said)

    @property
    def is_exhausted(self) -> bool:
        """Whether every count was sealed."""
        return self._left == 0

    def take(self) -> SealedBatch | None:
        """Seal what is due."""
        if not self._is_filled:
            self._is_filled = True
            past = datetime.now(UTC) - timedelta(minutes=5)
            return self.sealed([_moved("@supplier", _bin(n), 10, past) for n in range(_BINS)])
        if self._left == 0 or time.monotonic() < self._next_s:
            return None
        self._next_s += self._every_s
        self._left -= 1
        at_s = time.time()
        line = CountLine(identifier=_ITEM, quantity=Decimal(7))
        batch = self.sealed(
            [
                Count.model_validate(
                    {
                        **_said(datetime.fromtimestamp(at_s, UTC)),
                        "actor": "ann",
                        "scope": CountScope.BIN,
                        "location": _bin(self._left % _BINS),
                        "lines": (line,),
                    }
                )
            ]
        )
        self.said[f"{self.gateway.name}/{self.identity.epoch}/{self.seq}/1"] = at_s
        return batch


class _Busy(_Source):
    """Moves stock all the while."""

    def __init__(self, gateway: Gateway, rate: float, seconds: float) -> None:
        super().__init__(gateway)
        self._every_s = _BUSY_ROWS / rate
        self._next_s = time.monotonic()
        self._ends_s = self._next_s + seconds

    @property
    def is_exhausted(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._ends_s

    def take(self) -> SealedBatch | None:
        """Seal what is due."""
        now_s = time.monotonic()
        if now_s < self._next_s or self.is_exhausted:
            return None
        self._next_s += self._every_s
        now = datetime.now(UTC)
        return self.sealed([_moved("@supplier", f"B-{n:02}", 1, now) for n in range(_BUSY_ROWS)])


class _Watcher:
    """Follows the page in a thread and notes when each record first appears."""

    def __init__(self, port: int, cookie: str) -> None:
        self.seen: dict[str, float] = {}
        self.events = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.request("GET", "/variances/events", headers={"Cookie": cookie})
        self._response = self._connection.getresponse()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()

    def _follow(self) -> None:
        try:
            for line in iter(self._response.readline, b""):
                if line.startswith(b"data: "):
                    self._note(line[6:], time.time())
        except (OSError, http.client.HTTPException):
            return

    def _note(self, data: bytes, now_s: float) -> None:
        self.events += 1
        for part in json.loads(data).split('data-row="')[1:]:
            self.seen.setdefault(part.partition('"')[0], now_s)


@dataclass
class _Others:
    """People who look too; what they are sent is read and dropped."""

    connections: list[socket.socket]

    @property
    def alive(self) -> int:
        """How many still follow."""
        return sum(connection.fileno() >= 0 for connection in self.connections)

    def drain(self, ends: threading.Event) -> None:
        """Read what came, until told to end."""
        while not ends.wait(_LOOK_S):
            for connection in self.connections:
                self._read(connection)

    @staticmethod
    def _read(connection: socket.socket) -> None:
        try:
            while connection.fileno() >= 0:
                if not connection.recv(1 << 16):
                    connection.close()
        except BlockingIOError:
            return


@contextmanager
def _viewers(port: int, cookie: str, number: int) -> Iterator[_Others]:
    others = _Others([socket.create_connection(("127.0.0.1", port)) for _ in range(number)])
    for connection in others.connections:
        asked = f"GET /variances/events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n"
        connection.sendall(asked.encode())
        connection.settimeout(0)
    ends = threading.Event()
    thread = threading.Thread(target=others.drain, args=(ends,))
    thread.start()
    try:
        yield others
    finally:
        ends.set()
        thread.join()
        for connection in others.connections:
            connection.close()


def _served(stage: Stage, port: int) -> Part:
    api = stage.add(_process(stage, "api", {"DOCKLEDGER_HTTP_PORT": str(port)}))
    wait_until(lambda: accepts_connections(port), within_s=30, what="the pages served")
    return api


def _process(stage: Stage, name: str, environment: Mapping[str, str]) -> Service:
    return Service(
        name,
        (command("dockledger"), name),
        stage.directory / "logs" / f"{name}.log",
        is_ready=lambda _pid: True,
        environment=stage.environment | dict(environment),
    )


def _session(stage: Stage) -> str:
    """Log somebody in who may look; gives the cookie."""
    now = datetime.now(UTC)
    with open_pool(stage.dsn("dockledger_app"), "bench-session") as pool:
        with pool.connection() as conn:
            grants = [Grant(Role.SUPERVISOR)]
            service.add_user(conn, _ROOT, name="eve", password=None, grants=grants)
            token = service.make_login_link(conn, _ROOT, name="eve", now=now)
        with pool.connection() as conn:
            session = sessions.log_in_by_link(conn, token=token, now=now)
    return f"{SESSION_COOKIE}={session.token}"


def _said(at: datetime) -> dict[str, object]:
    return {
        "seq": 1,
        "occurred_at_claimed": at,
        "mono_ns": time.monotonic_ns(),
        "boot_id": "boot-1",
        "clock_ok": True,
    }


def _moved(source: str, destination: str, quantity: int, at: datetime) -> Movement:
    return Movement.model_validate(
        {
            **_said(at),
            "identifier": _ITEM,
            "quantity_seen": Decimal(quantity),
            "source": Side(location=source),
            "destination": Side(location=destination),
        }
    )


def _bin(number: int) -> str:
    return f"A-{number:02}"


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
