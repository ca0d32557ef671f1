"""Asking for the close of a period; another person's approval carries it out."""

from datetime import datetime
from typing import Final

import orjson
from pydantic import JsonValue

from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.domain import Decision, Draft
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import record_audit
from cloud.periods import reading, store
from cloud.periods.calendar import PATTERNS, Period
from cloud.periods.domain import (
    AT_ITS_END,
    CLOSE_KIND,
    CLOSERS,
    REASONS,
    Figure,
    PeriodError,
)
from cloud.periods.reading import Moment

_CLOSES: Final = 1_000


def ask_to_close(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    period: str,
    reason: str = AT_ITS_END,
    note: str = "",
    now: datetime,
) -> Decision:
    """Ask for a period to be closed as the books are known now; or closed again, with what came since.

    Args:
        conn: In a transaction.
        actor: An inventory controller of the site.
        site: Site id.
        period: As the site's calendar names it.
        reason: One of `REASONS`; with open points, or again, another than `AT_ITS_END`.
        note: More; needed with the reason `other`.
        now: The present.

    Returns:
        The submitted decision; another person approves it.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownPeriodError: If there is no such site.
        PeriodError: If there is no such period, it is not over, or the reason does not suffice.
        DifferentDraftError: If the same close is asked for already, with other figures.
    """
    actor.require(*CLOSERS, site=site)
    within = actor.narrowed(*CLOSERS)
    wanted = reading.calendar(conn, within, site=site).named(period)
    if wanted.ends_at >= now:
        raise PeriodError(
            f"period {period} of {site} ends at {wanted.ends_at.isoformat()}: expected one that is over"
        )
    made = len(reading.closes(conn, within, site=site, period=wanted, limit=_CLOSES))
    position = reading.head(conn)
    figure = figure_at(conn, within, site, wanted, position)
    _require_reason(figure, reason, note, is_again=made > 0, period=period)
    act_as(conn, actor)
    effect = effect_of(site, wanted, position, figure, again=made)
    paper = Draft(
        kind=CLOSE_KIND,
        site=site,
        subject=subject_of(site, period, made + 1),
        reason=reason,
        effect=effect,
        evidence={"page_url": f"/periods/{site}/{period}"},
        inputs={"as_of_position": position, "asked_at": now.isoformat()},
        value=figure.value,
        currency=figure.currency,
        note=note,
    )
    return decisions.submit(conn, actor, decisions.draft(conn, actor, paper).decision_id, note=note)


def set_period_calendar(conn: Connection, actor: Actor, *, site: str, pattern: str) -> bool:
    """Say how a site's year is cut into periods.

    Args:
        conn: In a transaction that the caller commits.
        actor: An inventory controller of the site.
        site: Site id.
        pattern: One of `PATTERNS`.

    Returns:
        Whether it was another before.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownPeriodError: If there is no such site.
        PeriodError: If the pattern is none of them, or a period has been closed by the one that holds.
    """
    actor.require(*CLOSERS, site=site)
    if pattern not in PATTERNS:
        raise PeriodError(f"calendar {pattern!r:.40}: expected one of {', '.join(PATTERNS)}")
    known = reading.calendar(conn, actor.narrowed(*CLOSERS), site=site)
    if known.pattern == pattern:
        return False
    if reading.closes(conn, actor.narrowed(*CLOSERS), site=site, limit=1):
        raise PeriodError(f"site {site!r} has closed periods by {known.pattern}: its calendar stays")
    store.change(conn, "set_pattern", site=site, pattern=pattern)
    detail = orjson.dumps({"from": known.pattern, "to": pattern}).decode()
    record_audit(
        conn, actor=actor.id, action="period_calendar_set", target=f"site:{site}", site=site, detail=detail
    )
    return True


def figure_at(conn: Connection, actor: Actor, site: str, period: Period, position: int) -> Figure:
    """Derive what a close at a position would hold, with everything that speaks against it.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        period: The period.
        position: The ledger's last, as a rule.

    Returns:
        The figure.
    """
    open_points = reading.points(conn, actor, site=site, period=period)
    moment = Moment(site, period.ends_at, position, is_closing=True)
    return reading.figure(conn, actor, moment, also=open_points)


def subject_of(site: str, period: str, revision: int) -> str:
    """Name what a decision on a close is about."""
    return f"period/{site}/{period}/{revision}"


def effect_of(
    site: str, period: Period, position: int, figure: Figure, *, again: int
) -> dict[str, JsonValue]:
    """Say what a close does.

    Args:
        site: Site id.
        period: Which is closed.
        position: As known at which.
        figure: What the close would hold.
        again: How often it was closed before.

    Returns:
        The effect, for people and for the carrier.
    """
    open_items = f", {figure.unknown_items} items of unknown value" if figure.unknown_items else ""
    return {
        "summary": f"Close {period.name} of {site}{' again' if again else ''} at {figure.worth}{open_items}",
        "period": period.name,
        "revision": again + 1,
        "starts_at": period.starts_at.isoformat(),
        "ends_at": period.ends_at.isoformat(),
        "as_of_position": position,
        "value": None if figure.value is None else f"{figure.value:f}",
        "known_value": None if figure.known_value is None else f"{figure.known_value:f}",
        "currency": figure.currency,
        "unknown_items": figure.unknown_items,
        "open_points": [
            {"kind": point.kind, "number": point.number, "what": point.words, "detail": point.detail}
            for point in figure.points
        ],
    }


def _require_reason(figure: Figure, reason: str, note: str, *, is_again: bool, period: str) -> None:
    if reason not in REASONS:
        raise PeriodError(f"reason {reason!r:.80}: expected one of {', '.join(REASONS)}")
    if reason == "other" and not note.strip():
        raise PeriodError("reason 'other': expected a note that says which")
    if reason != AT_ITS_END:
        return
    why = REASONS.keys() - {AT_ITS_END}
    if is_again:
        raise PeriodError(
            f"period {period} is closed: to close it again expected a reason of {', '.join(sorted(why))}"
        )
    if figure.points:
        told = "; ".join(f"{point.number} {point.words}" for point in figure.points)
        raise PeriodError(
            f"period {period} has open points ({told}): to close it anyway expected a reason of "
            f"{', '.join(sorted(why))}"
        )
