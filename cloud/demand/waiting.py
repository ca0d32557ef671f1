"""What waits to be stored, as values: why it waits, when it is tried again, how much may wait. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.demand.domain import DemandError

LONGEST_REASON: Final = 500
LONGEST_MESSAGE: Final = 2000
MOST_WAITING: Final = 10_000
"""Of a source; those that nobody has added share it, by site. More is refused, and the sender told."""
MOST_BYTES_WAITING: Final = 64 << 20
"""The same, in bytes."""
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When what time cannot heal is tried again: only if a person asks."""
MANY_TRIES: Final = 100
"""Some four days, hourly at last; from then on it is tried once a day."""
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)
_LATER_WAIT: Final = timedelta(days=1)


class Origin(StrEnum):
    """What it is."""

    ORDER_LINE = "order_line"
    MESSAGE = "message"


class Reason(StrEnum):
    """Why it waits; a stable word."""

    UNKNOWN_NAME = "unknown_name"
    """It names no item, or a unit of none."""
    UNKNOWN_SOURCE = "unknown_source"
    SOURCE_PAUSED = "source_paused"
    FAULTY = "faulty"
    """Its lines contradict what is known, or do not add up."""
    UNREADABLE = "unreadable"
    OTHER_RELEASE = "other_release"
    """Of a schema that this release does not read."""
    TOO_EXACT = "too_exact"
    """It cannot be told in base units of 14 digits and six decimals."""
    BUSY = "busy"
    """Another import of its source went on meanwhile, or its own took too long."""


HEALED_BY_TIME: Final = frozenset(
    {
        Reason.UNKNOWN_NAME,
        Reason.UNKNOWN_SOURCE,
        Reason.SOURCE_PAUSED,
        Reason.OTHER_RELEASE,
        Reason.FAULTY,
        Reason.BUSY,
    }
)
"""By what others do meanwhile: an item is registered, a source added, a request sent, we are upgraded."""


class HeldState(StrEnum):
    """What became of it."""

    HELD = "held"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class UnknownHeldError(DemandError):
    """The actor's sites hold nothing of that number."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that shall wait."""

    site: str
    source: str
    origin: Origin
    name: str
    payload: bytes
    reason: Reason
    message: str


class MustWaitError(Exception):
    """Something that cannot be stored now."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep why.

        Args:
            reason: As a word.
            message: The same for people.
        """
        super().__init__(message[:LONGEST_MESSAGE])
        self.reason = reason


class Held(NamedTuple):
    """Something that waits, or has waited."""

    held_id: int
    site: str
    source: str
    origin: str
    name: str
    """Of an order's line: document and line; of a message: its SHA-256."""
    payload: bytes
    """As it came."""
    reason: str
    message: str
    held_at: datetime
    due_at: datetime
    """When it is tried again."""
    tries: int
    state: str
    settled_at: datetime | None
    settled_by: str | None
    settled_because: str | None


class FullError(DemandError):
    """Too much of a source waits already; what came is not kept, and has to be sent again."""


def next_try(reason: Reason, tries: int, now: datetime) -> datetime:
    """Say when something is tried again.

    Args:
        reason: Why it waits.
        tries: How often it was tried.
        now: The present.

    Returns:
        After a minute, two, four and so on, hourly at last; once a day in the long run. `NEVER`: time does
        not heal it.

    Examples:
        >>> now = datetime(2026, 3, 1, tzinfo=UTC)
        >>> [str(next_try(Reason.BUSY, tries, now) - now) for tries in (0, 3, 99, 101)]
        ['0:01:00', '0:08:00', '1:00:00', '1 day, 0:00:00']
    """
    if reason not in HEALED_BY_TIME:
        return NEVER
    if tries > MANY_TRIES:
        return now + _LATER_WAIT
    return now + min(_FIRST_WAIT * (1 << min(tries, 16)), _LONGEST_WAIT)


def busy_until(now: datetime) -> datetime:
    """Say when a source that another import holds is tried again.

    Args:
        now: The present.

    Returns:
        A minute later.
    """
    return now + _FIRST_WAIT


def storable(message: str) -> str:
    """Write words from outside so that a row can hold them.

    Args:
        message: Any text.

    Returns:
        At most `LONGEST_MESSAGE` characters, without NUL or half of a surrogate pair.
    """
    text = message.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
    return text[:LONGEST_MESSAGE] or "(no words)"
