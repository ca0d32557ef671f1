"""Lets scanned goods wait: posts it, keeps under which receipt and what was decided of each scan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from cloud.db import Connection
from cloud.documents.lines import goods_of
from cloud.documents.movements import moved
from cloud.documents.receiving import store
from cloud.documents.receiving.beyond import Part, Wanted
from cloud.documents.receiving.domain import DISPOSITION_OF, NOTHING, Condition, Origin
from cloud.documents.receiving.life import SHORT_LIFE
from cloud.documents.receiving.posting import RECEIPT_CLAIM
from cloud.documents.receiving.scanned import BLIND
from cloud.identity.actor import Actor
from cloud.ledger.domain import Claim, CloudStatement, PostingKind
from cloud.ledger.posting import Posting
from cloud.ledger.store import audit
from contracts.base import epoch_from_int
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import BizStep, Disposition

RETURNED: Final = "returned"
"""Why goods wait that customers sent back."""
INSPECTION: Final = "inspection"
"""Why goods wait that a rule sends to inspection."""
VISIT: Final = "visit"
"""Type of what came under a vehicle's visit."""
SCAN: Final = "scan"
"""Type of the document that a hold names beside its line: the movement that a handheld stated."""


class Under(NamedTuple):
    """Where goods are held, and under which names."""

    site: str
    number: str
    """What was scanned."""
    receipt: str
    """Under which they wait."""
    at: datetime
    """Since when."""


class Lying(NamedTuple):
    """Sellable goods of one lot where a scan put them."""

    cells: list[int]
    location: str | None
    unit: str | None
    lot: str | None
    owner: str | None
    quantity: Decimal
    stands: str
    """The place itself, or where the unit stands."""

    def side(self, disposition: Disposition | None) -> Side:
        """Write them as a movement does."""
        return Side(
            location=self.location, unit=self.unit, lot=self.lot, owner=self.owner, disposition=disposition
        )


class Arrived(Protocol):
    """Goods that came by one movement, of which some are to wait."""

    @property
    def type(self) -> str:
        """Of what they came under: of a document, ``receipt`` or ``visit``."""

    @property
    def partner(self) -> str | None:
        """From whom."""

    @property
    def gateway(self) -> str:
        """Whose movement it is."""

    @property
    def epoch(self) -> int:
        """Of the gateway."""

    @property
    def seq(self) -> int:
        """Within the epoch."""

    @property
    def occurred_at(self) -> datetime:
        """When they came."""

    @property
    def item(self) -> str:
        """As it reads now."""

    @property
    def item_id(self) -> int:
        """Of that."""

    @property
    def days_left(self) -> int | None:
        """Until its lot expires, where that is less than its item asks for."""


class Taken(NamedTuple):
    """What of them is to wait."""

    lying: Lying
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Hold:
    """What of a part is to wait, and what of it lies there."""

    row: Arrived
    wanted: Wanted
    taken: tuple[Taken, ...]
    line: str | None
    """Of the receipt that it waits under; None: nothing of it lies there."""

    @property
    def part(self) -> Part:
        """The part."""
        return self.wanted.part

    @property
    def asked(self) -> Decimal:
        """What of it is to wait, in base units."""
        return self.wanted.quantity

    @property
    def held(self) -> Decimal:
        """What of it lies there, in base units."""
        return sum((each.quantity for each in self.taken), NOTHING)

    @property
    def reason(self) -> str:
        """Why."""
        if self.wanted.is_return:
            return RETURNED
        if self.wanted.is_inspection:
            return INSPECTION
        return "unexpected" if self.part.is_unexpected else "over"

    @property
    def is_short_lived(self) -> bool:
        """Whether it is inspected since it keeps for too short a time, whatever the rules say."""
        return self.wanted.is_inspection and self.row.days_left is not None

    @property
    def condition(self) -> Condition:
        """As what it waits."""
        if self.wanted.is_return:
            return Condition.RETURNED
        return Condition.INSPECTION if self.wanted.is_inspection else Condition.HOLD

    def lot(self) -> str | None:
        """Name its lot, if it is one only."""
        lots = {each.lying.lot for each in self.taken}
        return lots.pop() if len(lots) == 1 else None


