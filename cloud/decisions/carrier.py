"""What carries a kind of decision out: the one thing a part of the product brings to the approval machine."""

from typing import Protocol

from cloud.db import Connection
from cloud.decisions.domain import Applied, Changed, Decision, Json
from cloud.identity.actor import Actor


class Carrier(Protocol):
    """Carries one kind of decision out and, where that is possible, back."""

    @property
    def kind(self) -> str:
        """Of the decisions it carries."""

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Do what an approved decision says, in the caller's transaction, deriving it again first.

        Args:
            conn: In a transaction that the caller commits directly after; at most one posting.
            actor: Who approved it.
            decision: Approved, and held until the transaction ends.

        Returns:
            What was done; or what it would be now, and then nothing was stored that must stay.
        """

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Undo what an applied decision did.

        Args:
            conn: In a transaction that the caller commits directly after; at most one posting.
            actor: Who reverses it.
            decision: Applied, and held until the transaction ends.
            reason: Reason code.

        Returns:
            What was done, to be kept beside the outcome.

        Raises:
            DecisionError: If it cannot be undone; the message says what to do instead.
        """
