"""The field's standard words, once: CBV business steps, dispositions, virtual locations, gap causes."""

from enum import StrEnum
from typing import Final


class BizStep(StrEnum):
    """Business steps of GS1's Core Business Vocabulary 2.0 that Dockledger writes (DOMAIN D1)."""

    ACCEPTING = "accepting"
    ARRIVING = "arriving"
    COMMISSIONING = "commissioning"
    CYCLE_COUNTING = "cycle_counting"
    DECOMMISSIONING = "decommissioning"
    DEPARTING = "departing"
    DESTROYING = "destroying"
    HOLDING = "holding"
    INSPECTING = "inspecting"
    LOADING = "loading"
    PACKING = "packing"
    PICKING = "picking"
    RECEIVING = "receiving"
    SHIPPING = "shipping"
    STAGING_OUTBOUND = "staging_outbound"
    STOCK_TAKING = "stock_taking"
    STOCKING = "stocking"
    STORING = "storing"
    TRANSFORMING = "transforming"
    UNLOADING = "unloading"
    UNPACKING = "unpacking"


class Disposition(StrEnum):
    """The condition of stock in a cell (DOMAIN D1); the cloud maps each to its CBV disposition and flags."""

    SELLABLE = "sellable"
    HOLD = "hold"
    INSPECTION = "inspection"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    RECALLED = "recalled"
    RETURNED = "returned"


class GapCause(StrEnum):
    """Why nothing was recorded for a while (PROTOCOL P6)."""

    DOWN = "down"
    SILENT = "silent"
    FULL = "full"
    CLOCK = "clock"


class CrossingDirection(StrEnum):
    """What a portal concluded of one tag."""

    IN = "in"
    OUT = "out"
    UNDECIDED = "undecided"
    STRAY = "stray"


class CrossingReason(StrEnum):
    """Why a crossing posted nothing, or posted and still needs a person (DOMAIN D2, D3)."""

    UNDECIDED = "undecided"
    LOW_CONFIDENCE = "low_confidence"
    CONTRADICTS_VISIT = "contradicts_visit"
    NEIGHBOUR_PORTAL = "neighbour_portal"
    NO_VISIT = "no_visit"
    """Posted: the physical leg is sure, its documents are not."""
    SEVERAL_VISITS = "several_visits"
    """Posted, as above."""
    AMBIGUOUS_CONTENT = "ambiguous_content"
    """The item is expected loose and inside a unit, and nothing tells which this is."""
    STRAY = "stray"
    CONTAINED = "contained"
    """It moves with the unit that declares it as content."""
    CONFIRMS = "confirms"
    """Another source posts this movement; the crossing confirms it."""
    NOT_GOODS = "not_goods"
    """A returnable asset, vehicle or place marker."""
    UNKNOWN_TAG = "unknown_tag"
    SHADOW = "shadow"
    """The door posts nothing yet."""


class CountScope(StrEnum):
    """What a count claims to have looked at (DOMAIN D7)."""

    BIN = "bin"
    CELL = "cell"
    ITEMS = "items"


VIRTUAL_PREFIX: Final = "@"
"""Codes of virtual accounts begin with it; codes of real places may not."""


class VirtualLocation(StrEnum):
    """The accounts that make every movement two-sided (DESIGN keystone 1)."""

    SUPPLIER = "@supplier"
    CUSTOMER = "@customer"
    TRANSIT = "@transit"
    CLEARING = "@clearing"
    ADJUSTMENT = "@adjustment"
    OPENING = "@opening"
    TRANSFORMATION = "@transformation"
    SCRAP = "@scrap"
    UNKNOWN = "@unknown"


def clearing_account(door_or_visit: str) -> str:
    """Name the dock clearing account of one door or vehicle visit.

    Args:
        door_or_visit: Id of the door or the visit.

    Returns:
        The account's location code.

    Examples:
        >>> clearing_account("dock-1")
        '@clearing/dock-1'
    """
    return f"{VirtualLocation.CLEARING}/{door_or_visit}"
