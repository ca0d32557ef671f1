"""A stationary stream over a fixed set of cells: what a ledger's speed is measured with."""

from typing import Final

import numpy as np

from simulators.warehouse.flow import NO_LOT, SPAN, Flow, Ints, Kind
from simulators.warehouse.layout import CUSTOMER, OPENING, SUPPLIER, Layout, zipf

BINS_PER_ITEM: Final = 10
_OPENING_QUANTITY: Final = 1_000_000
_RECEIPT_QUANTITY: Final = 24
_KINDS: Final = (Kind.SHIP, Kind.MOVE, Kind.RECEIPT)
_SHARES: Final = (0.65, 0.25, 0.10)


def draw(*, count: int, cells: int, sites: int, seed: int) -> tuple[Layout, Flow]:
    """Draw movements whose cell follows Zipf's law with exponent 1.

    The first ``cells`` records open every cell; the others ship out of a cell, move from it to the item's
    next bin, or receive into it.

    Args:
        count: Number of records after the openings, >= 0.
        cells: Number of stock cells over all sites, a multiple of 10.
        sites: Number of sites the cells are spread over, >= 1.
        seed: Fixes everything.

    Returns:
        The building and ``cells + count`` records in order of time; ``at_us`` in ticks.

    Raises:
        ValueError: If ``cells`` is not a positive multiple of 10.
    """
    if cells < BINS_PER_ITEM or cells % BINS_PER_ITEM:
        raise ValueError(f"cells is {cells}, expected a positive multiple of {BINS_PER_ITEM}")
    layout = Layout(items=cells // BINS_PER_ITEM, bins=cells // 4 + BINS_PER_ITEM)
    rng = np.random.default_rng(seed)
    by_rank = rng.permutation(cells)
    cell = np.concatenate((np.arange(cells), by_rank[rng.choice(cells, size=count, p=zipf(cells))]))
    kind = np.concatenate((np.full(cells, Kind.OPENING), rng.choice(_KINDS, size=count, p=_SHARES)))
    item, nth = cell // BINS_PER_ITEM, cell % BINS_PER_ITEM
    stock, beside = (_bin(layout, item, n) for n in (nth, (nth + 1) % BINS_PER_ITEM))
    is_in = (kind == Kind.OPENING) | (kind == Kind.RECEIPT)
    outside = np.where(kind == Kind.OPENING, OPENING, SUPPLIER)
    flow = Flow(
        kind=kind,
        at_us=np.linspace(0, SPAN, len(kind)).astype(np.int64),
        site=item % sites,
        gateway=np.zeros(len(kind), np.int64),
        item=item,
        lot=np.full(len(kind), NO_LOT, np.int64),
        quantity=np.select(
            [kind == Kind.OPENING, kind == Kind.RECEIPT],
            [_OPENING_QUANTITY, _RECEIPT_QUANTITY],
            rng.geometric(0.4, len(kind)),
        ),
        source=np.where(is_in, outside, stock),
        destination=np.where(is_in, stock, np.where(kind == Kind.MOVE, beside, CUSTOMER)),
    )
    return layout, flow


def _bin(layout: Layout, item: Ints, nth: Ints) -> Ints:
    return layout.bin_base + (item * 13 + nth) % layout.bins
