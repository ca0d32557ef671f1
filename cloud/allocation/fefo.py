"""Which cells serve which lines: one pass over lines by priority and date, cells by expiry; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from cloud.allocation.domain import Cell, Claim, Shortfall, Want

_KEEPS: Final = date.max
_SKIPPED: Final = 16
"""One in so many cells of an item may be empty and is passed by, before the empty ones are taken out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What each line gets, and what it does not."""

    claims: tuple[Claim, ...]
    shortfalls: tuple[Shortfall, ...]


def allocate(wants: Iterable[Want], cells: Iterable[Cell]) -> Plan:
    """Serve lines from cells: first expired, first out, for lines in order of priority and date.

    Soft claims are served before new lines, then lower priorities, then earlier days; of one day in the order
    of their names. A line takes from the cell that expires first of those that last as long as it needs;
    between equals the site's own goods before consigned ones, a pick face before a reserve, then the oldest
    cell. A cell that holds less than is claimed of it gives nothing. What a line may not use stays for the
    next, in one pass.

    Args:
        wants: What lines still need.
        cells: What there is, each cell once.

    Returns:
        Claims in the order in which they were made, and a shortfall for each line that is not covered.

    Examples:
        >>> from cloud.allocation.domain import LineName
        >>> line = Want(LineName("outbound_order", "O-1", "1"), 7, Decimal(8), date(2026, 3, 2))
        >>> old = Cell(1, 7, Decimal(5), "A-01", lot="L1", expires_on=date(2026, 6, 1))
        >>> new = Cell(2, 7, Decimal(9), "A-02", lot="L2", expires_on=date(2026, 9, 1))
        >>> [(claim.cell.lot, int(claim.quantity)) for claim in allocate([line], [new, old]).claims]
        [('L1', 5), ('L2', 3)]
    """
    shelves: defaultdict[int, list[_Shelf]] = defaultdict(list)
    for cell in sorted(cells, key=_by_expiry):
        if cell.free > 0:
            shelves[cell.item_id].append(_Shelf(cell, cell.free))
    emptied: defaultdict[int, int] = defaultdict(int)
    claims: list[Claim] = []
    shortfalls: list[Shortfall] = []
    for want in sorted(wants, key=_by_urgency):
        shelf = shelves[want.item_id]
        made, left, passed_over = _serve(want, shelf)
        claims += made
        if left > 0:
            shortfalls.append(Shortfall(want.name, want.item_id, left, passed_over, want.is_claim))
        emptied[want.item_id] += len(made)
        if emptied[want.item_id] * _SKIPPED >= len(shelf):
            shelves[want.item_id] = [each for each in shelf if each.left > 0]
            emptied[want.item_id] = 0
    return Plan(tuple(claims), tuple(shortfalls))


class HasDay(Protocol):
    """A line that goods leave for on a day."""

    @property
    def needed_on(self) -> date:
        """Site day on which they leave."""
        ...

    @property
    def minimum_days(self) -> int:
        """Days that they must be good for after that."""
        ...


def lasts_until(want: HasDay) -> date:
    """Tell until when goods must be good to serve a line.

    Args:
        want: The line.

    Returns:
        The last day on which they must not have expired; at most the last of the calendar.
    """
    return want.needed_on + timedelta(days=min(want.minimum_days, (date.max - want.needed_on).days))


@dataclass(slots=True)
class _Shelf:
    cell: Cell
    left: Decimal


def _serve(want: Want, shelf: Sequence[_Shelf]) -> tuple[list[Claim], Decimal, dict[str, Decimal]]:
    left, made = want.quantity, list[Claim]()
    passed_over: defaultdict[str, Decimal] = defaultdict(Decimal)
    until = lasts_until(want)
    for each in shelf:
        if left == 0:
            break
        cell = each.cell
        if each.left == 0:
            continue
        if unfit := _unfit(want, cell, until):
            passed_over[unfit] += each.left
            continue
        taken = min(left, each.left)
        made.append(
            Claim(want.name, want.item_id, cell, taken, want.is_claim, _why(want, cell, until, passed_over))
        )
        left -= taken
        each.left -= taken
    return made, left, dict(passed_over)


def _unfit(want: Want, cell: Cell, until: date) -> str | None:
    if want.unit is not None and cell.unit != want.unit:
        return "other_unit"
    if want.lot is not None and cell.lot != want.lot:
        return "other_lot"
    if cell.is_doubted:
        return "doubted"
    if cell.expires_on is not None and cell.expires_on <= until:
        return "expires_too_soon"
    return None


def _why(want: Want, cell: Cell, until: date, passed_over: dict[str, Decimal]) -> dict[str, Any]:
    rule = "asked_for" if want.lot or want.unit else "fefo" if cell.expires_on else "oldest"
    why: dict[str, Any] = {"rule": rule, "good_until": until.isoformat()}
    if cell.expires_on is not None:
        why["expires_on"] = cell.expires_on.isoformat()
    if passed_over:
        why["passed_over"] = {reason: str(quantity) for reason, quantity in passed_over.items()}
    return why


def _by_expiry(cell: Cell) -> tuple[date, bool, bool, int]:
    return cell.expires_on or _KEEPS, cell.owner is not None, not cell.is_pick_face, cell.cell_id


def _by_urgency(want: Want) -> tuple[bool, int, date, object]:
    return not want.is_claim, want.priority, want.needed_on, want.name
