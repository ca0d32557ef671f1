"""A card that nobody answers becomes a ticket, and one that is answered closes it."""

from contextlib import closing
from datetime import timedelta

from cloud.alerts.service import open_tickets
from cloud.crossings import service
from cloud.ingest.workers.keeper import Keeper
from tests.integration.crossings.doors import SUPERVISOR, Doors, passage
from tests.integration.ledger.scenario import SITE, at


def tickets(doors: Doors) -> list[tuple[str, str, int]]:
    found = doors.ledger.as_app(lambda conn: open_tickets(conn, SUPERVISOR))
    return [(ticket.dedup_key, ticket.summary, ticket.occurrences) for ticket in found]


def escalate(doors: Doors, minute: float) -> None:
    doors.ledger.as_ingest(lambda conn: service.escalate(conn, now=at(minute)))


def test_cards_older_than_four_hours_raise_one_ticket_per_door(doors: Doors) -> None:
    first, second, _ = doors.send(passage(), passage(minute=30), passage(minute=300, portal="dock-2"))
    escalate(doors, 239)
    assert tickets(doors) == []
    escalate(doors, 241)
    escalate(doors, 271)
    key = f"dock_cards:{SITE}/dock-1"
    assert tickets(doors) == [
        (key, "Door dock-1: 2 dock exceptions unanswered since 2026-03-02 06:00 UTC", 2)
    ]
    doors.answer(first, "in")
    escalate(doors, 272)
    assert tickets(doors) == [(key, "Door dock-1: 1 dock exception unanswered since 2026-03-02 06:30 UTC", 3)]
    doors.answer(second, "did_not_move")
    escalate(doors, 273)
    assert tickets(doors) == []


def test_the_ingest_process_looks_for_old_cards_by_itself(doors: Doors, database: object) -> None:
    doors.send(passage())
    keeper = Keeper(database.ingest_dsn, "w-1", link=None)
    with closing(keeper._database):
        keeper.look_around()
    (ticket,) = tickets(doors)
    assert ticket[0] == f"dock_cards:{SITE}/dock-1"
    assert timedelta(hours=4) == service.ESCALATES_AFTER
