"""Carries an approved supersession out, and back."""

from dataclasses import dataclass
from typing import Final

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, Json, WrongStateError
from cloud.demand import supersession
from cloud.demand.domain import DemandError
from cloud.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class SupersessionCarrier:
    """One pair of items at a site per decision."""

    kind: str = supersession.DECISION_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Let the new item's forecasts begin with the old one's history.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            The number it is known by.

        Raises:
            WrongStateError: If meanwhile the old item got another successor, or the new one would be its own.
        """
        names = {name: str(decision.effect[name]) for name in ("from_item", "to_item")}
        try:
            supersession.check(conn, site=decision.site, **names)
        except DemandError as error:
            raise WrongStateError(f"decision {decision.decision_id}: {error}") from error
        return Applied({"supersession": supersession.apply(conn, decision, actor=actor.id)})

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Let each item have its own history again.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who reverses it.
            decision: Applied.
            reason: Reason code; the decision keeps it.

        Returns:
            The number that ended.

        Raises:
            WrongStateError: If it had ended.
        """
        del reason
        number = supersession.end(conn, decision, actor=actor.id)
        if number is None:
            raise WrongStateError(f"decision {decision.decision_id}: the supersession has ended already")
        return {"ended": number}


SUPERSESSION: Final = SupersessionCarrier()
