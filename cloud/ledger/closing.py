"""A period's figure, approved by a second person, into the ledger as one posting (DOMAIN D7)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from cloud.db import Connection
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.ledger import store
from cloud.ledger.domain import Claim, Posted, PostingKind
from cloud.ledger.posting import Posting

MAY_STATE_LATE: Final = (Role.INVENTORY_CONTROLLER,)
"""Who may state something by hand into a closed period."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What is closed, and on whose word."""

    site: str
    period: str
    """As the site's calendar names it."""
    starts_at: datetime
    ends_at: datetime
    """Its last instant, inclusive."""
    as_of_position: int
    """As the books were known at it."""
    asked_by: str
    reason: str
    note: str
    open_points: Sequence[Mapping[str, Any]]
    decision_id: int
    """Approved by the actor."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A close and its posting."""

    close_id: int
    posted: Posted


def close_period(conn: Connection, actor: Actor, paper: Closing) -> Closed:
    """Keep a site's stock and costs at a period's end as they are known; later facts do not change it.

    Args:
        conn: A connection inside a transaction.
        actor: The approver of the decision, at the site.
        paper: What is closed.

    Returns:
        The close and its posting.

    Raises:
        NotPostableError: If no decision that the actor approved says so.
        NotAllowedError: If the actor's roles or sites do not permit it.
        AlreadyClaimedError: If the same decision has closed it before.
    """
    actor.require(Role.APPROVER, site=paper.site)
    posting = Posting(conn, actor, PostingKind.CLOSE)
    posting.claim([Claim("period_close", f"decision {paper.decision_id}")])
    points = orjson.dumps([dict(point) for point in paper.open_points]).decode()
    asked = asdict(paper) | {"actor": actor.id, "open_points": points}
    (close_id,) = store.command(conn, "close_period", asked)
    told = {"period": paper.period, "ends_at": paper.ends_at.isoformat(), "reason": paper.reason}
    posting.audit("period_closed", f"period_close:{close_id}", paper.site, told)
    return Closed(close_id, posting.close())


def is_closed(conn: Connection, site: str, occurred_at: datetime) -> bool:
    """Tell whether an instant lies in a period of a site that is closed.

    Args:
        conn: A connection inside a transaction.
        site: Where.
        occurred_at: When it happened.

    Returns:
        Whether it does.
    """
    (closed_until,) = store.command(conn, "closed_until", {"site": site})
    return closed_until is not None and occurred_at <= closed_until


def require_open(conn: Connection, actor: Actor, site: str, occurred_at: datetime) -> bool:
    """Refuse whoever may not state something into a closed period; facts of gateways are taken always.

    Args:
        conn: A connection inside a transaction.
        actor: Who states it by hand.
        site: Where.
        occurred_at: When it happened.

    Returns:
        Whether the period is closed, and the actor may.

    Raises:
        NotAllowedError: If it is, and the actor may not.
    """
    (closed_until,) = store.command(conn, "closed_until", {"site": site})
    if closed_until is None or occurred_at > closed_until:
        return False
    try:
        actor.require(*MAY_STATE_LATE, site=site)
    except NotAllowedError as error:
        raise NotAllowedError(
            f"site {site!r} is closed until {closed_until.isoformat()}, and {occurred_at.isoformat()} lies "
            f"before that: {error}"
        ) from error
    return True


def tell_late(posting: Posting, site: str, occurred_at: datetime, reason: str) -> None:
    """Say in the audit trail that somebody stated something into a closed period.

    Args:
        posting: What they stated.
        site: Where.
        occurred_at: When it happened.
        reason: Reason code.
    """
    told = {"occurred_at": occurred_at.isoformat(), "reason": reason}
    posting.audit("closed_period_entered", f"site:{site}", site, told)
