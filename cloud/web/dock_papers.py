"""What the pages of the dock share: documents with what is open of them, and what people type."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple

from cloud.documents.lines import LineNow

MOST_LINES: Final = 100
"""Of a document on one form; longer ones are looked through by item, or come from a file."""
KINDS: Final = {
    "asn": "ASN",
    "purchase_order": "Order",
    "customer_return": "Return",
    "transfer": "Transfer",
    "outbound_order": "Order",
    "supplier_return": "Return",
}
REVERSAL_REASONS: Final = {
    "typing_error": "Typing error",
    "misread": "Misread",
    "wrong_item": "Wrong item",
    "wrong_quantity": "Wrong quantity",
    "wrong_document": "Wrong document",
    "other": "Another reason",
}
ReversalReason = Literal["typing_error", "misread", "wrong_item", "wrong_quantity", "wrong_document", "other"]
_GTIN_LENGTHS: Final = frozenset({8, 12, 13, 14})


class Expected(NamedTuple):
    """A document of which something is open."""

    site: str
    type: str
    kind: str
    id: str
    partner: str | None
    due_on: date | None
    is_late: bool
    lines: int
    items: str
    has_begun: bool


def expected_of(lines: Iterable[LineNow], now: datetime) -> list[Expected]:
    """Sum open lines up by document.

    Args:
        lines: With something open.
        now: The present.

    Returns:
        One per document.
    """
    by_document: defaultdict[tuple[str, str, str], list[LineNow]] = defaultdict(list)
    for line in lines:
        by_document[line.site, line.type, line.id].append(line)
    return [
        Expected(
            site,
            kind,
            KINDS.get(kind, kind),
            name,
            found[0].partner,
            found[0].due_on,
            found[0].due_on is not None and found[0].due_on < now.date(),
            len(found),
            ", ".join(dict.fromkeys(line.item or line.identifier for line in found[:4])),
            any(line.moved > 0 for line in found),
        )
        for (site, kind, name), found in by_document.items()
    ]


def named_goods(text: str) -> dict[str, Any]:
    """Say what a typed text names: a packaging level by its GTIN, or an item by its code, in base units.

    Args:
        text: What was typed.

    Returns:
        ``identifier`` and ``unit_seen``.
    """
    if text.isascii() and text.isdigit() and len(text) in _GTIN_LENGTHS:
        gtin = text.rjust(max(_GTIN_LENGTHS), "0")
        return {"identifier": {"scheme": "gtin", "value": gtin}, "unit_seen": gtin}
    return {"identifier": {"scheme": "sku", "value": text}, "unit_seen": "base"}


def fits(line: LineNow, find: str) -> bool:
    """Tell whether a line is looked for.

    Args:
        line: Any.
        find: Part of its number, item, name, GTIN or unit, in any case; empty: all lines are.

    Returns:
        True if so.
    """
    texts = (line.line, line.item or "", line.item_name or "", line.identifier, line.unit or "")
    return not find or any(find.lower() in text.lower() for text in texts)
