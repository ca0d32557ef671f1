"""What the pages of the dock share: documents with what is open of them, and what people type."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import Form, HTTPException, Path, Query

from cloud.db import Connection, in_transaction
from cloud.documents.domain import ConflictingDocumentError, DocumentError, UnknownDocumentError
from cloud.documents.lines import LineNow, open_lines
from cloud.identity.gate import Gate
from cloud.ledger.domain import AlreadyClaimedError, LedgerError
from contracts.base import ID_PATTERN

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
TEXT: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
PaperId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$")]
"""The number of a receipt or a shipment."""
Name = Annotated[str, Query(max_length=128, pattern=TEXT)]
Text = Annotated[str, Form(max_length=128, pattern=TEXT)]


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


def open_documents(
    conn: Connection, *, sites: Sequence[str] | None, kinds: Iterable[str], leaving: bool, now: datetime
) -> list[Expected]:
    """List documents of which something is open, the one due first at first.

    Args:
        conn: In a transaction.
        sites: At which; None: wherever the actor may read.
        kinds: Types of documents.
        leaving: Those whose goods leave the site; else those whose goods come.
        now: The present.

    Returns:
        One per document; those without a date come last.
    """
    found = [
        each
        for kind in kinds
        for each in expected_of(
            (line for line in open_lines(conn, sites=sites, kind=kind) if line.leaves_here == leaving), now
        )
    ]
    return sorted(found, key=lambda each: (each.due_on is None, each.due_on, each.site, each.id))


def take_back(gate: Gate, work: Callable[[Connection], object]) -> str:
    """Take a line of a paper back.

    Args:
        gate: Where the database is.
        work: What takes it back.

    Returns:
        Why it cannot be; empty if it is, or if somebody was faster.

    Raises:
        HTTPException: 404, if there is no such line.
    """
    try:
        in_transaction(gate.pool, work)
    except UnknownDocumentError as error:
        raise HTTPException(404, f"{error}") from error
    except (ConflictingDocumentError, AlreadyClaimedError):
        return ""  # the page tells how it stands
    except (DocumentError, LedgerError) as error:
        return f"{error}"
    return ""


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
