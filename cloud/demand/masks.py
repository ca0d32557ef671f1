"""Days that forecasts shall not learn from, with the reason; the demand itself stays as it is."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from cloud.db import Connection, NamedStatements
from cloud.demand import store
from cloud.demand.domain import READERS, DemandError, UnknownSiteError
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

_SQL: Final = NamedStatements("cloud.demand", "masks.sql")
MASKERS: Final = (Role.PLANNER, Role.INVENTORY_CONTROLLER)
"""Who may say that demand tells nothing."""
LONGEST_REASON: Final = 500
LONGEST_DAYS: Final = 731
"""Of one mask."""


class MaskKind(StrEnum):
    """Why demand tells nothing."""

    OUTLIER = "outlier"
    DISRUPTION = "disruption"
    DATA_ERROR = "data_error"
    ONE_OFF = "one_off"


class UnknownMaskError(DemandError):
    """The actor's sites hold no such mask."""


class Mask(NamedTuple):
    """Days that forecasts take for unknown."""

    mask_id: int
    site: str
    item: str | None
    """Code; None: every item of the site."""
    from_day: date
    until_day: date
    """Itself included."""
    kind: str
    reason: str
    recorded_at: datetime
    recorded_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawn_because: str | None

    @property
    def is_in_force(self) -> bool:
        """Whether it was not withdrawn."""
        return self.withdrawn_at is None


def add_mask(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    item: str | None,
    from_day: date,
    until_day: date,
    kind: MaskKind,
    reason: str,
) -> Mask:
    """Mask days, from the next forecast on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of the site.
        site: Site id.
        item: Code; None: every item of the site.
        from_day: First site day.
        until_day: Last site day, itself included.
        kind: Why.
        reason: The same in words.

    Returns:
        The mask; the one in force if just this was masked before.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownSiteError: If there is no such site.
        DemandError: If there is no such item, or the days or the reason cannot be.
    """
    actor.require(*MASKERS, site=site)
    act_as(conn, actor)
    words = _reason(reason)
    if until_day < from_day:
        raise DemandError(f"until_day {until_day}: expected {from_day} (from_day) or later")
    if (until_day - from_day).days >= LONGEST_DAYS:
        raise DemandError(f"until_day {until_day}: expected at most {LONGEST_DAYS} days from {from_day} on")
    if not _SQL.tuples(conn, "site", site=site):
        raise UnknownSiteError(f"there is no site {site!r}")
    named = {"site": site, "item": item, "from_day": from_day, "until_day": until_day, "kind": kind.value}
    if same := _SQL.rows(conn, Mask, "same_mask", **named):
        return same[0]
    if not _SQL.change(conn, "add_mask", **named, reason=words, actor=actor.id):
        raise DemandError(f"item {item!r:.80}: there is no such item")
    made = _SQL.rows(conn, Mask, "same_mask", **named)[0]
    detail: dict[str, object] = {**_shown(made), "reason": words}
    store.audit(conn, actor.id, "demand_masked", f"demand_mask:{made.mask_id}", site=site, detail=detail)
    return made


def withdraw_mask(conn: Connection, actor: Actor, mask_id: int, *, reason: str) -> Mask:
    """Let forecasts learn from the days again, from the next one on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner or inventory controller of its site.
        mask_id: Of the mask.
        reason: Why, in words.

    Returns:
        The mask; unchanged if it was withdrawn before.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownMaskError: If the actor's sites hold no such mask.
        DemandError: If the reason is empty or too long.
    """
    actor.require(*MASKERS)
    act_as(conn, actor.narrowed(*MASKERS))
    words = _reason(reason)
    changed = _SQL.change(conn, "withdraw_mask", mask_id=mask_id, reason=words, actor=actor.id)
    found = _SQL.rows(conn, Mask, "mask", mask_id=mask_id)
    if not found:
        raise UnknownMaskError(f"there is no mask {mask_id} at your sites")
    mask = found[0]
    if changed:
        target = f"demand_mask:{mask_id}"
        detail: dict[str, object] = {**_shown(mask), "reason": words}
        store.audit(conn, actor.id, "demand_mask_withdrawn", target, site=mask.site, detail=detail)
    return mask


def masks(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    after: int = 0,
    limit: int,
) -> list[Mask]:
    """List masks, withdrawn ones too.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        item: Only those that cover this item, by code.
        after: Number of the last one of the page before.
        limit: Most to give.

    Returns:
        The masks, by number.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return _SQL.rows(conn, Mask, "masks", site=site, item=item, after=after, limit=limit)


def in_force(conn: Connection, actor: Actor, *, site: str, limit: int) -> list[Mask]:
    """List a site's masks that hold, those of the latest days first.

    Args:
        conn: In a transaction.
        actor: Who asks; may read the site's stock.
        site: Site id.
        limit: Most to give.

    Returns:
        The masks.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return _SQL.rows(conn, Mask, "in_force", site=site, limit=limit)


class MaskedDays(NamedTuple):
    """Days of a range that forecasts take for unknown."""

    item_id: int | None
    """None: of every item."""
    first: int
    """Counted from the range's first day."""
    last: int
    """Itself included."""
    kind: str
    reason: str


def masked_days(conn: Connection, site: str, from_day: date, until_day: date) -> list[MaskedDays]:
    """Tell which days of a range are masked.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        from_day: First site day.
        until_day: Last site day.

    Returns:
        Of each mask in force the days within the range, in the order they were masked.
    """
    asked = {"site": site, "from_day": from_day, "until_day": until_day}
    return [MaskedDays(*row) for row in _SQL.tuples(conn, "masked_days", **asked)]


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if not 1 <= len(words) <= LONGEST_REASON or not words.isprintable():
        raise DemandError(f"reason {text!r:.80}: expected 1 to {LONGEST_REASON} printable characters")
    return words


def _shown(mask: Mask) -> dict[str, object]:
    return {
        "item": mask.item,
        "from_day": mask.from_day.isoformat(),
        "until_day": mask.until_day.isoformat(),
        "kind": mask.kind,
    }
