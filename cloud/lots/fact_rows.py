"""Movements as the resolver reads them, and what is made of them before anything is inferred; pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final, NamedTuple

from cloud.lots.inferring import RowName

NEAR: Final = timedelta(days=1)
"""How far apart a dock account's coming and going may lie to be of the same receipt."""


class FactRow(NamedTuple):
    """A movement with what tells of it, as the database gives it."""

    gateway: str
    epoch: str
    seq: int
    occurred_at: datetime
    site: str
    quantity: Decimal
    is_taken_back: bool
    is_due: bool
    from_place: int
    from_kind: str
    from_code: str
    from_lot: str | None
    from_disposition: str | None
    from_owner: str | None
    to_place: int
    to_kind: str
    to_code: str
    to_lot: str | None
    to_disposition: str | None
    to_owner: str | None
    adjustment: int | None
    serials: list[str]
    document_lots: list[str]
    unit_lots: list[str]
    is_open: bool
    """Whether it leaves a lot unsaid."""

    @property
    def name(self) -> RowName:
        """Names it."""
        return RowName(self.gateway, self.epoch, self.seq)

    @property
    def gained(self) -> Decimal:
        """What a counted place gained by it."""
        return -self.quantity if self.to_kind == "virtual" else self.quantity


def netted(rows: Sequence[FactRow]) -> list[FactRow]:
    """Take what an adjustment moved as one movement, after all else of its instant.

    How often late facts made it move again is no matter: what it comes to is a function of the count and of
    what was stated. The first of its movements that goes that way stands for all.

    Args:
        rows: Movements, whole instants of them, in their order.

    Returns:
        The same, in the order in which they are to be looked at.
    """
    net: defaultdict[int | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        net[row.adjustment] += row.gained
    found = []
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.adjustment is not None)):
        if row.adjustment is None:
            found.append(row)
        elif net[row.adjustment] * row.gained > 0:
            found.append(row._replace(quantity=abs(net.pop(row.adjustment))))
        else:
            found.append(row._replace(is_taken_back=True))
    return found


def received_near(receipts: Mapping[str, Sequence[datetime]], at: datetime) -> list[str]:
    """Name the lots that came within a day; of several, two.

    Args:
        receipts: By lot, when it came; sorted.
        at: When something left.

    Returns:
        None, one or two.
    """

    def is_near(times: Sequence[datetime]) -> bool:
        nth = bisect_left(times, at - NEAR)
        return nth < len(times) and times[nth] <= at + NEAR

    return list(islice((lot for lot, times in receipts.items() if is_near(times)), 2))
