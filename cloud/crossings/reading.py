"""Questions about crossings and cards.

Every function checks its actor, shows the actor's sites only, runs on a connection from `Gate.acting`, and
gives at most `limit` rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.crossings import store
from cloud.crossings.domain import (
    READERS,
    AnswerRow,
    CrossingRow,
    Observation,
    Proposal,
    RecordRow,
    VisitRow,
    propose,
)
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from contracts.base import epoch_to_int
from contracts.records import RowRef

MOST_COUNTED: Final = 1000

Place = tuple[datetime, int, int, int]
"""A row's place in a list: instant, gateway_key, epoch, seq."""


@dataclass(frozen=True, slots=True)
class CrossingFilter:
    """Which crossings; None is any."""

    site: str | None = None
    portal: str | None = None
    epc: str | None = None
    visit: str | None = None
    direction: str | None = None
    posted: str | None = None
    card: str | None = None
    occurred_from: datetime | None = None
    occurred_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A crossing with all that was made of it, and what it was made from."""

    crossing: CrossingRow
    records: list[RecordRow]
    answers: list[AnswerRow]
    observations: list[Observation]
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Card:
    """A crossing that waits for a person, and what later evidence suggests."""

    crossing: CrossingRow
    proposal: Proposal | None


def crossings(
    conn: Connection, actor: Actor, wanted: CrossingFilter, *, before: Place | None = None, limit: int
) -> list[CrossingRow]:
    """List crossings, the latest occurrence first.

    Raises:
        NotAllowedError: If the actor may not see crossings, or not at the site asked for.
    """
    see(conn, actor, site=wanted.site)
    at, gateway, epoch, seq = before or (None, None, None, None)
    return store.rows(
        conn,
        CrossingRow,
        "crossings",
        site=wanted.site,
        portal=wanted.portal,
        epc=wanted.epc,
        visit=wanted.visit,
        direction=wanted.direction,
        posted=wanted.posted,
        card=wanted.card,
        occurred_from=wanted.occurred_from,
        occurred_until=wanted.occurred_until,
        before_at=at,
        before_gateway=gateway,
        before_epoch=epoch,
        before_seq=seq,
        limit=limit,
    )


def doors(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    portal: str | None = None,
    posted: str | None = None,
    per_portal: int,
) -> dict[tuple[str, str], list[CrossingRow]]:
    """Give the last crossings of each door.

    Returns:
        By site and portal, in that order, the latest occurrence first.

    Raises:
        NotAllowedError: If the actor may not see crossings, or not at the site asked for.
    """
    see(conn, actor, site=site)
    found = store.rows(
        conn, CrossingRow, "doors", site=site, portal=portal, posted=posted, per_portal=per_portal
    )
    by_door: dict[tuple[str, str], list[CrossingRow]] = {}
    for row in found:
        by_door.setdefault((row.site, row.portal), []).append(row)
    return by_door


def crossing(conn: Connection, actor: Actor, ref: RowRef) -> Story | None:
    """Find one crossing, with what it posted and what people answered.

    Raises:
        NotAllowedError: If the actor may not see crossings.
    """
    seeing = see(conn, actor)
    asked = _named(ref) | {"sites": seeing.reach}
    found = store.rows(conn, CrossingRow, "crossing", **asked)
    if not found:
        return None
    observations = store.rows(conn, Observation, "observations", **asked)
    return Story(
        found[0],
        store.rows(conn, RecordRow, "records", **asked),
        store.rows(conn, AnswerRow, "answers", **asked),
        observations,
        propose(found[0], observations),
    )


def open_cards(
    conn: Connection, actor: Actor, *, site: str | None = None, after: Place | None = None, limit: int
) -> list[Card]:
    """List the cards that wait, the oldest first, each with what later evidence suggests.

    Raises:
        NotAllowedError: If the actor may not see crossings, or not at the site asked for.
    """
    seeing = see(conn, actor, site=site)
    at, gateway, epoch, seq = after or (None, None, None, None)
    found = store.rows(
        conn,
        CrossingRow,
        "open_cards",
        site=site,
        after_at=at,
        after_gateway=gateway,
        after_epoch=epoch,
        after_seq=seq,
        limit=limit,
    )
    return [Card(row, _proposal(conn, seeing, row)) for row in found]


def answered_cards(
    conn: Connection, actor: Actor, *, site: str | None = None, before: Place | None = None, limit: int
) -> list[CrossingRow]:
    """List the cards that were answered, the latest answer first.

    Raises:
        NotAllowedError: If the actor may not see crossings, or not at the site asked for.
    """
    see(conn, actor, site=site)
    at, gateway, epoch, seq = before or (None, None, None, None)
    return store.rows(
        conn,
        CrossingRow,
        "answered_cards",
        site=site,
        before_at=at,
        before_gateway=gateway,
        before_epoch=epoch,
        before_seq=seq,
        limit=limit,
    )


def count_open(conn: Connection, actor: Actor) -> int:
    """Count the cards that wait, at most `MOST_COUNTED`.

    Raises:
        NotAllowedError: If the actor may not see crossings.
    """
    see(conn, actor)
    return store.count_open(conn, MOST_COUNTED)


def choosable_visits(conn: Connection, actor: Actor) -> Sequence[VisitRow]:
    """List the visits that an answer may choose.

    Raises:
        NotAllowedError: If the actor may not see crossings.
    """
    return store.rows(conn, VisitRow, "open_visits", sites=see(conn, actor).reach)


def see(conn: Connection, actor: Actor, *, site: str | None = None) -> Actor:
    """Check that an actor may ask, and show the sites at which it may.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: The site asked for, if one.

    Returns:
        The actor with no more reach than that.

    Raises:
        NotAllowedError: If the actor holds none of the roles, or not at the site.
    """
    actor.require(*READERS, site=site)
    narrowed = actor.narrowed(*READERS)
    act_as(conn, narrowed)
    return narrowed


def _proposal(conn: Connection, seeing: Actor, row: CrossingRow) -> Proposal | None:
    if row.is_standing:
        return None
    asked = _named(row.ref) | {"sites": seeing.reach}
    return propose(row, store.rows(conn, Observation, "observations", **asked))


def _named(ref: RowRef) -> dict[str, object]:
    return {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq}
