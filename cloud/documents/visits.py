"""A visit's course: what stands out, its receipt or departure, its end (DOMAIN D2)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.aboard import AWAY, Piece, pieces_aboard, still_there
from cloud.documents.assignments import send_assignment
from cloud.documents.domain import (
    KEEPERS,
    READERS,
    ConflictingDocumentError,
    Line,
    Remainder,
    RemainderReason,
    UnknownDocumentError,
    VisitNotClearError,
    VisitRow,
    sort_units,
)
from cloud.documents.lines import lock_documents
from cloud.documents.over_aboard import over_aboard
from cloud.documents.remainders import placed, put_back, remainders_of
from cloud.documents.still_open import moved_whole, now_of
from cloud.documents.visit_papers import LinesNow, changing_hands
from cloud.documents.visit_posting import post_due
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a receipt or departure confirmation came to."""

    visit: str
    position: int | None
    """Of the posting; None if there was nothing to post any more."""
    lines: tuple[Line, ...]
    """Those whose goods changed hands now."""
    missing_units: tuple[str, ...]
    """Declared, and neither seen nor confirmed: not received."""
    unexpected_units: tuple[str, ...]
    """Seen, and declared by none of the visit's documents, or carrying more than these take of it."""


@dataclass(frozen=True, slots=True)
class VisitStory:
    """A visit with everything that is open about it."""

    visit: VisitRow
    lines: tuple[Line, ...]
    settled: frozenset[str]
    """``type/id/line`` of lines that were confirmed."""
    crossed: tuple[str, ...]
    """Units that stand as having crossed in the visit's direction, or were placed there by hand; of declared
    ones none that a person put back."""
    remainders: tuple[Remainder, ...]


