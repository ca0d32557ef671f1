"""Buckets, what is known of an item's ordering, and which bucket a class of items is forecast in. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple


class Bucket(StrEnum):
    """The period in which demand is forecast; the other periods are its sums or its parts."""

    DAY = "day"
    WEEK = "week"
    FOUR_WEEKS = "four_weeks"
    RECONCILED = "reconciled"
    """All three, each corrected by the others (Athanasopoulos et al. 2017)."""

    @property
    def words(self) -> str:
        """Name it in a sentence."""
        return _WORDS[self]


_WORDS: Final = {
    Bucket.DAY: "days",
    Bucket.WEEK: "weeks",
    Bucket.FOUR_WEEKS: "four weeks",
    Bucket.RECONCILED: "all three together",
}
BLOCK_WEEKS: Final = 4
"""Weeks of the longest bucket."""
DAY_WEEKS: Final = 4
"""Weeks ahead that days are forecast; what is later has the shape of the weeks, at the days' level."""
CHOSEN_FOR: Final = timedelta(weeks=13)
"""Days that a choice holds before it is looked at again."""
LEAST_SERIES: Final = 20
"""Items below which a class has too little evidence, and keeps what it has."""
SHORT_REVIEW: Final = 10
"""Days between two orders up to which a review is short."""
LONG_REVIEW: Final = 21
"""Days from which on it is long."""


class BucketChoice(NamedTuple):
    """Which bucket a class of items of a site is forecast in, since when, and why."""

    class_name: str
    bucket: Bucket
    decided_on: date
    """Last day of the demand it was decided by."""
    evidence: Mapping[str, Any]
    run_id: int | None = None


def review_class(days: int) -> str:
    """Name how often an item is ordered.

    Args:
        days: Between two reviews.

    Returns:
        The name.

    Examples:
        >>> [review_class(days) for days in (7, 14, 28)]
        ['short review', 'medium review', 'long review']
    """
    if days <= SHORT_REVIEW:
        return "short review"
    return "long review" if days >= LONG_REVIEW else "medium review"


def in_force(choices: Sequence[BucketChoice], class_name: str, day: date) -> Bucket:
    """Give the bucket that a class was forecast in on a day.

    Args:
        choices: Of the site, the oldest first.
        class_name: Of the class.
        day: Last day that was known.

    Returns:
        That of the latest choice by then; the week before any.
    """
    past = [one for one in choices if one.class_name == class_name and one.decided_on <= day]
    return past[-1].bucket if past else Bucket.WEEK
