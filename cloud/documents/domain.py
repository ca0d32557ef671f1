"""Documents of a dock as values: what is expected, what crossed, what remains; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cloud.faults import Fault
from cloud.identity.actor import Role

KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER)
"""Who may register documents and visits and confirm receipts and departures."""
EARLY: Final = timedelta(days=1)
"""How long before its visit a unit may have been placed and still count as brought or taken by it."""
AHEAD: Final = timedelta(hours=12)
"""How long before it begins a gateway is told a visit."""
OVERDUE: Final = timedelta(hours=1)
"""How long after its window a gateway is still told a visit that nobody ended."""
READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)

CARRIED: Final[Mapping[str, tuple[str, ...]]] = {
    "inbound": ("asn", "purchase_order", "customer_return", "transfer"),
    "outbound": ("outbound_order", "supplier_return", "transfer"),
}
"""Types of documents that a vehicle brings or takes; the first is meant where none is named."""
MOVABLE: Final[Mapping[str, frozenset[str]]] = {
    "inbound": frozenset({"open", "sent", "to_come"}),
    "outbound": frozenset({"open", "to_send", "departed"}),
}
"""States of documents of which something may come or leave."""
BY_CROSSING: Final = frozenset({"purchase_order", "transfer"})
"""Types of documents that do not say what is on one vehicle: what crossed its door does."""

LINE_CLAIM: Final = "document_line"
"""A line is received, or departs, once."""
OPENING_CLAIM: Final = "opening"


class DocumentError(Exception):
    """A wrong wish about a document, visit or door; the message names value, expectation and place."""


class FaultyDocumentError(DocumentError):
    """A document with parts that the book does not bear out; the message has a line for each."""

    def __init__(self, what: str, faults: Sequence[Fault]) -> None:
        """Keep every fault.

        Args:
            what: Names the document; empty: each fault does.
            faults: At least one.
        """
        super().__init__("\n".join(f"{what}: {fault}" if what else f"{fault}" for fault in faults))
        self.faults = tuple(faults)


class UnknownDocumentError(DocumentError):
    """The actor's sites hold no such document, visit or door."""


class ConflictingDocumentError(DocumentError):
    """It is there already with other content, or has ended."""


class VisitNotClearError(ConflictingDocumentError):
    """Something remains that nobody has given a reason for."""


class RemainderReason(StrEnum):
    """Why something of a visit does not come out (DOMAIN D2)."""

    OVER = "over"
    SHORT = "short"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    NOT_READ = "not_read"


@dataclass(frozen=True, slots=True)
class Line:
    """What a document declares: loose goods, or content of one logistic unit."""

    type: str
    id: str
    line: str
    identifier_scheme: str
    identifier: str
    quantity: Decimal
    """In ``unit_seen``."""
    unit_seen: str
    lot: str | None
    unit: str | None
    """SSCC or GRAI of the unit that holds it; None for loose goods."""
    order_id: str | None = None
    """The purchase order whose line it delivers or takes back."""
    order_line: str | None = None

    @property
    def name(self) -> str:
        """Names the line at its site: ``type/id/line``."""
        return f"{self.type}/{self.id}/{self.line}"

    def claim_target(self, site: str) -> str:
        """Name what may happen to the line once.

        Args:
            site: Site id.

        Returns:
            The claim's target.
        """
        return f"{site}/{self.name}"


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A vehicle at a door."""

    site: str
    visit: str
    door: str
    direction: str
    from_at: datetime
    to_at: datetime | None
    clearing_account: str
    state: str
    reasons: Mapping[str, str]
    gateway: str
    documents: Sequence[str]
    """``type/id`` of each."""

    @property
    def is_inbound(self) -> bool:
        """Whether goods come in."""
        return self.direction == "inbound"


@dataclass(frozen=True, slots=True)
class Remainder:
    """Something that keeps a visit from being clear."""

    kind: str
    """``missing_unit``, ``unexpected_unit``, ``unsettled_unit``, ``loose`` or ``card``."""
    name: str
    """The unit, the item's code, or the crossing."""
    quantity: Decimal | None
    message: str


def fitting(sizes: Iterable[int], budget: int) -> list[bool]:
    """Choose what is sent where not all of it fits; earlier ones come first.

    Args:
        sizes: Of each in order, in bytes.
        budget: Bytes for all.

    Returns:
        For each whether it is sent; one that is too large keeps later, smaller ones from nothing.

    Examples:
        >>> fitting([40, 90, 50, 20], 100)
        [True, False, True, False]
    """
    chosen = []
    for size in sizes:
        chosen.append(size <= budget)
        budget -= size if chosen[-1] else 0
    return chosen


