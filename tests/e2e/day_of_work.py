"""A day of two warehouses: what their gateways sent, seen through the ledger's own writer."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from serving import OTHER, OWN, ROOT

from cloud.db import ConnectionPool
from cloud.identity import service
from cloud.identity.actor import INGEST, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.ledger.domain import AcceptedBatch, EffectiveRow, PostingKind
from cloud.ledger.service import post
from cloud.master.store import add_gateway, add_identifier, add_item, add_site
from contracts.base import NO_PREDECESSOR, EpochId, GatewayId, SiteId
from contracts.batch import BatchHeader, encode_record, seal
from contracts.occurrence import TimeBasis
from contracts.records import Gap, Identifier, Movement, Record, Side

PASSWORD = "correct horse battery"
ITEMS = {
    "TEA-500": "Tea, loose, 500 g",
    "COFFEE-1K": "Coffee beans, 1 kg",
    "MUG-BLUE": "Mug, blue, 300 ml",
    "JAR-05": "Storage jar, glass, 0.5 l",
    "LANTERN": "Lantern, white metal",
    "TOWEL-XL": "Bath towel, extra large",
}
BINS = ("A-01-1", "A-01-2", "A-02-1", "B-03-4")


@dataclass
class Site:
    """Where the pages are, and how to get in."""

    url: str
    gate: Gate
    ingest: ConnectionPool

    def send_one_more(self, item: str, quantity: int) -> None:
        """Let a gateway that was not there before send one movement."""
        now = self.gate.clock()
        with self.gate.pool.connection() as conn:
            act_as(conn, ROOT)
            add_gateway(conn, OWN, f"dock-{quantity}")
        movement = moved(quantity, item, "STAGING", "A-01-1", at=now, actor="kim")
        Gateway(f"dock-{quantity}", OWN, self.ingest).send(movement, at=now)

    def login_link(self) -> str:
        with self.gate.pool.connection() as conn:
            token = service.make_login_link(conn, ROOT, name="ada", now=self.gate.clock())
        return f"{self.url}/login/link?token={token}"


@dataclass
class Gateway:
    """Seals records as a gateway does and posts each batch at once."""

    name: str
    site: str
    pool: ConnectionPool
    batch_no: int = 0
    seq: int = 0
    sha256: str = NO_PREDECESSOR

    def send(self, *records: Record, at: datetime) -> None:
        numbered = [record.model_copy(update={"seq": self.seq + 1 + n}) for n, record in enumerate(records)]
        header = BatchHeader(
            site=SiteId(self.site),
            gateway=GatewayId(self.name),
            epoch=EpochId(hashlib.sha256(self.name.encode()).hexdigest()[:16]),
            batch_no=self.batch_no + 1,
            prev_sha256=self.sha256,
            first_seq=self.seq + 1,
            last_seq=self.seq + len(numbered),
            complete_until=at,
            agent="0.1.0",
        )
        sealed = seal(header, [encode_record(record) for record in numbered])
        self.batch_no, self.seq, self.sha256 = header.batch_no, header.last_seq, sealed.sha256
        rows = tuple(EffectiveRow(r, r.occurred_at_claimed, TimeBasis.CLAIMED) for r in numbered)
        batch = AcceptedBatch(header, sealed.sha256, sealed.body, at, rows)
        with self.pool.connection() as conn:
            post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch])

    def speaks(self, presence: str, at: datetime, *, unacked: int) -> None:
        with self.pool.connection() as conn:
            conn.execute(
                "INSERT INTO gateway_status (gateway_id, presence, heard_at, status, health, health_at) "
                'SELECT gateway_id, %(presence)s, %(at)s, \'{"agent": "0.1.0"}\','
                " jsonb_build_object('outbox', jsonb_build_object('unacked_rows', %(unacked)s::int,"
                " 'oldest_unacked_age_s', 1, 'is_full', false), 'clock', '{\"ok\": true}'::jsonb), %(at)s "
                "FROM gateway WHERE name = %(name)s",
                {"presence": presence, "at": at, "unacked": unacked, "name": self.name},
            )


def moved(quantity: int, item: str, source: str, destination: str, *, at: datetime, actor: str) -> Movement:
    return Movement(
        seq=1,
        occurred_at_claimed=at,
        mono_ns=0,
        boot_id="boot-1",
        clock_ok=True,
        actor=actor,
        device="scanner-2",
        identifier=Identifier(scheme="sku", value=item),
        quantity_seen=Decimal(quantity),
        source=Side(location=source),
        destination=Side(location=destination),
    )


def work(pool: ConnectionPool, ingest: ConnectionPool, now: datetime) -> None:
    """Set two sites up and let their gateways send what happened since the morning."""
    with pool.connection() as conn:
        act_as(conn, ROOT)
        for site, name, zone in ((OWN, "Madrid", "Europe/Madrid"), (OTHER, "Leeds", "Europe/London")):
            add_site(conn, site, name=name, time_zone=zone, currency="EUR")
        for gateway, site in (("dock-m1", OWN), ("hall-m2", OWN), ("dock-l1", OTHER)):
            add_gateway(conn, site, gateway)
        for code, name in ITEMS.items():
            item_id = add_item(conn, code, name=name, category=None, base_unit="each")
            add_identifier(conn, ("sku", code), item_id, ratio=(1, 1), valid_from=None)
        grants = [Grant(role) for role in (Role.ADMIN, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)]
        service.add_user(conn, ROOT, name="ada", password=PASSWORD, grants=grants)
    random = Random(7)
    dock, hall, leeds = (
        Gateway("dock-m1", OWN, ingest),
        Gateway("hall-m2", OWN, ingest),
        Gateway("dock-l1", OTHER, ingest),
    )
    morning = now - timedelta(hours=6)
    for gateway in (dock, leeds):
        receipts = [moved(400, item, "@supplier", "STAGING", at=morning, actor="kim") for item in ITEMS]
        gateway.send(*receipts, at=morning + timedelta(seconds=2))
        put_away = [
            moved(45, item, "STAGING", place, at=morning + timedelta(minutes=20), actor="lee")
            for item in ITEMS
            for place in BINS
        ]
        gateway.send(*put_away, at=morning + timedelta(minutes=21))
    for minute in range(40, 0, -1):
        for gateway, share in ((dock, 0.9), (hall, 0.6), (leeds, 0.75)):
            if random.random() < share:
                at = now - timedelta(minutes=minute, seconds=random.randrange(20, 58))
                gateway.send(*_moves(random, at), at=at + timedelta(seconds=1))
    at = now - timedelta(seconds=4)
    dock.send(
        moved(64, "COFFEE-1K", "A-02-1", "@customer", at=at, actor="sam"),
        moved(6, "MUG-BLUE", "A-01-1", "@customer", at=at, actor="kim"),
        at=at,
    )
    gap = Gap(
        seq=1,
        occurred_at_claimed=at,
        mono_ns=0,
        boot_id="boot-1",
        clock_ok=True,
        gap_device="portal-3",
        from_at=now - timedelta(minutes=11),
        cause="silent",
    )
    leeds.send(gap, at=at)
    dock.speaks("online", now - timedelta(seconds=2), unacked=0)
    hall.speaks("offline", now - timedelta(minutes=8), unacked=34)
    leeds.speaks("online", now - timedelta(seconds=5), unacked=2)
    with ingest.connection() as conn:
        conn.execute(
            "INSERT INTO quarantine"
            " (received_at, topic, site_id, gateway, batch_no, seq, reason, message, payload, sha256)"
            " VALUES (%s, 'dl/v1/leeds/dock-l1/records', 'leeds', 'dock-l1', 12, 88, 'unknown_unit',"
            " 'unit_seen ''05012345678917'' is no known GTIN', %s, %s)",
            (
                now - timedelta(minutes=3),
                b'{"kind":"movement","seq":88,"note":"<script>x</script>"}',
                "ab" * 32,
            ),
        )


def _moves(random: Random, at: datetime) -> list[Record]:
    return [
        moved(
            random.randint(1, 12),
            random.choice(tuple(ITEMS)),
            *random.choice((("STAGING", random.choice(BINS)), (random.choice(BINS), "@customer"))),
            at=at,
            actor=random.choice(("kim", "lee", "sam")),
        )
        for _ in range(random.randint(1, 9))
    ]
