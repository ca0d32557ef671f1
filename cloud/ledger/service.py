"""The one writer: batches and statements in, a position out (PROTOCOL P4)."""

from collections.abc import Sequence

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.ledger.domain import AcceptedBatch, Claim, CloudStatement, Posted, PostingKind
from cloud.ledger.posting import Posting


def post(
    conn: Connection,
    actor: Actor,
    *,
    kind: PostingKind,
    batches: Sequence[AcceptedBatch] = (),
    statements: Sequence[CloudStatement] = (),
    claims: Sequence[Claim] = (),
) -> Posted:
    """Write batches and statements as one posting, which takes the next position as its last act.

    The caller owns the transaction, posts once in it, and commits directly after; it classifies batches
    (new, duplicate, fork) against ``batch`` in the same transaction before. A retried transaction calls
    this again with the same arguments.

    Args:
        conn: A connection inside a transaction.
        actor: Who posts; must reach every site named.
        kind: Why.
        batches: New batches, of any gateways.
        statements: Records from elsewhere; one that cannot be stored fails the posting.
        claims: What must not have happened before.

    Returns:
        The position, for each batch whether it was stored whole, and the identity of each statement.

    Raises:
        UnknownGatewayError: If a batch names no registered gateway of its site.
        AlreadyClaimedError: If a claim was made before.
        NotPostableError: If a statement cannot be stored as it is.
        NotAllowedError: If a site is out of the actor's reach.
    """
    posting = Posting(conn, actor, kind)
    posting.claim(claims)
    posting.write(batches=batches, statements=statements)
    return posting.close()
