"""What the warehouse did not deliver: what a closed visit left behind or was closed short, by item."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from cloud.db import Connection
from cloud.demand.domain import READERS
from cloud.demand.sources import store
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


class ShortRow(NamedTuple):
    """An item that outbound orders asked for; quantities in base units."""

    item: str
    lines: int
    requested: Decimal
    left_with: Decimal
    """What departures posted."""
    short: Decimal
    """What a closed visit left behind or was closed short, and nothing has taken since."""
    short_lines: int

    @property
    def fill(self) -> Decimal | None:
        """Share of what is settled that left; None: nothing is settled yet."""
        settled = self.left_with + self.short
        return self.left_with / settled if settled else None


def shorts(
    conn: Connection, actor: Actor, *, site: str, from_at: datetime, until_at: datetime
) -> list[ShortRow]:
    """Measure what outbound orders asked for and what of it left.

    Args:
        conn: In a transaction.
        actor: Who asks; may read the site's stock.
        site: Site id.
        from_at: Orders registered after this instant.
        until_at: And before this one.

    Returns:
        A row per item, what is most short first.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    return store.rows(conn, ShortRow, "shorts", sites=[site], from_at=from_at, until_at=until_at)
