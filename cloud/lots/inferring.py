"""What movements did not say, from what is known: lots and owners by rule, in the order of events; pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NamedTuple, TypeAlias

from cloud.lots.domain import UNSPECIFIED

Side: TypeAlias = Literal["source", "destination"]


class Rule(StrEnum):
    """Why a lot or an owner is taken to be this, in the order in which they are tried."""

    OTHER_SIDE = "other_side"
    """The movement itself says so on its other side."""
    SERIAL = "serial"
    """Somebody stated the lot of this serial."""
    UNIT_CONTENT = "unit_content"
    """The logistic unit holds, or is declared to hold, this lot only."""
    ONLY_CELL = "only_cell"
    """The place held this lot only."""
    DOCUMENT = "document"
    """The line of the document says so, or those of the visit."""
    RECEIPT = "receipt"
    """Only this lot came into the same dock account within a day."""
    FEFO = "fefo"
    FIFO = "fifo"
    OWN_FIRST = "own_first"
    """Own goods go before consigned ones."""
    UNSPECIFIED = "unspecified"
    """Nothing tells."""
    WITHDRAWN = "withdrawn"
    """Later evidence tells otherwise."""


class RowName(NamedTuple):
    """Names a movement."""

    gateway: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class End:
    """One side of a movement, as it was stated."""

    place: int
    is_shelf: bool
    """Whether what lies there tells what is taken: a place, a unit, goods on their way, a dock account."""
    lot: str | None = None
    disposition: str | None = None
    owner: str | None = None
    is_unit: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A movement, with everything that tells of what it does not say."""

    name: RowName
    occurred_at: datetime
    quantity: Decimal
    source: End
    destination: End
    is_due: bool = True
    """Whether the site's watermark has passed it."""
    is_taken_back: bool = False
    """Whether it was reversed, or is the reversal."""
    serial_lots: Mapping[str, int] = field(default_factory=dict)
    """How many of its serials are of each lot."""
    document_lots: Sequence[str] = ()
    unit_lots: Sequence[str] = ()
    receipt_lots: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What is known of an item."""

    is_lot_controlled: bool
    rule: str | None = None
    """``fefo`` or ``fifo``."""
    expires_on: Mapping[str, date | None] = field(default_factory=dict)
    first_at: Mapping[str, datetime] = field(default_factory=dict)
    """When each lot that may be named was first anywhere; where a rule is set."""


class Key(NamedTuple):
    """What is inferred of one side of a movement."""

    name: RowName
    side: Side
    lot: str | None
    owner: str | None


class Inferred(NamedTuple):
    """How much, and by which rule."""

    quantity: Decimal
    rule: Rule


class Part(NamedTuple):
    """Some of a movement, with what is known of it."""

    lot: str | None
    owner: str | None
    quantity: Decimal
    rule: Rule | None
    """None: as it was stated."""


Shelf: TypeAlias = MutableMapping[tuple[str | None, str | None], Decimal]
"""What lies at a place in one condition, by lot and owner."""
Holdings: TypeAlias = Mapping[tuple[int, str | None], Shelf]
"""By place and condition."""


def infer(facts: Iterable[Fact], held: Holdings, policy: Policy) -> dict[Key, Inferred]:
    """Work out what movements of an item did not say, one after the other.

    The result is a function of what was stated alone: of the order of what occurred, never of arrival.

    Args:
        facts: In the order of (occurred_at, identity), from an instant on.
        held: What lay at their places just before; it is not changed.
        policy: What is known of the item.

    Returns:
        What differs from what was stated, by movement, side, lot and owner; quantities above zero.

    Examples:
        >>> shelf = {(7, None): {("L1", None): Decimal(5)}}
        >>> bin_, gone = End(7, is_shelf=True), End(8, is_shelf=False)
        >>> pick = Fact(RowName("gw-1", "aa", 1), datetime(2026, 3, 2), Decimal(2), bin_, gone)
        >>> for key, found in infer([pick], shelf, Policy(is_lot_controlled=True)).items():
        ...     print(key.side, key.lot, found.quantity, found.rule)
        source L1 2 only_cell
        destination L1 2 only_cell
    """
    shelves: defaultdict[tuple[int, str | None], Shelf] = defaultdict(dict)
    for place, shelf in held.items():
        shelves[place] = dict(shelf)
    policy = replace(policy, first_at=(first_at := dict(policy.first_at)))
    found: dict[Key, Inferred] = {}
    for fact in facts:
        if fact.is_taken_back:
            continue
        came, went = fact.source, fact.destination
        shelf = shelves[came.place, came.disposition]
        taken = _taken(fact, shelf, policy) if fact.is_due else [_as_stated(came, fact.quantity)]
        put = [_put(part, fact, policy) if fact.is_due else _as_stated(went, part.quantity) for part in taken]
        _add(shelf, taken, -1)
        _add(shelves[went.place, went.disposition], put, 1)
        for part in put:
            if part.lot is not None:
                first_at.setdefault(part.lot, fact.occurred_at)
        _note(found, fact.name, "source", came, taken)
        _note(found, fact.name, "destination", went, put)
    return found


def differences(wanted: Mapping[Key, Inferred], posted: Mapping[Key, Decimal]) -> dict[Key, Inferred]:
    """Say what must be posted so that what was posted is what is wanted.

    Args:
        wanted: Of `infer`.
        posted: What has been posted of the same movements, net.

    Returns:
        Quantities above zero to post; below zero to withdraw.
    """
    found: dict[Key, Inferred] = {}
    for key in sorted({*wanted, *posted}, key=_order):
        want = wanted.get(key, Inferred(Decimal(0), Rule.WITHDRAWN))
        off = want.quantity - posted.get(key, Decimal(0))
        if off:
            found[key] = Inferred(off, want.rule if off > 0 else Rule.WITHDRAWN)
    return found


def _order(key: Key) -> tuple[RowName, str, str, str]:
    return key.name, key.side, key.lot or "", key.owner or ""


def _as_stated(end: End, quantity: Decimal) -> Part:
    return Part(end.lot, end.owner, quantity, None)


def _taken(fact: Fact, shelf: Shelf, policy: Policy) -> list[Part]:
    """Say what was taken, part by part; the parts add up to the movement's quantity."""
    end = fact.source
    taking = _Taking(fact, dict(shelf) if end.is_shelf else {}, policy)
    if policy.is_lot_controlled and end.lot is None:
        taking.lots()
    elif policy.is_lot_controlled and end.lot == UNSPECIFIED and fact.destination.lot != UNSPECIFIED:
        taking.stated_later()
    elif end.owner is None:
        taking.owners(end.lot, None)
    if taking.left > 0:
        taking.parts.append(_as_stated(end, taking.left))
    return taking.parts


