"""Lines of documents with what of them has moved; the goods and places that papers name (DOMAIN D4)."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import CARRIED
from cloud.master.domain import BASE_UNIT, IdentifierKey, UnresolvableError, base_quantity
from cloud.master.store import add_identifier
from contracts.records import Identifier

RECEIVABLE: Final = CARRIED["inbound"]
"""Types of documents whose goods come in."""
OF_UNITS: Final = frozenset({"unknown_unit", "unit_of_other_item"})
"""Why a unit is none of an item's, whatever the quantity: reasons of `in_base_units`."""
SHIPPABLE: Final = CARRIED["outbound"]
"""Types of documents whose goods leave."""


class LineName(NamedTuple):
    """Names a line of a document at its site."""

    type: str
    id: str
    line: str


class LineNow(NamedTuple):
    """A line and what of it has moved; quantities in base units of its item."""

    site: str
    type: str
    id: str
    line: str
    ordinal: int
    partner: str | None
    due_on: date | None
    registered_at: datetime
    state: str
    item_id: int | None
    item: str | None
    item_name: str | None
    base_unit: str | None
    is_lot_controlled: bool
    identifier_scheme: str
    identifier: str
    unit_seen: str
    numerator: int | None
    denominator: int | None
    lot: str | None
    unit: str | None
    order_id: str | None
    order_line: str | None
    ordered: Decimal | None
    """None: its unit has no known ratio."""
    moved: Decimal
    damaged: Decimal
    rejected: Decimal
    is_ended: bool

    @property
    def name(self) -> LineName:
        """Names it at its site."""
        return LineName(self.type, self.id, self.line)

    @property
    def leaves_here(self) -> bool:
        """Whether its goods leave this site, of a transfer too."""
        return self.type in SHIPPABLE and self.state != "to_come"

    @property
    def key(self) -> IdentifierKey:
        """What names its item."""
        return self.identifier_scheme, self.identifier

    @property
    def open_quantity(self) -> Decimal:
        """What is still to move; nothing once it was closed short."""
        if self.is_ended or self.ordered is None:
            return Decimal(0)
        return max(Decimal(0), self.ordered - self.moved)

    @property
    def over(self) -> Decimal:
        """What moved beyond what was asked for."""
        return Decimal(0) if self.ordered is None else max(Decimal(0), self.moved - self.ordered)

    @property
    def short(self) -> Decimal:
        """What did not move and is not expected any more."""
        if not self.is_ended or self.ordered is None:
            return Decimal(0)
        return max(Decimal(0), self.ordered - self.moved)


class Goods(NamedTuple):
    """What an identifier names: an item, and how many of its base units one holds."""

    item_id: int
    item: str
    is_provisional: bool
    is_lot_controlled: bool
    is_integer_only: bool
    numerator: int
    denominator: int


def lines_now(conn: Connection, *, site: str, kind: str, ids: Iterable[str]) -> list[LineNow]:
    """Read documents' lines.

    Args:
        conn: In a transaction.
        site: Site id.
        kind: Type of the documents.
        ids: Of the documents.

    Returns:
        Their lines by id and order; a document that there is not has none.
    """
    return store.rows(conn, LineNow, "lines_now", site=site, type=kind, ids=sorted(set(ids)))


def open_lines(conn: Connection, *, sites: Sequence[str] | None, kind: str) -> list[LineNow]:
    """Read every line of which something is open.

    Args:
        conn: In a transaction.
        sites: Only of these; None: of all.
        kind: Type of the documents.

    Returns:
        The lines, those due first come first.
    """
    wanted = None if sites is None else list(sites)
    return store.rows(conn, LineNow, "open_lines", sites=wanted, type=kind)


def lock_documents(conn: Connection, site: str, names: Iterable[tuple[str, str]]) -> None:
    """Let nobody else move lines of documents until the transaction ends.

    Args:
        conn: In a transaction.
        site: Site id.
        names: Type and id of each.
    """
    store.tuples(conn, "lock_documents", names=[f"{site}/{kind}/{name}" for kind, name in names])


def end_lines(
    conn: Connection, site: str, shorts: Iterable[tuple[LineName, Decimal]], *, reason: str, actor: str
) -> int:
    """Expect nothing more of lines.

    Args:
        conn: In a transaction that the caller commits.
        site: Site id.
        shorts: Each line with what was open of it.
        reason: Why.
        actor: Who says so.

    Returns:
        How many were not closed before.
    """
    told = list(shorts)
    return store.change(
        conn,
        "end_lines",
        site=site,
        reason=reason,
        actor=actor,
        types=[name.type for name, _ in told],
        ids=[name.id for name, _ in told],
        lines=[name.line for name, _ in told],
        shorts=[short for _, short in told],
    )


