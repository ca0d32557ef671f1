"""A crossing and an answer in, the records that the edge would have posted out; pure."""

from decimal import Decimal
from typing import Any, Final

from cloud.crossings.domain import Answer, CrossingRow, NotAskedError, RecordRow
from cloud.identity.actor import Actor
from cloud.ledger.domain import CloudStatement, EffectiveRow
from contracts.base import SiteId
from contracts.occurrence import TimeBasis
from contracts.records import Identifier, Movement, Record, Side, UnitPosition
from contracts.vocabulary import BizStep, clearing_account

REASON: Final = "dock_exception"
"""Reason of what an answer moves."""
MISREAD: Final = "misread"
"""Reason of what takes it back."""


def leg(
    crossing: CrossingRow, answer: Answer, actor: Actor, *, visit: str | None, account: str | None
) -> list[CloudStatement]:
    """State the physical leg of a crossing that a person decided.

    Args:
        crossing: One of which nothing stands posted.
        answer: *in* or *out*; anything else moves nothing.
        actor: Who said so.
        visit: The visit that was chosen, if one.
        account: Its clearing account.

    Returns:
        One position of a unit, or one movement of a trade item; nothing for a tag that names neither.

    Raises:
        NotAskedError: If the crossing does not say where *inside* is.
    """
    if answer not in {Answer.IN, Answer.OUT} or (crossing.unit is None and crossing.identifier is None):
        return []
    if crossing.inside_location is None:
        raise NotAskedError(
            f"crossing {crossing.name} names no inside_location, so {answer.value!r} leads nowhere: "
            "expected the portal's; answer did_not_move and move it by hand"
        )
    outside = account or crossing.outside_location or clearing_account(crossing.portal)
    source, destination = outside, crossing.inside_location
    if answer is Answer.OUT:
        source, destination = destination, source
    step = BizStep.ARRIVING if answer is Answer.IN else BizStep.LOADING
    common = _common(crossing, actor, visit=visit or crossing.visit, step=step) | {"reason": REASON}
    if crossing.unit is not None:
        record: Record = UnitPosition.model_validate(
            common | {"unit": crossing.unit, "location": destination, "from_location": source}
        )
        return [_stated(crossing, record)]
    return [_stated(crossing, _goods(crossing, common, source, destination))]


def attachment(crossing: CrossingRow, actor: Actor, *, visit: str, account: str) -> list[CloudStatement]:
    """State what lets a posted crossing count for a visit: its loose goods came through that account.

    Args:
        crossing: One whose direction stands posted.
        actor: Who chose the visit.
        visit: The visit.
        account: Its clearing account.

    Returns:
        A movement between the two accounts; nothing for a unit, whose position has none, nor where the
        goods went through that account already.
    """
    used = crossing.outside_location or clearing_account(crossing.portal)
    if crossing.unit is not None or crossing.identifier is None or used == account:
        return []
    source, destination = (account, used) if crossing.stands == Answer.IN else (used, account)
    common = _common(crossing, actor, visit=visit, step=None) | {"reason": REASON}
    return [_stated(crossing, _goods(crossing, common, source, destination))]


def way_back(crossing: CrossingRow, actor: Actor, record: RecordRow) -> CloudStatement:
    """State that a unit did not go where a misread put it.

    Args:
        crossing: The misread one.
        actor: Who says so.
        record: The unit's position that rests on it.

    Returns:
        A position where it came from, at the instant of the one that was wrong.

    Raises:
        NotAskedError: If the position does not say where the unit came from.
    """
    back = record.from_place or (
        crossing.outside_location if crossing.stands == Answer.IN else crossing.inside_location
    )
    if back is None:
        raise NotAskedError(
            f"the position of unit {record.unit!r} after crossing {crossing.name} does not say where it came "
            "from: expected from_location; state its place by hand"
        )
    common = _common(crossing, actor, visit=None, step=None) | {"reason": MISREAD}
    stated = {"unit": record.unit, "location": back, "from_location": record.to_place}
    position = UnitPosition.model_validate(common | stated)
    return CloudStatement(
        SiteId(crossing.site), EffectiveRow(position, record.occurred_at, TimeBasis(crossing.time_basis))
    )


def _common(
    crossing: CrossingRow, actor: Actor, *, visit: str | None, step: BizStep | None
) -> dict[str, Any]:
    """Give what every record made of an answer carries: instant, evidence, and who says so."""
    return {
        "seq": 1,
        "occurred_at_claimed": crossing.occurred_at_claimed,
        "mono_ns": 0,
        "boot_id": "cloud",
        "clock_ok": True,
        "device": crossing.device,
        "actor": actor.id,
        "confirmed_by": actor.id,
        "read_point": crossing.portal,
        "biz_step": step,
        "documents": ({"type": "visit", "id": visit},) if visit else (),
        "confidence": crossing.confidence,
        "evidence_id": crossing.evidence,
    }


def _goods(crossing: CrossingRow, common: dict[str, Any], source: str, destination: str) -> Movement:
    identifier = Identifier.model_validate(
        {"scheme": crossing.identifier_scheme, "value": crossing.identifier}
    )
    epc = identifier.value if identifier.scheme == "sgtin" else crossing.epc
    goods = {
        "identifier": identifier,
        "quantity_seen": Decimal(1),
        "unit_seen": crossing.unit_seen or "base",
        "source": Side(location=source),
        "destination": Side(location=destination),
        "epcs": (epc,),
    }
    return Movement.model_validate(common | goods)


def _stated(crossing: CrossingRow, record: Record) -> CloudStatement:
    return CloudStatement(
        SiteId(crossing.site), EffectiveRow(record, crossing.occurred_at, TimeBasis(crossing.time_basis))
    )
