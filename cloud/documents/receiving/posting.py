"""What a checked delivery posts, and what is kept of it beside the movements."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from cloud.db import Connection
from cloud.documents.lines import LineName, in_seen_units
from cloud.documents.movements import moved, stands
from cloud.documents.receiving import store
from cloud.documents.receiving.checking import Checked, Checking
from cloud.documents.receiving.domain import ACCOUNT_OF, DISPOSITION_OF, Condition, Outcome
from cloud.documents.receiving.life import SHORT_LIFE
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.whole_lines import claim_whole
from cloud.identity.actor import Actor
from cloud.ledger.domain import Claim, CloudStatement, PostingKind
from cloud.ledger.posting import Posting
from contracts.records import DocumentRef, Side
from contracts.vocabulary import BizStep, Disposition

RECEIPT_CLAIM: Final = "receipt"
"""A receipt is posted once."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A line with what becomes of it."""

    line: Checked
    outcome: Outcome
    unit: str | None
    """The unit that holds it; an SSCC that was issued for it included."""
    days_left: int | None = None
    """Until its lot expires, where that is less than its item asks for."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery of which every line is settled."""

    paper: DeliveryPaper
    found: Checking
    judged: Sequence[Judged]
    occurred_at: datetime

    def place_of(self, line: Checked) -> str:
        """Say where a line's goods are put.

        Args:
            line: One of them.

        Returns:
            Code of the place.
        """
        return line.paper.location or self.paper.location


def post_delivery(
    conn: Connection, actor: Actor, delivery: Delivery, whole: Iterable[LineName]
) -> Posting | None:
    """Post a delivery; the caller closes the posting as its last act.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: Who received it.
        delivery: What came.
        whole: Lines of documents that have come whole with it.

    Returns:
        The open posting; None: all of it was rejected, nothing moved.
    """
    paper = delivery.paper
    statements = [each for judged in delivery.judged for each in _statements(delivery, judged, actor.id)]
    if not statements:
        return None
    statements += _placed(conn, delivery, actor.id)
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.claim([Claim(RECEIPT_CLAIM, f"{paper.site}/{paper.receipt}")])
    claim_whole(conn, posting, paper.site, whole)
    posting.write(statements=statements)
    return posting


def keep_delivery(conn: Connection, actor: Actor, delivery: Delivery, posting_id: int | None) -> None:
    """Keep what the person said, beside the movements that it posted.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who received it.
        delivery: What came.
        posting_id: What it posted; None: nothing.
    """
    paper, found = delivery.paper, delivery.found
    name = {"site": paper.site, "id": paper.receipt, "actor": actor.id}
    store.change(
        conn,
        "add_receipt",
        **name,
        origin=found.origin.value,
        partner=found.partner,
        delivery_note=paper.delivery_note,
        visit=paper.visit,
        location=paper.location,
        is_blind=found.is_blind,
        occurred_at=delivery.occurred_at,
        posting_id=posting_id,
    )
    lines, told = [each.line for each in delivery.judged], [each.outcome for each in delivery.judged]
    store.change(
        conn,
        "add_receipt_lines",
        site=paper.site,
        id=paper.receipt,
        lines=[line.paper.line for line in lines],
        of_types=[line.of.type if line.of else None for line in lines],
        of_ids=[line.of.id if line.of else None for line in lines],
        of_lines=[line.of.line if line.of else None for line in lines],
        item_ids=[line.goods.item_id if line.goods else None for line in lines],
        schemes=[line.identifier.scheme for line in lines],
        identifiers=[line.identifier.value for line in lines],
        units_seen=[line.unit_seen for line in lines],
        expected=[_expected(line) for line in lines],
        declared=[
            line.of.ordered if line.of and line.of.type != "purchase_order" else None for line in lines
        ],
        open_before=[each.open_before for each in told],
        received=[line.received for line in lines],
        damaged=[line.damaged for line in lines],
        rejected=[line.rejected for line in lines],
        held=[each.held for each in told],
        over=[each.over for each in told],
        short=[each.short for each in told],
        conditions=[each.condition.value for each in told],
        unexpected=[each.is_unexpected for each in told],
        reasons=[line.paper.reason for line in lines],
        lots=[line.lot for line in lines],
        units=[each.unit for each in delivery.judged],
        locations=[delivery.place_of(line) for line in lines],
        days_left=[each.days_left for each in delivery.judged],
        owners=[line.paper.owner for line in lines],
    )


def _expected(line: Checked) -> Decimal | None:
    if line.of and line.of.type == "purchase_order":
        return line.of.ordered
    return line.behind.ordered if line.behind else None


def _statements(delivery: Delivery, judged: Judged, actor: str) -> Iterator[CloudStatement]:
    """State what is sound, what of it is held, and what is damaged, each naming its lines."""
    paper, found, line, told = delivery.paper, delivery.found, judged.line, judged.outcome
    refs = [DocumentRef(type=line.of.type, id=line.of.id, line=line.of.line)] if line.of else []
    if line.behind:
        refs.append(DocumentRef(type="purchase_order", id=line.behind.id, line=line.behind.line))
    refs.append(DocumentRef(type="receipt", id=paper.receipt, line=line.paper.line))
    if paper.visit:
        refs.append(DocumentRef(type="visit", id=paper.visit))
    place = None if judged.unit else delivery.place_of(line)
    why_held = "unexpected" if told.is_unexpected else "over"
    parts = (
        (
            line.received - told.held,
            DISPOSITION_OF[told.condition],
            "unexpected" if told.is_unexpected else SHORT_LIFE if judged.days_left is not None else None,
        ),
        (told.held, DISPOSITION_OF[Condition.HOLD], why_held),
        (line.damaged, Disposition.DAMAGED, line.paper.reason or "damaged"),
    )
    for base, disposition, reason in parts:
        if base == 0:
            continue
        quantity, unit_seen = in_seen_units(base, line.unit_seen, found.known)
        yield moved(
            paper.site,
            line.identifier,
            quantity,
            unit_seen,
            source=_side(ACCOUNT_OF[found.origin], owner=line.paper.owner),
            destination=_side(place, judged.unit, line.lot, disposition, line.paper.owner),
            documents=refs,
            occurred_at=delivery.occurred_at,
            actor=actor,
            biz_step=BizStep.ACCEPTING,
            reason=reason,
        )


@lru_cache(1 << 10)
def _side(
    location: str | None,
    unit: str | None = None,
    lot: str | None = None,
    disposition: Disposition | None = None,
    owner: str | None = None,
) -> Side:
    """Make a side once while it recurs: the lines of a delivery go to few places."""
    return Side(location=location, unit=unit, lot=lot, disposition=disposition, owner=owner)


def _placed(conn: Connection, delivery: Delivery, actor: str) -> list[CloudStatement]:
    """Place units that do not stand at the site already."""
    paper = delivery.paper
    places = {
        each.unit: delivery.place_of(each.line)
        for each in delivery.judged
        if each.unit and each.line.received + each.line.damaged > 0
    }
    if not places:
        return []
    standing = {
        unit for (unit,) in store.tuples(conn, "units_standing", site=paper.site, units=sorted(places))
    }
    ref = DocumentRef(type="receipt", id=paper.receipt)
    return [
        stands(paper.site, unit, place, documents=[ref], occurred_at=delivery.occurred_at, actor=actor)
        for unit, place in places.items()
        if unit not in standing
    ]
