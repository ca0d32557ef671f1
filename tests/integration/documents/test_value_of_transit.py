"""What each site's stock is worth while goods are between them: their sender's until they are received."""

from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from cloud.approvals.service import approve_and_apply
from cloud.documents.receiving import reversing
from cloud.documents.transfers import service as transfers
from cloud.documents.transfers.papers import TransferPaper
from cloud.identity.actor import Actor, Role
from cloud.ledger.past import fold
from cloud.ledger.verification.store import breaches
from cloud.periods import reading
from cloud.periods.domain import PriorFact
from cloud.periods.reading import Moment
from cloud.periods.service import ask_to_close
from contracts.base import SiteId
from tests.integration.documents.dock import OTHER_SITE, Dock, line
from tests.integration.documents.test_shipping import EVERYWHERE, leaves, receive, ship, stocked
from tests.integration.ledger.scenario import SITE, at

__all__ = ["stocked"]

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PENNY = Decimal("0.01")
CONTROLLER = Actor("user:ida", frozenset({Role.INVENTORY_CONTROLLER}), all_sites=True)
BOSS = Actor("user:bea", frozenset({Role.APPROVER}), all_sites=True)
YORK = Actor("user:yan", frozenset({Role.SUPERVISOR}), frozenset({SiteId(OTHER_SITE)}))


@pytest.fixture
def priced(stocked: Dock) -> Dock:
    """Let a base unit cost 1.003 at the one site, 1.207 at the other."""
    with psycopg.connect(stocked.ledger.owner_dsn) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute("UPDATE site SET currency = 'EUR'")
        conn.execute("UPDATE item SET category = 'drinks'")
        conn.execute(
            "INSERT INTO item_cost SELECT i.item_id, s.site_id, '2020-01-01',"
            " CASE s.site_id WHEN 'leeds' THEN 1.003 ELSE 1.207 END, 'EUR' FROM item i, site s"
        )
    return stocked


def worth(dock: Dock, site: str, moment: Moment | None = None) -> Decimal:
    """Give a site's value; its parts by zone must sum to it."""
    asked = moment or Moment(site, NOW)
    figure = dock.ledger.as_app(lambda conn: reading.figure(conn, CONTROLLER, asked))
    assert sum((share.value for share in figure.zones), Decimal(0)) == figure.value
    return figure.value


def values(dock: Dock) -> tuple[Decimal, Decimal]:
    return worth(dock, SITE), worth(dock, OTHER_SITE)


def closed(dock: Dock, site: str, reason: str = "figures_due") -> int:
    run = dock.ledger.as_app
    asked = run(
        lambda conn: ask_to_close(
            conn, CONTROLLER, site=site, period="2026-03", reason=reason, note="", now=NOW
        )
    )
    done = run(lambda conn: approve_and_apply(conn, BOSS, asked.decision_id, asked.revision))
    return int(dict(done.outcome or {})["close"])


def late(dock: Dock, close_id: int) -> list[PriorFact]:
    return dock.ledger.as_app(lambda conn: reading.prior_facts(conn, CONTROLLER, close_id=close_id, limit=9))


def cents(quantity: int, cost: str) -> Decimal:
    return (quantity * Decimal(cost)).quantize(PENNY)


