"""A period's figure, its close and what speaks against it, as values; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import JsonValue

from cloud.identity.actor import Role

CLOSERS: Final = (Role.INVENTORY_CONTROLLER,)
"""Who may ask for a close, with open points too."""
READERS: Final = (
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.PLANNER,
    Role.BUYER,
    Role.APPROVER,
    Role.AUDITOR,
)
"""Who may see what stock is worth."""
CLOSE_KIND: Final = "period_close"
"""Of the decisions by which periods are closed."""
GREATEST: Final = 2**63 - 1

AT_ITS_END: Final = "period_end"
"""The reason of a first close with nothing open."""
REASONS: Final[Mapping[str, str]] = {
    AT_ITS_END: "The period is over",
    "figures_due": "The figures are due",
    "points_accepted": "The open points are known and accepted",
    "late_facts": "What came late must be in the figures",
    "cost_mended": "A cost was missing or wrong",
    "other": "Another reason (say which)",
}

POINTS: Final[Mapping[str, str]] = {
    "incomplete": "gateways have not reported up to the period's end",
    "before_open": "periods before it are not closed",
    "open_cards": "crossings wait for an answer",
    "provisional_counts": "counts are provisional",
    "undecided_adjustments": "adjustments to counts wait for a decision",
    "quarantined": "records are held in quarantine",
    "negative": "balances are below zero",
    "clearing": "balances of dock clearing accounts are not zero",
    "unknown_values": "items have no cost: their value is unknown",
}
"""What may speak against closing a period, in the order in which it is told."""


class PeriodError(ValueError):
    """A wrong wish about a period or a value; the message names value, expectation and place."""


class UnknownPeriodError(PeriodError):
    """The actor's sites hold no such site, period or close."""


@dataclass(frozen=True, slots=True)
class Point:
    """Something that speaks against closing a period now."""

    kind: str
    number: int
    detail: JsonValue = None
    """The first of them, or what holds it up."""

    @property
    def words(self) -> str:
        """For people, after the number."""
        return POINTS[self.kind]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a figure: a category, or a zone."""

    name: str | None
    lines: int
    known_value: Decimal | None
    """Of the lines whose value is known; None if none is."""
    unknown: int

    @property
    def value(self) -> Decimal | None:
        """What it is worth; None while any line's value is unknown."""
        return None if self.unknown else self.known_value


@dataclass(frozen=True, slots=True)
class Figure:
    """What a site's stock is worth, in sums."""

    currency: str | None
    known_value: Decimal | None
    """Of the lines whose value is known, to the currency's smallest unit; None if none of them is."""
    lines: int
    unknown_items: int
    consigned_lines: int
    """Goods of other owners, which are not in the value."""
    categories: Sequence[Share]
    zones: Sequence[Share]
    points: Sequence[Point]

    @property
    def value(self) -> Decimal | None:
        """What it is worth; None while any item's value is unknown."""
        return None if self.unknown_items or (self.currency is None and self.lines) else self.known_value

    @property
    def worth(self) -> str:
        """Its value in words."""
        return worth_of(self.known_value, self.currency, is_whole=self.value is not None)


@dataclass(frozen=True, slots=True)
class Close:
    """A close of a period, as it was made."""

    close_id: int
    site: str
    time_zone: str
    period: str
    revision: int
    starts_at: datetime | None
    ends_at: datetime
    as_of_position: int
    position: int
    """Its own place in the ledger's order."""
    closed_at: datetime
    closed_by: str
    asked_by: str | None
    reason: str | None
    note: str
    open_points: Sequence[Mapping[str, Any]]
    currency: str | None
    decision_id: int | None
    is_last: bool
    """Whether it is the period's figure; others were replaced by a later close."""

    @property
    def points(self) -> list[Point]:
        """What was open when it was closed."""
        return [Point(told["kind"], told["number"], told.get("detail")) for told in self.open_points]


@dataclass(frozen=True, slots=True)
class Line:
    """What one cell held, and its value."""

    cell_id: int
    item: str
    item_name: str | None
    category: str | None
    base_unit: str
    location: str
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal
    basis: str | None
    cost: Decimal | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class PriorFact:
    """A movement that occurred in a closed period and was posted after its close."""

    gateway: str
    gateway_key: int
    epoch: int
    seq: int
    position: int
    recorded_at: datetime
    occurred_at: datetime
    time_zone: str
    item: str
    item_name: str | None
    base_unit: str
    quantity: Decimal
    from_location: str
    to_location: str
    change: Decimal
    """Of our stock: zero for a move within it."""
    value: Decimal | None
    """Of the change, at the cost of the close that did without it."""
    currency: str | None
    author: str
    posting_kind: str
    reason: str | None


def figure_of(told: Mapping[str, Any], points: Sequence[Point] = ()) -> Figure:
    """Read a figure as the database tells it.

    Args:
        told: Of ``read_figure``.
        points: What else speaks against closing.

    Returns:
        The figure; its points in the order of `POINTS`.
    """
    found = [
        *points,
        Point("negative", told["negative"], told["negative_first"]),
        Point("clearing", told["clearing"], told["clearing_first"]),
        Point("unknown_values", told["unknown_items"], told["unknown_first"]),
    ]
    order = list(POINTS)
    known = told["value"] if told["lines"] else 0
    return Figure(
        currency=told["currency"],
        known_value=None if known is None else Decimal(known),
        lines=told["lines"],
        unknown_items=told["unknown_items"],
        consigned_lines=told["consigned_lines"],
        categories=[_share(part) for part in told["categories"]],
        zones=[_share(part) for part in told["zones"]],
        points=sorted((point for point in found if point.number), key=lambda point: order.index(point.kind)),
    )


def worth_of(known: Decimal | None, currency: str | None, *, is_whole: bool) -> str:
    """Say what stock is worth.

    Args:
        known: Of the lines whose value is known; None if none is.
        currency: Of the books; None: unknown.
        is_whole: Whether every line's value is known.

    Returns:
        For people.

    Examples:
        >>> worth_of(Decimal("1250.50"), "EUR", is_whole=True)
        '1,250.50 EUR'
        >>> worth_of(Decimal("12.5"), "EUR", is_whole=False)
        'an unknown value (12.5 EUR of it known)'
        >>> worth_of(None, "EUR", is_whole=False)
        'an unknown value'
    """
    told = "" if known is None else f"{known:,f} {currency or ''}".rstrip()
    if is_whole:
        return told
    return f"an unknown value ({told} of it known)" if told and currency else "an unknown value"


def worse(before: Sequence[Mapping[str, Any]], now: Sequence[Point]) -> list[Point]:
    """Say what speaks against a close now that somebody who agreed to it did not see.

    Args:
        before: The points as they were told.
        now: As they are.

    Returns:
        Those that are new or have grown.

    Examples:
        >>> worse([{"kind": "negative", "number": 2}], [Point("negative", 2), Point("open_cards", 1)])
        [Point(kind='open_cards', number=1, detail=None)]
    """
    seen = {told["kind"]: told["number"] for told in before}
    return [point for point in now if point.number > seen.get(point.kind, 0)]


def _share(part: Mapping[str, Any]) -> Share:
    value = part["value"]
    return Share(part["name"], part["lines"], None if value is None else Decimal(value), part["unknown"])
