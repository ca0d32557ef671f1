"""Counts that people and programs report: checked against what is known, posted as observations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from cloud.counting import reading, store
from cloud.counting.domain import (
    COUNTERS,
    CountingError,
    NotPossibleError,
    UnknownCountError,
    UnknownNameError,
    Verdict,
)
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.domain import CloudStatement, EffectiveRow, Posted, PostingKind
from cloud.ledger.service import post
from cloud.master.domain import identifier_key
from cloud.master.store import find_identifiers
from contracts.base import SiteId
from contracts.occurrence import OLDEST_BELIEVABLE, TimeBasis
from contracts.records import Count, CountLine, Identifier, RowRef
from contracts.vocabulary import BizStep, CountScope, Disposition

_TOLERANCE: Final = timedelta(minutes=2)
"""How far another program's clock may be ahead of ours."""
_GTIN_DIGITS: Final = 14
_GTINS: Final = frozenset({8, 12, 13, 14})
"""Lengths of GTINs as they are printed."""
LONGEST_COUNT: Final = timedelta(days=1)
"""The most that a count can have taken."""


@dataclass(frozen=True, slots=True)
class CountPaper:
    """What somebody counted."""

    site: SiteId
    location: str
    scope: CountScope
    lines: Sequence[CountLine] = ()
    zero_confirmed: Sequence[Identifier] = ()
    observed_at: datetime | None = None
    """None means now."""
    took_s: float = 0.0
    """How long the counting took: what moved meanwhile may have been seen before or after."""
    count_task: str | None = None
    is_blind: bool = True
    """Whether the counter did not see the book."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line as a person typed it."""

    item: str
    """The item's code or any of its names; a GTIN with or without leading zeros."""
    quantity: Decimal
    """In base units, or in those of a GTIN of a packaging level."""
    lot: str | None = None


def named_lines(conn: Connection, typed: Sequence[TypedLine], *, now: datetime) -> list[CountLine]:
    """Find out what a person meant; what is not known, or means two things, is asked back.

    Args:
        conn: In a transaction.
        typed: As typed.
        now: The present.

    Returns:
        Lines of a count.

    Raises:
        UnknownNameError: If a name is that of no item, or of more than one.
        CountingError: If a quantity is below zero, no number or too fine.
    """
    return [_named(conn, line, now) for line in typed]


def report_count(conn: Connection, actor: Actor, paper: CountPaper, *, now: datetime) -> Posted:
    """Post a count; it moves nothing.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: Who counted: an operator, supervisor or inventory controller of the site.
        paper: What was seen.
        now: The present.

    Returns:
        The posting; its one row is the count.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownNameError: If the place, a unit or an item is not known: a person is asked, nothing is made up.
        CountingError: If the instant lies in the future or more than 400 days back, something is counted
            twice or both counted and confirmed absent, or a piece is counted in parts.
        NotPostableError: If the ledger cannot store it.
    """
    actor.require(*COUNTERS, site=paper.site)
    act_as(conn, actor)
    observed_at = paper.observed_at or now
    if not now - OLDEST_BELIEVABLE <= observed_at <= now + _TOLERANCE:
        raise CountingError(
            f"observed_at {observed_at.isoformat()}: expected within {OLDEST_BELIEVABLE.days} days before now"
        )
    if not paper.lines and not paper.zero_confirmed and paper.scope is not CountScope.BIN:
        raise CountingError(f"a count of scope {paper.scope.value} has no line: expected at least one")
    _check_places(conn, paper)
    _check_lines(conn, paper, observed_at)
    record = Count(
        seq=1,
        occurred_at_claimed=observed_at,
        mono_ns=0,
        boot_id="cloud",
        clock_ok=True,
        actor=actor.id,
        biz_step=BizStep.CYCLE_COUNTING,
        scope=paper.scope,
        location=paper.location,
        lines=tuple(paper.lines),
        zero_confirmed=tuple(paper.zero_confirmed),
        count_task=paper.count_task,
        blind=paper.is_blind,
        clock_uncertainty_s=paper.took_s,
    )
    row = EffectiveRow(record, min(observed_at, now), TimeBasis.CLAIMED)
    return post(conn, actor, kind=PostingKind.STATEMENT, statements=[CloudStatement(paper.site, row)])


