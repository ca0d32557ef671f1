"""A stated stock list as a value, and every fault of it at once; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.counting.domain import CountingError
from cloud.faults import Fault
from contracts.vocabulary import Disposition

RECONCILIATION_KIND: Final = "reconciliation"
MOST_LINES: Final = 50_000
LARGEST: Final = Decimal(10) ** 20
_DISPOSITIONS: Final = frozenset(Disposition)

_NAMING: Final = ("item", "location", "lot", "disposition", "owner")

StatedName = tuple[str, str, str | None, str | None, str | None]


class ReconciliationError(CountingError):
    """A list that cannot be reconciled; the message has a line for each of its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep every fault.

        Args:
            faults: At least one.
        """
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class StatedLine:
    """What is said to have been at a place: the total over lots, conditions, owners that it does not tell."""

    item: str
    location: str
    quantity: Decimal | None
    """In base units; zero or more. None: it could not be read."""
    lot: str | None = None
    disposition: str | None = None
    owner: str | None = None
    place: str = ""
    """Where it stands in a file."""
    unread: frozenset[str] = frozenset()
    """Fields that could not be read; they stand empty."""

    @property
    def name(self) -> StatedName:
        """What the cell is that it is bound to: sellable goods and those of no stated condition are one."""
        condition = None if self.disposition == Disposition.SELLABLE else self.disposition
        return self.item, self.location, self.lot, condition, self.owner


@dataclass(frozen=True, slots=True)
class StatedList:
    """A stock list of a site as of an instant."""

    site: str
    observed_at: datetime
    lines: Sequence[StatedLine]
    origin: str
    """The file, or who sent it."""
    faults: Sequence[Fault] = ()
    """What of it could not be read."""


def faults_of(
    stated: StatedList,
    items: Mapping[str, int],
    places: Mapping[str, int],
    now: datetime,
    *,
    merged: Mapping[str, str],
) -> Iterator[Fault]:
    """Find everything that is wrong with a list.

    Args:
        stated: The list.
        items: Known items by code.
        places: Known real places of the site by code.
        now: The present.
        merged: Of these items, the codes that read as another's.

    Yields:
        Each fault, with the line that it is of.
    """
    yield from stated.faults
    if not 1 <= len(stated.lines) <= MOST_LINES:
        message = f"{stated.origin}: {len(stated.lines)} lines: expected 1 to {MOST_LINES}"
        yield Fault(None, "lines", len(stated.lines), message)
    if stated.observed_at > now:
        at = stated.observed_at.isoformat()
        message = f"{stated.origin}: observed at {at}: expected a time that is past"
        yield Fault(None, "observed_at", at, message)
    first: dict[StatedName, tuple[int, str]] = {}
    for index, line in enumerate(stated.lines):
        where = line.place or f"line {index + 1}"
        for field, value, message in _faults_of_line(line, stated.site, items, places, merged):
            if field not in line.unread:
                yield Fault(index, field, value, f"{where}: {message}")
        if not line.unread.isdisjoint(_NAMING):
            continue
        before, there = first.setdefault(line.name, (index, where))
        if before != index:
            message = f"{where}: {line.item} at {line.location} stands in {there} already"
            yield Fault(index, "", line.item, message)


def _faults_of_line(
    line: StatedLine,
    site: str,
    items: Mapping[str, int],
    places: Mapping[str, int],
    merged: Mapping[str, str],
) -> Iterator[tuple[str, str, str]]:
    """Give field, value and message of each."""
    if line.item not in items:
        yield "item", line.item, f"there is no item {line.item!r:.130}"
    if line.item in merged:
        message = f"item {line.item!r:.130} reads as {merged[line.item]!r:.130}: expected that one"
        yield "item", line.item, message
    if line.location not in places:
        yield "location", line.location, f"there is no place {line.location!r:.130} at {site}"
    if line.quantity is not None and not _is_possible(line.quantity):
        message = f"quantity {line.quantity}: expected zero or more, with at most six decimals"
        yield "quantity", f"{line.quantity}", message
    if line.disposition is not None and line.disposition not in _DISPOSITIONS:
        message = f"condition {line.disposition!r:.60}: expected one of {', '.join(Disposition)}"
        yield "disposition", line.disposition, message


def _is_possible(quantity: Decimal) -> bool:
    return quantity.is_finite() and 0 <= quantity < LARGEST and quantity == round(quantity, 6)
