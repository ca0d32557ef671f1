"""Up to what a role approves, of others' and of one's own; set by administrators, told in the audit chain."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.decisions import store
from cloud.decisions.domain import APPROVERS, READERS, DecisionError, DraftError
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from contracts.base import is_valid_id

MAX_AMOUNT: Final = Decimal(10) ** 14
_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


class UnknownLimitError(DecisionError):
    """There is no such limit."""


@dataclass(frozen=True, slots=True)
class LimitPaper:
    """What a role may approve from now on."""

    role: str
    currency: str
    """Three letters; decisions in another currency are above the limit unless there is none."""
    limit: Decimal | None
    """Of others', together with what the person approved of the item that day; None: whatever it is worth."""
    self_limit: Decimal = Decimal(0)
    """Of one's own."""
    site: str | None = None
    """None: at every site without a row of its own."""
    kind: str | None = None
    """None: of every kind without a row of its own."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as it is set."""

    limit_id: int
    site: str | None
    kind: str | None
    role: str
    currency: str
    self_limit: Decimal
    limit: Decimal | None
    set_by: str
    set_at: datetime


def limits(
    conn: Connection, actor: Actor, *, site: str | None = None, after: int = 0, limit: int = 100
) -> list[Limit]:
    """List the limits that concern the actor's sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site, and those of every site.
        after: Only numbers above this one: the last one of the page before.
        limit: Most to give.

    Returns:
        The limits by number.

    Raises:
        NotAllowedError: If the actor may read none.
    """
    actor.require(*READERS, Role.ADMIN, site=site)
    act_as(conn, actor.narrowed(*READERS, Role.ADMIN))
    return store.limits(conn, Limit, site=site, after=after, limit=limit)


def put_limit(conn: Connection, actor: Actor, paper: LimitPaper) -> Limit:
    """Set what a role may approve, in place of what was set for the same site, kind, role and currency.

    Args:
        conn: In a transaction.
        actor: An administrator of the site, or of all sites if the paper names none.
        paper: The limit.

    Returns:
        The limit.

    Raises:
        DraftError: If a name or amount is not as it must be, or there is no such site.
        NotAllowedError: If the actor may not.
    """
    _require(actor, paper.site)
    _check(paper)
    act_as(conn, actor)
    number = store.put_limit(
        conn,
        site=paper.site,
        kind=paper.kind,
        role=paper.role,
        currency=paper.currency,
        self_limit=paper.self_limit,
        limit=paper.limit,
        actor=actor.id,
    )
    if number is None:
        raise DraftError(f"site {paper.site!r}: there is no such site")
    return _found(conn, number)


def remove_limit(conn: Connection, actor: Actor, limit_id: int) -> None:
    """Take a limit away; the less particular one holds again, or the default.

    Args:
        conn: In a transaction.
        actor: An administrator of its site, or of all sites.
        limit_id: The limit.

    Raises:
        UnknownLimitError: If the actor's sites hold no such limit.
        NotAllowedError: If the actor may not.
    """
    act_as(conn, actor.narrowed(Role.ADMIN))
    _require(actor, _found(conn, limit_id).site)
    store.remove_limit(conn, limit_id)


def _require(actor: Actor, site: str | None) -> None:
    if site is None:
        actor.require_everywhere(Role.ADMIN)
    else:
        actor.require(Role.ADMIN, site=site)


def _found(conn: Connection, limit_id: int) -> Limit:
    found = store.limits(conn, Limit, site=None, after=limit_id - 1, limit=1)
    if not found or found[0].limit_id != limit_id:
        raise UnknownLimitError(f"there is no approval limit {limit_id} at your sites")
    return found[0]


def _check(paper: LimitPaper) -> None:
    if paper.role not in {role.value for role in APPROVERS}:
        raise DraftError(f"role {paper.role!r:.80}: expected one of {', '.join(APPROVERS)}")
    if _CURRENCY.fullmatch(paper.currency) is None:
        raise DraftError(f"currency {paper.currency!r:.80}: expected three letters, as EUR")
    if paper.kind is not None and _KIND.fullmatch(paper.kind) is None:
        raise DraftError(f"kind {paper.kind!r:.80}: expected 1-64 of a-z 0-9 _, first a letter")
    if paper.site is not None and not is_valid_id(paper.site):
        raise DraftError(f"site {paper.site!r:.80}: expected 1-64 of A-Z a-z 0-9 _ -")
    for name, amount in (("limit", paper.limit), ("self_limit", paper.self_limit)):
        if amount is not None and not (amount.is_finite() and 0 <= amount < MAX_AMOUNT):
            raise DraftError(f"{name} {amount}: expected a number from 0 to below {MAX_AMOUNT:.0e}")
    if paper.limit is not None and paper.self_limit > paper.limit:
        raise DraftError(f"self_limit {paper.self_limit}: expected at most the limit, {paper.limit}")
