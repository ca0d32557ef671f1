"""Inventory record accuracy: of the records that were counted, how many the book had right (DOMAIN D7)."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.counting import store
from cloud.counting.reading import see
from cloud.db import Connection
from cloud.identity.actor import Actor

Z_95: Final = 1.959963984540054
"""Quantile of the standard normal distribution that leaves 2.5 % above it."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy of the records of one site, directed counts and others apart."""

    site: str
    is_directed: bool
    """Whether they were counted because a task said so; such a sample is not random."""
    records: int
    """Item and place (and lot, where controlled) with something counted or on the books."""
    accurate: int
    """Within tolerance at their first blind count; overs and shorts are never netted."""
    empty_and_zero: int
    """Records where nothing was and nothing should be; not among `records`."""

    @property
    def ira(self) -> float | None:
        """Accurate of all, from 0 to 1; None where nothing was counted."""
        return self.accurate / self.records if self.records else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the accuracy of all records lies with 95 % confidence; None where nothing was counted."""
        return wilson(self.accurate, self.records) if self.records else None


def wilson(hits: int, records: int, z: float = Z_95) -> tuple[float, float]:
    """Give Wilson's score interval of a share.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) (Wilson 1927, J. Am. Stat. Assoc. 22, p. 209).

    Args:
        hits: Number of hits; 0 to `records`.
        records: Number of records; > 0.
        z: Quantile of the standard normal distribution; by default for 95 %.

    Returns:
        Lower and upper bound, within 0 to 1.

    Raises:
        ValueError: If an argument is outside the range given above.

    Examples:
        >>> [round(bound, 3) for bound in wilson(95, 100)]
        [0.888, 0.978]
    """
    if records < 1 or not 0 <= hits <= records:
        raise ValueError(f"{hits} hits of {records} records: expected 0 <= hits <= records and some records")
    share = hits / records
    middle = share + z * z / (2 * records)
    half = z * math.sqrt(share * (1 - share) / records + z * z / (4 * records * records))
    scale = 1 + z * z / records
    low = (middle - half) / scale if hits else 0.0
    high = (middle + half) / scale if hits < records else 1.0
    return low, high


def record_accuracy(
    conn: Connection,
    actor: Actor,
    *,
    from_at: datetime,
    until_at: datetime,
    site: str | None = None,
    category: str | None = None,
) -> tuple[list[Accuracy], int]:
    """Measure accuracy by each record's first blind count in a period.

    Args:
        conn: In a transaction.
        actor: Who asks.
        from_at: First instant.
        until_at: The instant after the last.
        site: Only of this site.
        category: Only of items of this category.

    Returns:
        By site, undirected counts before directed ones; and how many counts of the period still wait for
        the watermark and are not in it.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    within = see(conn, actor, site=site)
    period = {"from_at": from_at, "until_at": until_at, "site": site}
    found = store.rows(conn, Accuracy, "record_accuracy", category=category, **period)
    ((waiting,),) = store.tuples(conn, "provisional_counts", **period)
    return [accuracy for accuracy in found if within.may_see(accuracy.site)], waiting
