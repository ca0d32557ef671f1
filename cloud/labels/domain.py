"""Templates, blocks and prints as rows, and who may do what with labels; pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.identity.actor import Role
from contracts.gs1 import room_of
from contracts.label_templates import STANDARD
from contracts.labels import LabelKind, LabelTemplate

READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
    Role.ADMIN,
)
PRINTERS: Final = (Role.OPERATOR, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.ADMIN)
"""Badges take an admin."""
KEEPERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.ADMIN)
"""Who edits templates and reserves serial references."""

BLOCK: Final = 500
"""Serial references that a gateway is given at a time."""
LOW: Final = BLOCK // 2
"""A gateway with fewer left is given the next block; at a label a minute that lasts for four hours."""
BLOCKS_SENT: Final = 16
"""The last ones; what an earlier one still holds, its gateway knows."""
SERIES_LOW: Final = 20 * BLOCK
"""A site's series with fewer left is told of, in time for another prefix."""
MOST_BLOCK: Final = 100_000
MOST_TEMPLATES: Final = 20
MOST_TEMPLATE_BYTES: Final = 200 * 1024
"""Of a site's templates together: they go into one message, with blocks, which is to stay below 256 KiB."""
MOST_REASON: Final = 200
LAST_VERSION: Final = 2**31 - 1


class LabelWishError(ValueError):
    """A wrong wish about labels; the message names value, expectation and place."""


class UnknownTemplateError(LabelWishError):
    """There is no such template, or no such version of it."""


class StaleTemplateError(LabelWishError):
    """Somebody else has changed the template since."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A version of a template; version 0 is what ships."""

    site: str
    name: str
    version: int
    kind: str
    dots_per_mm: int
    zpl: str
    reason: str
    set_by: str
    set_at: datetime | None
    """None: it ships."""

    @property
    def template(self) -> LabelTemplate:
        """What gateways and previews are given."""
        return LabelTemplate.model_validate(
            {
                "name": self.name,
                "kind": self.kind,
                "version": self.version,
                "dots_per_mm": self.dots_per_mm,
                "zpl": self.zpl,
            }
        )


@dataclass(frozen=True, slots=True)
class BlockRow:
    """Serial references reserved for a gateway."""

    gateway: str
    site: str
    block_id: int
    company_prefix: str
    extension_digit: int
    first_serial: int
    last_serial: int
    reserved_at: datetime
    reserved_by: str


@dataclass(frozen=True, slots=True)
class PrintRow:
    """Labels that were printed."""

    key: str
    site: str
    printed_at: datetime
    kind: str
    subject: str
    copies: int
    way: str
    printer: str | None
    is_reprint: bool
    reason: str | None
    printed_by: str
    gateway: str | None
    """None: the cloud."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item to choose for a label."""

    code: str
    name: str
    base_unit: str
    gtin: str | None
    """Of one base unit."""


def shipped(site: str, kind: LabelKind) -> TemplateRow:
    """Give the template of a kind as it ships.

    Args:
        site: Site id.
        kind: Of the label.

    Returns:
        Version 0.
    """
    standard = STANDARD[kind]
    return TemplateRow(
        site, standard.name, 0, kind, standard.dots_per_mm, standard.zpl, "as it ships", "", None
    )


def left_in_series(company_prefix: str, next_serial: int) -> int:
    """Tell how many serial references a series still has.

    Args:
        company_prefix: Of the series.
        next_serial: The next to be given out.

    Returns:
        Their number.

    Examples:
        >>> left_in_series("952114112345", 9_990)
        10
    """
    return max(0, int(10 ** room_of(company_prefix)) - next_serial)
