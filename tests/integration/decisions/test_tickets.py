"""Tickets over a real database: noticed once, looked after by somebody, worse when nobody does."""

from datetime import UTC, datetime, timedelta

import pytest
from deciding import ADA, BOB, CAT, DAN, EVE, JOB, LEEDS, MADRID, ROOT, Desk, person

from cloud.alerts import service
from cloud.alerts.domain import (
    Notice,
    ResolvedTicketError,
    Severity,
    Ticket,
    TicketState,
    TicketWishError,
    UnknownTicketError,
)
from cloud.identity.actor import NotAllowedError
from cloud.identity.store import act_as

HOUR = timedelta(hours=1)


def noticed(
    desk: Desk, severity: Severity = Severity.WARNING, site: str | None = LEEDS, **more: object
) -> Ticket:
    notice = Notice("bin:A-01", "variance", severity, "A-01 differs", site, **more)
    desk.run(lambda conn: (act_as(conn, JOB), service.notice(conn, [notice])))
    return desk.run(lambda conn: service.open_tickets(conn, EVE))[-1]


def right_again(desk: Desk, ticket: Ticket) -> None:
    desk.run(lambda conn: (act_as(conn, JOB), service.resolve(conn, [ticket.dedup_key])))


def actions(desk: Desk, ticket: Ticket) -> list[tuple[str, str]]:
    _, steps = desk.run(lambda conn: service.ticket(conn, EVE, ticket.ticket_id))
    return [(step.action, step.actor) for step in steps]


def test_a_ticket_is_due_by_its_severity_unless_the_notice_says_when(desk: Desk) -> None:
    ticket = noticed(desk)
    assert ticket.due_at is not None
    assert abs(ticket.due_at - ticket.opened_at - 24 * HOUR) < timedelta(seconds=1)
    right_again(desk, ticket)
    sooner = noticed(desk, due_after=2 * HOUR, owner="user:cat")
    assert sooner.due_at is not None
    assert sooner.ticket_id != ticket.ticket_id
    assert abs(sooner.due_at - sooner.opened_at - 2 * HOUR) < timedelta(seconds=1)
    assert sooner.owner == "user:cat"


def test_whoever_knows_it_owns_it_until_it_is_given_to_another_and_closed(desk: Desk) -> None:
    number = noticed(desk).ticket_id
    known = desk.run(lambda conn: service.acknowledge(conn, CAT, number, note="on my way"))
    assert (known.state, known.owner, known.acknowledged_by) == (
        TicketState.ACKNOWLEDGED,
        "user:cat",
        "user:cat",
    )
    due = datetime(2026, 12, 1, tzinfo=UTC)
    given = desk.run(lambda conn: service.assign(conn, CAT, number, owner="user:bob", due_at=due))
    assert (given.owner, given.due_at) == ("user:bob", due)
    closed = desk.run(
        lambda conn: service.close_by_hand(conn, BOB, number, reason="other", note="label was torn")
    )
    assert (closed.state, closed.resolved_by, closed.close_reason) == (
        TicketState.RESOLVED,
        "user:bob",
        "other",
    )
    assert actions(desk, closed) == [
        ("opened", "job:counting"),
        ("acknowledged", "user:cat"),
        ("assigned", "user:cat"),
        ("closed", "user:bob"),
    ]
    links = desk.ask(
        "SELECT a.actor, a.action FROM ticket_step s JOIN audit_event a USING (audit_id) "
        "WHERE s.ticket_id = %s AND a.target = 'ticket:' || s.ticket_id ORDER BY s.step",
        number,
    )
    assert links == [
        ("user:cat", "ticket_acknowledged"),
        ("user:cat", "ticket_assigned"),
        ("user:bob", "ticket_closed"),
    ]


def test_what_is_over_stays_as_it_was_and_comes_back_as_another(desk: Desk) -> None:
    first = noticed(desk)
    desk.run(lambda conn: service.close_by_hand(conn, CAT, first.ticket_id, reason="fixed"))
    for again in (
        lambda conn: service.acknowledge(conn, CAT, first.ticket_id),
        lambda conn: service.assign(conn, CAT, first.ticket_id, owner="user:bob"),
        lambda conn: service.close_by_hand(conn, BOB, first.ticket_id, reason="fixed"),
    ):
        with pytest.raises(ResolvedTicketError, match="was resolved by user:cat"):
            desk.run(again)
    assert noticed(desk).ticket_id > first.ticket_id
    both = desk.run(lambda conn: service.tickets(conn, EVE, kind="variance", site=LEEDS))
    assert [ticket.state for ticket in both] == [TicketState.OPEN, TicketState.RESOLVED]
    over = desk.run(lambda conn: service.tickets(conn, EVE, states=[TicketState.RESOLVED], owner=None))
    assert [ticket.ticket_id for ticket in over] == [first.ticket_id]