def test_goods_between_sites_are_their_senders_until_they_are_received_or_given_up(priced: Dock) -> None:
    """Of twenty cases of 24 six leave with a lot, four come, one is taken back, the rest is lost."""
    run = priced.ledger.as_app
    lines = [line(1, 6)]
    wanted = TransferPaper.model_validate(
        {"from_site": SITE, "to_site": OTHER_SITE, "id": "T-1", "lines": lines}
    )
    run(lambda conn: transfers.draft(conn, EVERYWHERE, wanted))
    assert values(priced) == (cents(480, "1.003"), 0)
    ship(priced, leaves(1, "6", "transfer", "T-1", lot="L1"), has_departed=True)
    assert values(priced) == (cents(480 + 144, "1.003") - cents(144, "1.003"), 0)  # the lot leaves a minus
    before = closed(priced, SITE)
    kept = worth(priced, SITE, Moment(SITE, NOW, close_id=before))
    of = {"of": {"type": "transfer", "id": "T-1", "line": "1"}}
    there = {"site": OTHER_SITE, "location": "Y-01"}
    receive(priced, of, "3", receipt="Y-1", **there)
    receive(priced, of, "1", receipt="Y-2", **there)
    on_hand = cents(336, "1.003")
    assert values(priced) == (on_hand + cents(48, "1.003"), cents(96, "1.207"))
    run(
        lambda conn: reversing.reverse_line(
            conn, EVERYWHERE, site=OTHER_SITE, name="Y-2", line="1", reason="typo"
        )
    )
    assert values(priced) == (on_hand + cents(72, "1.003"), cents(72, "1.207"))
    run(lambda conn: transfers.give_up(conn, YORK, at=SITE, name="T-1", reason="lost", now=at(80)))
    assert values(priced) == (on_hand, cents(72, "1.207"))

    assert worth(priced, SITE, Moment(SITE, NOW, close_id=before)) == kept
    for _ in range(2):  # before the fold and after it: the sender is told what came of what it had sent
        told = [(fact.change, fact.value) for fact in late(priced, before)]
        assert told == [
            (Decimal(-72), cents(-72, "1.003")),
            (Decimal(-24), cents(-24, "1.003")),
            (Decimal(24), cents(24, "1.003")),
            (Decimal(-72), cents(-72, "1.003")),
        ]
        run(fold)
    again = closed(priced, SITE, "late_facts")
    there_closed = closed(priced, OTHER_SITE)
    assert worth(priced, SITE, Moment(SITE, NOW, close_id=again)) == on_hand
    assert worth(priced, OTHER_SITE, Moment(OTHER_SITE, NOW, close_id=there_closed)) == cents(72, "1.207")
    assert priced.is_clean()


def test_more_that_came_than_left_is_the_senders_minus_and_a_close_keeps_its_split(
    priced: Dock, database: object
) -> None:
    run = priced.ledger.as_app
    for name in ("T-1", "T-2"):
        wanted = TransferPaper.model_validate(
            {"from_site": SITE, "to_site": OTHER_SITE, "id": name, "lines": [line(1, 6)]}
        )
        run(lambda conn, wanted=wanted: transfers.draft(conn, EVERYWHERE, wanted))
    ship(priced, leaves(1, "2", "transfer", "T-1"))
    of = {"of": {"type": "transfer", "id": "T-1", "line": "1"}}
    receive(priced, of, "2", receipt="Y-1", site=OTHER_SITE, location="Y-01")
    of = {"of": {"type": "transfer", "id": "T-2", "line": "1"}}
    receive(priced, of, "1", receipt="Y-2", site=OTHER_SITE, location="Y-01")
    assert values(priced) == (cents(432, "1.003") - cents(24, "1.003"), cents(72, "1.207"))
    close_id = closed(priced, SITE)
    moment = Moment(SITE, NOW, close_id=close_id)

    def split() -> list[tuple[str | None, Decimal | None]]:
        figure = run(lambda conn: reading.figure(conn, CONTROLLER, moment))
        return [(share.name, share.value) for share in (*figure.categories, *figure.zones)]

    before = split()
    assert ("drinks", cents(432, "1.003") - cents(24, "1.003")) in before
    with psycopg.connect(priced.ledger.owner_dsn) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute("UPDATE item SET category = 'tea'")
        zone = (
            "INSERT INTO location (site_id, code, kind) VALUES ('leeds', 'Z', 'zone') RETURNING location_id"
        )
        ((zone_id,),) = conn.execute(zone).fetchall()
        conn.execute("UPDATE location SET parent_id = %s WHERE code = 'A-01'", [zone_id])
    assert split() == before
    now = run(lambda conn: reading.figure(conn, CONTROLLER, Moment(SITE, NOW)))
    assert {share.name for share in (*now.categories, *now.zones)} == {"tea", "Z", "@transit"}
    assert priced.is_clean()

    with psycopg.connect(database.admin_dsn) as admin:  # as the release before closed it
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE period_close SET transit_owner = NULL")
        admin.execute("UPDATE period_balance SET valued = NULL, category = NULL, zone = NULL")
        admin.execute("DELETE FROM period_balance WHERE quantity = 0")
        assert breaches(admin, "closes") == []
    assert worth(priced, SITE, moment) == cents(432, "1.003") + cents(48, "1.003")
    assert ("tea", cents(480, "1.003")) in [(name, value) for name, value in split() if name == "tea"]
