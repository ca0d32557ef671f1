"""What a verification found; pure values."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Breach(NamedTuple):
    """One place where a promise does not hold."""

    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A position and the hash of everything up to it, kept where the ledger's owner cannot reach it."""

    position: int = 0
    """0: the beginning."""
    chain: str = ""
    """64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise and how it stands."""

    check: str
    promise: str
    examined: int
    """Rows or entries looked at."""
    breaches: tuple[Breach, ...]
    """The first ones, in order of place."""
    breach_count: int


@dataclass(frozen=True, slots=True)
class Report:
    """A whole verification."""

    ledger_id: str
    position: int
    recorded_at: datetime | None
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every promise holds."""
        return not any(finding.breach_count for finding in self.findings)

    @property
    def breach_count(self) -> int:
        """Breaches of all promises."""
        return sum(finding.breach_count for finding in self.findings)
