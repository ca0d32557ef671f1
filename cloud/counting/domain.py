"""A count's records against the book: how far off, whether it matters, which cells to bind; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from cloud.identity.actor import Role
from contracts.base import epoch_from_int
from contracts.records import RowRef

COUNTERS: Final = (Role.OPERATOR, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who may report a count."""
FORCERS: Final = (Role.SUPERVISOR,)
"""Who may settle a count before the watermark has passed it."""
PROPOSERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who may ask for an adjustment by hand."""
KEEPERS: Final = (Role.INVENTORY_CONTROLLER,)
"""Who may set tolerances and costs."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
ADJUSTMENT_KIND: Final = "count_adjustment"
"""Of the decisions that variances lead to."""
TICKET_KIND: Final = "variance"
QUANTUM: Final = Decimal("0.000001")


class CountingError(Exception):
    """A wrong wish about a count, tolerance or cost; the message names value, expectation and place."""


class UnknownCountError(CountingError):
    """The actor's sites hold no such count or variance."""


class UnknownNameError(CountingError):
    """There is no such bin or item to count, or to set a cost or tolerance for."""


class NotPossibleError(CountingError):
    """It has been settled, superseded or decided already, or cannot be adjusted as it was counted."""


class Verdict(StrEnum):
    """What came of a record once its count was settled."""

    WITHIN = "within"
    BEYOND = "beyond"
    UNREPORTED = "unreported"
    SUPERSEDED = "superseded"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much a record may be off; every limit that is given must hold."""

    quantity: Decimal | None = None
    """In base units."""
    percent: Decimal | None = None
    """Of the book."""
    value: Decimal | None = None
    """In the site's currency."""

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> "Tolerance":
        """Read a tolerance as the database gives it.

        Args:
            stored: Its limits as texts, or None where nobody set any.

        Returns:
            The tolerance; without limits none is allowed.
        """
        limits = stored or {}
        return cls(
            *(
                None if limits.get(name) is None else Decimal(limits[name])
                for name in ("quantity", "percent", "value")
            )
        )

    @property
    def is_set(self) -> bool:
        """Whether any limit is given."""
        return not (self.quantity is None and self.percent is None and self.value is None)


@dataclass(frozen=True, slots=True)
class VarianceRow:
    """A record of a count beside its book: settled, or derived at this moment."""

    gateway: str
    gateway_key: int
    epoch: int
    seq: int
    observed_at: datetime
    site: str
    time_zone: str
    scope: str
    location: str
    location_id: int
    count_task: str | None
    is_blind: bool
    uncertainty_s: float
    counted_by: str | None
    device: str | None
    position: int
    recorded_at: datetime
    posting_id: int
    settled_at: datetime | None
    settled_by: str | None
    forced_reason: str | None
    line_no: int
    """Of its first line; below zero for what was in scope and not reported."""
    item: str
    item_id: int
    item_name: str | None
    category: str | None
    base_unit: str
    is_serialised: bool
    is_lot_controlled: bool
    place: str
    place_id: int
    is_in_unit: bool
    lot: str | None
    disposition: str | None
    owner: str | None
    counted: Decimal | None
    """In base units; None: not reported, and blank is never zero."""
    book: Decimal
    """As of the instant of the count."""
    books: Sequence[Decimal]
    """What it can have been within the count's uncertainty, ascending."""
    cost: Decimal | None
    """Of one base unit; None: not known."""
    currency: str | None
    tolerance: Mapping[str, Any] | None
    is_within: bool | None
    cells: Sequence[Mapping[str, Any]]
    stated_cell: int | None
    verdict: str | None
    """None while the count is not settled."""
    superseded_by: str | None
    decision_id: int | None
    decision_state: str | None
    approver: str | None
    decision_reason: str | None
    anchor_state: str | None
    """``pending``: adjusted, and late facts wait for an approver. Of others: their cells were bound once."""

    @property
    def count_name(self) -> str:
        """Name of the count, ``gateway/epoch/seq``."""
        return f"{self.gateway}/{epoch_from_int(self.epoch)}/{self.seq}"

    @property
    def ref(self) -> RowRef:
        """The count."""
        return RowRef(gateway=self.gateway, epoch=epoch_from_int(self.epoch), seq=self.seq)

    @property
    def name(self) -> str:
        """Name of the record, ``gateway/epoch/seq/line``."""
        return f"{self.count_name}/{self.line_no}"

    @property
    def subject(self) -> str:
        """What a decision on it is about."""
        return f"variance/{self.name}"

    @property
    def stage(self) -> str:
        """``provisional`` until the watermark has passed, then ``final``; ``forced`` by a supervisor."""
        if self.settled_at is None:
            return "provisional"
        return "forced" if self.forced_reason is not None else "final"

    @property
    def state(self) -> str:
        """Where it stands, for people and programs."""
        if self.verdict is not None:
            return self.verdict
        if self.superseded_by is not None:
            return Verdict.SUPERSEDED.value
        if self.counted is None:
            return Verdict.UNREPORTED.value
        return (Verdict.WITHIN if self.is_within else Verdict.BEYOND).value

    @property
    def difference(self) -> Decimal | None:
        """Counted less book, in base units."""
        return None if self.counted is None else self.counted - self.book

    @property
    def differences(self) -> Sequence[Decimal]:
        """Every difference that is possible within the count's uncertainty, ascending."""
        return () if self.counted is None else tuple(self.counted - book for book in reversed(self.books))

    @property
    def value(self) -> Decimal | None:
        """What the difference is worth; None: nobody knows."""
        difference = self.difference
        return None if self.cost is None or difference is None else difference * self.cost

    @property
    def untold_lots(self) -> Sequence[str]:
        """Lots that the book tells apart and the counter had to and did not."""
        if not self.is_lot_controlled or self.lot is not None or self.counted is None:
            return ()
        lots = sorted({cell["lot"] or "not known" for cell in self.cells})
        return lots if len(lots) > 1 else ()