def post_holds(conn: Connection, actor: Actor, under: Under, holds: Sequence[Hold]) -> None:
    """Put goods on hold or into inspection as one posting, and keep what was decided of each scan.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: Who does so.
        under: Where, and under which names.
        holds: What is to wait; of some nothing may lie there.
    """
    lying = [each for each in holds if each.taken]
    detail = {
        "number": under.number,
        "held": len(lying),
        "missed": sum(each.held < each.asked for each in holds),
    }
    if not lying:
        _keep_holds(conn, under, holds)
        audit(conn, actor.id, "scans_not_held", f"receipt:{under.number}", site=under.site, detail=detail)
        return
    codes = {each.row.item for each in lying}
    goods_of(conn, [("sku", code) for code in codes])  # from here on their codes name them
    names = {code: Identifier(scheme="sku", value=code) for code in codes}
    statements = [each for hold in lying for each in _statements(actor, under, hold, names[hold.row.item])]
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.claim([Claim(RECEIPT_CLAIM, f"{under.site}/{under.receipt}")])
    posting.write(statements=statements)
    _keep_receipt(conn, actor, under, lying, posting.posting_id)
    _keep_holds(conn, under, holds)
    posting.audit("scans_held", f"receipt:{under.receipt}", under.site, detail)
    posting.close()


def _statements(actor: Actor, under: Under, hold: Hold, name: Identifier) -> Iterator[CloudStatement]:
    row = hold.row
    refs = [DocumentRef(type=row.type, id=under.number, line=hold.part.line)] if hold.part.line else []
    scan = f"{row.gateway}/{epoch_from_int(row.epoch)}/{row.seq}"
    refs += [DocumentRef(type="receipt", id=under.receipt, line=hold.line), DocumentRef(type=SCAN, id=scan)]
    for lying, quantity in hold.taken:
        yield moved(
            under.site,
            name,
            quantity,
            "base",
            source=lying.side(None),
            destination=lying.side(DISPOSITION_OF[hold.condition]),
            documents=refs,
            occurred_at=max(under.at, row.occurred_at),
            actor=actor.id,
            biz_step=BizStep.HOLDING,
            reason=SHORT_LIFE if hold.is_short_lived else hold.reason,
        )


def _keep_receipt(
    conn: Connection, actor: Actor, under: Under, holds: Sequence[Hold], posting_id: int
) -> None:
    """Keep under which receipt the goods wait; its lines name no document's, of which it adds nothing."""
    first = holds[0]
    store.change(
        conn,
        "add_receipt",
        site=under.site,
        id=under.receipt,
        actor=actor.id,
        origin=(Origin.CUSTOMER if first.wanted.is_return else Origin.SUPPLIER).value,
        partner=first.row.partner,
        delivery_note=under.number,
        visit=under.number if first.row.type == VISIT else None,
        location=first.taken[0].lying.stands,
        is_blind=first.row.type == BLIND,
        occurred_at=under.at,
        posting_id=posting_id,
    )
    quantities, none = [each.held for each in holds], [None] * len(holds)
    store.change(
        conn,
        "add_receipt_lines",
        site=under.site,
        id=under.receipt,
        lines=[each.line for each in holds],
        of_types=none,
        of_ids=none,
        of_lines=none,
        item_ids=[each.row.item_id for each in holds],
        schemes=["sku"] * len(holds),
        identifiers=[each.row.item for each in holds],
        units_seen=["base"] * len(holds),
        expected=none,
        declared=none,
        open_before=none,
        received=quantities,
        damaged=[NOTHING] * len(holds),
        rejected=[NOTHING] * len(holds),
        held=[NOTHING if each.wanted.is_inspection else each.held for each in holds],
        over=[each.held if each.reason == "over" else NOTHING for each in holds],
        short=[NOTHING] * len(holds),
        conditions=[each.condition.value for each in holds],
        unexpected=[each.reason == "unexpected" for each in holds],
        reasons=[each.reason for each in holds],
        lots=[each.lot() for each in holds],
        units=[each.taken[0].lying.unit for each in holds],
        locations=[each.taken[0].lying.stands for each in holds],
        days_left=[each.row.days_left if each.is_short_lived else None for each in holds],
        owners=[each.taken[0].lying.owner for each in holds],
    )


def _keep_holds(conn: Connection, under: Under, holds: Sequence[Hold]) -> None:
    store.change(
        conn,
        "add_scanned_holds",
        site=under.site,
        id=under.number,
        type=holds[0].row.type,
        gateways=[each.row.gateway for each in holds],
        epochs=[each.row.epoch for each in holds],
        seqs=[each.row.seq for each in holds],
        item_ids=[each.row.item_id for each in holds],
        of_lines=[each.part.line for each in holds],
        reasons=[each.reason for each in holds],
        asked=[each.asked for each in holds],
        held=[each.held for each in holds],
        receipts=[under.receipt if each.line else None for each in holds],
        lines=[each.line for each in holds],
    )
