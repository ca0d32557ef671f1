"""Closing periods in tests: one person asks, another approves."""

from datetime import UTC, datetime
from decimal import Decimal

from scenario import CONTROLLER, SITE, Ledger

from cloud.approvals.service import approve_and_apply
from cloud.decisions.domain import Decision
from cloud.identity.actor import Actor, Role
from cloud.periods import reading
from cloud.periods.domain import AT_ITS_END, Close, Figure
from cloud.periods.reading import Moment
from cloud.periods.service import ask_to_close

BOSS = Actor("user:bea", frozenset({Role.APPROVER}), frozenset({SITE}))
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def ask(ledger: Ledger, period: str, reason: str = AT_ITS_END, note: str = "") -> Decision:
    return ledger.as_app(
        lambda conn: ask_to_close(
            conn, CONTROLLER, site=SITE, period=period, reason=reason, note=note, now=NOW
        )
    )


def approve(ledger: Ledger, decision: Decision) -> Decision:
    return ledger.as_app(lambda conn: approve_and_apply(conn, BOSS, decision.decision_id, decision.revision))


def closed(ledger: Ledger, period: str, reason: str = AT_ITS_END) -> Close:
    """Close a period by two people."""
    done = approve(ledger, ask(ledger, period, reason))
    number = int(dict(done.outcome or {})["close"])
    return ledger.as_app(lambda conn: reading.close(conn, CONTROLLER, close_id=number))


def worth(ledger: Ledger, close: Close) -> Figure:
    moment = Moment(close.site, close.ends_at, close_id=close.close_id)
    return ledger.as_app(lambda conn: reading.figure(conn, CONTROLLER, moment))


def lines(ledger: Ledger, close: Close) -> dict[tuple[str, str], tuple[Decimal, Decimal | None]]:
    """Give quantity and value by item and place."""
    moment = Moment(close.site, close.ends_at, close_id=close.close_id)
    rows = ledger.as_app(lambda conn: reading.value_lines(conn, CONTROLLER, moment, limit=1000))
    return {(row.item, row.location): (row.quantity, row.value) for row in rows}
