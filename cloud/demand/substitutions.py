"""What was sent in place of what was asked for: demand stays with the item asked for; what it changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.db import Connection, NamedStatements
from cloud.demand import store
from cloud.demand.domain import IMPORTERS, READERS, DemandError, Fault, Faults, FaultyLinesError, Kind
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

_SQL: Final = NamedStatements("cloud.demand", "substitutions.sql")
MOST: Final = 5000
"""Of one batch."""


class Substitution(NamedTuple):
    """An item that was sent in place of another; right in itself."""

    place: int
    """Line of the file, or number within the batch."""
    site: str
    source: str
    document: str
    line: str
    """Of demand, as its source named it."""
    asked: str
    """Code of the item asked for."""
    asked_quantity: Decimal
    """In base units of it; 0, as `sent_quantity`: it was not so after all."""
    sent: str
    sent_quantity: Decimal
    """In base units of the item sent."""
    sent_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch did."""

    substitutions: int
    added: int
    corrected: int
    repeated: int


class SubstitutionRow(NamedTuple):
    """A substitution as it stands."""

    site: str
    source: str
    document: str
    line: str
    asked: str
    asked_quantity: Decimal
    sent: str
    sent_quantity: Decimal
    sent_at: datetime
    reason: str | None
    recorded_at: datetime
    recorded_by: str


class FeedbackRow(NamedTuple):
    """An item of which departures would tell something else than what was asked for; in base units."""

    item: str
    asked: Decimal
    """What forecasts learn from: as requested, less what was cancelled."""
    short: Decimal
    """What a closed visit left behind, and nothing was sent instead of."""
    sent_instead: Decimal
    """What was asked for, and another item was sent."""
    stood_in: Decimal
    """What was sent of it in place of others."""
    left: Decimal
    """What departures alone would tell: asked, less short and sent instead, and what stood in.

    Unless something was cancelled without a word of which request: that takes back the latest of what each of
    both tells.
    """

    @property
    def bias(self) -> Decimal | None:
        """How far a forecast would be off that learned from departures; None: nothing was asked for."""
        return self.left / self.asked - 1 if self.asked else None


def record(
    conn: Connection, actor: Actor, given: Sequence[Substitution], *, origin: str, now: datetime
) -> Recorded:
    """Say what was sent in place of what: all of it, or nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of every site named.
        given: At most `MOST`.
        origin: What a place's number follows: ``swaps.csv, line``.
        now: The present.

    Returns:
        What was new.

    Raises:
        NotAllowedError: If the actor may not.
        FaultyLinesError: Naming every one that cannot be.
        DemandError: If there is none, or too many.
    """
    actor.require(*IMPORTERS)
    for site in sorted({one.site for one in given}):
        actor.require(*IMPORTERS, site=site)
    act_as(conn, actor)
    if not 1 <= len(given) <= MOST:
        raise DemandError(f"{origin}: {len(given)} substitutions: expected 1 to {MOST}")
    faults = Faults()
    ids = _judged(conn, given, faults, now)
    if faults.total:
        raise FaultyLinesError(origin, sorted(faults.told), faults.total)
    columns = _columns(given)
    put = _SQL.tuples(
        conn,
        "put",
        actor=actor.id,
        **columns,
        asked=[ids[one.place][0] for one in given],
        asked_quantities=[one.asked_quantity for one in given],
        sent=[ids[one.place][1] for one in given],
        sent_quantities=[one.sent_quantity for one in given],
        sent_ats=[one.sent_at for one in given],
        reasons=[one.reason for one in given],
    )
    if excess := _SQL.tuples(conn, "excesses", **columns):
        raise FaultyLinesError(origin, [_excess(given, row) for row in excess], len(excess))
    added = sum(is_new for *_, is_new in put)
    done = Recorded(len(given), added, len(put) - added, len(given) - len(put))
    _audit(conn, actor, given, {tuple(row[:4]) for row in put})
    return done


