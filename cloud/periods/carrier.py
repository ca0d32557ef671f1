"""Carries approved closes out: derived again first, so that what is kept is what was approved."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json, WrongStateError
from cloud.identity.actor import Actor
from cloud.ledger.closing import Closing, close_period
from cloud.periods import reading, store
from cloud.periods.calendar import Period
from cloud.periods.domain import AT_ITS_END, CLOSE_KIND, Figure, worse, worth_of
from cloud.periods.service import effect_of, figure_at
from contracts.base import SiteId


@dataclass(frozen=True, slots=True)
class PeriodClose:
    """The carrier of `period_close` decisions."""

    kind: str = CLOSE_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Close the period as the books are known now, if that is what was approved.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What was done; or what the close would be now.

        Raises:
            WrongStateError: If the period has been closed meanwhile, or what is open now needs a reason.
        """
        site, effect = decision.site, dict(decision.effect)
        within = actor.as_approver_at(SiteId(site))
        period = reading.calendar(conn, within, site=site).named(str(effect["period"]))
        made = len(reading.closes(conn, within, site=site, period=period, limit=1_000))
        if made + 1 != effect["revision"]:
            raise WrongStateError(
                f"decision {decision.decision_id}: {period.name} of {site} has been closed meanwhile; "
                "reject it and ask again"
            )
        position = reading.head(conn)
        figure = figure_at(conn, within, site, period, position)
        why = _what_changed(conn, decision, effect, period, figure)
        if why:
            return Changed(
                effect=effect_of(site, period, position, figure, again=made),
                value=figure.value,
                currency=figure.currency,
                why=why,
            )
        if figure.points and decision.reason == AT_ITS_END:
            raise WrongStateError(
                f"decision {decision.decision_id}: something is open by now; reject it and ask again "
                "with a reason"
            )
        closing = Closing(
            site=site,
            period=period.name,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            as_of_position=position,
            asked_by=decision.author,
            reason=decision.reason,
            note=decision.note,
            open_points=[{"kind": p.kind, "number": p.number, "detail": p.detail} for p in figure.points],
            decision_id=decision.decision_id,
        )
        done = close_period(conn, within, closing)
        return Applied({"close": done.close_id, "position": done.posted.position})

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Refuse: a close is never edited; closing the period again replaces its figures (DOMAIN D7).

        Args:
            conn: In a transaction.
            actor: Who wants it reversed.
            decision: Applied.
            reason: Reason code.

        Raises:
            DecisionError: Always, saying what to do instead.
        """
        del conn, actor, reason
        raise DecisionError(
            f"decision {decision.decision_id} closed a period, and a close stays as it is: close the period "
            "again, and the later close is its figure"
        )


PERIOD_CLOSE: Final = PeriodClose()


def _what_changed(
    conn: Connection, decision: Decision, effect: dict[str, Any], period: Period, figure: Figure
) -> str:
    """Say what the approver did not see; empty if nothing."""
    asked_at = {"site": decision.site, "until_at": period.ends_at, "position": effect["as_of_position"]}
    ((facts,),) = store.tuples(conn, "facts_since", **asked_at)
    told = [f"{facts} more facts of the period have arrived"] if facts else []
    kept = effect.get("known_value", effect["value"])
    known = None if kept is None else Decimal(kept)
    before = (known, effect["currency"], effect["unknown_items"])
    if before != (figure.known_value, figure.currency, figure.unknown_items):
        was = worth_of(known, effect["currency"], is_whole=not effect["unknown_items"])
        told.append(f"the value is {figure.worth} now, not {was}")
    told += [f"{point.number} {point.words}" for point in worse(effect["open_points"], figure.points)]
    return "; ".join(told)
