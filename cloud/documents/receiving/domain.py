"""What becomes of goods that come in: as expected, over, short, damaged, rejected, unexpected; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from contracts.vocabulary import Disposition, VirtualLocation

NOTHING: Final = Decimal(0)
ENDED_BY_RECEIPT: Final = ("within_tolerance", "closed_short")
"""Why a receipt ends a line: little enough is left, or its giver says that it is the last."""


class Origin(StrEnum):
    """Whom goods come from."""

    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    TRANSFER = "transfer"


ORIGIN_OF: Final = {
    "asn": Origin.SUPPLIER,
    "purchase_order": Origin.SUPPLIER,
    "customer_return": Origin.CUSTOMER,
    "transfer": Origin.TRANSFER,
}
"""By type of document."""

ACCOUNT_OF: Final = {
    Origin.SUPPLIER: VirtualLocation.SUPPLIER,
    Origin.CUSTOMER: VirtualLocation.CUSTOMER,
    Origin.TRANSFER: VirtualLocation.TRANSIT,
}
"""The account that goods leave when they come in."""


class Condition(StrEnum):
    """How sound goods come into stock."""

    SELLABLE = "sellable"
    INSPECTION = "inspection"
    """Wait until somebody has inspected them."""
    RETURNED = "returned"
    """Wait until somebody has graded them; never sellable before."""
    HOLD = "hold"


DISPOSITION_OF: Final = {
    Condition.SELLABLE: None,
    Condition.INSPECTION: Disposition.INSPECTION,
    Condition.RETURNED: Disposition.RETURNED,
    Condition.HOLD: Disposition.HOLD,
}
"""As movements state it; what is sellable needs no word."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is too much or too little of a line, and whether it is inspected."""

    over_percent: Decimal | None = None
    """None: whatever comes is taken in, and what is over is shown."""
    short_percent: Decimal | None = None
    """None: what did not come stays open."""
    inspects: bool = False


class RuleRow(NamedTuple):
    """A rule as somebody set it, for a supplier, an item, both or neither."""

    supplier: str | None
    item: str | None
    over_percent: Decimal | None
    short_percent: Decimal | None
    inspects: bool | None


def rule_for(rows: Iterable[RuleRow], supplier: str | None, item: str) -> Rule:
    """Find what applies to an item of a supplier.

    The rule for both goes before the item's, that before the supplier's, that before the site's; what one
    leaves open the next says.

    Args:
        rows: Of the site, one per supplier and item.
        supplier: Whose goods they are; None: nobody knows.
        item: The item's code.

    Returns:
        The rule.

    Examples:
        >>> site = RuleRow(None, None, Decimal(5), None, None)
        >>> tea = RuleRow(None, "TEA", None, None, True)
        >>> rule_for([site, tea], "ACME", "TEA")
        Rule(over_percent=Decimal('5'), short_percent=None, inspects=True)
    """
    fitting = sorted(
        (row for row in rows if row.supplier in {None, supplier} and row.item in {None, item}),
        key=lambda row: (row.item is not None, row.supplier is not None),
        reverse=True,
    )
    return Rule(
        next((row.over_percent for row in fitting if row.over_percent is not None), None),
        next((row.short_percent for row in fitting if row.short_percent is not None), None),
        next((row.inspects for row in fitting if row.inspects is not None), False),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a document's line asks for and what of it has come, in base units."""

    ordered: Decimal
    moved: Decimal
    is_ended: bool = False

    @property
    def open_quantity(self) -> Decimal:
        """What is still to come."""
        return NOTHING if self.is_ended else max(NOTHING, self.ordered - self.moved)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a receipt of a line comes to, in base units."""

    open_before: Decimal | None
    """None: no document asked for it."""
    over: Decimal
    """Came beyond what was open."""
    short: Decimal
    """Was open and did not come now."""
    held: Decimal
    """Of the sound goods: put on hold."""
    condition: Condition
    """Of the sound goods that are not held."""
    is_unexpected: bool
    closes: Decimal | None
    """What the line is closed short by, within the tolerance; None: it stays as it is."""


def outcome(
    asked: Asked | None,
    rule: Rule,
    *,
    origin: Origin,
    received: Decimal,
    damaged: Decimal,
    is_blind: bool,
    is_short_lived: bool = False,
) -> Outcome:
    """Say what becomes of what came of one line.

    Args:
        asked: What its document asks for; None: no document asks for it.
        rule: Of its supplier and item.
        origin: Whom it comes from.
        received: Sound, in base units.
        damaged: Damaged, in base units.
        is_blind: Whether the receipt is against no document at all, and the item is known.
        is_short_lived: Whether it expires sooner than its item asks.

    Returns:
        Nothing is lost: sound goods are held or in their condition, whatever their number.

    Examples:
        >>> rule = Rule(over_percent=Decimal(10))
        >>> told = outcome(Asked(Decimal(100), Decimal(60)), rule, origin=Origin.SUPPLIER,
        ...     received=Decimal(55), damaged=Decimal(2), is_blind=False)
        >>> told.open_before, told.over, told.short, int(told.held)
        (Decimal('40'), Decimal('17'), Decimal('0'), 5)
    """
    sound = Condition.INSPECTION if rule.inspects or is_short_lived else Condition.SELLABLE
    if origin is Origin.CUSTOMER:
        sound = Condition.RETURNED
    if asked is None:
        is_held = not is_blind and origin is not Origin.CUSTOMER
        held = received if is_held else NOTHING
        return Outcome(None, NOTHING, NOTHING, held, sound, not is_blind, None)
    came, before = received + damaged, asked.open_quantity
    held = NOTHING
    if rule.over_percent is not None and origin is not Origin.CUSTOMER:
        room = NOTHING if asked.is_ended else asked.ordered * (1 + rule.over_percent / 100) - asked.moved
        held = min(received, max(NOTHING, received - max(NOTHING, room)))
    left = max(NOTHING, before - came)
    within = rule.short_percent is not None and NOTHING < left <= asked.ordered * rule.short_percent / 100
    return Outcome(
        before,
        max(NOTHING, came - before),
        left,
        held,
        sound,
        is_unexpected=False,
        closes=left if within else None,
    )
