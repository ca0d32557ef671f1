"""What documents post: declared lines in, movements and unit positions out (DOMAIN D2, D5, D8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cloud.documents.domain import Line, RemainderReason, VisitRow
from cloud.documents.movements import moved, stands
from cloud.documents.papers import OpeningPaper
from cloud.ledger.domain import CloudStatement
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import BizStep, Disposition, VirtualLocation

AS_DECLARED: Final = "completeness_inferred"
"""Why goods come in that nobody counted: a paper declares them in a unit, which came (DOMAIN D5, CBV)."""
_FROM: Final = {
    "customer_return": VirtualLocation.CUSTOMER,
    "transfer": VirtualLocation.TRANSIT,
}
"""The account that goods of an inbound visit leave, by type of document; of all others the supplier's."""
_TO: Final = {
    "supplier_return": VirtualLocation.SUPPLIER,
    "transfer": VirtualLocation.TRANSIT,
}
"""The account that goods of an outbound visit go into, by type of document; of all others the customer's."""
_WAITS_AS: Final = {"customer_return": Disposition.RETURNED}
"""As what goods wait that are not sellable at once, by type of document; all others in inspection."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What a visit's goods change hands by."""

    visit: VisitRow
    actor: str
    """Who confirms it."""
    occurred_at: datetime
    unseen: frozenset[str] = frozenset()
    """Units that no reader saw; the reason of what they hold says so. What comes in a unit that was seen is
    received unchecked, and its reason says that."""
    papers: Mapping[Line, DocumentRef] = field(default_factory=dict)
    """By line, the receipt's line under which its goods wait, or the shipment's with which they leave."""
    conditions: Mapping[str, Disposition] = field(default_factory=dict)
    """By the name of a line, in which condition its goods leave, if it is not sellable."""


def business_leg(leg: Leg, lines: Sequence[Line]) -> list[CloudStatement]:
    """Let goods change hands: from the supplier, customer or other site, or to them.

    Goods in units go into or out of the unit, wherever it stands; loose goods into or out of the visit's
    clearing account, from or to which they cross the door.

    Args:
        leg: Whose documents these are, and by what they change hands.
        lines: What changes hands.

    Returns:
        A movement per line, in order.
    """
    visit, is_inbound = leg.visit, leg.visit.is_inbound
    made = []
    for line in lines:
        here, there = _sides(leg, line)
        refs = [DocumentRef(type=line.type, id=line.id, line=line.line)]
        if line.order_id and line.order_line:
            refs.append(DocumentRef(type="purchase_order", id=line.order_id, line=line.order_line))
        if paper := leg.papers.get(line):
            refs.append(paper)
        name = {"scheme": line.identifier_scheme, "value": line.identifier}
        statement = moved(
            visit.site,
            Identifier.model_validate(name),
            line.quantity,
            line.unit_seen,
            source=there if is_inbound else here,
            destination=here if is_inbound else there,
            documents=[*refs, DocumentRef(type="visit", id=visit.visit)],
            occurred_at=leg.occurred_at,
            actor=leg.actor,
            read_point=visit.door,
            biz_step=BizStep.ACCEPTING if is_inbound else BizStep.DEPARTING,
            reason=_reason(line, leg.unseen, is_inbound=is_inbound),
        )
        made.append(statement)
    return made


def _sides(leg: Leg, line: Line) -> tuple[Side, Side]:
    """Give where goods are here, and the account of whom they come from or go to."""
    place = {"location": leg.visit.clearing_account} if line.unit is None else {"unit": line.unit}
    lot = {"lot": line.lot} if line.lot else {}
    condition: Mapping[str, Disposition] = {}
    if leg.visit.is_inbound and line in leg.papers:
        condition = {"disposition": _WAITS_AS.get(line.type, Disposition.INSPECTION)}
    elif line.name in leg.conditions:
        condition = {"disposition": leg.conditions[line.name]}
    here = Side.model_validate({**place, **lot, **condition})
    if leg.visit.is_inbound:
        return here, Side(location=_FROM.get(line.type, VirtualLocation.SUPPLIER))
    return here, Side.model_validate({"location": _TO.get(line.type, VirtualLocation.CUSTOMER), **lot})


def _reason(line: Line, unseen: frozenset[str], *, is_inbound: bool) -> str | None:
    if line.unit in unseen:
        return RemainderReason.NOT_READ.value
    return AS_DECLARED if is_inbound and line.unit else None


def opening_statements(
    papers: Sequence[OpeningPaper], actor: str, occurred_at: datetime
) -> list[CloudStatement]:
    """Put stock where it is when the ledger begins; units are placed too.

    Args:
        papers: What is there.
        actor: Who says so.
        occurred_at: The cut-over.

    Returns:
        Movements out of the account of the opening, and a position for every unit.
    """
    made = []
    placed: set[str] = set()
    for paper in papers:
        if paper.unit is not None and paper.unit not in placed:
            placed.add(paper.unit)
            placing = stands(paper.site, paper.unit, paper.location, occurred_at=occurred_at, actor=actor)
            made.append(placing)
        place = {"location": paper.location} if paper.unit is None else {"unit": paper.unit}
        statement = moved(
            paper.site,
            paper.identifier,
            paper.quantity,
            paper.unit_seen,
            source=Side(location=VirtualLocation.OPENING),
            destination=Side.model_validate(place | ({"lot": paper.lot} if paper.lot else {})),
            documents=[],
            occurred_at=occurred_at,
            actor=actor,
            reason="opening",
        )
        made.append(statement)
    return made
