"""What a tag names, as far as it can move: a decoded EPC and its role in, unit or trade item out (D3)."""

from dataclasses import dataclass

from contracts.records import Identifier
from contracts.vocabulary import CrossingReason
from edge_agent.decode.epc import Epc
from edge_agent.decode.tag_role import TagRole
from edge_agent.doors.visits import Known


@dataclass(frozen=True, slots=True)
class Thing:
    """What a tag names, as far as it can move."""

    unit: str | None = None
    """A logistic unit: SSCC, or a declared tote's GRAI."""
    gtin: str | None = None
    """A loose trade item, or one inside a unit."""
    identifier: Identifier | None = None
    why_not: CrossingReason | None = None
    """Set if it can move nothing."""


def thing_of(tag: tuple[Epc, TagRole], known: Known) -> Thing:
    """Say what a tag names, as far as it can move.

    Args:
        tag: What it names, and its role.
        known: The assignment in force: a tote is a unit only if it is declared.

    Returns:
        The thing.
    """
    epc, role = tag
    unit = epc.unit
    if role is TagRole.LOGISTIC_UNIT and unit is not None:
        return Thing(unit=unit)
    if role is TagRole.RETURNABLE_ASSET and unit is not None:
        is_declared = any(unit in visit.units for visit in known.everywhere())
        return Thing(unit=unit) if is_declared else Thing(why_not=CrossingReason.NOT_GOODS)
    if role is TagRole.TRADE_ITEM and epc.gtin is not None:
        serial = epc.pure_uri
        identifier = (
            Identifier(scheme="gtin", value=epc.gtin)
            if serial is None
            else Identifier(scheme="sgtin", value=serial)
        )
        return Thing(gtin=epc.gtin, identifier=identifier)
    is_ours = role in {TagRole.VEHICLE, TagRole.PLACE, TagRole.RETURNABLE_ASSET}
    return Thing(why_not=CrossingReason.NOT_GOODS if is_ours else CrossingReason.UNKNOWN_TAG)
