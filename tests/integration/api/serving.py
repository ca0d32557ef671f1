"""An application on a port of its own; two sites with gateways and stock; a key per role and reach."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import uvicorn
from argon2 import PasswordHasher

from cloud.db import ConnectionPool
from cloud.identity import service
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.ledger.manual import ManualMovement, post_movement
from cloud.master.store import add_gateway, add_identifier, add_item, add_site
from cloud.server.app import create_app
from contracts.base import SiteId
from contracts.records import Identifier, Side

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
OWN, OTHER = SiteId("madrid"), SiteId("leeds")
ROOT = Actor(
    "system:test",
    frozenset({Role.ADMIN, Role.AUDITOR, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}),
    all_sites=True,
)
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""A hash says what it takes to try a password: what is shipped takes 0.2 s of a core, each time."""
TEA, MUG = "TEA-500", "MUG-BLUE"


class Clock:
    """The present, which a test moves by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def served(gate: Gate) -> Iterator[str]:
    """Serve the application on a free port; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(gate, network="test")
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join()
        listener.close()


@dataclass
class People:
    """API keys by who holds them: `supervisor@madrid`, `auditor` …"""

    keys: dict[str, str] = field(default_factory=dict)

    def headers(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[who]}"}


def moved(
    quantity: str, source: str, destination: str, *, item: str = TEA, site: str = OWN, minutes_ago: float = 60
) -> ManualMovement:
    return ManualMovement(
        site=SiteId(site),
        identifier=Identifier(scheme="sku", value=item),
        quantity=Decimal(quantity),
        unit="base",
        source=Side(location=source),
        destination=Side(location=destination),
        occurred_at=NOW - timedelta(minutes=minutes_ago),
        reason="test",
    )


def post_all(pool: ConnectionPool, *movements: ManualMovement, actor: Actor = ROOT) -> None:
    for movement in movements:
        with pool.connection() as conn:
            act_as(conn, actor)
            post_movement(conn, actor, movement, now=NOW)


def fill(pool: ConnectionPool) -> People:
    """Fill a migrated database; everything happened before `NOW`."""
    people = People()
    with pool.connection() as conn:
        act_as(conn, ROOT)
        add_site(conn, OWN, name="Madrid", time_zone="Europe/Madrid", currency="EUR")
        add_site(conn, OTHER, name="Leeds", time_zone="Europe/London", currency="GBP")
        add_gateway(conn, OWN, "dock-m1")
        add_gateway(conn, OTHER, "dock-l1")
        for code, name in ((TEA, "Tea, 500 g"), (MUG, "Mug, blue")):
            item_id = add_item(conn, code, name=name, category=None, base_unit="each")
            add_identifier(conn, ("sku", code), item_id, ratio=(1, 1), valid_from=None)
        for role in Role:
            for grant in (Grant(role), Grant(role, OWN), Grant(role, OTHER)):
                name = str(grant).replace("@", ".")
                service.add_user(conn, ROOT, name=f"of-{name}", password=None, grants=[])
                people.keys[str(grant)] = service.create_api_key(
                    conn,
                    ROOT,
                    name=name,
                    grants=[grant],
                    life=timedelta(days=30),
                    now=NOW,
                    acts_for=f"of-{name}",
                )
        service.add_user(
            conn,
            ROOT,
            name="ada",
            password=PASSWORD,
            grants=[Grant(Role.SUPERVISOR, OWN), Grant(Role.INVENTORY_CONTROLLER, OWN)],
        )
        conn.execute("UPDATE app_user SET password_hash = %s WHERE name = 'ada'", (CHEAP.hash(PASSWORD),))
    post_all(
        pool,
        moved("480", "@supplier", "STAGING", minutes_ago=300),
        moved("200", "STAGING", "A-01-1", minutes_ago=240),
        moved("12", "A-01-1", "@customer", minutes_ago=120),
        moved("30", "A-02-1", "@customer", item=MUG, minutes_ago=90),
        moved("75", "@supplier", "L-01", site=OTHER, minutes_ago=60),
    )
    with pool.connection() as conn:
        act_as(conn, ROOT)
        for site, gateway in ((OWN, "dock-m1"), (OTHER, "dock-l1")):
            conn.execute(
                "INSERT INTO quarantine"
                " (received_at, topic, site_id, gateway, reason, message, payload, sha256) "
                "VALUES (%s, %s, %s, %s, 'bad_header', 'the first line is not JSON', %s, %s)",
                (NOW, f"dl/v1/{site}/{gateway}/records", site, gateway, b"\x1f\x8b <b>?</b>", "0" * 64),
            )
    return people