def confirm_zero(
    conn: Connection, actor: Actor, ref: RowRef, *, item: str, lot: str | None = None, now: datetime
) -> Posted:
    """Say that what a count did not report was not there: a count of zero at the instant of the first.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: An operator, supervisor or inventory controller of the site.
        ref: The count that left it open.
        item: Code of the item.
        lot: Its lot, where that is told apart.
        now: The present.

    Returns:
        The posting; its one row is the new count.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownCountError: If the actor's sites hold no such count, or nothing was asked about the item.
        NotPossibleError: If it has been answered, or the item has no name to count it under.
    """
    within = actor.narrowed(*COUNTERS)
    act_as(conn, within)
    rows = reading.records(conn, ref, is_settled=True) or reading.records(conn, ref, is_settled=False)
    found = [row for row in rows if row.counted is None and (row.item, row.lot) == (item, lot)]
    if not found:
        raise UnknownCountError(
            f"count {ref.gateway}/{ref.epoch}/{ref.seq} leaves nothing open about item {item!r}"
            + (f", lot {lot!r}" if lot else "")
        )
    row = found[0]
    if row.state != Verdict.UNREPORTED:
        raise NotPossibleError(f"{row.name}: {row.item} is {row.state}; nothing is asked about it any more")
    names = store.tuples(conn, "name_of_item", item_id=row.item_id, at=row.observed_at)
    if not names:
        raise NotPossibleError(f"{row.name}: {row.item} has no name for one base unit: count it again")
    name = Identifier(scheme=names[0][0], value=names[0][1])
    dispositions = {cell["disposition"] for cell in row.cells}
    disposition = dispositions.pop() if len(dispositions) == 1 else None
    line = CountLine(
        identifier=name,
        quantity=Decimal(0),
        lot=row.lot,
        disposition=None if disposition is None else Disposition(disposition),
    )
    paper = CountPaper(
        site=SiteId(row.site),
        location=row.location,
        scope=CountScope.ITEMS,
        lines=(line,) if row.lot is not None else (),
        zero_confirmed=(name,) if row.lot is None else (),
        observed_at=row.observed_at,
        took_s=row.uncertainty_s,
        count_task=row.count_task,
        is_blind=False,
    )
    return report_count(conn, within, paper, now=now)


def _check_places(conn: Connection, paper: CountPaper) -> None:
    found = store.tuples(conn, "place", site=paper.site, code=paper.location)
    if not found:
        raise UnknownNameError(
            f"location {paper.location!r}: there is no such bin at site {paper.site!r}; set it up first"
        )
    if found[0][0] == "virtual":
        raise CountingError(f"location {paper.location!r} is an account: expected a place that one can see")
    units = {line.unit for line in paper.lines if line.unit is not None}
    known = {row[0] for row in store.tuples(conn, "units", codes=sorted(units))} if units else set()
    if unknown := sorted(units - known):
        raise UnknownNameError(f"unit {unknown[0]!r}: the ledger has never seen it")


def _check_lines(conn: Connection, paper: CountPaper, observed_at: datetime) -> None:
    keys = [identifier_key(line.identifier) for line in paper.lines]
    zeros = [identifier_key(name) for name in paper.zero_confirmed]
    known = find_identifiers(conn, {*keys, *zeros})
    for name in (*(line.identifier for line in paper.lines), *paper.zero_confirmed):
        if identifier_key(name) not in known:
            raise UnknownNameError(f"item {name.scheme} {name.value!r}: no item bears this name")
    told = Counter(
        (key, line.unit_seen, line.unit, line.lot, line.disposition, line.owner)
        for key, line in zip(keys, paper.lines, strict=True)
    )
    if twice := [key for key, times in told.items() if times > 1]:
        raise CountingError(f"item {twice[0][0][1]!r} stands there twice: expected one quantity of each")
    if len(set(zeros)) < len(zeros):
        raise CountingError("zero_confirmed names an item twice")
    items = {key: levels[-1].item_id for key, levels in known.items()}
    seen = {items[key] for key in keys}
    if both := [key for key in zeros if items[key] in seen]:
        raise CountingError(f"item {both[0][1]!r} is counted and confirmed absent: expected one of them")
    whole = {row[0] for row in store.tuples(conn, "items", items=sorted(seen)) if row[2]}
    for key, line in zip(keys, paper.lines, strict=True):
        if line.unit_seen == "base" and items[key] in whole and line.quantity % 1:
            raise CountingError(
                f"item {key[1]!r}: quantity {line.quantity} at {observed_at:%H:%M}, expected whole pieces"
            )


def _named(conn: Connection, typed: TypedLine, now: datetime) -> CountLine:
    text = typed.item
    gtin = text.zfill(_GTIN_DIGITS) if text.isascii() and text.isdigit() and len(text) in _GTINS else None
    found = store.tuples(conn, "names_like", text=text, gtin=gtin, at=now)
    items = {row[0] for row in found}
    if not found:
        raise UnknownNameError(f"item {text!r}: no item bears this name")
    if len(items) > 1:
        raise UnknownNameError(
            f"item {text!r} names {', '.join(sorted(row[1] for row in found)[:4])}: expected one that names "
            "a single item"
        )
    _, _, scheme, value, is_base = found[0]
    try:
        return CountLine(
            identifier=Identifier(scheme=scheme, value=value),
            quantity=typed.quantity,
            unit_seen="base" if is_base or scheme != "gtin" else value,
            lot=typed.lot,
        )
    except ValidationError as error:
        raise CountingError(
            f"item {text!r}: quantity {typed.quantity}: expected zero or more, with at most six decimals"
        ) from error
