"""The rows that lists consist of, and who may ask for them; pure values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cloud.identity.actor import Role

STOCK_READERS: Final = (
    Role.OPERATOR,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
"""Who may see stock and movements: every person, but not admin, who runs the system, nor devices."""

OPERATIONS_READERS: Final = (*STOCK_READERS, Role.ADMIN)
"""Who may see gateways, batches and completeness."""

QUARANTINE_READERS: Final = (Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.AUDITOR, Role.ADMIN)
"""Who may see what could not be understood, original bytes included."""


GREATEST: Final = 2**62
"""Above every number that orders a list, for the first page of one that runs downwards."""


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site within the actor's reach."""

    site: str
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item; `merged_into` names the one it reads as."""

    code: str
    name: str | None
    category: str | None
    base_unit: str
    is_integer_only: bool
    is_provisional: bool
    is_lot_controlled: bool
    is_serialised: bool
    minimum_life_days: int | None
    """Whole days for which it must be good after the day of receipt; None: whatever comes is taken in."""
    shelf_life_days: int | None
    """For which it is good, the day of production being the first; None: not known."""
    merged_into: str | None


@dataclass(frozen=True, slots=True)
class IdentifierRow:
    """A name of an item; one seen unit holds numerator / denominator base units."""

    scheme: str
    value: str
    numerator: int
    denominator: int
    valid_from: datetime | None


@dataclass(frozen=True, slots=True)
class LocationRow:
    """A place or a virtual account of a site."""

    site: str
    code: str
    kind: str
    parent: str | None
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A gateway batch in the ledger."""

    gateway: str
    site: str
    epoch: int
    batch_no: int
    sha256: str
    prev_sha256: str
    first_seq: int
    last_seq: int
    complete_until: datetime
    is_final: bool
    status: str
    received_at: datetime
    position: int
    recorded_at: datetime
    gateway_key: int


@dataclass(frozen=True, slots=True)
class SiteCompleteness:
    """Up to when a site's ledger is whole; None while an active gateway has not said anything."""

    site: str
    time_zone: str
    complete_until: datetime | None
    active_gateways: int
    offline_gateways: list[str]


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Which ledger this is and how far it goes."""

    ledger_id: str
    position: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway as the ledger knows it and as it last spoke of itself."""

    gateway: str
    site: str
    time_zone: str
    state: str
    presence: str
    heard_at: datetime | None
    complete_until: datetime | None
    agent: str | None
    health_at: datetime | None
    unacked_rows: int | None
    oldest_unacked_age_s: float | None
    is_outbox_full: bool | None
    is_clock_ok: bool | None
    readers: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class GapRow:
    """A stretch in which a device recorded nothing; open while `to_at` is None."""

    site: str
    time_zone: str
    gateway: str
    device: str
    from_at: datetime
    to_at: datetime | None
    cause: str


@dataclass(frozen=True, slots=True)
class GatewayHourRow:
    """What a gateway saw in an hour, and how it fared."""

    gateway: str
    site: str
    hour: datetime
    crossings: int
    held: int
    reads: int
    sightings: int
    heard: int
    unacked_rows: int | None
    oldest_unacked_age_s: float | None
    is_outbox_full: bool | None
    is_clock_ok: bool | None
    readers_connected: int | None


@dataclass(frozen=True, slots=True)
class FlowRow:
    """How many records of a gateway the ledger took within a minute."""

    gateway: str
    minute_at: datetime
    records: int


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """Something that could not be understood."""

    quarantine_id: int
    received_at: datetime
    topic: str
    site: str | None
    gateway: str | None
    epoch: int | None
    batch_no: int | None
    seq: int | None
    reason: str
    message: str
    state: str
    settled_at: datetime | None
    settled_by: str | None
    size: int


@dataclass(frozen=True, slots=True)
class QuarantineDetail(QuarantineRow):
    """The same with its original bytes, and what became of the wish to replay it, if there is one."""

    payload: bytes
    sha256: str
    replay_asked_at: datetime | None
    replay_asked_by: str | None
    replay_refusal: str | None
    """Why ingest could not; None while it waits."""


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A movement with the names of things, both clocks, and what it rests on."""

    gateway: str
    epoch: int
    seq: int
    gateway_key: int
    site: str
    time_zone: str
    occurred_at: datetime
    occurred_at_claimed: datetime
    time_basis: str
    position: int
    recorded_at: datetime
    posted_by: str
    posting_kind: str
    item: str
    item_name: str | None
    base_unit: str
    item_seen: str
    item_id: int
    quantity: Decimal
    identifier_scheme: str
    identifier: str
    quantity_seen: Decimal
    unit_seen: str
    from_cell: int
    from_location: str
    from_lot: str | None
    from_disposition: str | None
    from_owner: str | None
    to_cell: int
    to_location: str
    to_lot: str | None
    to_disposition: str | None
    to_owner: str | None
    reason: str | None
    reverses_gateway: str | None
    reverses_epoch: int | None
    reverses_seq: int | None
    actor: str | None
    device: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements are asked for; None means any."""

    site: str | None = None
    item: str | None = None
    location: str | None = None
    gateway: str | None = None
    epoch: int | None = None
    seq: int | None = None
    reason: str | None = None
    occurred_from: datetime | None = None
    occurred_until: datetime | None = None
    above_position: int | None = None


@dataclass(frozen=True, slots=True)
class BatchOfRow:
    """The gateway batch that a row came in."""

    batch_no: int
    sha256: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A logistic unit and where it stands: at a location, in another unit, or not yet seen anywhere."""

    unit: str
    scheme: str
    instance: int
    site: str
    time_zone: str
    location: str | None
    parent: str | None
    since_at: datetime | None


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """The quantity of one cell, in the base unit of the item as it reads now."""

    cell_id: int
    site: str
    time_zone: str
    item: str
    item_name: str | None
    base_unit: str
    location: str
    location_kind: str
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class BalanceFilter:
    """Which balances are asked for; None means any, and for both limits of the past, now."""

    site: str | None = None
    item: str | None = None
    item_like: str | None = None
    """A pattern of `contains` over codes and names."""
    location: str | None = None
    location_like: str | None = None
    cell_id: int | None = None
    until_at: datetime | None = None
    until_position: int | None = None
    with_virtual: bool = False
    with_zero: bool = False


def contains(text: str | None) -> str | None:
    r"""Write a search text as a pattern for ILIKE.

    Args:
        text: What was typed, or None.

    Returns:
        A pattern that finds the text anywhere, its own wildcards taken literally.

    Examples:
        >>> contains("50%_a")
        '%50\\%\\_a%'
    """
    if not text:
        return None
    literal = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{literal}%"
