"""What a supplier takes for an item at a site now: its price, currency and rule."""

from dataclasses import dataclass
from decimal import Decimal

from cloud.db import Connection
from cloud.replenishment import store
from cloud.replenishment.domain import ReplenishmentError
from cloud.replenishment.quantities import OrderRule
from cloud.replenishment.terms import TermsRow, choose, rule_of


@dataclass(frozen=True, slots=True)
class Offer:
    """What a supplier takes now."""

    supplier: str
    currency: str
    price: Decimal | None
    """Of one base unit; None: not known."""
    rule: OrderRule


def offer_of(conn: Connection, site: str, item: str, supplier: str) -> Offer:
    """Find on which terms a supplier sells an item.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        item: The item's code.
        supplier: Whose.

    Returns:
        The offer; without terms for the item nothing but the supplier's currency is known.

    Raises:
        ReplenishmentError: If there is no such supplier.
    """
    ((item_id, base_unit, is_integer_only),) = store.tuples(conn, "item_of_code", item=item)
    is_whole = is_integer_only or base_unit == "each"
    terms = store.rows(conn, TermsRow, "terms", site=site, item_id=item_id)
    row = choose([each for each in terms if each.supplier == supplier])
    rule = rule_of(row, is_whole=is_whole)
    if row is not None:
        return Offer(supplier, row.currency, row.price, rule)
    found = store.tuples(conn, "supplier_currency", supplier=supplier)
    if not found:
        raise ReplenishmentError(f"there is no supplier {supplier!r}")
    return Offer(supplier, found[0][0], None, rule)
