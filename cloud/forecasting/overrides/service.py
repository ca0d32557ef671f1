"""Adjust a forecast, or take that back: what is wanted becomes a decision that somebody has to approve."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from pydantic import JsonValue

from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.checks import read, require_own
from cloud.decisions.domain import Draft
from cloud.forecasting.overrides import store
from cloud.forecasting.overrides.applying import Said, sums_within
from cloud.forecasting.overrides.domain import (
    AUTHORS,
    DECISION_KIND,
    Adjustment,
    EndedOverrideError,
    OverlappingOverrideError,
    OverrideError,
    OverrideRow,
    SmallOverrideError,
    Standing,
    UnknownOverrideError,
    in_words,
    is_small,
)
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.forecasting.overrides.store import BaseForecast
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_CENTS = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Basis:
    """What the system says of the days of an adjustment, and what that makes of it."""

    run_id: int
    first_day: date
    last_day: date
    """Last day that is forecast."""
    items: int
    system: float
    """Sum over the days, in base units; of a category over its items."""
    overridden: float
    half_width: float
    """Of the 80 % band of that sum; items of a category taken as independent."""
    value: Decimal | None
    """Cost of the units more or less; None: of an item no cost is known."""
    currency: str | None
    base_unit: str

    @property
    def is_small(self) -> bool:
        """Whether so small a change usually does not pay."""
        return is_small(system=self.system, overridden=self.overridden, half_width=self.half_width)

    def told(self) -> dict[str, JsonValue]:
        """Write it as JSON."""
        return {
            "run_id": self.run_id,
            "first_day": self.first_day.isoformat(),
            "items": self.items,
            "system": round(self.system, 3),
            "overridden": round(self.overridden, 3),
            "half_width": round(self.half_width, 3),
        }


def add(conn: Connection, actor: Actor, paper: OverridePaper, *, now: datetime) -> OverrideRow:
    """Ask for an adjustment: it counts once its decision is approved, from the next run on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner, buyer or inventory controller of the site.
        paper: What is wanted.
        now: The present.

    Returns:
        The adjustment, waiting for its approver.

    Raises:
        NotAllowedError: If the actor may not.
        OverrideError: If there is no forecast to adjust, or its days are not among those forecast.
        OverlappingOverrideError: If another one of the same item or category stands on some of the days.
        SmallOverrideError: If it is too small to pay and that was not confirmed.
    """
    actor.require(*AUTHORS, site=paper.site)
    act_as(conn, actor)
    found = basis_of(conn, paper, now=now)
    if not found.first_day <= paper.from_day <= found.last_day:
        raise OverrideError(
            f"from_day {paper.from_day}: expected {found.first_day} to {found.last_day}, "
            "the days that are forecast"
        )
    store.tuples(conn, "hold_scope", site=paper.site, item=paper.item, category=paper.category)
    _refuse_overlap(conn, paper)
    if found.is_small and not paper.confirm_small:
        change = abs(found.overridden - found.system)
        raise SmallOverrideError(
            f"it changes {found.system:,.1f} {found.base_unit} by {change:,.1f}: less than 10 % and less "
            f"than half the 80 % band, {found.half_width:,.1f}. So small adjustments made forecasts worse "
            "more often than better; confirm it (confirm_small) if you know better"
        )
    number = store.add_override(
        conn,
        site=paper.site,
        item_id=_item_id(conn, paper, now),
        category=paper.category,
        from_day=paper.from_day,
        to_day=paper.to_day,
        expires_on=paper.last_day,
        mode=paper.mode.value,
        amount=paper.amount,
        per_days=paper.per_days,
        reason=paper.reason,
        evidence=paper.evidence.strip(),
        note=paper.note.strip(),
        is_small=found.is_small,
        basis=found.told(),
        author=actor.id,
    )
    draft = decisions.draft(conn, actor, _draft(paper, number, found))
    store.change(conn, "set_decision", override_id=number, decision_id=draft.decision_id)
    decisions.submit(conn, actor, draft.decision_id, note=paper.note)
    act_as(conn, actor)
    return override(conn, number, now=now)


def withdraw(
    conn: Connection, actor: Actor, override_id: int, *, note: str = "", now: datetime
) -> OverrideRow:
    """Take back one's own adjustment, approved or not; from the next run on the system's forecast counts.

    Args:
        conn: In a transaction that the caller commits.
        actor: Its author, or whoever has the same person behind them.
        override_id: Which.
        note: Why.
        now: The present.

    Returns:
        The adjustment as it stands.

    Raises:
        NotAllowedError: If the actor may not, or it is another's; whoever may approve it can reverse it.
        UnknownOverrideError: If the actor's sites hold none.
        EndedOverrideError: If it has ended, or its days are over.
    """
    within = actor.narrowed(*AUTHORS)
    act_as(conn, within)
    store.tuples(conn, "hold_override", override_id=override_id)
    row = override(conn, override_id, now=now)
    actor.require(*AUTHORS, site=row.site)
    if row.decision_id is None or row.standing not in {
        Standing.WAITING,
        Standing.PLANNED,
        Standing.ACTIVE,
        Standing.LAPSED,
    }:
        raise EndedOverrideError(f"override {override_id} is {row.standing}: expected one that still counts")
    if row.applied_at is None:
        decisions.withdraw(conn, actor, row.decision_id, note=note)
    else:
        _end_own(conn, actor, row, note)
    act_as(conn, within)
    return override(conn, override_id, now=now)


def override(conn: Connection, override_id: int, *, now: datetime) -> OverrideRow:
    """Give an adjustment that the session's sites must hold.

    Args:
        conn: In a transaction that shows the actor's sites.
        override_id: Which.
        now: The present.

    Returns:
        The adjustment.

    Raises:
        UnknownOverrideError: If they do not.
    """
    found = store.overrides(conn, now=now, override_id=override_id, limit=1)
    if not found:
        raise UnknownOverrideError(f"there is no override {override_id} at your sites")
    return found[0]


def basis_of(conn: Connection, paper: OverridePaper, *, now: datetime) -> Basis:
    """Say what an adjustment would change of the forecast in force.

    Args:
        conn: In a transaction that shows the site.
        paper: What is wanted.
        now: The present.

    Returns:
        Sums without and with it, and what the difference costs.

    Raises:
        OverrideError: If there is no forecast to adjust.
    """
    forecasts = _forecasts(conn, paper, now)
    first_day = forecasts[0].first_day
    one = adjustment_of(paper)
    sums = [sums_within(Said(each.mean, each.horizons, each.cum_q), first_day, one) for each in forecasts]
    known = [each.cost for each in forecasts if each.cost is not None]
    value = None
    if len(known) == len(forecasts):
        value = sum(
            (Decimal(f"{new - old:.6f}") * cost for (old, new, _), cost in zip(sums, known, strict=True)),
            Decimal(0),
        ).quantize(_CENTS)
    currency = next((each.currency for each in forecasts if each.currency), None)
    return Basis(
        run_id=forecasts[0].run_id,
        first_day=first_day,
        last_day=first_day + timedelta(days=max(len(each.mean) for each in forecasts) - 1),
        items=len(forecasts),
        system=sum(old for old, _, _ in sums),
        overridden=sum(new for _, new, _ in sums),
        half_width=math.sqrt(sum(half**2 for _, _, half in sums)),
        value=value,
        currency=currency or _site(conn, paper.site, now)[0],
        base_unit=forecasts[0].base_unit if len({each.base_unit for each in forecasts}) == 1 else "units",
    )


def adjustment_of(paper: OverridePaper) -> Adjustment:
    """Say what an adjustment does, before it has a number.

    Args:
        paper: What is wanted.

    Returns:
        The adjustment, with the number 0.
    """
    return Adjustment(
        0,
        is_of_item=paper.item is not None,
        from_day=paper.from_day,
        until_day=paper.last_day,
        mode=paper.mode,
        amount=float(paper.amount),
        per_days=paper.per_days,
    )


def summary_of(paper: OverridePaper, found: Basis) -> str:
    """Say in one sentence what is wanted.

    Args:
        paper: The wish.
        found: What it changes.

    Returns:
        Text for approvers.
    """
    what = paper.item if paper.item is not None else f"category {paper.category} ({found.items} items)"
    size = in_words(paper.mode, paper.amount, paper.per_days, found.base_unit)
    return (
        f"Forecast of {what} at {paper.site}, {paper.from_day} to {paper.last_day}: {size} "
        f"({found.system:,.1f} to {found.overridden:,.1f} {found.base_unit})"
    )


def _forecasts(conn: Connection, paper: OverridePaper, now: datetime) -> Sequence[BaseForecast]:
    found = store.rows(
        conn,
        BaseForecast,
        "base_forecasts",
        site=paper.site,
        item=paper.item,
        category=paper.category,
        now=now,
    )
    if not found:
        what = f"item {paper.item!r}" if paper.item is not None else f"an item of category {paper.category!r}"
        raise OverrideError(f"there is no forecast of {what} at site {paper.site!r} to adjust")
    return found


def _site(conn: Connection, site: str, now: datetime) -> tuple[str | None, date]:
    found = store.tuples(conn, "site_of", site=site, now=now)
    if not found:
        raise OverrideError(f"there is no site {site!r} at which you may plan")
    currency, today = found[0]
    return currency, today


def _item_id(conn: Connection, paper: OverridePaper, now: datetime) -> int | None:
    return None if paper.item is None else _forecasts(conn, paper, now)[0].item_id


def _refuse_overlap(conn: Connection, paper: OverridePaper) -> None:
    found = store.tuples(
        conn,
        "overlapping",
        site=paper.site,
        item=paper.item,
        category=paper.category,
        from_day=paper.from_day,
        last_day=paper.last_day,
    )
    for number, first, last in found:
        raise OverlappingOverrideError(
            f"override {number} stands on {first} to {last}: expected other days, or withdraw it first"
        )


def _draft(paper: OverridePaper, number: int, found: Basis) -> Draft:
    return Draft(
        kind=DECISION_KIND,
        site=paper.site,
        subject=f"forecast_override/{number}",
        reason=paper.reason,
        effect=effect_of(paper, number, found),
        evidence={"evidence": paper.evidence.strip(), "override_url": f"/overrides/{number}"},
        inputs=found.told(),
        parameters={"is_small": found.is_small, "least_share_percent": 10},
        value=found.value,
        currency=found.currency,
        item=paper.item,
        note=paper.note,
    )


def effect_of(paper: OverridePaper, number: int, found: Basis) -> dict[str, JsonValue]:
    """Write what will be done, for people and for the carrier.

    Args:
        paper: The wish.
        number: The adjustment.
        found: What it changes.

    Returns:
        A decision's effect.
    """
    return {
        "summary": summary_of(paper, found),
        "override": number,
        "site": paper.site,
        "item": paper.item,
        "category": paper.category,
        "from_day": paper.from_day.isoformat(),
        "expires_on": paper.last_day.isoformat(),
        "mode": paper.mode.value,
        "amount": f"{paper.amount.normalize():f}",
        "per": paper.per,
        "system_sum": round(found.system, 1),
        "adjusted_sum": round(found.overridden, 1),
        "override_url": f"/overrides/{number}",
    }


def _end_own(conn: Connection, actor: Actor, row: OverrideRow, note: str) -> None:
    """End an approved adjustment of one's own: the system's forecast needs nobody's approval."""
    assert row.decision_id is not None  # noqa: S101  asked before
    require_own(actor, read(conn, row.decision_id), "withdraw")
    store.change(conn, "end_override", override_id=row.override_id, actor=actor.id, reason="withdrawn")
    store.audit(
        conn,
        actor.id,
        "forecast_override_withdrawn",
        row.override_id,
        site=row.site,
        detail={"decision": row.decision_id, "note": note},
    )
    decisions.mark_reversed(
        conn, actor, row.decision_id, {"ended": row.override_id}, reason="facts_changed", note=note
    )
