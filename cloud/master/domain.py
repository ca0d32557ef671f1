"""Names as they are read and what they resolve to; pure values and conversions."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from contracts.records import Identifier, Side
from contracts.vocabulary import VIRTUAL_PREFIX, VirtualLocation

PlaceKey: TypeAlias = tuple[str, str]
"""(site, location code), or ("", unit code): a logistic unit belongs to no site."""

CellKey: TypeAlias = tuple[int, int, str | None, str | None, str | None]
"""(item_id, location_id, lot, disposition, owner)."""

IdentifierKey: TypeAlias = tuple[str, str]
"""(scheme, value), an SGTIN already reduced to its GTIN."""

UNIT_SITE: Final = ""
_ACCOUNTS: Final = frozenset(VirtualLocation)
BASE_UNIT: Final = "base"
KILOGRAM: Final = "kg"
"""Unit of what a label of variable measure says (AI 310n)."""
_OF_A_KILOGRAM: Final = {"kg": 1, "g": 1000}
"""Base units in one, by what a base unit is."""
QUANTUM: Final = Decimal("0.000001")
LARGEST_QUANTITY: Final = Decimal(10) ** 20
_SGTIN_PREFIX: Final = "urn:epc:id:sgtin:"
_GTIN_DIGITS_BEFORE_CHECK: Final = 13


class UnresolvableError(Exception):
    """A name or quantity that the ledger cannot store; ``reason`` is a stable snake_case code."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the stable code beside the message.

        Args:
            reason: Stable code, as quarantine shows it.
            message: Value, expectation and place.
        """
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Packaging:
    """What one seen unit of an identifier holds, from an instant on."""

    valid_from: datetime | None
    """None: since ever."""
    item_id: int
    numerator: int
    denominator: int
    base_unit: str = "each"
    """What a base unit of the item is."""
    is_whole: bool = False
    """Whether the item comes in whole base units only."""


def identifier_key(identifier: Identifier) -> IdentifierKey:
    """Reduce an identifier to the name that items are filed under.

    Args:
        identifier: As it was read.

    Returns:
        Scheme and value; every serial of an SGTIN shares its GTIN's key.

    Examples:
        >>> identifier_key(Identifier(scheme="sgtin", value="urn:epc:id:sgtin:0614141.812345.6789"))
        ('gtin', '80614141123458')
    """
    if identifier.scheme == "sgtin" and identifier.value.startswith(_SGTIN_PREFIX):
        company, _, rest = identifier.value.removeprefix(_SGTIN_PREFIX).partition(".")
        reference, _, _serial = rest.partition(".")
        digits = reference[:1] + company + reference[1:]
        if len(digits) == _GTIN_DIGITS_BEFORE_CHECK and digits.isascii() and digits.isdigit():
            return "gtin", digits + _check_digit(digits)
    return identifier.scheme, identifier.value


def _check_digit(digits: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def place_key(site: str, side: Side) -> PlaceKey:
    """Name the place of one side of a movement.

    Args:
        site: Site id of the gateway.
        side: As it was stated.

    Returns:
        The place; what was not stated is the site's account of the unknown.
    """
    if side.unit is not None:
        return UNIT_SITE, side.unit
    return site, side.location if side.location is not None else VirtualLocation.UNKNOWN.value


def check_place(key: PlaceKey) -> None:
    """Refuse a code that pretends to be a virtual account.

    Args:
        key: A place not known yet.

    Raises:
        UnresolvableError: If a code begins with ``@`` and is none of the accounts, or a unit's does.
    """
    site, code = key
    if not code.startswith(VIRTUAL_PREFIX):
        return
    if site == UNIT_SITE or code.partition("/")[0] not in _ACCOUNTS:
        expected = ", ".join(VirtualLocation)
        message = f"place {code!r} is no virtual account: expected one of {expected}, or a real code"
        raise UnresolvableError("unknown_virtual_account", message)


def packaging_at(levels: Sequence[Packaging], occurred_at: datetime) -> Packaging:
    """Pick what was valid when something happened.

    Args:
        levels: Of one identifier, by ``valid_from``; at least one.
        occurred_at: When.

    Returns:
        The last level that began by then, or the first one if none had.
    """
    if len(levels) == 1:
        return levels[0]
    later = bisect_right(levels[1:], occurred_at, key=lambda level: level.valid_from or occurred_at)
    return levels[later]


def base_quantity(seen: Decimal, numerator: int, denominator: int) -> Decimal:
    """Convert a seen quantity to base units, exactly.

    Args:
        seen: In the seen unit; zero or more.
        numerator: Base units per seen unit, upper part.
        denominator: Lower part; at least 1.

    Returns:
        The quantity in base units.

    Raises:
        UnresolvableError: If it needs more than six decimals or exceeds 20 digits.

    Examples:
        >>> base_quantity(Decimal("1.5"), 12, 1)
        Decimal('18.000000')
    """
    scaled = seen * numerator
    base = (scaled / denominator).quantize(QUANTUM) if scaled < LARGEST_QUANTITY else scaled
    if base >= LARGEST_QUANTITY:
        raise UnresolvableError(
            "quantity_out_of_range", f"{seen} x {numerator}/{denominator} exceeds 20 digits"
        )
    if base * denominator != scaled:
        message = f"{seen} x {numerator}/{denominator} is not exact in base units of six decimals"
        raise UnresolvableError("inexact_quantity", message)
    return base


def is_kept_by_weight(packaging: Packaging) -> bool:
    """Tell whether an item's base unit is one of weight.

    Args:
        packaging: Of the item.

    Returns:
        Whether its weight alone says how much of it there is.
    """
    return packaging.base_unit in _OF_A_KILOGRAM


def weighed_quantity(kilograms: Decimal, packaging: Packaging) -> Decimal:
    """Convert a weight to base units, exactly.

    Args:
        kilograms: Zero or more.
        packaging: Of the item.

    Returns:
        The quantity in base units.

    Raises:
        UnresolvableError: If the item is not kept by weight, or the quantity is out of range.

    Examples:
        >>> weighed_quantity(Decimal("1.25"), Packaging(None, 1, 1, 1, base_unit="g"))
        Decimal('1250.000000')
    """
    if packaging.base_unit not in _OF_A_KILOGRAM:
        message = f"{kilograms} kg of an item kept in {packaging.base_unit!r}: expected its base unit kg or g"
        raise UnresolvableError("unit_of_other_kind", message)
    return base_quantity(kilograms, _OF_A_KILOGRAM[packaging.base_unit], 1)


def whole_quantity(base: Decimal, packaging: Packaging) -> Decimal:
    """Refuse a part of what comes in whole base units only.

    Args:
        base: In base units.
        packaging: Of the item.

    Returns:
        The same quantity.

    Raises:
        UnresolvableError: If it is a part of one.
    """
    if packaging.is_whole and base % 1:
        message = f"{base} {packaging.base_unit}: the item comes in whole {packaging.base_unit} only"
        raise UnresolvableError("not_whole", message)
    return base
