"""Every kind of handheld work in one table: from where, to where, under which names, and how labels act."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from contracts.vocabulary import BizStep, Disposition, VirtualLocation
from edge_agent.workflows.site import WorkflowSettings


class Workflow(StrEnum):
    """The kinds of handheld work."""

    RECEIVE = "receive"
    SHIP = "ship"
    RETURN = "return"
    GRADE = "grade"
    PICK = "pick"
    PUTAWAY = "putaway"
    MOVE = "move"
    PACK = "pack"
    UNPACK = "unpack"
    TRANSFER = "transfer"
    TRANSFER_IN = "transfer_in"
    CROSSDOCK = "crossdock"
    DAMAGE = "damage"
    KIT = "kit"
    DEKIT = "dekit"
    REPACK = "repack"
    COUNT = "count"
    ADJUST = "adjust"


class End(Enum):
    """An end of a movement that the site, or a scan, decides."""

    STAGING = auto()
    RETURNS = auto()
    CHOSEN = auto()
    """The place that was scanned before the goods."""
    STAGING_OR_CHOSEN = auto()
    """Staging, until a place is scanned before the goods."""
    UNIT = auto()
    """The logistic unit that was scanned before the goods."""
    LATER = auto()
    """The place that is scanned after the goods: until then they are carried."""
    SAME = auto()
    """Where the goods are: only their disposition changes."""


class Argument(Enum):
    """What follows a command's slash."""

    NONE = auto()
    DOCUMENT = auto()
    OPTIONAL_DOCUMENT = auto()
    REASON = auto()
    DISPOSITION = auto()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of work."""

    biz_step: BizStep
    document: str
    """Type of the document that its records name."""
    source: VirtualLocation | End
    destination: VirtualLocation | End
    argument: Argument = Argument.DOCUMENT
    takes_units: bool = False
    """Whether logistic units are moved, as a whole, by their label."""
    found: Disposition | None = None
    """Disposition in which goods are taken, where the work itself tells."""
    left: Disposition | None = None
    """Disposition in which they are left."""
    is_observation: bool = False
    """Whether labels are counted, and nothing moves."""
    is_transformation: bool = False
    """Whether goods are used up until ``$MAKES``, and made after it."""
    is_for_customers: bool = False
    """Whether goods are on their way to a customer, who must not get expired ones."""


KINDS: Final = {
    Workflow.RECEIVE: Kind(
        BizStep.RECEIVING, "receipt", VirtualLocation.SUPPLIER, End.STAGING, takes_units=True
    ),
    Workflow.SHIP: Kind(
        BizStep.SHIPPING, "shipment", End.STAGING, VirtualLocation.CUSTOMER, is_for_customers=True
    ),
    Workflow.RETURN: Kind(
        BizStep.RECEIVING,
        "customer_return",
        VirtualLocation.CUSTOMER,
        End.RETURNS,
        left=Disposition.RETURNED,
    ),
    Workflow.GRADE: Kind(
        BizStep.INSPECTING,
        "grading",
        End.RETURNS,
        End.SAME,
        argument=Argument.DISPOSITION,
        found=Disposition.RETURNED,
    ),
    Workflow.PICK: Kind(BizStep.PICKING, "pick", End.CHOSEN, End.STAGING, is_for_customers=True),
    Workflow.PUTAWAY: Kind(
        BizStep.STORING, "putaway", End.STAGING, End.LATER, argument=Argument.NONE, takes_units=True
    ),
    Workflow.MOVE: Kind(
        BizStep.STORING, "move", End.CHOSEN, End.LATER, argument=Argument.NONE, takes_units=True
    ),
    Workflow.PACK: Kind(
        BizStep.PACKING,
        "packing",
        End.STAGING_OR_CHOSEN,
        End.UNIT,
        argument=Argument.OPTIONAL_DOCUMENT,
        takes_units=True,
    ),
    Workflow.UNPACK: Kind(
        BizStep.UNPACKING,
        "unpacking",
        End.UNIT,
        End.LATER,
        argument=Argument.OPTIONAL_DOCUMENT,
        takes_units=True,
    ),
    Workflow.TRANSFER: Kind(BizStep.SHIPPING, "transfer", End.STAGING, VirtualLocation.TRANSIT),
    Workflow.TRANSFER_IN: Kind(BizStep.RECEIVING, "transfer", VirtualLocation.TRANSIT, End.STAGING),
    Workflow.CROSSDOCK: Kind(
        BizStep.STAGING_OUTBOUND,
        "outbound_order",
        End.STAGING,
        End.LATER,
        takes_units=True,
        is_for_customers=True,
    ),
    Workflow.DAMAGE: Kind(
        BizStep.INSPECTING,
        "damage",
        End.CHOSEN,
        End.SAME,
        argument=Argument.REASON,
        left=Disposition.DAMAGED,
    ),
    Workflow.KIT: Kind(
        BizStep.TRANSFORMING, "kit", End.CHOSEN, VirtualLocation.TRANSFORMATION, is_transformation=True
    ),
    Workflow.DEKIT: Kind(
        BizStep.TRANSFORMING, "dekit", End.CHOSEN, VirtualLocation.TRANSFORMATION, is_transformation=True
    ),
    Workflow.REPACK: Kind(
        BizStep.TRANSFORMING, "repack", End.CHOSEN, VirtualLocation.TRANSFORMATION, is_transformation=True
    ),
    Workflow.COUNT: Kind(
        BizStep.CYCLE_COUNTING,
        "count",
        End.CHOSEN,
        End.SAME,
        argument=Argument.OPTIONAL_DOCUMENT,
        is_observation=True,
    ),
    Workflow.ADJUST: Kind(
        BizStep.CYCLE_COUNTING,
        "adjustment",
        End.CHOSEN,
        End.SAME,
        argument=Argument.REASON,
        is_observation=True,
    ),
}
"""The rules of each kind of work."""

GRADES: Final = (Disposition.SELLABLE, Disposition.DAMAGED, Disposition.HOLD)
"""What returned goods may be found to be. What is to be scrapped is written off with approval, not here."""


def known_place(end: VirtualLocation | End, site: WorkflowSettings) -> str | None:
    """Tell which place an end is without a scan.

    Args:
        end: Of a kind of work.
        site: Where the site stages goods and takes returns.

    Returns:
        Its code; None where a scan decides.
    """
    match end:
        case End.STAGING:
            return site.staging
        case End.RETURNS:
            return site.returns
        case VirtualLocation():
            return str(end)
    return None
