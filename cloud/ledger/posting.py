"""One posting from its number to its position; every service command of the ledger goes through it."""

from collections.abc import Mapping, Sequence
from typing import Final
from weakref import WeakKeyDictionary

import orjson

from cloud.db import Connection
from cloud.identity.actor import Actor, NotAllowedError
from cloud.ledger import store
from cloud.ledger.domain import (
    AcceptedBatch,
    AlreadyClaimedError,
    BatchOutcome,
    Claim,
    CloudStatement,
    Posted,
    PostingKind,
)
from cloud.ledger.entries import entries_of_batches, entries_of_statements, named_gateways, references
from cloud.ledger.writing import Writer
from cloud.master.resolver import Resolver
from cloud.master.store import find_gateways
from contracts.feedback import StoredAs
from contracts.records import RowRef

_RESOLVERS: Final[WeakKeyDictionary[Connection, Resolver]] = WeakKeyDictionary()
"""What each connection remembers of names; it goes with the connection."""


class Posting:
    """A posting being made in the caller's transaction."""

    def __init__(self, conn: Connection, actor: Actor, kind: PostingKind) -> None:
        """Take the posting's number.

        Args:
            conn: A connection inside a transaction that makes no other posting.
            actor: Who posts.
            kind: Why.
        """
        begun = store.begin_posting(conn)
        self.posting_id = begun.posting_id
        self.resolver = _RESOLVERS.setdefault(conn, Resolver())
        self.resolver.begin(begun.revision)
        self.conn = conn
        self.actor = actor
        self._kind = kind
        self._outcomes: tuple[BatchOutcome, ...] = ()
        self._rows: tuple[RowRef, ...] = ()
        self._quarantined = 0

    def claim(self, claims: Sequence[Claim]) -> None:
        """Claim what may happen once.

        Args:
            claims: All of them, or the posting fails.

        Raises:
            AlreadyClaimedError: Naming the first that was claimed before.
        """
        made = store.add_claims(self.conn, self.posting_id, claims)
        for claim in claims:
            if claim not in made:
                raise AlreadyClaimedError(f"{claim.kind} of {claim.target} has been done before")

    def write(
        self,
        *,
        batches: Sequence[AcceptedBatch] = (),
        statements: Sequence[CloudStatement] = (),
        adjustment_id: int | None = None,
    ) -> None:
        """Store rows, batches and what of them is refused.

        Args:
            batches: New batches.
            statements: Records from elsewhere; one that cannot be stored fails the posting.
            adjustment_id: The adjustment that the movements carry out.

        Raises:
            NotAllowedError: If a site is out of the actor's reach.
        """
        for site in {batch.header.site for batch in batches} | {statement.site for statement in statements}:
            if not self.actor.may_see(site):
                raise NotAllowedError(f"{self.actor.id} has no right at site {site!r}")
        gateways = find_gateways(self.conn, named_gateways(batches, statements))
        unnumbered = sum(statement.origin is None for statement in statements)
        self._rows = references(statements, store.next_cloud_seqs(self.conn, unnumbered))
        writer = Writer(self.conn, self.posting_id, self.resolver, gateways, batches)
        writer.write(
            [
                *entries_of_batches(batches, gateways),
                *entries_of_statements(statements, self._rows, gateways),
            ],
            adjustment_id,
        )
        statuses = [StoredAs.PARTLY_QUARANTINED if refused else StoredAs.STORED for refused in writer.refused]
        store.add_batches(
            self.conn,
            self.posting_id,
            [
                (gateways[batch.header.gateway][0], batch, status)
                for batch, status in zip(batches, statuses, strict=True)
            ],
        )
        for batch, refused in zip(batches, writer.refused, strict=True):
            if refused:
                store.add_quarantined_rows(self.conn, self.posting_id, batch, refused)
                self._quarantined += len(refused)
        self._outcomes += tuple(
            BatchOutcome(
                batch.header.gateway, batch.header.epoch, batch.header.batch_no, batch.sha256, status
            )
            for batch, status in zip(batches, statuses, strict=True)
        )

    def audit(self, action: str, target: str, site: str | None, detail: Mapping[str, object]) -> None:
        """Say in the audit trail what this posting was made for.

        Args:
            action: What, as a stable snake_case word.
            target: To what.
            site: Where, if it has one place.
            detail: More, as JSON.
        """
        text = orjson.dumps({"posting_id": self.posting_id, **detail}).decode()
        store.record_audit(
            self.conn, actor=self.actor.id, action=action, target=target, site=site, detail=text
        )

    def close(self, *rows: RowRef) -> Posted:
        """Take the next position; the caller commits directly after.

        Args:
            *rows: Identities of rows written beside ``write``.

        Returns:
            The posting's place in the one order and what became of its parts.
        """
        position, recorded_at = store.close_posting(
            self.conn, self.posting_id, self._kind.value, self.actor.id
        )
        return Posted(
            self.posting_id, position, recorded_at, self._outcomes, self._quarantined, (*self._rows, *rows)
        )
