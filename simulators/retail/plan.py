"""POS lines in; the documents that people at each scanner work through, receipts first, out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, islice
from typing import Final

from simulators.retail.lines import PosLine
from simulators.retail.rules import SCANNED, Verdict, judge

WINDOW_DOCUMENTS: Final = 10
"""Documents that one receipt covers in advance."""
CASE: Final = 12
"""Receipts come in whole cases of this many pieces, so staging keeps a rest."""


class Kind(StrEnum):
    """What a document moves."""

    RECEIPT = "receipt"
    SHIPMENT = "shipment"
    CUSTOMER_RETURN = "customer_return"


@dataclass(frozen=True, slots=True)
class Move:
    """One line of a document: what one label scan shall become."""

    line: int
    item: str
    quantity: Decimal
    """Above zero."""
    file_line: int | None = None
    """Number of the line in the file; None for a receipt."""


@dataclass(frozen=True, slots=True)
class Document:
    """One paper and its lines, worked through at one scanner."""

    port: int
    kind: Kind
    id: str
    moves: tuple[Move, ...]


def plan(lines: Iterable[PosLine], ports: int, *, first_port: int = 0) -> Iterator[Document]:
    """Lay the work out: invoices go round the scanners; before each window of them come its receipts.

    Args:
        lines: POS lines in file order.
        ports: Number of scanners, at least 1.
        first_port: Which of them gets the first invoice, from 0.

    Yields:
        Documents in the order of work. An invoice without a line to scan is passed over.
    """
    stocks: list[Counter[str]] = [Counter() for _ in range(ports)]
    for number, window in enumerate(_windows(lines, ports, first_port)):
        for port in range(ports):
            documents = [document for document in window if document.port == port]
            receipt = _receipt(port, number, documents, stocks[port])
            if receipt.moves:
                yield receipt
        yield from window


def _windows(lines: Iterable[PosLine], ports: int, first_port: int) -> Iterator[tuple[Document, ...]]:
    invoices = (list(group) for _, group in groupby(lines, key=lambda line: line.invoice))
    lines_before: Counter[str] = Counter()
    scanned = (document for invoice in invoices if (document := _document(invoice, lines_before)).moves)
    dealt = (
        replace(document, port=number % ports) for number, document in enumerate(scanned, start=first_port)
    )
    size = WINDOW_DOCUMENTS * ports
    while window := tuple(islice(dealt, size)):
        yield window


def _document(invoice: list[PosLine], lines_before: Counter[str]) -> Document:
    """Make a document; the file comes back to an invoice now and then, whose lines then count on."""
    number = invoice[0].invoice
    first_line = lines_before[number] + 1
    lines_before[number] += len(invoice)
    moves = tuple(
        Move(place, line.stock_code, abs(line.quantity), line.number)
        for place, line in enumerate(invoice, start=first_line)
        if judge(line) in SCANNED
    )
    is_return = any(judge(line) is Verdict.CUSTOMER_RETURN for line in invoice)
    kind = Kind.CUSTOMER_RETURN if is_return else Kind.SHIPMENT
    return Document(0, kind, number, moves)


def _receipt(port: int, window: int, documents: list[Document], stock: Counter[str]) -> Document:
    """Order what the window ships and is not in stock; the stock is carried on to the next window."""
    needed: Counter[str] = Counter()
    for document in documents:
        if document.kind is Kind.SHIPMENT:
            for move in document.moves:
                needed[move.item] += int(move.quantity)
    moves: list[Move] = []
    for item, quantity in needed.items():
        missing = quantity - stock[item]
        if missing > 0:
            received = -(-missing // CASE) * CASE
            stock[item] += received
            moves.append(Move(len(moves) + 1, item, Decimal(received)))
        stock[item] -= quantity
    return Document(port, Kind.RECEIPT, f"R{port + 1}-{window + 1:05d}", tuple(moves))
