"""What documents post: declared lines in, movements and unit positions out (DOMAIN D2, D5, D8)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from cloud.documents.domain import Line, RemainderReason, VisitRow
from cloud.documents.movements import moved, stands
from cloud.documents.papers import OpeningPaper
from cloud.ledger.domain import CloudStatement
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import BizStep, Disposition, VirtualLocation

AS_DECLARED: Final = "completeness_inferred"
"""Why goods come in that nobody counted: a paper declares them in a unit, which came (DOMAIN D5, CBV)."""
_NOTHING_INSPECTED: Final[Mapping[str, DocumentRef]] = MappingProxyType({})


def business_leg(
    visit: VisitRow,
    lines: Sequence[Line],
    actor: str,
    occurred_at: datetime,
    *,
    unseen: frozenset[str] = frozenset(),
    inspected: Mapping[str, DocumentRef] = _NOTHING_INSPECTED,
) -> list[CloudStatement]:
    """Let declared goods change hands: from the supplier, or to the customer.

    Goods in units go into or out of the unit, wherever it stands; loose goods into or out of the visit's
    clearing account, from or to which they cross the door.

    Args:
        visit: Whose documents these are.
        lines: What changes hands.
        actor: Who confirms it.
        occurred_at: When.
        unseen: Units that no reader saw; the reason of what they hold says so. What comes in a unit that was
            seen is received unchecked, and its reason says that.
        inspected: By the name of a line, under which receipt's line its goods wait in inspection.

    Returns:
        A movement per line, in order.
    """
    is_inbound = visit.is_inbound
    step = BizStep.ACCEPTING if is_inbound else BizStep.DEPARTING
    made = []
    for line in lines:
        place = {"location": visit.clearing_account} if line.unit is None else {"unit": line.unit}
        lot = {"lot": line.lot} if line.lot else {}
        ref = inspected.get(line.name)
        waits = {"disposition": Disposition.INSPECTION} if ref else {}
        here = Side.model_validate(place | lot | waits)
        partner = (
            Side(location=VirtualLocation.SUPPLIER)
            if is_inbound
            else Side.model_validate({"location": VirtualLocation.CUSTOMER} | lot)
        )
        refs = [DocumentRef(type=line.type, id=line.id, line=line.line)]
        if line.order_id and line.order_line:
            refs.append(DocumentRef(type="purchase_order", id=line.order_id, line=line.order_line))
        if ref:
            refs.append(ref)
        name = {"scheme": line.identifier_scheme, "value": line.identifier}
        statement = moved(
            visit.site,
            Identifier.model_validate(name),
            line.quantity,
            line.unit_seen,
            source=partner if is_inbound else here,
            destination=here if is_inbound else partner,
            documents=[*refs, DocumentRef(type="visit", id=visit.visit)],
            occurred_at=occurred_at,
            actor=actor,
            read_point=visit.door,
            biz_step=step,
            reason=_reason(line, unseen, is_inbound=is_inbound),
        )
        made.append(statement)
    return made


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