def test_a_worse_notice_opens_again_what_somebody_knew_and_a_milder_one_does_not(desk: Desk) -> None:
    number = noticed(desk, Severity.INFO).ticket_id
    desk.run(lambda conn: service.acknowledge(conn, CAT, number))
    worse = noticed(desk, Severity.CRITICAL)
    assert (worse.ticket_id, worse.state, worse.severity) == (number, TicketState.OPEN, Severity.CRITICAL)
    assert worse.due_at is not None
    assert worse.due_at - worse.last_at < 2 * HOUR
    desk.run(lambda conn: service.acknowledge(conn, CAT, number))
    milder = noticed(desk, Severity.INFO)
    assert (milder.state, milder.severity, milder.occurrences) == (
        TicketState.ACKNOWLEDGED,
        Severity.CRITICAL,
        3,
    )
    assert [action for action, _ in actions(desk, milder)] == [
        "opened",
        "acknowledged",
        "worsened",
        "acknowledged",
    ]


def test_what_nobody_closes_in_time_becomes_worse_once_per_due_time(desk: Desk) -> None:
    ticket = noticed(desk, due_after=HOUR)
    desk.run(lambda conn: service.acknowledge(conn, CAT, ticket.ticket_id, note="later"))
    assert ticket.due_at is not None
    assert service.escalate(desk.pool, ticket.due_at - timedelta(seconds=1)) == {"escalated": 0}
    late = ticket.due_at + timedelta(seconds=1)
    assert service.escalate(desk.pool, late) == {"escalated": 1}
    assert service.escalate(desk.pool, late + HOUR) == {"escalated": 0}
    worse, steps = desk.run(lambda conn: service.ticket(conn, EVE, ticket.ticket_id))
    assert (worse.severity, worse.state, worse.escalated_at) == (Severity.CRITICAL, TicketState.OPEN, late)
    assert (steps[-1].action, steps[-1].actor) == ("escalated", "job:escalation")
    assert [step.detail.get("note") for step in steps] == [None, "later", None]
    again = late + 2 * HOUR
    desk.run(lambda conn: service.assign(conn, CAT, ticket.ticket_id, owner="user:cat", due_at=again))
    assert service.escalate(desk.pool, again) == {"escalated": 1}
    assert service.escalate(desk.pool, again + HOUR) == {"escalated": 0}


def test_tickets_of_other_sites_are_not_there_and_the_networks_take_a_role_everywhere(desk: Desk) -> None:
    own = noticed(desk)
    with pytest.raises(UnknownTicketError):
        desk.run(lambda conn: service.acknowledge(conn, DAN, own.ticket_id))
    right_again(desk, own)
    shared = noticed(desk, site=None)
    assert [row.ticket_id for row in desk.run(lambda conn: service.tickets(conn, DAN))] == [shared.ticket_id]
    with pytest.raises(NotAllowedError, match="at all sites"):
        desk.run(lambda conn: service.close_by_hand(conn, CAT, shared.ticket_id, reason="fixed"))
    with pytest.raises(NotAllowedError):
        desk.run(lambda conn: service.tickets(conn, CAT, site=MADRID))
    with pytest.raises(NotAllowedError):
        desk.run(lambda conn: service.acknowledge(conn, person("ann", "operator@leeds"), shared.ticket_id))
    assert desk.run(lambda conn: service.acknowledge(conn, ROOT, shared.ticket_id)).owner == "user:root"


@pytest.mark.parametrize(
    ("owner", "reason", "note", "message"),
    [
        ("bob", "", "", "owner 'bob': expected a person or key"),
        ("job:counting", "", "", "owner 'job:counting'"),
        ("user:", "", "", "owner 'user:'"),
        ("", "boring", "", "reason 'boring': expected one of fixed"),
        ("", "other", "", "expected a note that says which"),
        ("", "fixed", "x" * 2_001, "note of 2001 characters"),
    ],
)
def test_a_wish_that_is_not_as_it_must_be_is_refused(
    desk: Desk, owner: str, reason: str, note: str, message: str
) -> None:
    number = noticed(desk).ticket_id

    def work(conn: object) -> Ticket:
        if owner:
            return service.assign(conn, ADA, number, owner=owner)
        return service.close_by_hand(conn, ADA, number, reason=reason, note=note)

    with pytest.raises(TicketWishError, match=message):
        desk.run(work)
