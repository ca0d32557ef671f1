"""Facts of one serial or unit as people read them, and what of them contradicts; pure values."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

LEAST_TRAVEL: Final = timedelta(minutes=10)
"""Faster nothing gets from one site to another: a serial seen at both within it is two tags (DOMAIN D3)."""
BY_WEIGHT: Final = frozenset({"kg", "g"})
"""Base units of what is kept by weight."""
LEAST_REUSE: Final = timedelta(days=365)
"""An SSCC is not given out again before (GS1 General Specifications, 2.2.1)."""


class Place(NamedTuple):
    """A fact's place in a story, which runs backwards."""

    occurred_at: datetime
    gateway_key: int
    epoch: int
    seq: int
    line: int


LATEST: Final = Place(
    datetime.fromisoformat("9999-12-31T00:00:00+00:00"), 2**31 - 1, 2**63 - 1, 2**63 - 1, 2**31 - 1
)
"""Above every fact."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a serial or a unit."""

    kind: str
    """``movement``, ``crossing``, ``count`` (one line of it) or ``unit_position``."""
    gateway: str
    gateway_key: int
    epoch: int
    seq: int
    line: int
    """Of a count; 0 elsewhere."""
    site: str
    time_zone: str
    occurred_at: datetime
    occurred_at_claimed: datetime
    time_basis: str
    position: int
    recorded_at: datetime
    posted_by: str
    actor: str | None
    device: str | None
    biz_step: str | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    quantity: Decimal | None
    unit: str | None
    """The unit that stood somewhere, or that a tag named."""
    from_place: str | None
    from_kind: str | None
    to_place: str | None
    to_kind: str | None
    reason: str | None
    documents: list[dict[str, Any]]
    is_reversal: bool
    is_reversed: bool
    told: Mapping[str, Any]
    """What only this kind of fact says."""

    @property
    def place(self) -> Place:
        """Where it stands in a story."""
        return Place(self.occurred_at, self.gateway_key, self.epoch, self.seq, self.line)

    @property
    def is_void(self) -> bool:
        """Whether it tells nothing: taken back, what takes back, or a unit that would stand in itself."""
        return self.is_reversal or self.is_reversed or self.is_unfollowed

    @property
    def is_unfollowed(self) -> bool:
        """Whether it would put a unit into itself, by what is known of it and others."""
        return bool(self.told.get("is_unfollowed"))


@dataclass(frozen=True, slots=True)
class Standing:
    """The cell that a serial is in."""

    cell_id: int
    site: str
    time_zone: str
    place: str
    place_kind: str
    since_at: datetime
    item: str
    item_name: str | None
    lot: str | None
    disposition: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Around:
    """What a unit stands in or at: `step` 1 is the nearest."""

    step: int
    place: str
    kind: str
    site: str
    time_zone: str
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a unit, or in one inside it; a unit that holds nothing has no item."""

    unit: str
    parent: str | None
    depth: int
    cell_id: int | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal | None
    pieces: Decimal | None
    """Of goods of variable measure: how many were counted where their weight was said too."""
    weight_kg: Decimal | None
    """What these weigh."""
    is_unchecked: bool
    """Whether it was received as its paper declares it, and nobody has counted it in the unit since."""

    @property
    def other_measure(self) -> tuple[Decimal, str] | None:
        """Pieces of what is kept by weight, the weight of what is kept by pieces."""
        return other_measure(self.base_unit, self.pieces, self.weight_kg)


@dataclass(frozen=True, slots=True)
class Instance:
    """A time in which an SSCC was one and the same unit."""

    instance: int
    from_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two facts that cannot both be true of one thing."""

    because: str
    """``too_fast`` or ``not_there``."""
    earlier: Fact
    later: Fact


def other_measure(
    base_unit: str | None, pieces: Decimal | None, weight_kg: Decimal | None
) -> tuple[Decimal, str] | None:
    """Tell the measure of goods of variable measure that is not their base unit.

    Args:
        base_unit: In which they are kept.
        pieces: How many.
        weight_kg: How heavy.

    Returns:
        The other one with its unit; None where it is not known, or nothing is left of it.

    Examples:
        >>> other_measure("kg", Decimal(3), Decimal("4.2")), other_measure("each", Decimal(3), Decimal("4.2"))
        ((Decimal('3'), 'pieces'), (Decimal('4.2'), 'kg'))
    """
    amount, unit = (pieces, "pieces") if base_unit in BY_WEIGHT else (weight_kg, "kg")
    return (amount, unit) if amount else None


def contradictions(facts: Iterable[Fact]) -> Iterator[Contradiction]:
    """Find what cannot be of one serial: at two sites within minutes, or taken from where it was not.

    Args:
        facts: Of one serial, in any order.

    Yields:
        Pairs in the order of time.
    """
    standing = sorted((fact for fact in facts if not fact.is_void), key=lambda fact: fact.place)
    seen = [fact for fact in standing if fact.kind != "unit_position"]
    for earlier, later in itertools.pairwise(seen):
        if earlier.site != later.site and later.occurred_at - earlier.occurred_at < LEAST_TRAVEL:
            yield Contradiction("too_fast", earlier, later)
    moved = [fact for fact in standing if fact.kind == "movement"]
    for earlier, later in itertools.pairwise(moved):
        left = (earlier.site, earlier.to_place), (later.site, later.from_place)
        if left[0] != left[1] and "virtual" not in (earlier.to_kind, later.from_kind):
            yield Contradiction("not_there", earlier, later)


def early_reuse(facts: Iterable[Fact]) -> Fact | None:
    """Find where an SSCC came from a supplier again although it had left less than a year before.

    Args:
        facts: Of one unit, in any order.

    Returns:
        The first such fact.
    """
    left_at: datetime | None = None
    for fact in sorted((fact for fact in facts if not fact.is_void), key=lambda fact: fact.place):
        if (fact.to_place or "").startswith("@customer"):
            left_at = fact.occurred_at
        elif (fact.from_place or "").startswith("@supplier") and left_at is not None:
            if fact.occurred_at - left_at < LEAST_REUSE:
                return fact
            left_at = None
    return None
