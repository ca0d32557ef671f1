"""What lies there, comes and is ordered of an item in, what of it may be promised out; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from cloud.allocation.domain import Cell, Want
from cloud.allocation.fefo import Plan, allocate
from cloud.allocation.promise import Demand, Promise, Supply, available_to_promise
from cloud.allocation.store import LineRow, ReceiptRow

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class HeldCell(Cell):
    """A cell with all that it holds."""

    held: Decimal = _NOTHING
    """In base units, with what is claimed of it."""

    @property
    def claimed(self) -> Decimal:
        """What of it is claimed hard, or was picked; it may be more than it holds."""
        return self.held - self.free


def promised_by_date(
    cells: Sequence[HeldCell], receipts: Iterable[ReceiptRow], orders: Sequence[LineRow], *, today: date
) -> list[Promise]:
    """Tell what may be promised of an item, by date, as claiming would give it.

    Claimed cells are their lines' own. Soft claims are served next, from the cells that claiming would take
    for them, then lines that ask for a lot or a unit; what is left goes by FEFO to the other lines on their
    days, each with its customer's minimum life. A doubted cell gives nothing, as in claiming.

    Args:
        cells: What lies there of the item and may leave, each cell once.
        receipts: What comes; overdue and dateless ones are promised to nobody.
        orders: Open lines of the item with what is claimed for them.
        today: The first day, at the site.

    Returns:
        ATP by date, as `available_to_promise` gives it.
    """
    bound = _bound(orders)
    plan = allocate([*_softs(orders), *bound], cells)
    taken: defaultdict[int, Decimal] = defaultdict(Decimal)
    for claim in plan.claims:
        taken[claim.cell.cell_id] += claim.quantity
    supplies = [_supply(cell, taken[cell.cell_id], today) for cell in cells if cell.held > 0]
    due = [each for each in receipts if each.due_on and each.due_on >= today]
    supplies += [Supply(each.due_on, each.quantity) for each in due if each.due_on]
    beyond = sum((line.hard for line in orders), _NOTHING) - sum(
        (min(cell.claimed, max(cell.held, _NOTHING)) for cell in cells), _NOTHING
    )
    below = sum((-cell.held for cell in cells if cell.held < 0), _NOTHING)
    demands = [Demand(today, quantity) for quantity in (beyond, below) if quantity > 0]
    named = {want.name for want in bound}
    free = [line for line in orders if line.name not in named]
    demands += [*_short(plan, orders, today), *_unclaimed(free)]
    return available_to_promise(supplies, demands, from_day=today)


def _supply(cell: HeldCell, taken: Decimal, today: date) -> Supply:
    claimed = min(cell.claimed + taken, cell.held)
    quantity = claimed if cell.is_doubted else cell.held
    return Supply(today, quantity, cell.expires_on, claimed)


def _softs(orders: Iterable[LineRow]) -> list[Want]:
    return [line.want(line.soft, is_claim=True) for line in orders if line.soft > 0]


def _bound(orders: Iterable[LineRow]) -> list[Want]:
    """What lines that nothing else will do for still want."""
    return [line.want(line.missing) for line in orders if (line.lot or line.unit) and line.missing > 0]


def _short(plan: Plan, orders: Iterable[LineRow], today: date) -> list[Demand]:
    """What no cell covers waits for receipts: what is claimed from today on."""
    lines = {line.name: line for line in orders}
    return [
        Demand(
            today if each.is_claim else lines[each.name].needed_on,
            each.quantity,
            lines[each.name].minimum_days,
        )
        for each in plan.shortfalls
    ]


def _unclaimed(lines: Iterable[LineRow]) -> list[Demand]:
    return [
        Demand(line.needed_on, missing, line.minimum_days) for line in lines if (missing := line.missing) > 0
    ]
