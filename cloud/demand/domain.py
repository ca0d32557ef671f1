"""Demand as values: a line as it is staged, what is wrong with one, what an import did; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.identity.actor import Role

IMPORTERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.PLANNER)
"""Who may say what was asked for."""
CALENDAR_KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who may say when a site's day begins and when it is open."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
MOST_FAULTS_TOLD: Final = 1000
"""Of one import; the others are counted."""


class Kind(StrEnum):
    """What a line says."""

    REQUESTED = "requested"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class Scheme(StrEnum):
    """How a line names its item: by the item's own code, or by an identifier."""

    ITEM = "item"
    GTIN = "gtin"
    SKU = "sku"
    LOCAL = "local"
    SUPPLIER_CODE = "supplier_code"


class StagedLine(NamedTuple):
    """A line whose own fields are right; every text is free of control characters."""

    place: int
    """Line of the file, or number within the batch."""
    site: str
    source: str
    document: str
    line: str
    revision: int | None
    """None: the next one, if the line says something new."""
    kind: str
    scheme: str
    value: str
    channel: str | None
    requested_at: str | None
    """ISO 8601 with offset, or None for a local time."""
    local_at: str | None
    """ISO 8601 by the site's clocks."""
    is_day: bool
    """Whether the local time is a date only."""
    quantity: str
    """Decimal, above zero, in units of what names the item."""
    of_document: str | None
    of_line: str | None


class Fault(NamedTuple):
    """Something wrong with a batch."""

    place: int
    """Line of the file, or number within the batch."""
    field: str
    message: str
    """Value and expectation."""


class Faults:
    """What is wrong with a batch so far; told up to `MOST_FAULTS_TOLD`, all counted."""

    def __init__(self) -> None:
        """Start with none."""
        self.told: list[Fault] = []
        self.total = 0
        self.columns: Mapping[str, str] = {}
        """Of a workbook: the letters of each column's name, so that a fault is told by its cell."""

    def add(self, fault: Fault) -> None:
        """Take one more.

        Args:
            fault: It.
        """
        self.total += 1
        if len(self.told) < MOST_FAULTS_TOLD:
            letters = self.columns.get(fault.field)
            told = f"{fault.field} ({letters}{fault.place})" if letters else fault.field
            self.told.append(fault._replace(field=told))


class DemandError(Exception):
    """A wrong wish about demand; the message names value, expectation and place."""


class UnknownSiteError(DemandError):
    """The actor's sites hold no such site."""


class FaultyLinesError(DemandError):
    """Lines that cannot be stored; nothing of their batch was."""

    def __init__(self, origin: str, faults: Sequence[Fault], total: int) -> None:
        """Keep every fault.

        Args:
            origin: What a place's number follows: ``pos.csv, line``.
            faults: At most `MOST_FAULTS_TOLD`, in order.
            total: How many there are; more than ``faults`` if not all are told.
        """
        told = [f"{origin} {fault.place}: {fault.field}: {fault.message}" for fault in faults]
        if total > len(faults):
            told.append(f"{total - len(faults)} more faults are not listed")
        super().__init__("\n".join(told))
        self.origin = origin
        self.faults = tuple(faults)
        self.total = total


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    lines: int
    added: int
    corrected: int
    """Lines of which this is a new revision."""
    superseded: int
    """Lines that say what a later revision has replaced: nothing changed."""
    repeated: int
    """Lines that say what is known: nothing changed."""
    new_items: int
    """Items that were made, to be merged or named later."""
