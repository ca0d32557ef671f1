"""What labels and people say of a lot's dates, and in what they differ; pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

_DAY: Final = timedelta(days=1)
_MOST_DAYS: Final = 4
"""Days of one kind that a ticket names."""


class LabelRow(NamedTuple):
    """One thing that labels of a lot say, and who scanned it first."""

    item_id: int
    lot: str
    produced_on: date | None
    packed_on: date | None
    best_before: date | None
    """The last day, as in ``sell_by`` and ``use_by``."""
    sell_by: date | None
    use_by: date | None
    said: int
    """Movements that say so and were not reversed."""
    site: str | None
    """None: out of the reader's reach, as gateway and actor then are."""
    gateway: str | None
    actor: str | None
    occurred_at: datetime
    noted_at: datetime


class DatedLot(NamedTuple):
    """A lot's dates as they hold."""

    item_id: int
    item: str
    lot: str
    expires_on: date | None
    """The first day on which it is no longer good."""
    produced_on: date | None
    is_best_before: bool
    """Whether it expires by what labels say of its best quality."""
    is_production_stated: bool
    """Whether people said when it was made."""
    labels_differ: str | None
    """What people were told."""
    expiry_said_at: datetime | None
    """When somebody last spoke of it: what labels said by then is answered."""
    production_said_at: datetime | None


class Difference(NamedTuple):
    """In what labels of a lot differ from each other, or from what people said."""

    words: str
    site: str | None
    """Where what differs was scanned first, the latest known of it."""


def difference(lot: DatedLot, labels: Sequence[LabelRow]) -> Difference | None:
    """Tell in what labels of a lot differ from the dates that hold, and nobody has answered.

    Args:
        lot: Its dates: of several that labels say, the earliest hold.
        labels: What they say, in the order in which it became known.

    Returns:
        The difference; None if there is none.
    """
    fresh = [each for each in labels if _is_fresh(each, lot.expiry_said_at)]
    found: list[tuple[str, list[LabelRow]]] = []
    use_by = [each for each in fresh if each.use_by and each.use_by + _DAY != lot.expires_on]
    if use_by:
        found.append((_named("use by", (each.use_by for each in fresh)), use_by))
    best_before = [each for each in fresh if each.best_before and not _fits(lot, each.best_before)]
    if best_before or len({each.best_before for each in fresh if each.best_before}) > 1:
        found.append((_named("best before", (each.best_before for each in fresh)), best_before or fresh))
    made = [each for each in labels if each.produced_on and _is_fresh(each, lot.production_said_at)]
    others = [each for each in made if each.produced_on != lot.produced_on]
    if others:
        found.append((_named("produced on", (each.produced_on for each in made)), others))
    if not found:
        return None
    words = "; ".join(text for text, _ in found)
    return Difference(words, found[0][1][-1].site)


def counts_as(lot: DatedLot) -> str:
    """Say how long a lot counts as good."""
    until = f"it is good until {lot.expires_on}, that day not included" if lot.expires_on else "it keeps"
    return f"{until}, produced on {lot.produced_on}" if lot.produced_on else until


def _is_fresh(label: LabelRow, answered_at: datetime | None) -> bool:
    return answered_at is None or label.noted_at > answered_at


def _fits(lot: DatedLot, best_before: date) -> bool:
    """Tell whether a best-before date can be a lot's: it may end before the lot expires, but not after."""
    if lot.is_best_before:
        return best_before + _DAY == lot.expires_on
    return lot.expires_on is None or best_before < lot.expires_on


def _named(what: str, days: Iterable[date | None]) -> str:
    told = sorted({day for day in days if day})
    more = f" and {len(told) - _MOST_DAYS} other days" if len(told) > _MOST_DAYS else ""
    return f"{what} {', '.join(map(str, told[:_MOST_DAYS]))}{more}"
