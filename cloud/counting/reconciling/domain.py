"""A stated stock list as a value, and every fault of it at once; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.counting.domain import CountingError
from contracts.vocabulary import Disposition

RECONCILIATION_KIND: Final = "reconciliation"
MOST_LINES: Final = 50_000
LARGEST: Final = Decimal(10) ** 20
_DISPOSITIONS: Final = frozenset(Disposition)

StatedName = tuple[str, str, str | None, str | None, str | None]


class ReconciliationError(CountingError):
    """A list that cannot be reconciled; `faults` holds one line per fault, the message the first of them."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep every fault.

        Args:
            faults: One per wrong line, at least one.
        """
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class StatedLine:
    """What is said to have been at a place: the total over lots, conditions, owners that it does not tell."""

    item: str
    location: str
    quantity: Decimal | None
    """In base units; zero or more. None: it could not be read, as the list's faults say."""
    lot: str | None = None
    disposition: str | None = None
    owner: str | None = None
    place: str = ""
    """Where it stands in a file."""

    @property
    def name(self) -> StatedName:
        """What it is about, as far as it tells."""
        return self.item, self.location, self.lot, self.disposition, self.owner


@dataclass(frozen=True, slots=True)
class StatedList:
    """A stock list of a site as of an instant."""

    site: str
    observed_at: datetime
    lines: Sequence[StatedLine]
    origin: str
    """The file, or who sent it."""
    faults: Sequence[str] = ()
    """What of it could not be read."""


def faults_of(
    stated: StatedList,
    items: Mapping[str, int],
    places: Mapping[str, int],
    now: datetime,
    *,
    merged: Mapping[str, str],
) -> Iterator[str]:
    """Find everything that is wrong with a list.

    Args:
        stated: The list.
        items: Known items by code.
        places: Known real places of the site by code.
        now: The present.
        merged: Of these items, the codes that read as another's.

    Yields:
        A line per fault: place, value, expectation.
    """
    yield from stated.faults
    if not 1 <= len(stated.lines) <= MOST_LINES:
        yield f"{stated.origin}: {len(stated.lines)} lines: expected 1 to {MOST_LINES}"
    if stated.observed_at > now:
        yield f"{stated.origin}: observed at {stated.observed_at.isoformat()}: expected a time that is past"
    first: dict[StatedName, tuple[int, str]] = {}
    for number, line in enumerate(stated.lines, start=1):
        where = line.place or f"line {number}"
        if line.item not in items:
            yield f"{where}: there is no item {line.item!r:.130}"
        if line.item in merged:
            yield f"{where}: item {line.item!r:.130} reads as {merged[line.item]!r:.130}: expected that one"
        if line.location not in places:
            yield f"{where}: there is no place {line.location!r:.130} at {stated.site}"
        if line.quantity is not None and not _is_possible(line.quantity):
            yield f"{where}: quantity {line.quantity}: expected zero or more, with at most six decimals"
        if line.disposition is not None and line.disposition not in _DISPOSITIONS:
            yield f"{where}: condition {line.disposition!r:.60}: expected one of {', '.join(Disposition)}"
        before, there = first.setdefault(line.name, (number, where))
        if before != number:
            yield f"{where}: {line.item} at {line.location} stands in {there} already"


def _is_possible(quantity: Decimal) -> bool:
    return quantity.is_finite() and 0 <= quantity < LARGEST and quantity == round(quantity, 6)