def goods_of(conn: Connection, keys: Iterable[IdentifierKey]) -> dict[IdentifierKey, Goods]:
    """Look up what identifiers name now; an item's code names it from here on, where nobody said so before.

    Args:
        conn: In a transaction that the caller commits.
        keys: Scheme and value of each.

    Returns:
        What each names; those that nobody knows are absent.
    """
    wanted = sorted(set(keys))
    found = _goods(conn, wanted)
    codes = [value for scheme, value in wanted if scheme == "sku" and (scheme, value) not in found]
    named = store.tuples(conn, "items_by_code", codes=codes) if codes else []
    for code, item_id, kept in named:
        if kept != code:
            continue  # merged into another: its code names it through the alias, or nothing
        add_identifier(conn, ("sku", code), item_id, ratio=(1, 1), valid_from=None)
    return found | _goods(conn, [("sku", code) for code, _, _ in named])


def _goods(conn: Connection, keys: Sequence[IdentifierKey]) -> dict[IdentifierKey, Goods]:
    found = store.tuples(conn, "goods", schemes=[key[0] for key in keys], values=[key[1] for key in keys])
    return {(scheme, value): Goods(*rest) for scheme, value, *rest in found}


def base_identifier(conn: Connection, own: IdentifierKey, item: str) -> Identifier:
    """Name an item so that one of what names it is one base unit of it.

    Args:
        conn: In a transaction that the caller commits.
        own: What named it before.
        item: Its code.

    Returns:
        What named it before, or its code.
    """
    code = ("sku", item)
    known = goods_of(conn, [own])
    is_own = own in known and known[own].numerator == known[own].denominator
    if not is_own:
        goods_of(conn, [code])
    scheme, value = own if is_own else code
    return Identifier.model_validate({"scheme": scheme, "value": value})


def places_known(conn: Connection, site: str, codes: Iterable[str]) -> set[str]:
    """Tell which codes are places of a site.

    Args:
        conn: In a transaction.
        site: Site id.
        codes: Any.

    Returns:
        Those that are.
    """
    return {code for (code,) in store.tuples(conn, "places_known", site=site, codes=sorted(set(codes)))}


def in_base_units(
    quantity: Decimal, unit_seen: str, goods: Goods, known: dict[IdentifierKey, Goods]
) -> Decimal:
    """Convert a stated quantity, exactly.

    Args:
        quantity: In ``unit_seen``; zero or more.
        unit_seen: ``base``, or the GTIN of a packaging level of the item.
        goods: The item.
        known: What GTINs name.

    Returns:
        The quantity in base units.

    Raises:
        UnresolvableError: If the unit is none of the item's, or the result is not exact or not whole.
    """
    base = quantity
    if unit_seen != BASE_UNIT:
        level = known.get(("gtin", unit_seen))
        if level is None:
            message = f"unit_seen {unit_seen!r}: expected 'base' or the GTIN of a packaging level of the item"
            raise UnresolvableError("unknown_unit", message)
        if level.item_id != goods.item_id:
            message = (
                f"unit_seen {unit_seen!r} is a packaging of item {level.item!r}, expected of {goods.item!r}"
            )
            raise UnresolvableError("unit_of_other_item", message)
        base = base_quantity(quantity, level.numerator, level.denominator)
    if goods.is_integer_only and base != base.to_integral_value():
        message = f"{base.normalize():f} of item {goods.item!r}, which is kept in whole units"
        raise UnresolvableError("not_whole", message)
    return base


def in_seen_units(base: Decimal, unit_seen: str, known: dict[IdentifierKey, Goods]) -> tuple[Decimal, str]:
    """State base units in the unit they were seen in, where that is exact.

    Args:
        base: A quantity in base units.
        unit_seen: The unit.
        known: What GTINs name.

    Returns:
        Quantity and unit; base units where the unit would need more than six decimals.

    Examples:
        >>> case = Goods(1, "TEA", False, False, True, 24, 1)
        >>> in_seen_units(Decimal(36), "CASE", {("gtin", "CASE"): case})
        (Decimal('1.5'), 'CASE')
        >>> in_seen_units(Decimal(1), "CASE", {("gtin", "CASE"): case})
        (Decimal('1'), 'base')
    """
    if unit_seen == BASE_UNIT:
        return base, BASE_UNIT
    level = known["gtin", unit_seen]
    exact = Fraction(base) * level.denominator / level.numerator
    scaled = exact * 10**6
    if scaled.denominator != 1:
        return base, BASE_UNIT
    seen = Decimal(scaled.numerator).scaleb(-6).normalize()
    return seen.quantize(Decimal(1)) if seen == seen.to_integral_value() else seen, unit_seen
