"""What people read of counts: each with its lines, and its records beside the book."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from cloud.counting import store
from cloud.counting.domain import READERS, VarianceRow, Verdict, judged
from cloud.db import Connection
from cloud.decisions import store as decision_store
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from contracts.base import epoch_from_int, epoch_to_int
from contracts.records import RowRef

Place = tuple[datetime, int, int, int, int]
"""Key of a list's last row: instant, gateway, epoch, seq, line."""
_FIRST: Final = (None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class CountRow:
    """A count as it was reported."""

    gateway: str
    gateway_key: int
    epoch: int
    seq: int
    observed_at: datetime
    site: str
    time_zone: str
    scope: str
    location: str
    count_task: str | None
    is_blind: bool
    uncertainty_s: float
    counted_by: str | None
    device: str | None
    position: int
    recorded_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    forced_reason: str | None
    lines: int
    beyond: int
    """Settled records beyond their tolerance that nobody has decided on."""
    unreported: int
    """Questions that nobody has answered."""
    adjusted: int

    @property
    def name(self) -> str:
        """``gateway/epoch/seq``."""
        return f"{self.gateway}/{epoch_from_int(self.epoch)}/{self.seq}"


@dataclass(frozen=True, slots=True)
class CountLineRow:
    """One line of a count, as seen and in base units."""

    line_no: int
    identifier_scheme: str
    identifier: str
    quantity_seen: Decimal
    unit_seen: str
    item: str
    item_name: str | None
    base_unit: str
    quantity: Decimal
    is_confirmed_zero: bool
    unit: str | None
    lot: str | None
    disposition: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class VarianceFilter:
    """Which variances are asked for; None means any."""

    site: str | None = None
    item: str | None = None
    location: str | None = None
    count_task: str | None = None
    state: str | None = None
    """``provisional``, or one of `Verdict`; then only what is settled."""


def see(conn: Connection, actor: Actor, *, site: str | None = None) -> Actor:
    """Check that an actor may read counts, and show their sites.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: The site asked for, if one.

    Returns:
        The actor with no more reach than that.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    return within


def counts(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    location: str | None = None,
    task: str | None = None,
    before: Place | None = None,
    limit: int,
) -> list[CountRow]:
    """List counts of the actor's sites, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        location: Only of this place.
        task: Only of this count task.
        before: Key of the last row of the page before.
        limit: Most to give.

    Returns:
        The counts.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    see(conn, actor, site=site)
    return _counts(conn, site=site, location=location, task=task, before=before, limit=limit)


def count(
    conn: Connection, actor: Actor, ref: RowRef
) -> tuple[CountRow, list[CountLineRow], list[VarianceRow]] | None:
    """Give a count with its lines and its records beside the book.

    Args:
        conn: In a transaction.
        actor: Who asks.
        ref: The count.

    Returns:
        The count, its lines in order and its records; None if the actor's sites hold no such count.

    Raises:
        NotAllowedError: If the actor may not.
    """
    see(conn, actor)
    found = _counts(conn, ref=ref, limit=1)
    if not found:
        return None
    asked = {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq}
    lines = store.rows(conn, CountLineRow, "count_lines", observed_at=found[0].observed_at, **asked)
    return found[0], lines, records(conn, ref, is_settled=found[0].settled_at is not None)


def records(conn: Connection, ref: RowRef, *, is_settled: bool) -> list[VarianceRow]:
    """Give the records of a count, as they were settled or as they are now.

    Args:
        conn: In a transaction that shows the actor's sites.
        ref: The count.
        is_settled: Whether to give what was stored.

    Returns:
        Lines in order, then what was not reported.
    """
    statement = "stored_variances" if is_settled else "variances_of_count"
    asked = {"gateway": ref.gateway, "epoch": epoch_to_int(ref.epoch), "seq": ref.seq}
    return [judged(row) for row in store.rows(conn, VarianceRow, statement, **asked)]


def held(conn: Connection, ref: RowRef) -> list[VarianceRow]:
    """Keep a settled count and the decisions on its records until the transaction ends.

    In the order in which all take them: the count, its decisions, its records.

    Args:
        conn: In a transaction that shows the actor's sites.
        ref: The count.

    Returns:
        Its records as they are then.
    """
    store.tuples(conn, "hold_count", gateway=ref.gateway, epoch=epoch_to_int(ref.epoch), seq=ref.seq)
    rows = records(conn, ref, is_settled=True)
    for decision_id in sorted({row.decision_id for row in rows if row.decision_id is not None}):
        decision_store.hold(conn, decision_id)
    return records(conn, ref, is_settled=True)


def variances(
    conn: Connection,
    actor: Actor,
    wanted: VarianceFilter,
    *,
    before: Place | None = None,
    limit: int,
) -> list[VarianceRow]:
    """List records of counts beside the book, the latest first: provisional ones as they are at this moment.

    Args:
        conn: In a transaction.
        actor: Who asks.
        wanted: Which ones.
        before: Key of the last row of the page before.
        limit: Most to give.

    Returns:
        The records.

    Raises:
        NotAllowedError: If the actor may not, or not at the site.
    """
    see(conn, actor, site=wanted.site)
    names = ("before_at", "before_gateway", "before_epoch", "before_seq", "before_line")
    asked = {
        "site": wanted.site,
        "item": wanted.item,
        "location": wanted.location,
        "task": wanted.count_task,
        "limit": limit,
        **dict(zip(names, before or _FIRST, strict=True)),
    }
    rows: list[VarianceRow] = []
    if wanted.state in {None, "provisional"}:
        rows += [judged(row) for row in store.rows(conn, VarianceRow, "pending_variances", **asked)]
    if wanted.state != "provisional":
        verdict = None if wanted.state is None else Verdict(wanted.state).value
        rows += store.rows(conn, VarianceRow, "settled_variances", verdict=verdict, **asked)
    return sorted(rows, key=key_of, reverse=True)[:limit]


def key_of(row: VarianceRow) -> Place:
    """Give the key by which variances are ordered.

    Args:
        row: A variance.

    Returns:
        Its place in the list.
    """
    return row.observed_at, row.gateway_key, row.epoch, row.seq, row.line_no


def _counts(
    conn: Connection,
    *,
    ref: RowRef | None = None,
    site: str | None = None,
    location: str | None = None,
    task: str | None = None,
    before: Sequence[object] | None = None,
    limit: int,
) -> list[CountRow]:
    before_at, before_gateway, before_epoch, before_seq = (before or _FIRST)[:4]
    return store.rows(
        conn,
        CountRow,
        "counts",
        site=site,
        location=location,
        task=task,
        gateway=ref.gateway if ref else None,
        epoch=epoch_to_int(ref.epoch) if ref else None,
        seq=ref.seq if ref else None,
        before_at=before_at,
        before_gateway=before_gateway,
        before_epoch=before_epoch,
        before_seq=before_seq,
        limit=limit,
    )
