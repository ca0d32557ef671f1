"""Where goods were carried from a place, step by step, and what of them lies there."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.documents.receiving import store
from cloud.documents.receiving.held_posting import Lying

MOST_STEPS: Final = 6
"""Through how many places goods are followed."""


class Carried(NamedTuple):
    """Goods that were carried somewhere, in base units."""

    lying: Lying
    """What lies there sellable, whoever brought it."""
    came: Decimal
    """What was carried there of where they were looked for."""
    since_at: datetime
    """Since when."""
    is_gone: bool
    """Whether they are in stock at the site no more, or in another condition."""


def carried_from(conn: Connection, site: str, cells: Sequence[int], since_at: datetime) -> list[Carried]:
    """Follow sellable goods from where they lay.

    Args:
        conn: In a transaction of a job with all sites.
        site: Site id.
        cells: Where they lay.
        since_at: Since when they are looked for.

    Returns:
        Where they were carried, the nearest first, of equals where something was carried last.
    """
    found, seen = list[Carried](), set(cells)
    at = dict.fromkeys(cells, since_at)
    for _ in range(MOST_STEPS):
        asked = {"site": site, "cells": list(at), "sinces": list(at.values())}
        rows = [
            Carried(Lying(*lying), came, since, is_gone)
            for *lying, came, since, is_gone in store.tuples(conn, "carried_from", **asked)
        ]
        fresh = [each for each in rows if not seen.issuperset(each.lying.cells)]
        found += fresh
        seen.update(cell for each in fresh for cell in each.lying.cells)
        at = {cell: each.since_at for each in fresh if not each.is_gone for cell in each.lying.cells}
        if not at:
            break
    return found