def visits(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    state: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[VisitRow]:
    """List visits by site and name.

    Args:
        conn: In a transaction.
        actor: Who asks; sees the sites at which it may read stock.
        site: Only of this site.
        state: Only those ``open``, ``closed`` or ``cancelled``.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The visits.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    return store.visits(conn, site=site, state=state, after=after, limit=limit)


def story(conn: Connection, actor: Actor, *, site: str, visit: str) -> VisitStory:
    """Tell a visit with what is open about it.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        visit: The visit.

    Returns:
        Its story.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    return _story(conn, within, _found(conn, site, visit))


def confirm(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    visit: str,
    direction: str | None = None,
    confirmed_units: Iterable[str] = (),
    now: datetime,
) -> Confirmed:
    """Confirm the receipt of an inbound visit's goods, or the departure of an outbound one's, in one posting.

    Declared content changes hands for units that crossed, or that the person confirms, and what is on pallets
    of transfers; loose goods as declared, of orders to suppliers, transfers and customers' returns as they
    crossed: what crossed beyond or short of that remains in the clearing account. Each line once, however
    often it is confirmed.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        visit: The visit.
        direction: What the person takes it for, ``inbound`` or ``outbound``; None for what it is.
        confirmed_units: Units that are there although no reader saw them.
        now: The present: when the goods change hands.

    Returns:
        What was posted, and what is missing.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such visit, or a confirmed unit is not declared and carries
            nothing of a transfer.
        ConflictingDocumentError: If the visit has ended, goes the other way, or takes what may not leave.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    store.tuples(conn, "lock_site", site=site)  # visits that share a document take turns
    found = _locked(conn, site, visit)
    if direction not in {None, found.direction}:
        raise ConflictingDocumentError(
            f"visit {visit!r} is {found.direction}: expected one that is {direction}"
        )
    told = _story(conn, actor, found)
    lock_documents(conn, site, {(line.type, line.id) for line in told.lines})
    told = _story(conn, actor, found)
    confirmed = frozenset(confirmed_units)
    open_now = {(each.type, each.id, each.line): each for each in now_of(conn, site, told.lines)}
    seen = still_there(conn, found, told.crossed)
    pieces = _pieces(conn, told, seen, confirmed, open_now)
    present, missing, _ = sort_units(told.lines, told.crossed, confirmed)
    due = changing_hands(
        conn, found, told.lines, present=present, pieces=pieces, settled=told.settled, now=open_now
    )
    unseen = confirmed - seen
    aboard = {piece.unit: piece.aboard for piece in pieces}
    position = None
    if due:
        detail = {"lines": len(due), "missing": sorted(missing), "confirmed_by_hand": sorted(unseen)}
        unseen |= {unit for unit, outer in aboard.items() if outer in unseen}
        more: dict[str, Any] = {"aboard": aboard, "unseen": unseen, "detail": detail}
        position = post_due(conn, actor, found, due, now=open_now, at=now, **more)
    done = told.settled | {line.name for line in due}
    over = over_aboard(conn, found, told.lines, settled=done, crossed={*told.crossed, *present})
    extra = _unexpected(told, pieces, due) | over.keys()
    return Confirmed(visit, position, tuple(due), tuple(sorted(missing)), tuple(sorted(extra)))


def close(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    visit: str,
    reasons: Mapping[str, str],
    now: datetime,
) -> VisitRow:
    """Close a visit that is clear, or whose every remainder has a reason.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        visit: The visit.
        reasons: Reason by the remainder's name; see `RemainderReason`. Open cards take none: answer them.
        now: The present.

    Returns:
        The visit as it ended.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such visit.
        ConflictingDocumentError: If it has ended, or a reason is none of the known ones.
        VisitNotClearError: Naming what remains without a reason.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    told = _story(conn, actor, _locked(conn, site, visit))
    for name, reason in reasons.items():
        if reason not in set(RemainderReason):
            raise ConflictingDocumentError(
                f"visit {visit!r}: reason {reason!r} of {name!r}: "
                f"expected one of {', '.join(RemainderReason)}"
            )
    names = {left.name for left in told.remainders if left.kind != "card"}
    if unknown := sorted(reasons.keys() - names):
        raise ConflictingDocumentError(
            f"visit {visit!r}: nothing remains of {', '.join(map(repr, unknown))}: "
            f"expected {', '.join(sorted(names)) or 'no reason, it is clear'}"
        )
    unexplained = [
        left.message for left in told.remainders if left.kind == "card" or left.name not in reasons
    ]
    if unexplained:
        raise VisitNotClearError(f"visit {visit!r} is not clear: {'; '.join(unexplained)}")
    return _end(conn, actor, told.visit, "closed", reasons=reasons, now=now)


def cancel(conn: Connection, actor: Actor, *, site: str, visit: str, now: datetime) -> VisitRow:
    """Cancel a visit for which nothing crossed and nothing was confirmed.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        visit: The visit.
        now: The present.

    Returns:
        The visit as it ended.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such visit.
        ConflictingDocumentError: If it has ended, or something happened for it.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    told = _story(conn, actor, _locked(conn, site, visit))
    left = [left for left in told.remainders if left.kind != "missing_unit"]
    if told.crossed or told.settled or left:
        raise ConflictingDocumentError(
            f"visit {visit!r} cannot be cancelled: {len(told.crossed)} units crossed for it, "
            f"{len(told.settled)} lines are confirmed, {len(left)} things remain: close it instead"
        )
    return _end(conn, actor, told.visit, "cancelled", reasons={}, now=now)


def _pieces(
    conn: Connection, told: VisitStory, seen: frozenset[str], confirmed: frozenset[str], now: LinesNow
) -> list[Piece]:
    """Read what undeclared units carry; refuse those that a person confirms and that carry nothing of it."""
    visit, declared = told.visit, {line.unit for line in told.lines}
    pieces = pieces_aboard(conn, visit, (seen | confirmed) - declared, declared=declared)
    known = {
        unit
        for piece in pieces
        if any(piece.fits(line, now[line.type, line.id, line.line].item) for line in told.lines)
        for unit in piece.around
    }
    by_hand = sorted(confirmed - declared - seen)
    if by_hand and not visit.is_inbound:
        stand = store.tuples(conn, "where_units_stand", units=by_hand)
        known -= set(by_hand) - {
            unit for unit, site, place, *_ in stand if site == visit.site and place not in AWAY
        }
    if unknown := sorted(confirmed - declared - known):
        named = ", ".join(map(repr, unknown))
        raise UnknownDocumentError(
            f"visit {visit.visit!r}: unit {named} is declared by none of its documents"
        )
    return pieces


def _unexpected(told: VisitStory, pieces: Iterable[Piece], due: Iterable[Line]) -> set[str]:
    """Name units that nobody declares, and those that carry more than changes hands now."""
    left: defaultdict[str, Decimal] = defaultdict(Decimal)
    around = {piece.unit: piece.around for piece in pieces}
    for piece in pieces:
        for unit in piece.around:
            left[unit] += piece.quantity
    for line in due:
        for unit in around.get(f"{line.unit}", ()):
            left[unit] -= line.quantity
    surprising = {each.name for each in told.remainders if each.kind == "unexpected_unit"}
    return (surprising - left.keys()) | {unit for unit, quantity in left.items() if quantity > 0}


def _found(conn: Connection, site: str, visit: str) -> VisitRow:
    found = store.visits(conn, site=site, visit=visit, limit=1)
    if not found:
        raise UnknownDocumentError(f"there is no visit {visit!r} at site {site!r}")
    return found[0]


def _locked(conn: Connection, site: str, visit: str) -> VisitRow:
    store.tuples(conn, "lock_visit", site=site, visit=visit)
    found = _found(conn, site, visit)
    if found.state != "open":
        raise ConflictingDocumentError(f"visit {visit!r} is {found.state}: expected one that is open")
    return found


def _story(conn: Connection, within: Actor, found: VisitRow) -> VisitStory:
    lines = store.lines_of_visit(conn, found.site, found.visit)
    settled = store.settled_names(conn, found.site, lines) | moved_whole(conn, found.site, lines)
    crossings = store.tuples(conn, "visit_crossings", sites=within.reach, site=found.site, visit=found.visit)
    side_of = dict(crossings)  # the last crossing of a unit says on which side it is
    wanted = "in" if found.is_inbound else "out"
    seen = {unit for unit, direction in side_of.items() if direction == wanted}
    if found.state == "open":
        seen -= put_back(conn, found, seen & {line.unit for line in lines})
    crossed = tuple(sorted(seen | placed(conn, found, lines)))
    remainders = remainders_of(conn, within, found, lines, settled=settled, crossed=crossed)
    return VisitStory(found, tuple(lines), settled, crossed, remainders)


def _end(
    conn: Connection,
    actor: Actor,
    found: VisitRow,
    state: str,
    *,
    reasons: Mapping[str, str],
    now: datetime,
) -> VisitRow:
    text = orjson.dumps(dict(reasons)).decode()
    store.change(
        conn, "end_visit", site=found.site, visit=found.visit, state=state, reasons=text, actor=actor.id
    )
    detail = {"reasons": dict(reasons)}
    audit(conn, actor.id, f"visit_{state}", f"visit:{found.visit}", site=found.site, detail=detail)
    send_assignment(conn, site=found.site, gateway=found.gateway, sent_by=actor.id, now=now)
    return _found(conn, found.site, found.visit)
