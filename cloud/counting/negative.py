"""A ticket for each site where stock is below zero though all is known that came before (DOMAIN D7)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, NamedStatements, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

JOB: Final = Actor("job:negatives", frozenset({Role.DEVICE}), all_sites=True)
NEGATIVE: Final = "negative_stock"
MOST: Final = 500
"""Cells of a site that are looked at."""
_SHOWN: Final = 20
"""Of which a ticket tells."""
_SQL: Final = NamedStatements("cloud.counting", "negative.sql")


class Below(NamedTuple):
    """Stock of a cell below zero, now and where the watermark stands."""

    site: str
    item: str
    base_unit: str
    place: str
    lot: str | None
    disposition: str | None
    owner: str | None
    quantity: Decimal


def tell_negative(source: Source, actor: Actor) -> Mapping[str, Any]:
    """Open a ticket for each site with stock below zero, keep it up to date, and close it when there is none.

    What a watermark has not passed is not told: what explains it may still be on its way.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.

    Returns:
        How many cells are ``negative``.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    return {"negative": in_transaction(source, partial(_tell, actor=actor))}


def _tell(conn: Connection, actor: Actor) -> int:
    act_as(conn, actor)
    rows = _SQL.rows(conn, Below, "negative_stock", most=MOST)
    wrong = {site: _notice(site, list(cells)) for site, cells in groupby(rows, key=lambda row: row.site)}
    keys = {site: f"{NEGATIVE}:{site}" for (site,) in _SQL.tuples(conn, "sites")}
    told = alerts.open_details(conn, list(keys.values()))
    alerts.notice(conn, [each for each in wrong.values() if told.get(each.dedup_key) != each.detail])
    alerts.resolve(conn, [key for site, key in keys.items() if site not in wrong and key in told])
    return len(rows)


def _notice(site: str, cells: Sequence[Below]) -> Notice:
    first, more = cells[0], len(cells) - 1
    kind = "".join(f" {word}" for word in (first.lot and f"lot {first.lot}", first.disposition) if word)
    rest = f", and {more} more" if more else ""
    summary = f"{first.quantity.normalize():f} {first.base_unit} of {first.item}{kind} at {first.place}{rest}"
    shown: list[JsonValue] = [
        {name: value if value is None else f"{value}" for name, value in each._asdict().items()}
        for each in cells[:_SHOWN]
    ]
    detail: dict[str, JsonValue] = {
        "cells": len(cells),
        "lowest": shown,
        "page_url": f"/stock?site={quote(site, safe='')}",
    }
    return Notice(
        f"{NEGATIVE}:{site}", NEGATIVE, Severity.WARNING, f"Stock is below zero: {summary}", site, detail
    )