def substitutions(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    item: str | None = None,
    after: tuple[str, str, str, str, str] = ("", "", "", "", ""),
    limit: int,
) -> list[SubstitutionRow]:
    """List substitutions by site, source, document, line and item sent.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        item: Only those in which this item was asked for or sent, by code.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The substitutions; those that were taken back with quantity 0.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    names = ("after_site", "after_source", "after_document", "after_line", "after_sent")
    keys = dict(zip(names, after, strict=True))
    return _SQL.rows(conn, SubstitutionRow, "substitutions", site=site, item=item, limit=limit, **keys)


def feedback(
    conn: Connection, actor: Actor, *, site: str, from_at: datetime, until_at: datetime
) -> list[FeedbackRow]:
    """Measure what the warehouse's shorts and substitutions change of the demand that forecasts learn from.

    Args:
        conn: In a transaction.
        actor: Who asks; may read the site's stock.
        site: Site id.
        from_at: In the first site day that counts.
        until_at: After the last one has begun.

    Returns:
        A row per item that something changes of, what changes most first.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    return _SQL.rows(conn, FeedbackRow, "feedback", site=site, from_at=from_at, until_at=until_at)


def _judged(
    conn: Connection, given: Sequence[Substitution], faults: Faults, now: datetime
) -> dict[int, tuple[int, int]]:
    """Find the items, and what cannot be."""
    named = _columns(given)
    found = _SQL.tuples(
        conn,
        "judged",
        **named,
        places=[one.place for one in given],
        asked=[one.asked for one in given],
        sent=[one.sent for one in given],
    )
    by_place = {one.place: one for one in given}
    ids = {}
    seen: dict[tuple[str, ...], int] = {}
    for place, kind, _, told, told_code, asked, asked_id, sent, sent_id, is_seen in found:
        one = by_place[place]
        line = f"line {one.line!r} of document {one.document!r}"
        first = seen.setdefault((one.site, one.source, one.document, one.line, one.sent), place)
        wrong = {
            ("site", f"there is no site {one.site!r}"): not is_seen,
            ("asked", f"there is no item {one.asked!r}"): asked is None,
            ("sent", f"there is no item {one.sent!r}"): sent is None,
            ("line", f"{line} is not known: send the request first"): is_seen and kind is None,
            ("line", f"{line} is {kind}: expected a request"): kind not in {None, Kind.REQUESTED},
            ("sent", f"{one.sent!r} is what was asked for: expected another item"): asked is not None
            and asked == sent,
            ("asked", f"{line} tells {told_code!r}: expected that this was asked for, or sent"): None
            not in {told, asked, sent}
            and told not in {asked, sent},
            ("sent_at", f"{one.sent_at.isoformat()} is in the future"): one.sent_at > now,
            ("sent_quantity", "expected both quantities above zero, or both 0 to take it back"): (
                (one.asked_quantity == 0) != (one.sent_quantity == 0)
            ),
            ("line", f"{line} has {one.sent!r} twice, first at {first}"): first != place,
        }
        for (field, message), holds in wrong.items():
            if holds:
                faults.add(Fault(place, field, message))
        ids[place] = asked_id, sent_id
    return ids


def _columns(given: Sequence[Substitution]) -> dict[str, list[str]]:
    return {
        "sites": [one.site for one in given],
        "sources": [one.source for one in given],
        "documents": [one.document for one in given],
        "lines": [one.line for one in given],
    }


def _excess(given: Sequence[Substitution], row: tuple[object, ...]) -> Fault:
    *named, asked, taken = row
    place = next(one.place for one in given if [one.site, one.source, one.document, one.line] == list(named))
    message = f"line {named[3]!r} of document {named[2]!r} asks for {asked}, of which {taken} would be others"
    return Fault(place, "line", message)


def _audit(
    conn: Connection, actor: Actor, given: Sequence[Substitution], changed: set[tuple[str, ...]]
) -> None:
    for site in sorted({one.site for one in given}):
        told = [
            {
                "line": f"{one.source}/{one.document}/{one.line}",
                "asked": f"{one.asked_quantity:f} {one.asked}",
                "sent": f"{one.sent_quantity:f} {one.sent}",
            }
            for one in given
            if one.site == site and (one.site, one.source, one.document, one.line) in changed
        ]
        if told:
            detail: dict[str, object] = {"substitutions": told[:100], "of": len(told)}
            store.audit(conn, actor.id, "demand_substituted", "demand", site=site, detail=detail)