def sort_units(
    lines: Iterable[Line], crossed: Iterable[str], confirmed: Iterable[str]
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Compare the units that documents declare with those that crossed or that a person confirms.

    Args:
        lines: Of all the visit's documents.
        crossed: Units that crossed for the visit, in its direction, or were placed by hand.
        confirmed: Units that a person says are there although no reader saw them.

    Returns:
        Units that are there, that are missing, and that crossed without being declared.

    Examples:
        >>> line = Line("asn", "A", "1", "gtin", "05012345678900", Decimal(2), "base", None, "SSCC-1")
        >>> present, missing, extra = sort_units([line], ["SSCC-9"], [])
        >>> sorted(present), sorted(missing), sorted(extra)
        ([], ['SSCC-1'], ['SSCC-9'])
    """
    declared = frozenset(line.unit for line in lines if line.unit is not None)
    seen = frozenset(crossed)
    present = declared & (seen | frozenset(confirmed))
    return present, declared - present, seen - declared


def is_by_crossing(line: Line) -> bool:
    """Tell whether as much of a line moves as crossed, and not as much as it declares.

    Args:
        line: Of a document that a vehicle brings or takes.

    Returns:
        True if so.
    """
    return line.type in BY_CROSSING or (line.type == "customer_return" and line.unit is None)


def undeclared(visit: VisitRow, unit: str) -> str:
    """Say what is with a unit that crossed and that no document declares.

    Args:
        visit: Its visit.
        unit: The unit.

    Returns:
        A sentence; it says what to do where a document of the visit counts what crosses.
    """
    told = f"unit {unit} crossed and no document declares it"
    names = [name for name in visit.documents if name.partition("/")[0] in BY_CROSSING]
    if not names:
        return told
    way = (
        "receive what it holds on Receiving"
        if visit.is_inbound
        else "ship what it holds on Shipping, with it"
    )
    return f"{told}: what it carries of {', '.join(names)} is not known, so {way}"


def named_paper(text: str, direction: str) -> dict[str, str]:
    """Read the name of a paper that a vehicle brings or takes.

    Args:
        text: ``type/id``, or the id of an ASN or order alone.
        direction: ``inbound`` or ``outbound``; any other text names an ASN.

    Returns:
        ``type`` and ``id``.

    Examples:
        >>> named_paper("ASN-1", "inbound"), named_paper("transfer/T-1", "outbound")
        ({'type': 'asn', 'id': 'ASN-1'}, {'type': 'transfer', 'id': 'T-1'})
    """
    kind, _, name = text.partition("/")
    if name and any(kind in kinds for kinds in CARRIED.values()):
        return {"type": kind, "id": name}
    return {"type": CARRIED.get(direction, CARRIED["inbound"])[0], "id": text}


def by_crossing(lines: Iterable[tuple[str, Decimal]], crossed: Mapping[str, Decimal]) -> list[Decimal]:
    """Share what crossed among lines that only say what is still to come or leave; earlier ones first.

    Args:
        lines: Item and open quantity of each, in base units.
        crossed: By item, what crossed and no other line declares, in base units.

    Returns:
        Of each line what moves now, at most what is open.

    Examples:
        >>> by_crossing([("TEA", Decimal(5)), ("MUG", Decimal(1)), ("TEA", Decimal(9))], {"TEA": Decimal(7)})
        [Decimal('5'), Decimal('0'), Decimal('2')]
    """
    left = dict(crossed)
    taken = []
    for item, open_quantity in lines:
        taken.append(max(Decimal(0), min(open_quantity, left.get(item, Decimal(0)))))
        left[item] = left.get(item, Decimal(0)) - taken[-1]
    return taken


def due_lines(lines: Iterable[Line], present: frozenset[str], settled: frozenset[str]) -> list[Line]:
    """Choose the lines whose goods change hands now.

    Args:
        lines: Of all the visit's documents.
        present: Units that are there.
        settled: ``type/id/line`` of lines that were confirmed before.

    Returns:
        Loose lines and content of present units, in document order, not confirmed before.
    """
    return [
        line for line in lines if line.name not in settled and (line.unit is None or line.unit in present)
    ]
