"""A message that a source publishes at the broker: its lines stored once, or kept with the reason why not.

A message is right or wrong as a whole. What cannot be stored waits under the SHA-256 of its bytes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from cloud.db import Connection, DataError, IntegrityError, LockNotAvailable, QueryCanceled
from cloud.demand import fields, held
from cloud.demand.domain import DemandError, Faults, FaultyLinesError, Scheme, StagedLine
from cloud.demand.service import import_lines
from cloud.demand.sources import store
from cloud.demand.sources.domain import Source, SourceKind, SourceState
from cloud.demand.sources.keeping import importer
from cloud.demand.sources.pages import parse, read_page
from cloud.demand.waiting import (
    LONGEST_MESSAGE,
    FullError,
    Held,
    HeldState,
    Holding,
    MustWaitError,
    Origin,
    Reason,
    storable,
)
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.sheets.fields import FieldError
from contracts.base import OLDEST_READABLE_SCHEMA, SCHEMA_VERSION
from contracts.demand import DemandAnswer, DemandLine, DemandLines, TakenAs
from contracts.topics import DemandAddress, parse_demand_topic

MOST_BYTES: Final = 1 << 20
_NO_SITE: Final = "?"
"""Stands for the site of a topic that names none; only who sees all sites sees it."""
_MOST_TOLD: Final = 20
_SCHEMES: Final = frozenset(scheme.value for scheme in Scheme)
_DOOR: Final = Actor("job:demand_messages", frozenset({Role.PLANNER}), all_sites=True)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the broker gave it."""

    topic: str
    payload: bytes

    @property
    def sha256(self) -> str:
        """What names it."""
        return hashlib.sha256(self.payload).hexdigest()


def take_message(
    conn: Connection, message: Message, *, now: datetime
) -> tuple[DemandAddress | None, DemandAnswer]:
    """Store a message's lines, or let it wait.

    Args:
        conn: In a transaction that the caller commits before it answers.
        message: As it came.
        now: The present.

    Returns:
        Whom to answer, if the topic tells, and what.
    """
    act_as(conn, _DOOR)
    sha256 = message.sha256
    try:
        address = parse_demand_topic(message.topic)
    except ValueError as error:
        return None, _hold(conn, message, None, Reason.UNREADABLE, str(error), now=now)
    site, name = address.site, address.source
    if len(message.payload) > MOST_BYTES:
        words = f"{len(message.payload)} bytes: expected at most {MOST_BYTES}; send it in parts"
        held.refused(conn, site, name, words)
        return address, _answer(sha256, TakenAs.REFUSED, "too_large", words)
    before = held.known(conn, site, name, Origin.MESSAGE, sha256)
    if before is not None and before.state == HeldState.DISCARDED:
        return address, _answer(sha256, TakenAs.HELD, "discarded", before.settled_because or "")
    try:
        source = found_source(conn, site, name)
        changed = store_message(conn, source, message.payload, sha256, now=now)
    except MustWaitError as error:
        act_as(conn, _DOOR)
        return address, _hold(conn, message, address, error.reason, str(error), now=now)
    if before is not None and before.state == HeldState.HELD:
        held.replayed(conn, before, now=now, actor=_DOOR.id)
    return address, DemandAnswer(sha256=sha256, status=TakenAs.STORED, changed=changed)


def set_aside(
    conn: Connection, message: Message, words: str, *, now: datetime
) -> tuple[DemandAddress | None, DemandAnswer]:
    """Let a message wait of which came an error that nobody foresaw.

    Args:
        conn: In a transaction that the caller commits before it answers.
        message: As it came.
        words: What happened.
        now: The present.

    Returns:
        Whom to answer, if the topic tells, and what.
    """
    act_as(conn, _DOOR)
    try:
        address: DemandAddress | None = parse_demand_topic(message.topic)
    except ValueError:
        address = None
    return address, _hold(conn, message, address, Reason.UNREADABLE, words, now=now)


def replay_message(conn: Connection, source: Source, one: Held, *, now: datetime) -> str | None:
    """Store a message that waited, but no line without a revision that was told anew since it came.

    Args:
        conn: In a transaction that the caller commits.
        source: Whose.
        one: It.
        now: The present.

    Returns:
        Which lines are superseded, in words; None: all of it is stored.

    Raises:
        MustWaitError: If it has to wait on; nothing of it was stored.
    """
    actor = replace(importer(source), id=f"job:demand_held:{one.held_id}")
    act_as(conn, actor)
    lines = _read(source, bytes(one.payload))
    free = [line for line in lines if line.revision is None]
    later = store.tuples(
        conn,
        "told_later",
        site=source.site,
        source=source.name,
        documents=[line.document for line in free],
        lines=[line.line for line in free],
        held_id=one.held_id,
        held_at=one.held_at,
    )
    names = set(later)
    kept = [line for line in lines if line.revision is not None or (line.document, line.line) not in names]
    if kept:
        _store(conn, source, kept, one.name, actor=actor, now=now)
    if not names:
        return None
    told = ", ".join(f"{document}/{line}" for document, line in sorted(names)[:_MOST_TOLD])
    return f"superseded by what came later: {len(names)} of {len(lines)} lines: {told}"[:LONGEST_MESSAGE]


