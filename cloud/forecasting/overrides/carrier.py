"""Carries an approved adjustment out: from the next run on it counts; undone, it does not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from cloud.alerts import service as alerts
from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, Json, WrongStateError
from cloud.forecasting.overrides import service, store
from cloud.forecasting.overrides.domain import (
    DECISION_KIND,
    TOLERANCE,
    Mode,
    OverrideError,
    OverrideRow,
    Standing,
)
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.forecasting.reviewing.notices import ticket_key
from cloud.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class ForecastOverrideCarrier:
    """One adjustment per decision."""

    kind: str = DECISION_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Let it count, unless it is worth much more by now than what was approved.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What counts; or the effect with the forecast of now.

        Raises:
            WrongStateError: If its days are over, or there is no forecast of it any more.
        """
        del actor
        row = _held(conn, decision)
        if row.standing != Standing.WAITING:
            raise WrongStateError(
                f"decision {decision.decision_id}: override {row.override_id} is {row.standing}, last "
                f"day {row.expires_on}: expected one that waits; reject it"
            )
        paper = paper_of(row)
        try:
            found = service.basis_of(conn, paper, now=datetime.now(UTC))
        except OverrideError as error:
            raise WrongStateError(f"decision {decision.decision_id}: {error}") from error
        if _is_worth_more(found.value, decision.value):
            return Changed(
                effect=service.effect_of(paper, row.override_id, found),
                value=found.value,
                currency=found.currency,
                why=f"it changed {decision.effect['system_sum']} to {decision.effect['adjusted_sum']}, by "
                f"the forecast of now {found.system:,.1f} to {found.overridden:,.1f} {found.base_unit}",
            )
        store.change(conn, "set_applied", override_id=row.override_id)
        if row.item_id is not None:
            alerts.resolve(conn, [ticket_key(row.site, row.item_id)])
        return Applied(
            {
                "override": row.override_id,
                "until": row.expires_on.isoformat(),
                "override_url": f"/overrides/{row.override_id}",
            }
        )

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """End it: from the next run on the system's forecast counts.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who reverses it.
            decision: Applied.
            reason: Reason code.

        Returns:
            The adjustment's number.

        Raises:
            WrongStateError: If it has ended already, or its days are over.
        """
        row = _held(conn, decision)
        if row.standing not in {Standing.PLANNED, Standing.ACTIVE}:
            raise WrongStateError(
                f"decision {decision.decision_id}: override {row.override_id} is {row.standing} and changes "
                "nothing any more"
            )
        store.change(conn, "end_override", override_id=row.override_id, actor=actor.id, reason=reason)
        return {"ended": row.override_id}


def paper_of(row: OverrideRow) -> OverridePaper:
    """Write a stored adjustment as what was asked for.

    Args:
        row: The adjustment.

    Returns:
        The paper.
    """
    return OverridePaper.model_validate(
        {
            "site": row.site,
            "item": row.item,
            "category": row.category,
            "from_day": row.from_day,
            "to_day": row.to_day,
            "expires_on": row.expires_on,
            "mode": Mode(row.mode),
            "amount": row.amount,
            "per": {None: None, 1: "day", 7: "week"}[row.per_days],
            "reason": row.reason,
            "evidence": row.evidence,
            "note": row.note,
        }
    )


def _held(conn: Connection, decision: Decision) -> OverrideRow:
    number = int(str(decision.effect["override"]))
    store.tuples(conn, "hold_override", override_id=number)
    return service.override(conn, number, now=datetime.now(UTC))


def _is_worth_more(now: Decimal | None, approved: Decimal | None) -> bool:
    if now is None or approved is None:
        return now is None and approved is not None
    return abs(now) > abs(approved) * TOLERANCE


FORECAST_OVERRIDE: Final = ForecastOverrideCarrier()
