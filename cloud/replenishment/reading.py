"""Proposals as people ask for them: the most urgent first, each with its arithmetic."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.replenishment import store
from cloud.replenishment.domain import READERS, UnknownProposalError
from cloud.replenishment.store import ProposalRow

FIRST_DAY: Final = date(1, 1, 1)


def proposals(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    states: Sequence[str] | None = None,
    only_unsent: bool = False,
    after: tuple[date, str] = (FIRST_DAY, ""),
    limit: int,
) -> list[ProposalRow]:
    """List proposals, the most urgent first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        item: Only of this item.
        states: Only in one of these.
        only_unsent: Only those that are neither sent, rejected nor replaced.
        after: ``needed_by`` and id of the last one of the page before.
        limit: Most to give.

    Returns:
        The proposals.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    asked = {"site": site, "item": item, "unsent": only_unsent, "limit": limit}
    keys = {"proposal_id": None, "after_day": after[0], "after_id": after[1]}
    among = None if states is None else list(states)
    return store.rows(conn, ProposalRow, "listed", **asked, **keys, states=among)


def proposal(conn: Connection, actor: Actor, proposal_id: str) -> ProposalRow:
    """Give one proposal with its arithmetic.

    Args:
        conn: In a transaction.
        actor: Who asks.
        proposal_id: Which.

    Returns:
        The proposal.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownProposalError: If the actor's sites hold none.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    asked = {"site": None, "item": None, "states": None, "unsent": False, "limit": 1}
    keys = {"proposal_id": proposal_id, "after_day": FIRST_DAY, "after_id": ""}
    found = store.rows(conn, ProposalRow, "listed", **asked, **keys)
    if not found:
        raise UnknownProposalError(f"there is no proposal {proposal_id!r:.80}")
    return found[0]
