"""An event that a shop pushes: signature and time checked, lines stored once (Standard Webhooks v1)."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.alerts.webhooks.domain import WebhookWishError, signature
from cloud.db import Connection
from cloud.demand.domain import DemandError, Faults, FaultyLinesError, Imported
from cloud.demand.service import import_lines
from cloud.demand.sources import store
from cloud.demand.sources.confines import secret_of
from cloud.demand.sources.domain import (
    Source,
    SourceAwayError,
    SourceKind,
    SourceState,
    TakenSourceError,
    UnverifiedEventError,
)
from cloud.demand.sources.keeping import importer
from cloud.demand.sources.pages import parse, read_page
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

TOLERANCE: Final = timedelta(minutes=5)
"""So far an event's time may be from the present, as the specification has it: an old one is a replay."""
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES: Final = 10
_SHOWN_FAULTS: Final = 20

_DOOR: Final = Actor("job:demand_events", frozenset({Role.DEVICE}), all_sites=True)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it comes."""

    source_id: int
    event_id: str
    """Header `webhook-id`: the same however often it is sent."""
    timestamp: str
    """Header `webhook-timestamp`, in seconds since 1970."""
    signatures: str
    """Header `webhook-signature`: ``v1,…``, several apart by spaces."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an event."""

    source: str
    event_id: str
    lines: int
    """New and corrected ones."""
    is_repeated: bool
    """Whether it was known: nothing changed."""


def verified(conn: Connection, event: Event, *, now: datetime) -> Source:
    """Find the source of an event that it signed just now.

    Args:
        conn: In a transaction.
        event: As it came.
        now: The present.

    Returns:
        The source.

    Raises:
        UnverifiedEventError: If there is no such source, its secret did not sign, or the time is not now.
    """
    act_as(conn, _DOOR)
    found = store.rows(conn, Source, "source", source_id=event.source_id)
    if found and found[0].kind == SourceKind.PUSH and _is_signed(found[0], event, now):
        return found[0]
    raise UnverifiedEventError("the event's signature, time or source is not right")


def take_event(conn: Connection, source: Source, event: Event, *, now: datetime) -> Taken:
    """Store an event's lines, once.

    Args:
        conn: In a transaction that the caller commits.
        source: As `verified` gave it.
        event: As it came.
        now: The present.

    Returns:
        What came of it.

    Raises:
        SourceAwayError: If the source is paused: the shop sends the event again later.
        TakenSourceError: If another event came with this id.
        DemandError: If it cannot be read, or lines cannot be stored; nothing of it was.
    """
    if source.state != SourceState.ACTIVE:
        raise SourceAwayError(f"source {source.name!r} is paused: send the event again later")
    act_as(conn, importer(source))
    sha256 = hashlib.sha256(event.body).hexdigest()
    named = {"source_id": source.source_id, "event_id": event.event_id}
    if not store.change(conn, "take_event", **named, site=source.site, sha256=sha256, now=now):
        ((known, lines),) = store.tuples(conn, "taken_event", **named)
        if known != sha256:
            raise TakenSourceError(f"event {event.event_id!r} of source {source.name!r} said something else")
        return Taken(source.name, event.event_id, int(lines), is_repeated=True)
    done = _stored(conn, source, event, sha256, now)
    lines = 0 if done is None else done.added + done.corrected
    store.change(conn, "count_push", source_id=source.source_id, lines=lines, now=now)
    store.change(conn, "count_event", **named, lines=lines)
    return Taken(source.name, event.event_id, lines, is_repeated=False)


def tell_faulty(conn: Connection, source: Source, event: Event, error: DemandError) -> None:
    """Tell people of an event that was refused.

    Args:
        conn: In a transaction that the caller commits.
        source: Whose.
        event: It.
        error: Why.
    """
    act_as(conn, importer(source))
    faults = str(error).splitlines()
    summary = f"Demand source {source.name}: event {event.event_id} is faulty, nothing of it was stored"
    alerts.notice(
        conn,
        [
            Notice(
                f"demand_event:{source.source_id}:{event.event_id}",
                "demand_source",
                Severity.WARNING,
                f"{summary}: {faults[0]}"[:500],
                source.site,
                {"source_id": source.source_id, "faults": list(faults[:_SHOWN_FAULTS])},
            )
        ],
    )


def _stored(conn: Connection, source: Source, event: Event, sha256: str, now: datetime) -> Imported | None:
    faults = Faults()
    document = parse(event.body)
    content = read_page(
        document, source.how, site=source.site, name=source.name, faults=faults, is_event=True
    )
    origin = f"event {event.event_id}, line"
    if faults.total:
        raise FaultyLinesError(origin, sorted(faults.told), faults.total)
    if not content.lines:
        return None
    return import_lines(
        conn,
        importer(source),
        content.lines,
        faults=faults,
        origin=origin,
        now=now,
        makes_items=source.how.new_items,
        twice=source.how.twice,
        about={"source_id": source.source_id, "event": event.event_id, "sha256": sha256},
    )


def _is_signed(source: Source, event: Event, now: datetime) -> bool:
    if not _ID.fullmatch(event.event_id) or not _SECONDS.fullmatch(event.timestamp):
        return False
    seconds = int(event.timestamp)
    if abs(now.timestamp() - seconds) > TOLERANCE.total_seconds():
        return False
    try:
        secrets = (secret_of(source) or "").split()
        ours = signature(secrets, event.event_id, seconds, event.body).split()
    except (SourceAwayError, WebhookWishError) as error:
        log.warning("demand_event_unverifiable", source=source.name, site=source.site, error=str(error))
        return False
    theirs = [text.encode() for text in event.signatures.split()[:_MOST_SIGNATURES]]
    return any(hmac.compare_digest(own.encode(), other) for own in ours for other in theirs)
