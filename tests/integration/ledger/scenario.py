"""A ledger to write to in tests: registered gateways, sealed batches, short names for statements."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import psycopg

from cloud.db import connect
from cloud.identity.actor import INGEST, Actor, Role
from cloud.ledger.domain import AcceptedBatch, CloudStatement, EffectiveRow, Posted, PostingKind
from cloud.ledger.service import post
from cloud.master.store import add_gateway, add_site
from contracts.base import NO_PREDECESSOR, EpochId, GatewayId, SiteId
from contracts.batch import BatchHeader, encode_record, seal
from contracts.occurrence import TimeBasis
from contracts.records import Identifier, Movement, Record, Side

T = TypeVar("T")

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LATER = START + timedelta(days=300)
SITE = SiteId("leeds")
CONTROLLER = Actor("user:ada", frozenset({Role.INVENTORY_CONTROLLER, Role.SUPERVISOR}), frozenset({SITE}))
NETWORK_CONTROLLER = Actor("user:eve", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)


def at(minutes: float) -> datetime:
    """Give an instant some minutes after the start."""
    return START + timedelta(minutes=minutes)


def move(
    quantity: str,
    source: str | Side,
    destination: str | Side,
    *,
    item: str = "05012345678900",
    minute: float = 0,
    seq: int = 1,
    **fields: object,
) -> Movement:
    """State a movement of a GTIN between two places."""
    return Movement.model_validate(
        {
            "seq": seq,
            "occurred_at_claimed": at(minute),
            "mono_ns": 0,
            "boot_id": "b",
            "clock_ok": True,
            "identifier": Identifier(scheme="gtin", value=item),
            "quantity_seen": Decimal(quantity),
            "source": Side(location=source) if isinstance(source, str) else source,
            "destination": Side(location=destination) if isinstance(destination, str) else destination,
            **fields,
        }
    )


def effective(record: Record) -> EffectiveRow:
    return EffectiveRow(record, record.occurred_at_claimed, TimeBasis.CLAIMED)


def stated(record: Record, site: str = SITE) -> CloudStatement:
    return CloudStatement(SiteId(site), effective(record))


@dataclass
class Outbox:
    """Seals records as a gateway would: consecutive seqs, gap-free numbers, a chain of hashes."""

    gateway: str = "gw-1"
    site: str = SITE
    epoch: str = "00000000000000aa"
    batch_no: int = 0
    seq: int = 0
    sha256: str = NO_PREDECESSOR

    def seal(self, records: Iterable[Record], *, final: bool = False) -> AcceptedBatch:
        numbered = [
            record.model_copy(update={"seq": self.seq + offset})
            for offset, record in enumerate(records, start=1)
        ]
        header = BatchHeader(
            site=SiteId(self.site),
            gateway=GatewayId(self.gateway),
            epoch=EpochId(self.epoch),
            batch_no=self.batch_no + 1,
            prev_sha256=self.sha256,
            first_seq=self.seq + 1,
            last_seq=self.seq + len(numbered),
            complete_until=max(record.occurred_at_claimed for record in numbered),
            final=final,
            agent="test",
        )
        sealed = seal(header, [encode_record(record) for record in numbered])
        self.batch_no, self.seq, self.sha256 = header.batch_no, header.last_seq, sealed.sha256
        assert hashlib.sha256(sealed.body).hexdigest() == sealed.sha256
        return AcceptedBatch(
            header, sealed.sha256, sealed.body, LATER, tuple(effective(record) for record in numbered)
        )


@dataclass
class Ledger:
    """A migrated database with one site and its gateways."""

    owner_dsn: str
    ingest_dsn: str
    app_dsn: str
    auditor_dsn: str
    gateways: Sequence[str] = ("gw-1", "gw-2")
    sites: Sequence[str] = (SITE,)
    _open: dict[str, psycopg.Connection] = field(default_factory=dict)

    def register(self) -> None:
        for site in self.sites:
            self.as_app(
                lambda conn, site=site: add_site(conn, site, name=site, time_zone="UTC", currency=None)
            )
        for gateway in self.gateways:
            self.as_app(lambda conn, gateway=gateway: add_gateway(conn, self.sites[0], gateway))

    def as_ingest(self, work: Callable[[psycopg.Connection], T]) -> T:
        return self._run("ingest", self.ingest_dsn, work)

    def as_app(self, work: Callable[[psycopg.Connection], T]) -> T:
        return self._run("app", self.app_dsn, work)

    def as_owner(self, work: Callable[[psycopg.Connection], T]) -> T:
        return self._run("owner", self.owner_dsn, work)

    def _run(self, role: str, dsn: str, work: Callable[[psycopg.Connection], T]) -> T:
        if role not in self._open:
            self._open[role] = connect(dsn, f"test-{role}", autocommit=True)
            if role == "owner":
                self._open[role].execute("SET ROLE dockledger_owner")
        with self._open[role].transaction():
            return work(self._open[role])

    def post(self, *batches: AcceptedBatch) -> Posted:
        return self.as_ingest(lambda conn: post(conn, INGEST, kind=PostingKind.BATCH, batches=batches))

    def state(self, *statements: CloudStatement, actor: Actor = CONTROLLER) -> Posted:
        return self.as_app(lambda conn: post(conn, actor, kind=PostingKind.STATEMENT, statements=statements))

    def query(self, statement: str, *arguments: object) -> list[tuple]:
        return self.as_owner(lambda conn: conn.execute(statement, arguments).fetchall())

    def balances(self) -> dict[str, Decimal]:
        """Give the quantity of the test item by location code."""
        return dict(
            self.query(
                "SELECT l.code, sum(b.quantity) FROM balance b JOIN cell c USING (cell_id) "
                "JOIN location l USING (location_id) GROUP BY l.code HAVING sum(b.quantity) <> 0"
            )
        )

    def close(self) -> None:
        for conn in self._open.values():
            conn.close()


def close_until(ledger: Ledger, ends_at: datetime) -> None:
    """Let the site's books be closed until an instant, whatever is in them."""
    columns = "(site_id, ends_at, as_of_position, closed_by, posting_id)"
    made = f"INSERT INTO period_close {columns} VALUES (%s, %s, 0, 'test', 0) RETURNING 1"
    ledger.query(made, SITE, ends_at)


@contextmanager
def open_ledger(database: object, **options: Sequence[str]) -> Iterator[Ledger]:
    """Open a ledger on a fresh database of the shared fixtures."""
    ledger = Ledger(
        database.owner_dsn, database.ingest_dsn, database.app_dsn, database.auditor_dsn, **options
    )
    try:
        ledger.register()
        yield ledger
    finally:
        ledger.close()
