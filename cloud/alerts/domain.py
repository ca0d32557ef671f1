"""A ticket: one thing a person should know; pure values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


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


@dataclass(frozen=True, slots=True)
class Ticket:
    """An open ticket."""

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
