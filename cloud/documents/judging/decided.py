"""What was decided of goods that waited, by whom and when: on paper, by handheld, by hand (DOMAIN D1, D4)."""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.domain import READERS
from cloud.documents.judging import store
from cloud.documents.judging.service import judgements
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_LOOKED_AT: Final = 10
"""How many of the latest movements are looked at for each that is shown; others were carried, or judged."""


class DecidedRow(NamedTuple):
    """A decision; the quantity is in base units."""

    site: str
    receipt: str | None
    """None: a handheld's, or a movement by hand, which name no receipt."""
    line: str | None
    item: str | None
    waited_as: str
    verdict: str
    quantity: Decimal
    grade: str | None
    reason: str | None
    location: str
    judged_at: datetime
    judged_by: str
    time_zone: str


def decided(
    conn: Connection, actor: Actor, *, site: str | None = None, waited_as: str | None = None, limit: int
) -> list[DecidedRow]:
    """List what was decided last, whoever said so and how; the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        waited_as: Only of what waited so.
        limit: Most to give.

    Returns:
        The decisions.

    Raises:
        NotAllowedError: If the actor may not.
    """
    on_paper = judgements(conn, actor, site=site, waited_as=waited_as, limit=limit)
    rows = [DecidedRow(row.site, row.receipt, row.line, *row[4:]) for row in on_paper]
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    asked = {"sites": [site] if site else within.reach, "waited_as": waited_as}
    for where, item, waited, verdict, quantity, reason, *rest in store.tuples(
        conn, "judged_otherwise", **asked, of_latest=limit * _LOOKED_AT, limit=limit
    ):
        rows.append(DecidedRow(where, None, None, item, waited, verdict, quantity, None, reason, *rest))
    return sorted(rows, key=lambda row: row.judged_at, reverse=True)[:limit]
