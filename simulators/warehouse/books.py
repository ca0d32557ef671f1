"""The stream's own book-keeping: balances by cell, opening stock, and counts of what was on the shelf."""

from typing import Final

import numpy as np

from simulators.warehouse.flow import Flow, Ints, Kind, join
from simulators.warehouse.layout import CUSTOMER, OPENING

COUNTED_SHARE: Final = 0.02
"""Share of picks after which the picker counts what is left."""
MISCOUNT_SHARE: Final = 0.02
"""Share of counts that are off by one."""


def balances_of(moved: Flow) -> tuple[Ints, Ints]:
    """Add up movements per cell.

    Args:
        moved: Movements only.

    Returns:
        Cells as rows site, item, place, lot, is-returned of shape (5, m), and their m totals, zeros included.
    """
    keys, deltas = _deltas(moved)
    cells, index = _grouped(keys)
    totals = np.zeros(cells.shape[1], np.int64)
    np.add.at(totals, index, deltas)
    return cells, totals


def opened(told: Flow) -> Flow:
    """Turn what is in stock at instant 0 into opening movements, and forget how it came there.

    Args:
        told: Records in order of time, some before instant 0.

    Returns:
        Records from instant 0: openings, positions of the units that hold opened stock, and the rest.
    """
    is_past = told.at_us < 0
    cells, stock = balances_of(told.take(is_past & told.moves))
    site, item, place, lot, is_returned = cells
    is_stock = (stock > 0) & (place > CUSTOMER) & (is_returned == 0)
    number = int(is_stock.sum())
    opening = Flow(
        kind=np.full(number, Kind.OPENING, np.int64),
        at_us=np.zeros(number, np.int64),
        site=site[is_stock],
        gateway=np.zeros(number, np.int64),
        item=item[is_stock],
        lot=lot[is_stock],
        quantity=stock[is_stock],
        source=np.full(number, OPENING, np.int64),
        destination=place[is_stock],
    )
    held = told.take(is_past & (told.kind == Kind.UNIT_POSITION) & np.isin(told.source, place[is_stock]))
    return join([opening, held.with_column("at_us", np.zeros(len(held), np.int64)), told.take(~is_past)])


def counted(rng: np.random.Generator, told: Flow) -> Flow:
    """Replace some records by counts, so that their number stays.

    Args:
        rng: Source of every choice.
        told: Records in order of time whose balances begin at zero.

    Returns:
        As many records: after some picks the rest of the stream gives way to a count of the shelf.
    """
    picked = np.flatnonzero((told.kind == Kind.PICK) & (rng.random(len(told)) < COUNTED_SHARE))
    seen = _left_behind(told)[picked]
    miscount = np.where(rng.random(len(picked)) < MISCOUNT_SHARE, rng.choice((-1, 1), len(picked)), 0)
    count = told.take(picked)
    count = count.with_column("kind", np.full(len(picked), Kind.COUNT, np.int64))
    count = count.with_column("destination", count.source)
    count = count.with_column("quantity", np.maximum(seen + miscount, 0))
    both = join([told, count])
    order = np.argsort(np.concatenate((np.arange(len(told)) * 2, picked * 2 + 1)))
    return both.take(order[: len(told)])


def _left_behind(told: Flow) -> Ints:
    """Say, for each movement, what its source cell holds right after it; 0 for other records."""
    rows = np.flatnonzero(told.moves)
    keys, deltas = _deltas(told.take(rows))
    _, cell = _grouped(keys)
    happened = np.tile(rows, 2)
    order = np.lexsort((happened, cell))
    running = np.cumsum(deltas[order])
    is_first = np.concatenate(([True], np.diff(cell[order]) != 0))
    base = np.where(is_first, running - deltas[order], 0)
    balance = np.empty_like(running)
    balance[order] = running - base[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]
    left = np.zeros(len(told), np.int64)
    left[rows] = balance[: len(rows)]
    return left


def _deltas(moved: Flow) -> tuple[Ints, Ints]:
    is_returned = (moved.kind == Kind.RETURN).astype(np.int64)
    taken = np.stack((moved.site, moved.item, moved.source, moved.lot, np.zeros_like(is_returned)))
    given = np.stack((moved.site, moved.item, moved.destination, moved.lot, is_returned))
    return np.concatenate((taken, given), axis=1), np.concatenate((-moved.quantity, moved.quantity))


def _grouped(keys: Ints) -> tuple[Ints, Ints]:
    """Find the distinct columns of keys, packing two parts at a time into one integer."""
    index = np.zeros(keys.shape[1], np.int64)
    for part in keys:
        low = int(part.min(initial=0))
        packed = index * (int(part.max(initial=0)) - low + 1) + (part - low)
        index = np.unique(packed, return_inverse=True)[1].reshape(-1)
    first = np.zeros(int(index.max(initial=-1)) + 1, np.int64)
    first[index] = np.arange(len(index))
    return keys[:, first], index