def found_source(conn: Connection, site: str, name: str) -> Source:
    """Find who publishes.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        name: Name of the source.

    Returns:
        The source.

    Raises:
        MustWaitError: If nobody has added it, it sends otherwise, or it is paused.
    """
    found = store.rows(conn, Source, "source_named", site=site, name=name)
    if not found:
        raise MustWaitError(
            Reason.UNKNOWN_SOURCE,
            f"site {site!r} has no source {name!r}: add it with `demand sources add --mqtt`",
        )
    source = found[0]
    if source.kind != SourceKind.MQTT:
        message = f"source {name!r} of site {site!r} is of kind {source.kind}: expected one that publishes"
        raise MustWaitError(Reason.UNKNOWN_SOURCE, message)
    if source.state != SourceState.ACTIVE:
        raise MustWaitError(Reason.SOURCE_PAUSED, f"source {name!r} is {source.state}")
    return source


def store_message(conn: Connection, source: Source, payload: bytes, sha256: str, *, now: datetime) -> int:
    """Store a message's lines.

    Args:
        conn: In a transaction; nothing of the message remains in it after an error.
        source: Whose.
        payload: Its bytes.
        sha256: Of them.
        now: The present.

    Returns:
        How many lines are new or corrected.

    Raises:
        MustWaitError: If it has to wait.
    """
    return _store(conn, source, _read(source, payload), sha256, actor=importer(source), now=now)


def _store(
    conn: Connection, source: Source, lines: Sequence[StagedLine], sha256: str, *, actor: Actor, now: datetime
) -> int:
    about: dict[str, object] = {"source_id": source.source_id, "message": sha256}
    try:
        with conn.transaction():
            done = import_lines(
                conn,
                actor,
                lines,
                faults=Faults(),
                origin="line",
                now=now,
                makes_items=source.how.new_items,
                twice=source.how.twice,
                about=about,
            )
    except FaultyLinesError as error:
        are_names = all(fault.field in _SCHEMES for fault in error.faults)
        reason = Reason.UNKNOWN_NAME if are_names else Reason.FAULTY
        raise MustWaitError(reason, _told(error)) from error
    except (DemandError, DataError, IntegrityError) as error:
        raise MustWaitError(Reason.UNREADABLE, str(error)) from error
    except (LockNotAvailable, QueryCanceled) as error:
        raise MustWaitError(Reason.BUSY, str(error)) from error
    changed = done.added + done.corrected
    store.change(conn, "count_push", source_id=source.source_id, lines=changed, now=now)
    return changed


def _read(source: Source, payload: bytes) -> Sequence[StagedLine]:
    """Read lines as `demand_lines` has them, or as the source's settings say."""
    faults = Faults()
    try:
        if not source.how.fields:
            return _contract_lines(source, payload)
        page = read_page(
            parse(payload), source.how, site=source.site, name=source.name, faults=faults, is_event=True
        )
    except (DemandError, FieldError) as error:
        raise MustWaitError(Reason.UNREADABLE, str(error)) from error
    if faults.total:
        told = FaultyLinesError("line", sorted(faults.told), faults.total)
        raise MustWaitError(Reason.UNREADABLE, _told(told))
    if not page.lines:
        raise MustWaitError(Reason.UNREADABLE, "the message holds no lines: expected at least one")
    return page.lines


def _contract_lines(source: Source, payload: bytes) -> list[StagedLine]:
    try:
        message = DemandLines.model_validate_json(payload)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False)[:_MOST_TOLD]
        ]
        raise MustWaitError(Reason.UNREADABLE, "\n".join(faults)) from error
    if not OLDEST_READABLE_SCHEMA <= message.schema_version <= SCHEMA_VERSION:
        readable = f"this release reads {OLDEST_READABLE_SCHEMA} to {SCHEMA_VERSION}"
        raise MustWaitError(Reason.OTHER_RELEASE, f"schema {message.schema_version}: {readable}")
    staged = []
    for place, line in enumerate(message.lines):
        try:
            staged.append(_staged(source, place, line))
        except FieldError as error:
            raise MustWaitError(Reason.UNREADABLE, f"lines.{place}.identifier: {error}") from error
    return staged


def _staged(source: Source, place: int, line: DemandLine) -> StagedLine:
    return StagedLine(
        place,
        source.site,
        source.name,
        line.document,
        line.line,
        line.revision,
        line.kind,
        line.identifier.scheme,
        fields.name(Scheme(line.identifier.scheme), line.identifier.value),
        line.channel or source.how.constants.get("channel"),
        line.requested_at.isoformat(),
        None,
        False,  # noqa: FBT003  the place of a value, not a switch
        f"{line.quantity:f}",
        line.of.document if line.of else None,
        line.of.line if line.of else None,
    )


def _told(error: FaultyLinesError) -> str:
    shown = [f"line {fault.place}: {fault.field}: {fault.message}" for fault in error.faults[:_MOST_TOLD]]
    if error.total > len(shown):
        shown.append(f"{error.total - len(shown)} more faults are not listed")
    return "\n".join(shown)


def _hold(
    conn: Connection,
    message: Message,
    address: DemandAddress | None,
    reason: Reason,
    words: str,
    *,
    now: datetime,
) -> DemandAnswer:
    """Let a message wait, if there is room for it."""
    site, source = (address.site, address.source) if address else (_NO_SITE, message.topic[:200])
    one = Holding(site, source, Origin.MESSAGE, message.sha256, message.payload, reason, words)
    try:
        held.hold(conn, [one], now=now)
    except FullError as error:
        return _answer(message.sha256, TakenAs.REFUSED, "full", f"{words}; {error}")
    return _answer(message.sha256, TakenAs.HELD, reason.value, words)


def _answer(sha256: str, status: TakenAs, reason: str, message: str) -> DemandAnswer:
    return DemandAnswer(sha256=sha256, status=status, changed=0, reason=reason, message=storable(message))
