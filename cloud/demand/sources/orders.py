"""A pull of outbound orders registered here: what they ask for is demand, whether or not it left.

A line that cannot be stored yet, for its item or unit is not registered, waits and holds up no other.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple

from cloud.db import Connection, DataError, IntegrityError, in_transaction
from cloud.demand import held
from cloud.demand.domain import DemandError, Faults, FaultyLinesError, Kind, Scheme, StagedLine
from cloud.demand.service import import_lines
from cloud.demand.sources import store
from cloud.demand.sources.asking import written
from cloud.demand.sources.domain import Source, SourceAwayError
from cloud.demand.sources.keeping import Pull, importer
from cloud.demand.waiting import FullError, Held, Holding, MustWaitError, Origin, Reason
from cloud.identity.store import act_as
from cloud.sheets.fields import FieldError, code

AT_ONCE: Final = 200
"""Orders of one transaction."""
OVERLAP: Final = timedelta(minutes=5)
"""A pull begins so far before the last order: one may be committed after one that is later."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST: Final = Decimal(10) ** 14
_LEAST: Final = Decimal("0.000001")


class OutboundLine(NamedTuple):
    """A line of an outbound order."""

    site: str
    document: str
    line: str
    item: str | None
    identifier_scheme: str
    identifier: str
    quantity: Decimal | None
    """In base units; None: its unit has no known ratio."""
    ordered_at: datetime
    has_left: bool
    short_at: datetime | None
    """When a visit that was to take it was closed without; None: never, or it left after all."""
    is_discarded: bool
    """Whether a person said that it is no demand."""


def pull_orders(pull: Pull) -> bool:
    """Take outbound orders as demand, in the order they were registered.

    Args:
        pull: Of the source.

    Returns:
        Whether it came to the last one.

    Raises:
        SourceAwayError: If too much of them waits already.
    """
    source = pull.source
    if source.cursor is not None:
        from_at, after = datetime.fromisoformat(source.cursor) - OVERLAP, ""
    else:
        from_at, after = source.from_at or _BEGINNING, ""
    while not pull.is_over():
        found = in_transaction(pull.connections, partial(_lines, pull=pull, from_at=from_at, after=after))
        if not found:
            return True
        from_at, after = found[-1].ordered_at, found[-1].document
        digest = sha256(repr(found).encode()).hexdigest()
        if digest == source.page_sha256:
            pull.skip(cursor=written(from_at), sha256=digest)
            continue
        try:
            _keep(pull, found, cursor=written(from_at), digest=digest)
        except FullError as error:  # the orders stay where they are, and are asked for again
            raise SourceAwayError(str(error)) from error
    return False


def staged(source: Source, line: OutboundLine, place: int) -> StagedLine:
    """Give an outbound order's line as demand.

    Args:
        source: Whose it becomes.
        line: It.
        place: Its number in the batch.

    Returns:
        The line, requested when the order was registered.

    Raises:
        MustWaitError: If it has to wait.
    """
    named = f"line {line.line} of order {line.document}"
    if line.item is None or line.quantity is None:
        what = "item" if line.item is None else "unit"
        message = f"{named}: the {what} of {line.identifier_scheme} {line.identifier!r} is not registered"
        raise MustWaitError(Reason.UNKNOWN_NAME, message)
    if not _LEAST <= line.quantity < _MOST or line.quantity != line.quantity.quantize(_LEAST):
        message = f"{named}: {line.quantity:f} of {line.item} cannot be told in 14 digits and six decimals"
        raise MustWaitError(Reason.TOO_EXACT, message)
    try:
        document, number = code(line.document), code(line.line)
    except FieldError as error:
        raise MustWaitError(Reason.UNREADABLE, f"{named}: {error}") from error
    return StagedLine(
        place,
        source.site,
        source.name,
        document,
        number,
        None,
        Kind.REQUESTED.value,
        Scheme.ITEM.value,
        line.item,
        source.how.constants.get("channel"),
        written(line.ordered_at),
        None,
        False,  # noqa: FBT003  the place of a value, not a switch
        f"{line.quantity:f}",
        None,
        None,
    )


def replay_order_line(conn: Connection, source: Source, one: Held, *, now: datetime) -> None:
    """Store an order's line that waited.

    Args:
        conn: In a transaction that undoes what this did if it fails.
        source: Whose.
        one: It.
        now: The present.

    Raises:
        MustWaitError: If it has to wait on.
    """
    named = json.loads(one.payload)
    act_as(conn, importer(source))
    found = store.rows(
        conn, OutboundLine, "outbound_lines_of", site=source.site, documents=[named["document"]]
    )
    line = next(line for line in found if line.line == named["line"])
    about: dict[str, object] = {"source_id": source.source_id, "replayed": one.held_id}
    try:
        import_lines(
            conn,
            importer(source),
            [staged(source, line, 1)],
            faults=Faults(),
            origin=one.name,
            now=now,
            about=about,
        )
    except (DemandError, DataError, IntegrityError) as error:
        raise MustWaitError(Reason.FAULTY, str(error)) from error


def _keep(pull: Pull, found: Sequence[OutboundLine], *, cursor: str, digest: str) -> None:
    """Store what can be stored of some orders, and let the rest wait, in one transaction."""
    lines: list[StagedLine] = []
    waiting: list[Holding] = []
    for place, line in enumerate(found, start=1):
        if line.is_discarded:
            continue
        try:
            lines.append(staged(pull.source, line, place))
        except MustWaitError as error:
            waiting.append(_holding(pull.source, line, error.reason, str(error)))
    about: dict[str, object] = {"orders": len({line.document for line in found})}
    while lines:
        try:
            pull.keep(
                partial(_given, lines),
                origin=f"source {pull.source.name}, line",
                cursor=cursor,
                sha256=digest,
                about=about | ({"waiting": len(waiting)} if waiting else {}),
                beside=partial(held.hold, holdings=waiting, now=pull.now),
            )
        except FaultyLinesError as error:
            faults = {fault.place: f"{fault.field}: {fault.message}" for fault in error.faults}
            waiting += [
                _holding(pull.source, found[place - 1], Reason.FAULTY, message)
                for place, message in faults.items()
            ]
            lines = [line for line in lines if line.place not in faults]
        else:
            return
    pull.skip(cursor=cursor, sha256=digest, beside=partial(held.hold, holdings=waiting, now=pull.now))


def _holding(source: Source, line: OutboundLine, reason: Reason, message: str) -> Holding:
    name = f"{line.document}/{line.line}"
    payload = {
        "document": line.document,
        "line": line.line,
        "identifier": {"scheme": line.identifier_scheme, "value": line.identifier},
        "ordered_at": written(line.ordered_at),
    }
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Holding(source.site, source.name, Origin.ORDER_LINE, name, body, reason, message)


def _lines(conn: Connection, *, pull: Pull, from_at: datetime, after: str) -> list[OutboundLine]:
    act_as(conn, pull.actor)
    source = pull.source
    asked = {"sites": [source.site], "from_at": from_at, "after_id": after, "until_at": pull.now}
    return store.rows(conn, OutboundLine, "outbound_lines", **asked, most=AT_ONCE, source=source.name)


def _given(lines: Sequence[StagedLine], _: Faults) -> Iterable[StagedLine]:
    return lines