def is_allowed(
    counted: Decimal, book: Decimal, tolerance: Tolerance, *, cost: Decimal | None, is_serialised: bool
) -> bool:
    """Tell whether a record is as good as right.

    Where the book holds nothing (or less), a percentage means nothing and stock that was found is always a
    variance. A serial number is there or it is not. A value limit needs a cost: unknown is above it.

    Args:
        counted: In base units; >= 0.
        book: In base units.
        tolerance: What is allowed.
        cost: Of one base unit; None: not known.
        is_serialised: Whether each piece has its own number.

    Returns:
        True if it is equal, or off by no more than every limit that is given.

    Examples:
        >>> percent = Tolerance(percent=Decimal(2))
        >>> is_allowed(Decimal(99), Decimal(100), percent, cost=None, is_serialised=False)
        True
        >>> is_allowed(Decimal(1), Decimal(0), percent, cost=None, is_serialised=False)
        False
    """
    off = abs(counted - book)
    if off == 0:
        return True
    if is_serialised or book <= 0 or not tolerance.is_set:
        return False
    if tolerance.quantity is not None and off > tolerance.quantity:
        return False
    if tolerance.percent is not None and off * 100 > tolerance.percent * book:
        return False
    return tolerance.value is None or (cost is not None and off * cost <= tolerance.value)


def judged(row: VarianceRow) -> VarianceRow:
    """Say of a derived record whether it is within tolerance.

    Args:
        row: As derived.

    Returns:
        The same with its judgement: within if any of the possible books makes it so.
    """
    if row.counted is None or row.verdict is not None:
        return row
    counted, tolerance = row.counted, Tolerance.of(row.tolerance)
    within = any(
        is_allowed(counted, book, tolerance, cost=row.cost, is_serialised=row.is_serialised)
        for book in {row.book, *row.books}
    )
    return replace(row, is_within=within)


@dataclass(frozen=True, slots=True)
class CellTarget:
    """What one cell is bound to, in its own item's base unit."""

    cell_id: int
    book: Decimal
    counted: Decimal


def targets(row: VarianceRow) -> list[CellTarget]:
    """Say what each cell of a record holds if the record holds what was counted (DOMAIN D6, D7).

    A cell below nothing holds nothing. What is missing then is taken from own stock before that of others,
    sellable or not known before the rest, the largest first; what is over goes to the first of these.

    Args:
        row: A record that was counted.

    Returns:
        One target per cell, in cell order; they add up to what was counted.

    Raises:
        NotPossibleError: If lots must be told apart and were not, an amount is not exact in base units, or
            the cells were bound to the count before.
    """
    if row.counted is None:
        raise NotPossibleError(f"{row.name}: {row.item} was not reported; blank is not zero, count it first")
    if row.anchor_state is not None:
        raise NotPossibleError(
            f"{row.name}: {row.item} at {row.place} was adjusted to this count before, and what arrived "
            "late was refused: count it again"
        )
    if row.untold_lots:
        raise NotPossibleError(
            f"{row.name}: {row.item} is kept by lot and the book holds {len(row.untold_lots)} of them at "
            f"{row.place} ({', '.join(row.untold_lots[:5])}): expected a count of each lot"
        )
    cells = [_Cell.of(cell) for cell in row.cells]
    if not cells:
        if row.stated_cell is None:
            raise NotPossibleError(
                f"{row.name}: {row.item} was counted under another item's name, or without a condition "
                "beside sellable ones: count it anew"
            )
        return [CellTarget(row.stated_cell, Decimal(0), row.counted)]
    wanted = {cell.cell_id: max(cell.book, Decimal(0)) for cell in cells}
    rest = row.counted - sum(wanted.values())
    order = sorted(cells, key=_Cell.taken_in_order)
    if rest > 0:
        wanted[order[0].cell_id] += rest
    for cell in order:
        if rest < 0:
            taken = min(-rest, wanted[cell.cell_id])
            wanted[cell.cell_id] -= taken
            rest += taken
    return sorted(
        (CellTarget(cell.cell_id, cell.own(cell.book), cell.own(wanted[cell.cell_id])) for cell in cells),
        key=lambda target: target.cell_id,
    )


@dataclass(frozen=True, slots=True)
class _Cell:
    cell_id: int
    book: Decimal
    disposition: str | None
    owner: str | None
    numerator: Decimal
    denominator: Decimal

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "_Cell":
        return cls(
            stored["cell"],
            Decimal(stored["book"]),
            stored["disposition"],
            stored["owner"],
            Decimal(stored["numerator"]),
            Decimal(stored["denominator"]),
        )

    def taken_in_order(self) -> tuple[bool, bool, Decimal, int]:
        return (
            self.owner is not None,
            self.disposition not in {None, "sellable"},
            -self.book,
            self.cell_id,
        )

    def own(self, quantity: Decimal) -> Decimal:
        """Give a quantity of the item as it reads now in the base unit of the cell's own item."""
        exact = quantity * self.denominator
        own = (exact / self.numerator).quantize(QUANTUM)
        if own * self.numerator != exact:
            raise NotPossibleError(
                f"cell {self.cell_id}: {quantity} is not exact in the base unit of its own item"
            )
        return own