def _put(part: Part, fact: Fact, policy: Policy) -> Part:
    """Say what the part became at the other side: what that did not say, it takes along."""
    end = fact.destination
    takes_lot = policy.is_lot_controlled and end.lot is None
    lot = part.lot if takes_lot else end.lot
    owner = part.owner if end.owner is None else end.owner
    is_as_stated = (lot, owner) == (end.lot, end.owner)
    return Part(lot, owner, part.quantity, None if is_as_stated else part.rule or Rule.OTHER_SIDE)


def _add(shelf: Shelf, parts: Sequence[Part], sign: int) -> None:
    for part in parts:
        key = part.lot, part.owner
        shelf[key] = shelf.get(key, Decimal(0)) + sign * part.quantity


def _note(found: dict[Key, Inferred], name: RowName, side: Side, end: End, parts: Sequence[Part]) -> None:
    for part in parts:
        if part.rule is None or (part.lot, part.owner) == (end.lot, end.owner):
            continue
        key = Key(name, side, part.lot, part.owner)
        known = found.get(key)
        found[key] = Inferred(
            part.quantity + (known.quantity if known else 0), known.rule if known else part.rule
        )


@dataclass(slots=True)
class _Taking:
    """One movement's quantity, taken rule by rule."""

    fact: Fact
    shelf: Shelf
    policy: Policy
    parts: list[Part] = field(default_factory=list)

    @property
    def left(self) -> Decimal:
        return self.fact.quantity - sum((part.quantity for part in self.parts), Decimal(0))

    def lots(self) -> None:
        """Find the lot of what was taken without one, in the order of the rules."""
        stated = self.fact.destination.lot
        if stated is not None:
            self.take(stated, self.left, Rule.OTHER_SIDE)
            return
        for lot, count in sorted(self.fact.serial_lots.items()):
            self.take(lot, min(self.left, Decimal(count)), Rule.SERIAL)
        is_unit = self.fact.source.is_unit
        lying = self.lots_there()
        if len(lying) == 1:
            lot, there = lying[0]
            self.take(lot, min(self.left, there), Rule.UNIT_CONTENT if is_unit else Rule.ONLY_CELL)
        if len(self.fact.unit_lots) == 1 and not lying:
            self.take(self.fact.unit_lots[0], self.left, Rule.UNIT_CONTENT)
        if len(self.fact.document_lots) == 1:
            self.take(self.fact.document_lots[0], self.left, Rule.DOCUMENT)
        if len(self.fact.receipt_lots) == 1:
            self.take(self.fact.receipt_lots[0], self.left, Rule.RECEIPT)
        if self.policy.rule is not None:
            for lot, there in self.lots_there():
                self.take(lot, min(self.left, there), Rule(self.policy.rule))
        self.take(UNSPECIFIED, self.left, Rule.UNSPECIFIED)

    def stated_later(self) -> None:
        """Take what was unspecified; what is not there as such any more was resolved otherwise meanwhile."""
        there = max(self.shelf.get((UNSPECIFIED, self.fact.source.owner), Decimal(0)), Decimal(0))
        as_stated = min(self.left, there)
        if as_stated > 0:
            self.parts.append(_as_stated(self.fact.source, as_stated))
        if self.fact.destination.lot is not None:
            self.take(self.fact.destination.lot, self.left, Rule.OTHER_SIDE)

    def take(self, lot: str, quantity: Decimal, rule: Rule) -> None:
        """Take some of a lot, of whose is found there."""
        if quantity <= 0:
            return
        if self.fact.source.owner is not None:
            self._take_of(lot, self.fact.source.owner, quantity, rule)
            return
        taken = self.owners(lot, rule, quantity)
        self._take_of(lot, None, quantity - taken, rule)

    def owners(self, lot: str | None, rule: Rule | None, most: Decimal | None = None) -> Decimal:
        """Take own goods before consigned ones; gives what was taken of anybody's."""
        wanted = self.left if most is None else most
        own = min(max(self.shelf.get((lot, None), Decimal(0)), Decimal(0)), wanted)
        others = sorted(
            (owner, there)
            for (of_lot, owner), there in self.shelf.items()
            if of_lot == lot and owner is not None and there > 0
        )
        if len(others) != 1 or own == wanted:
            return Decimal(0)
        owner, there = others[0]
        consigned = min(wanted - own, there)
        self._take_of(lot, None, own, rule)
        why = rule or (Rule.ONLY_CELL if own == 0 else Rule.OWN_FIRST)
        self._take_of(lot, owner, consigned, why)
        return own + consigned

    def lots_there(self) -> list[tuple[str, Decimal]]:
        """List the lots that lie there and may be what was taken, as the item's rule has it."""
        asked = self.fact.source.owner
        found: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (lot, owner), there in self.shelf.items():
            if lot is not None and there > 0 and (asked is None or owner == asked):
                found[lot] += there
        return sorted(found.items(), key=lambda pair: self._turn(pair[0]))

    def _turn(self, lot: str) -> tuple[bool, date, bool, float, str]:
        """When a lot's turn is: what expires first, or was there first; what nobody knows comes last."""
        expires = self.policy.expires_on.get(lot)
        first = self.policy.first_at.get(lot)
        by_date = expires if self.policy.rule == "fefo" and expires else date.max
        return (
            lot == UNSPECIFIED,
            by_date,
            first is None,
            0.0 if first is None else first.timestamp(),
            lot,
        )

    def _take_of(self, lot: str | None, owner: str | None, quantity: Decimal, rule: Rule | None) -> None:
        if quantity <= 0:
            return
        self.parts.append(Part(lot, owner, quantity, rule))
        self.shelf[lot, owner] = self.shelf.get((lot, owner), Decimal(0)) - quantity
