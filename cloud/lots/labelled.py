"""Dates that handhelds read off labels become those of their lots; where they differ, people are told."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Final
from urllib.parse import quote

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.lots import store
from cloud.lots.label_dates import DatedLot, Difference, LabelRow, counts_as, difference

DIFFER: Final = "lot_dates_differ"
_MOVEMENTS: Final = 2_000
"""That are looked at in one statement, a hundredth of what its longest time allows on a warm server."""
_LOTS: Final = 1_000
"""That are settled in one transaction."""


def note_for(source: Source, actor: Actor, at_most: timedelta) -> None:
    """Note what labels say of lots' dates until there is nothing left, or for so long.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        at_most: Then the rest is left to the next time; a step that has begun is ended.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    until_s = monotonic() + at_most.total_seconds()
    while in_transaction(source, partial(note_labels, actor=actor)) and monotonic() < until_s:
        pass


def note_labels(conn: Connection, actor: Actor) -> bool:
    """Note what labels say of lots' dates, by what was posted and said since the last time.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job with all sites.

    Returns:
        Whether there may be more to look at.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    left = int(store.tuples(conn, "note_lot_labels", most=_MOVEMENTS)[0][0])
    due = store.tuples(conn, "take_labels_due", most=_LOTS)
    if due:
        _settle(conn, store.tuples(conn, "read_as", **_named(due)))
    return left > 0 or len(due) >= _LOTS


def _settle(conn: Connection, lots: Sequence[tuple[int, str]]) -> None:
    """Keep with lots what labels say of them, and tell people in what they have come to differ."""
    named = _named(lots)
    store.tuples(conn, "settle_lot_labels", **named)
    labels: defaultdict[tuple[int, str], list[LabelRow]] = defaultdict(list)
    for row in store.rows(conn, LabelRow, "lot_labels_of", **named):
        labels[row.item_id, row.lot].append(row)
    told: list[tuple[DatedLot, Difference | None]] = []
    for lot in store.rows(conn, DatedLot, "dated_lots", **named):
        found = difference(lot, labels[lot.item_id, lot.lot])
        if (found and found.words) != lot.labels_differ:
            told.append((lot, found))
    if told:
        changed = _named([(lot.item_id, lot.lot) for lot, _ in told])
        words = [found and found.words for _, found in told]
        store.change(conn, "keep_labels_differ", **changed, told=words)
    alerts.notice(conn, [_notice(lot, found) for lot, found in told if found])
    alerts.resolve(conn, [_key(lot) for lot, found in told if not found])


def _named(lots: Sequence[tuple[int, str]]) -> dict[str, list[int] | list[str]]:
    return {"items": [item_id for item_id, _ in lots], "lots": [lot for _, lot in lots]}


def _key(lot: DatedLot) -> str:
    return f"{DIFFER}:{lot.item_id}:{lot.lot}"


def _notice(lot: DatedLot, found: Difference) -> Notice:
    summary = (
        f"{lot.item} lot {lot.lot}: its labels differ from what is known ({found.words}); {counts_as(lot)}"
    )
    page = f"/lots/{quote(lot.item, safe='')}/{quote(lot.lot, safe='')}"
    detail = {"item": lot.item, "lot": lot.lot, "labels": found.words, "page_url": page}
    return Notice(_key(lot), DIFFER, Severity.WARNING, summary, found.site, dict(detail))
