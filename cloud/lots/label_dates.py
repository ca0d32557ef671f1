"""What labels and people say of a lot's dates, and in what they differ; pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
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

    A day is answered for all labels that ever say it, whatever else they say. That a lot expires before it
    was made is told as long as it does: no answer makes that true.

    Args:
        lot: Its dates: of several that labels say, the earliest hold.
        labels: What they say, in the order in which it became known.

    Returns:
        The difference; None if there is none.
    """
    use_by = _fresh(labels, attrgetter("use_by"), lot.expiry_said_at)
    best_before = _fresh(labels, attrgetter("best_before"), lot.expiry_said_at)
    made = _fresh(labels, attrgetter("produced_on"), lot.production_said_at)
    unfit = [day for day in best_before if not _fits(lot, day)]
    kinds = (
        ("use by", use_by, [day for day in use_by if day + _DAY != lot.expires_on]),
        ("best before", best_before, unfit or (list(best_before) if len(best_before) > 1 else [])),
        ("produced on", made, [day for day in made if day != lot.produced_on]),
    )
    found: list[tuple[str, LabelRow | None]] = [
        (_named(what, days), days[others[-1]]) for what, days, others in kinds if others
    ]
    if lot.expires_on and lot.produced_on and lot.expires_on <= lot.produced_on:
        words = f"produced on {lot.produced_on}, not before it expires on {lot.expires_on}"
        found.append((words, _latest_behind(lot, labels)))
    if not found:
        return None
    _, label = found[0]
    return Difference("; ".join(words for words, _ in found), label.site if label else None)


def counts_as(lot: DatedLot) -> str:
    """Say how long a lot counts as good."""
    until = f"it is good until {lot.expires_on}, that day not included" if lot.expires_on else "it keeps"
    return f"{until}, produced on {lot.produced_on}" if lot.produced_on else until


def _fresh(
    labels: Iterable[LabelRow], day_of: Callable[[LabelRow], date | None], answered_at: datetime | None
) -> dict[date, LabelRow]:
    """Find the days that no label said yet when somebody spoke, each with the label that said it first."""
    first: dict[date, LabelRow] = {}
    for each in labels:
        day = day_of(each)
        if day and (day not in first or each.noted_at < first[day].noted_at):
            first[day] = each
    return {day: label for day, label in first.items() if answered_at is None or label.noted_at > answered_at}


def _latest_behind(lot: DatedLot, labels: Iterable[LabelRow]) -> LabelRow | None:
    """Find the last of the labels by which a lot expires, or was made."""
    said = [
        each
        for each in labels
        if each.produced_on == lot.produced_on
        or lot.expires_on in {day + _DAY for day in (each.use_by, each.best_before) if day}
    ]
    return said[-1] if said else None


def _fits(lot: DatedLot, best_before: date) -> bool:
    """Tell whether a best-before date can be a lot's: it may end before the lot expires, but not after."""
    if lot.is_best_before:
        return best_before + _DAY == lot.expires_on
    return lot.expires_on is None or best_before < lot.expires_on


def _named(what: str, days: Iterable[date | None]) -> str:
    told = sorted({day for day in days if day})
    more = f" and {len(told) - _MOST_DAYS} other days" if len(told) > _MOST_DAYS else ""
    return f"{what} {', '.join(map(str, told[:_MOST_DAYS]))}{more}"
