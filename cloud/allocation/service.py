"""Claiming stock for documents and letting it go, as people ask for it."""

from datetime import datetime

from cloud.allocation import store
from cloud.allocation.claiming import Allocated, Wish, claim
from cloud.allocation.domain import KEEPERS, ClaimKind, UnknownClaimError
from cloud.allocation.sending import tell_of
from cloud.allocation.store import OpenClaim
from cloud.allocation.taking_back import withdraw
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit


def allocate(conn: Connection, actor: Actor, wanted: Wish, *, kind: ClaimKind, now: datetime) -> Allocated:
    """Claim stock for lines, as `claim` does.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        wanted: Which lines.
        kind: ``soft`` or ``hard``.
        now: The present.

    Returns:
        What was claimed, and what is short.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If a document or visit that was named has no open line here.
    """
    actor.require(*KEEPERS, site=wanted.site)
    act_as(conn, actor)
    done = claim(conn, wanted, kind=kind, by=actor.id, now=now)
    if done.claims:
        detail = {"lines": done.lines, "claims": len(done.claims), "kind": kind.value}
        audit(conn, actor.id, "stock_allocated", f"site:{wanted.site}", site=wanted.site, detail=detail)
    return done


def release(conn: Connection, actor: Actor, *, site: str, document: str, because: str, now: datetime) -> int:
    """Let go of all that a document has claimed and not picked; what of it is on a task is withdrawn there.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        document: ``type/id``.
        because: Why, as a stable snake_case word.
        now: The present.

    Returns:
        How many claims ended.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If it never claimed anything here.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    items = [row[0] for row in store.tuples(conn, "items_of_document", site=site, document=document)]
    store.lock_items(conn, site, items)
    found = store.rows(conn, OpenClaim, "open_claims", site=site, items=items, document=document)
    let_go = [each for each in found if each.kind != ClaimKind.PICKED]
    if not let_go and not store.claims(
        conn, site=site, document=document, item=None, with_ended=True, after=0, limit=1
    ):
        raise UnknownClaimError(f"{document} has claimed nothing at site {site!r}")
    changed = withdraw(conn, let_go, by=actor.id, because=because, now=now)
    tell_of(conn, changed, sent_by=actor.id, now=now)
    if not let_go:
        return 0
    detail = {"claims": len(let_go), "because": because}
    audit(conn, actor.id, "stock_released", document, site=site, detail=detail)
    return len(let_go)
