"""Which goods expire sooner than their item's minimum life at receipt asks (DOMAIN D8)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cloud.db import Connection
from cloud.documents.receiving import store

SHORT_LIFE: Final = "short_life"
"""Why goods wait in inspection that expire too soon."""


def days_left(
    conn: Connection, site: str, goods: Sequence[tuple[int | None, str | None]], *, at: datetime
) -> list[int | None]:
    """Say which goods expire sooner than their item asks, by what is known of their lots now.

    Args:
        conn: In a transaction that shows the site.
        site: Where they come in; a lot expires by its calendar.
        goods: Item and lot of each; what has no lot is not looked up.
        at: When they are received.

    Returns:
        For each that expires too soon the days from the day of receipt until it does, zero or less if it has;
        None for the others.
    """
    if not goods:
        return []
    asked = {"site": site, "items": [item for item, _ in goods], "lots": [lot for _, lot in goods]}
    found = dict(store.tuples(conn, "short_lives", **asked, at=at))
    return [found.get(nth) for nth in range(1, len(goods) + 1)]
