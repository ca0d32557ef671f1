"""A plausible year: each load's story from receipt to the customer, so that no cell ever goes negative.

A story is one delivery of one item: received (loose or as a pallet), put away, perhaps moved, picked
piece by piece, packed and shipped, now and then returned or counted. Stories overlap; those begun before
the year are in stock at its opening. All of them are drawn at once, as arrays.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from simulators.warehouse.books import counted, opened
from simulators.warehouse.flow import NO_LOT, SPAN, Flow, Ints, Kind, join
from simulators.warehouse.layout import (
    CUSTOMER,
    DOCK_BASE,
    DOCKS,
    PACK_BASE,
    PACKING_STATIONS,
    RETURNS,
    SUPPLIER,
    Layout,
)

DWELL: Final = 0.02
"""Mean time between two picks of a load, as a share of the whole span (a year: about a week)."""
HANDLING: Final = 0.0003
"""Mean time of a handling step, as a share of the span (a year: about two and a half hours)."""
_MEAN_PICKS: Final = 4.0
_PALLET_SHARE: Final = 0.3
_MOVED_SHARE: Final = 0.15
_RETURNED_SHARE: Final = 0.03
_RECORDS_PER_STORY: Final = 2 + 2 * _MEAN_PICKS
_LEAD_IN: Final = 0.25
_HOME_BINS: Final = 8
_SCATTER: Final = 2654435761

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Stories:
    """One row per story; times in ticks."""

    site: Ints
    item: Ints
    lot: Ints
    dock: Ints
    unit: Ints
    """Place number of its pallet, or 0 for loose goods."""
    first_bin: Ints
    next_bin: Ints
    arrived: Ints
    stored: Ints
    picks: Ints
    moved_before: Ints
    """The pick before which the rest is moved to ``next_bin``; as many as there are picks: never."""


@dataclass(frozen=True, slots=True)
class _Picks:
    """One row per pick, story by story; times in ticks."""

    story: Ints
    at: Ints
    quantity: Ints
    is_after_move: Flags


@dataclass(frozen=True, slots=True)
class _Step:
    """One kind of step of many stories: from where to where."""

    kind: Kind
    source: Ints
    destination: Ints


def tell(layout: Layout, *, count: int, sites: int, seed: int) -> Flow:
    """Tell ``count`` records of a warehouse's life.

    Args:
        layout: The building, of at least 16 bins; every site has the same.
        count: Number of records, >= 1.
        sites: Number of sites the stories are spread over, >= 1.
        seed: Fixes everything.

    Returns:
        Records in order of time; ``at_us`` runs in ticks from 0 and ``gateway`` is zero, until
        ``calendar.dated`` and ``gateways.assigned`` set them.
    """
    rng = np.random.default_rng(seed)
    stories = _draw(rng, layout, sites, int(count / _RECORDS_PER_STORY * (1 + _LEAD_IN) * 1.2) + 256)
    picks = _draw_picks(rng, stories)
    leftover = rng.geometric(0.3, len(stories.item)) - 1
    received = np.bincount(picks.story, picks.quantity, len(stories.item)).astype(np.int64) + leftover
    told = join(
        [*_inbound(stories, received), *_outbound(rng, stories, picks), _relocated(stories, picks, received)]
    )
    told = opened(told.take(np.argsort(told.at_us, kind="stable")))
    return counted(rng, told.take(slice(count)))


def _draw(rng: np.random.Generator, layout: Layout, sites: int, number: int) -> _Stories:
    item = rng.choice(layout.items, size=number, p=layout.popularity)
    picks = 1 + rng.poisson(_MEAN_PICKS - 1, number)
    arrived = rng.integers(-int(_LEAD_IN * SPAN), SPAN, number)
    home = item * _SCATTER % layout.bins
    units = layout.unit_base + np.arange(number)
    return _Stories(
        site=rng.integers(0, sites, number),
        item=item,
        lot=np.where(item % 100 < layout.lot_controlled_share * 100, np.arange(number), NO_LOT),
        dock=DOCK_BASE + rng.integers(0, DOCKS, number),
        unit=np.where(rng.random(number) < _PALLET_SHARE, units, 0),
        first_bin=layout.bin_base + (home + rng.integers(0, _HOME_BINS, number)) % layout.bins,
        next_bin=layout.bin_base + (home + rng.integers(_HOME_BINS, 2 * _HOME_BINS, number)) % layout.bins,
        arrived=arrived,
        stored=arrived + _delay(rng, HANDLING, number),
        picks=picks,
        moved_before=np.where(rng.random(number) < _MOVED_SHARE, rng.integers(0, picks), picks),
    )


def _draw_picks(rng: np.random.Generator, stories: _Stories) -> _Picks:
    story = np.repeat(np.arange(len(stories.picks)), stories.picks)
    first = np.cumsum(stories.picks) - stories.picks
    nth = np.arange(len(story)) - first[story]
    waited = np.cumsum(_delay(rng, DWELL, len(story)))
    since_stored = waited - np.where(first > 0, waited[first - 1], 0)[story]
    return _Picks(
        story=story,
        at=stories.stored[story] + since_stored,
        quantity=rng.geometric(0.35, len(story)),
        is_after_move=nth >= stories.moved_before[story],
    )


def _inbound(stories: _Stories, received: Ints) -> list[Flow]:
    loads = np.arange(len(received))
    pallets = np.flatnonzero(stories.unit)
    landed = np.where(stories.unit, stories.unit, stories.dock)
    supplier = np.full_like(landed, SUPPLIER)
    receipt = _Step(Kind.RECEIPT, supplier, landed)
    put_away = _Step(Kind.PUT_AWAY, landed, stories.first_bin)
    at_dock = _Step(Kind.UNIT_POSITION, stories.unit[pallets], stories.dock[pallets])
    at_bin = _Step(Kind.UNIT_POSITION, stories.unit[pallets], stories.first_bin[pallets])
    nothing = np.zeros_like(pallets)
    return [
        _told(stories, loads, receipt, at=stories.arrived, quantity=received),
        _told(stories, pallets, at_dock, at=stories.arrived[pallets], quantity=nothing),
        _told(stories, pallets, at_bin, at=stories.stored[pallets], quantity=nothing),
        _told(stories, loads, put_away, at=stories.stored, quantity=received),
    ]


def _outbound(rng: np.random.Generator, stories: _Stories, picks: _Picks) -> list[Flow]:
    story, quantity = picks.story, picks.quantity
    shelf = np.where(picks.is_after_move, stories.next_bin[story], stories.first_bin[story])
    packing = PACK_BASE + rng.integers(0, PACKING_STATIONS, len(story))
    customer = np.full_like(packing, CUSTOMER)
    shipped_at = picks.at + _delay(rng, HANDLING, len(story))
    back = np.flatnonzero(rng.random(len(story)) < _RETURNED_SHARE)
    returned_at = shipped_at[back] + _delay(rng, DWELL, len(back))
    returned = _Step(Kind.RETURN, customer[back], np.full_like(back, RETURNS))
    return [
        _told(stories, story, _Step(Kind.PICK, shelf, packing), at=picks.at, quantity=quantity),
        _told(stories, story, _Step(Kind.SHIP, packing, customer), at=shipped_at, quantity=quantity),
        _told(stories, story[back], returned, at=returned_at, quantity=quantity[back]),
    ]


def _relocated(stories: _Stories, picks: _Picks, received: Ints) -> Flow:
    before = np.where(picks.is_after_move, 0, picks.quantity)
    gone = np.bincount(picks.story, before, len(received)).astype(np.int64)
    moved = np.flatnonzero(stories.moved_before < stories.picks)
    next_pick = (np.cumsum(stories.picks) - stories.picks + stories.moved_before)[moved]
    is_first = stories.moved_before[moved] == 0
    before_at = np.where(is_first, stories.stored[moved], picks.at[next_pick - 1])
    at = (before_at + picks.at[next_pick]) // 2
    quantity = (received - gone)[moved]
    between_bins = _Step(Kind.MOVE, stories.first_bin[moved], stories.next_bin[moved])
    return _told(stories, moved, between_bins, at=at, quantity=quantity)


def _told(stories: _Stories, story: Ints, step: _Step, *, at: Ints, quantity: Ints) -> Flow:
    return Flow(
        kind=np.full(len(story), step.kind, np.int64),
        at_us=at,
        site=stories.site[story],
        gateway=np.zeros(len(story), np.int64),
        item=stories.item[story],
        lot=stories.lot[story],
        quantity=quantity,
        source=step.source,
        destination=step.destination,
    )


def _delay(rng: np.random.Generator, mean: float, number: int) -> Ints:
    return 1 + rng.exponential(mean * SPAN, number).astype(np.int64)
