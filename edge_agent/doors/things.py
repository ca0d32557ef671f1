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
    piece: Epc | None = None
    """What the tag of a trade item says."""
    why_not: CrossingReason | None = None
    """Set if it can move nothing."""

    @property
    def serials(self) -> tuple[str, ...]:
        """The pure identity of a trade item's piece; empty if it has no serial, or it is none."""
        serial = None if self.piece is None else self.piece.pure_uri
        return () if serial is None else (serial,)

    @property
    def identifier(self) -> Identifier | None:
        """What records name of a trade item: the piece, or the item if the piece has no serial."""
        for serial in self.serials:
            return Identifier(scheme="sgtin", value=serial)
        return None if self.gtin is None else Identifier(scheme="gtin", value=self.gtin)


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
        return Thing(gtin=epc.gtin, piece=epc)
    is_ours = role in {TagRole.VEHICLE, TagRole.PLACE, TagRole.RETURNABLE_ASSET}
    return Thing(why_not=CrossingReason.NOT_GOODS if is_ours else CrossingReason.UNKNOWN_TAG)
