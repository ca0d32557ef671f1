"""A small warehouse in which two people count and decide: bins with stock, costs, and how to get in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from playwright.sync_api import Browser
from serving import ROOT
from watching import Watched

from cloud.counting import reading
from cloud.counting import service as counting
from cloud.db import ConnectionPool
from cloud.identity import service
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.ledger.manual import ManualMovement, post_movement
from cloud.master.costs import CostPaper, put_costs
from cloud.master.store import add_identifier, add_item, add_site
from contracts.base import SiteId
from contracts.records import Identifier, Side
from tests.patience import PATIENCE_S

SITE = SiteId("porto")
ITEMS = {"TEA-500": ("Tea, loose, 500 g", "05012345678900"), "RUM-07": ("Rum, 0.7 l", "05012345678917")}
KEEPER = Actor("system:test", frozenset(Role), all_sites=True)
PEOPLE = {
    "ann": (Role.OPERATOR, Role.APPROVER),
    "bob": (Role.APPROVER, Role.SUPERVISOR),
    "eve": (Role.AUDITOR,),
}
"""Ann counts, and would approve too if that were allowed."""
BINS = 18
PROVISIONAL = reading.VarianceFilter(state="provisional")


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Floor:
    """Where the pages are, who may enter, and what the scheduler does."""

    url: str
    gate: Gate
    pool: ConnectionPool

    def login_link(self, name: str) -> str:
        with self.pool.connection() as conn:
            token = service.make_login_link(conn, ROOT, name=name, now=now())
        return f"{self.url}/login/link?token={token}"

    def settle(self) -> None:
        """Do what the scheduler does, until no count waits: each does for as long as it took."""
        until_s = time.monotonic() + PATIENCE_S
        while not self._is_settled():
            assert time.monotonic() < until_s, "a count is still provisional"
            time.sleep(0.1)

    def _is_settled(self) -> bool:
        counting.settle(self.pool, counting.JOB, now())
        with self.gate.acting(KEEPER) as conn:
            return not reading.variances(conn, KEEPER, PROVISIONAL, limit=1)

    @contextmanager
    def enter(self, browser: Browser, name: str, size: tuple[int, int]) -> Iterator[Watched]:
        """Log somebody in; fails if the browser complained."""
        context = browser.new_context(base_url=self.url, viewport={"width": size[0], "height": size[1]})
        watched = Watched(context.new_page())
        watched.page.goto(self.login_link(name))
        yield watched
        context.close()
        assert not watched.complaints


def set_up(pool: ConnectionPool, url: str, gate: Gate) -> Floor:
    """Fill bins A-01 … with ten of the tea and four of the rum each; no gateway holds the site back."""
    with pool.connection() as conn:
        act_as(conn, ROOT)
        add_site(conn, SITE, name="Porto", time_zone="Europe/Lisbon", currency="EUR")
        for code, (name, gtin) in ITEMS.items():
            item_id = add_item(conn, code, name=name, category=None, base_unit="each")
            for scheme, value in (("sku", code), ("gtin", gtin)):
                add_identifier(conn, (scheme, value), item_id, ratio=(1, 1), valid_from=None)
        for name, roles in PEOPLE.items():
            grants = [Grant(role, SITE) for role in roles]
            service.add_user(conn, ROOT, name=name, password="correct horse battery", grants=grants)
        put_costs(
            conn, KEEPER, [CostPaper("TEA-500", SITE, Decimal("4.20"), "EUR", now() - timedelta(days=9))]
        )
    for number in range(1, BINS + 1):
        for item, quantity in (("TEA-500", "10"), ("RUM-07", "4")):
            with pool.connection() as conn:
                act_as(conn, KEEPER)
                post_movement(conn, KEEPER, _in_bin(number, item, quantity), now=now())
    return Floor(url, gate, pool)


def _in_bin(number: int, item: str, quantity: str) -> ManualMovement:
    return ManualMovement(
        site=SITE,
        identifier=Identifier(scheme="sku", value=item),
        quantity=Decimal(quantity),
        unit="base",
        source=Side(location="@supplier"),
        destination=Side(location=f"A-{number:02}"),
        occurred_at=now() - timedelta(hours=2),
        reason="test",
    )
