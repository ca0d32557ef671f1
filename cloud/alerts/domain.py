"""A ticket: one thing a person should know, with who looks after it and by when; pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import JsonValue

from cloud.identity.actor import Role


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class TicketState(StrEnum):
    """Whether somebody knows, and whether it is over."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


DUE_AFTER: Final[Mapping[Severity, timedelta]] = {
    Severity.CRITICAL: timedelta(hours=1),
    Severity.WARNING: timedelta(hours=24),
    Severity.INFO: timedelta(days=7),
}
"""By when somebody should have dealt with it, if the notice names no time."""

READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
    Role.ADMIN,
)
HANDLERS: Final = (
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.ADMIN,
)
"""Who acknowledges, assigns and closes tickets of their sites; the network's take the role everywhere."""

CLOSE_REASONS: Final[Mapping[str, str]] = {
    "fixed": "Fixed",
    "not_a_problem": "Not a problem",
    "duplicate": "Another ticket says the same",
    "cannot_be_fixed": "Cannot be fixed",
    "other": "Another reason (say which)",
}
MAX_NOTE: Final = 2_000


class TicketError(Exception):
    """A wrong wish about a ticket; the message names the ticket, what was found and what was expected."""


class UnknownTicketError(TicketError):
    """The actor's sites hold no such ticket."""


class ResolvedTicketError(TicketError):
    """It is over already."""


class TicketWishError(TicketError, ValueError):
    """A reason, owner or due time is not as it must be."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a service noticed; the same key noticed again adds to the same open ticket."""

    dedup_key: str
    """Names the thing that is wrong: ``fork:gw-1:00000000000000ff``."""
    kind: str
    severity: Severity
    summary: str
    site: str | None = None
    detail: dict[str, JsonValue] = field(default_factory=dict)
    due_after: timedelta | None = None
    """By when it should be dealt with, from the first notice; None: as `DUE_AFTER` says."""
    owner: str | None = None
    """Actor id of whoever looks after it; None: nobody yet."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands."""

    ticket_id: int
    dedup_key: str
    kind: str
    severity: Severity
    site: str | None
    summary: str
    detail: dict[str, JsonValue]
    opened_at: datetime
    last_at: datetime
    occurrences: int
    state: TicketState
    owner: str | None
    due_at: datetime | None
    escalated_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    close_reason: str | None
    """Why a person closed it; None: it was right again by itself."""
    note: str
    time_zone: str
    """Of the site; UTC for the network's."""


@dataclass(frozen=True, slots=True)
class TicketStep:
    """What was done with a ticket; never rewritten."""

    step: int
    action: str
    actor: str
    detail: dict[str, JsonValue]
    taken_at: datetime
    audit_id: int | None
    """Its place in the audit chain, if a person did it."""
