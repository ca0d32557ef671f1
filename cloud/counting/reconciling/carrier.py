"""Carries an approved stock list out: derived again under the lock, bound in one posting (PROTOCOL P8)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.counting.reconciling import store
from cloud.counting.reconciling.domain import RECONCILIATION_KIND
from cloud.counting.reconciling.service import effect_of, told_of, value_of
from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, DecisionError, Json
from cloud.identity.actor import Actor
from cloud.ledger.closing import is_closed, tell_late
from cloud.ledger.domain import PostingKind
from cloud.ledger.posting import Posting
from cloud.ledger.store import command
from contracts.base import SiteId


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The carrier of `reconciliation` decisions."""

    kind: str = RECONCILIATION_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Bind the cells of every line, if the differences are still those that were approved.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What was done; or what it would be now.
        """
        within = actor.as_approver_at(SiteId(decision.site))
        number = int(str(decision.effect["list"]))
        store.tuples(conn, "take_time")  # a list is bounded by its lines
        store.tuples(conn, "lock", list=number)
        told = told_of(conn, number)
        observed_at = datetime.fromisoformat(str(decision.effect["observed_at"]))
        if told["sha256"] != decision.effect["differences_sha256"]:
            return Changed(
                effect=effect_of(number, decision.site, observed_at, told),
                value=value_of(told),
                currency=told["currency"],
                why="more facts have arrived: other differences",
            )
        is_late = is_closed(conn, decision.site, observed_at)
        posting = Posting(conn, within, PostingKind.ADJUSTMENT)
        people = {"author": decision.author, "approver": within.id}
        asked: dict[str, object] = {"list": number, "reason": decision.reason, **people}
        (bound,) = command(conn, "bind_reconciliation", asked)
        if is_late:
            tell_late(posting, decision.site, observed_at, decision.reason)
        detail = {"bound": bound, "differences_sha256": told["sha256"]}
        posting.audit("reconciled", f"reconciliation:{number}", decision.site, detail)
        return Applied({"bound": bound, "differing": told["differing"], "position": posting.close().position})

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Refuse: what was seen at an instant stays seen; a later list or count replaces it.

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
            f"decision {decision.decision_id} bound the book to a stock list and is not reversed: "
            "state a later list or count the places, which replaces it"
        )


RECONCILIATION: Final = Reconciliation()
