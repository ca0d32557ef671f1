"""A pull of outbound orders registered here: what they ask for is demand, whether or not it left."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple

from cloud.db import Connection, in_transaction
from cloud.demand.domain import Fault, Faults, Kind, Scheme, StagedLine
from cloud.demand.fields import FieldError, code
from cloud.demand.sources import store
from cloud.demand.sources.asking import written
from cloud.demand.sources.domain import Source
from cloud.demand.sources.keeping import Pull
from cloud.identity.store import act_as

AT_ONCE: Final = 200
"""Orders of one transaction."""
OVERLAP: Final = timedelta(minutes=5)
"""A pull begins so far before the last order: one may be committed after one that is later."""
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


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


def pull_orders(pull: Pull) -> bool:
    """Take outbound orders as demand, in the order they were registered.

    Args:
        pull: Of the source.

    Returns:
        Whether it came to the last one.
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
        else:
            about: dict[str, object] = {"orders": len({line.document for line in found})}
            pull.keep(
                partial(_staged, source, found),
                origin=f"source {source.name}, line",
                cursor=written(from_at),
                sha256=digest,
                about=about,
            )
    return False


def _lines(conn: Connection, *, pull: Pull, from_at: datetime, after: str) -> list[OutboundLine]:
    act_as(conn, pull.actor)
    asked = {"sites": [pull.source.site], "from_at": from_at, "after_id": after, "until_at": pull.now}
    return store.rows(conn, OutboundLine, "outbound_lines", **asked, most=AT_ONCE)


def _staged(source: Source, found: Sequence[OutboundLine], faults: Faults) -> list[StagedLine]:
    channel = source.how.constants.get("channel")
    staged = []
    for place, line in enumerate(found, start=1):
        named = f"line {line.line} of order {line.document}"
        if line.item is None or line.quantity is None:
            message = f"{line.identifier!r} of {named}: its item or unit is not known"
            faults.add(Fault(place, line.identifier_scheme, message))
            continue
        try:
            document, number = code(line.document), code(line.line)
        except FieldError as error:
            faults.add(Fault(place, "document", str(error)))
            continue
        staged.append(
            StagedLine(
                place,
                source.site,
                source.name,
                document,
                number,
                None,
                Kind.REQUESTED.value,
                Scheme.ITEM.value,
                line.item,
                channel,
                written(line.ordered_at),
                None,
                False,  # noqa: FBT003  the place of a value, not a switch
                f"{line.quantity:f}",
                None,
                None,
            )
        )
    return staged
