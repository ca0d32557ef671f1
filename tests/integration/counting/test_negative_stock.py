"""Stock below zero raises one ticket a site once its watermark has passed it, which closes itself (D7)."""

from decimal import Decimal

from cloud.alerts import service as alerts
from cloud.alerts.domain import Ticket
from cloud.counting.negative import JOB, NEGATIVE, tell_negative
from cloud.documents.judging.by_hand import move_by_hand
from cloud.ledger.manual import ManualMovement
from contracts.records import Identifier, Side
from tests.integration.counting.floor import MUG, NOW, RUM, SUPERVISOR, TEA, Floor
from tests.integration.ledger.scenario import SITE, at, move


def taken(floor: Floor, quantity: int, *, minute: float, item: str = TEA, place: str = "A-01") -> None:
    """Take goods out by hand, of which no gateway knows."""
    stated = ManualMovement(
        SITE,
        Identifier(scheme="gtin", value=item),
        Decimal(quantity),
        "base",
        Side(location=place),
        Side(location="@customer"),
        at(minute),
        "by_hand",
    )
    floor.acts(lambda conn: move_by_hand(conn, SUPERVISOR, stated, now=NOW))


def told(floor: Floor) -> list[Ticket]:
    """Look, and give the open tickets."""
    tell_negative(floor.pool, JOB)
    rows = floor.acts(lambda conn: alerts.open_tickets(conn, SUPERVISOR))
    return [row for row in rows if row.kind == NEGATIVE]


def test_stock_below_zero_is_told_once_the_watermark_has_passed_it_and_closes_itself(floor: Floor) -> None:
    floor.receives("1", RUM)
    floor.watermark(5)
    taken(floor, 10, minute=10)
    assert told(floor) == [], "what explains it may still be on its way"
    floor.watermark(11)
    (ticket,) = told(floor)
    assert (ticket.site, ticket.summary) == (SITE, "Stock is below zero: -10 each of TEA at A-01")
    assert (ticket.detail["cells"], ticket.detail["page_url"]) == (1, f"/stock?site={SITE}")
    assert told(floor)[0].occurrences == 1, "nothing is noticed anew"
    taken(floor, 3, minute=12, item=RUM, place="A-02")
    floor.watermark(13)
    (more,) = told(floor)
    assert (more.ticket_id, more.summary) == (ticket.ticket_id, f"{ticket.summary}, and 1 more")
    assert [(each["item"], each["place"], each["quantity"][:3]) for each in more.detail["lowest"]] == [
        ("TEA", "A-01", "-10"),
        ("RUM", "A-02", "-3."),
    ]
    floor.receives("3", RUM, minute=14, location="A-02")
    (less,) = told(floor)
    assert (less.detail["cells"], less.summary) == (1, ticket.summary)
    floor.receives("10", minute=9)
    assert told(floor) == [], "what came late explains it"
    taken(floor, 10, minute=20)
    floor.watermark(21)
    assert told(floor)[0].ticket_id > ticket.ticket_id


def test_accounts_and_clearing_places_are_below_zero_by_their_nature(floor: Floor) -> None:
    floor.happens(move("5", "@clearing/dock-1", "A-01", item=MUG, minute=1))
    floor.receives("5", minute=2)
    floor.watermark(9)
    assert told(floor) == []
    rows = floor.ledger.query("SELECT count(*) FROM balance WHERE quantity < 0")
    assert rows[0][0] > 1
