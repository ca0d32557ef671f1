"""Checking a stated stock list whole and asking for its differences to be posted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from cloud.counting.domain import KEEPERS
from cloud.counting.reconciling import store
from cloud.counting.reconciling.domain import (
    RECONCILIATION_KIND,
    ReconciliationError,
    StatedLine,
    StatedList,
    faults_of,
)
from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.domain import Decision, Draft
from cloud.faults import Fault
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

REASON: Final = "reconciliation"
_INEXACT: Final = "not exact in the base unit of an item that was merged into this one"


def reconcile(
    conn: Connection, actor: Actor, paper: StatedList, *, note: str = "", now: datetime
) -> Decision:
    """Check a list, keep it, and ask for the book to be bound to it as of its instant.

    What the book holds and the list does not name stays as it is: blank is never zero. A line that does not
    tell lot, condition or owner states the total over all of them that no other line names.

    Args:
        conn: In a transaction.
        actor: An inventory controller of the site.
        paper: The list.
        note: For the approver.
        now: The present.

    Returns:
        The submitted decision; another person approves it.

    Raises:
        NotAllowedError: If the actor may not.
        ReconciliationError: With every fault of the list; nothing was stored.
    """
    named = _named(conn, actor, paper, now)
    if named.faults:
        raise ReconciliationError([*named.faults, *_inexact(conn, actor, paper, named)])
    number = _kept(conn, actor, paper, paper.lines, named)
    told = told_of(conn, number)
    draft = Draft(
        kind=RECONCILIATION_KIND,
        site=paper.site,
        subject=f"reconciliation/{number}",
        reason=REASON,
        effect=effect_of(number, paper.site, paper.observed_at, told),
        evidence={"origin": paper.origin},
        inputs={"as_of": paper.observed_at.isoformat()},
        value=value_of(told),
        currency=told["currency"],
        note=note,
    )
    return decisions.submit(conn, actor, decisions.draft(conn, actor, draft).decision_id, note=note)


def check_list(conn: Connection, actor: Actor, paper: StatedList, *, now: datetime) -> list[Fault]:
    """Say what is wrong with a list, without keeping it.

    Args:
        conn: In a transaction that is not committed.
        actor: An inventory controller of the site.
        paper: The list.
        now: The present.

    Returns:
        Every fault; none: it can be kept.

    Raises:
        NotAllowedError: If the actor may not.
    """
    named = _named(conn, actor, paper, now)
    return [*named.faults, *_inexact(conn, actor, paper, named)]


class _Named(NamedTuple):
    """What a list names, and what is wrong with it."""

    items: dict[str, int]
    places: dict[str, int]
    faults: list[Fault]


def _named(conn: Connection, actor: Actor, paper: StatedList, now: datetime) -> _Named:
    """Look up the items and places that a list names, and find its faults."""
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    store.tuples(conn, "take_time")  # a list is bounded by its lines
    known = store.tuples(conn, "items", codes=sorted({line.item for line in paper.lines}))
    items = {code: item_id for code, item_id, _ in known}
    merged = {code: into for code, _, into in known if into is not None}
    codes = sorted({line.location for line in paper.lines})
    places = dict(store.tuples(conn, "places", site=paper.site, codes=codes))
    return _Named(items, places, list(faults_of(paper, items, places, now, merged=merged)))


def _kept(
    conn: Connection, actor: Actor, paper: StatedList, lines: Sequence[StatedLine], named: _Named
) -> int:
    """Keep lines of a list that nothing is wrong with; gives its number."""
    stated = {"site": paper.site, "observed_at": paper.observed_at, "origin": paper.origin}
    number = int(store.tuples(conn, "add_list", **stated, actor=actor.id)[0][0])
    store.change(
        conn,
        "add_lines",
        list=number,
        site=paper.site,
        items=[named.items[line.item] for line in lines],
        locations=[named.places[line.location] for line in lines],
        lots=[line.lot for line in lines],
        dispositions=[line.disposition for line in lines],
        owners=[line.owner for line in lines],
        quantities=[line.quantity for line in lines],
    )
    return number


def _inexact(conn: Connection, actor: Actor, paper: StatedList, named: _Named) -> list[Fault]:
    """Find lines of merged items that do not come out, beside other faults, where the item has none of them.

    The lines are kept for it, so the caller's transaction must not be committed.
    """
    faulty = {fault.index for fault in named.faults}
    unsure = {line.item for index, line in enumerate(paper.lines) if index in faulty or line.unread}
    codes = sorted({line.item for line in paper.lines} - unsure)
    merged = {code for (code,) in store.tuples(conn, "items_of_other_units", codes=codes)}
    chosen = [index for index, line in enumerate(paper.lines) if line.item in merged]
    if not chosen:
        return []
    number = _kept(conn, actor, paper, [paper.lines[index] for index in chosen], named)
    told = store.tuples(conn, "told", list=number)[0][0]
    return [_not_exact(chosen[line - 1]) for line in told["inexact"]]


def _not_exact(index: int) -> Fault:
    return Fault(index, "item", None, f"line {index + 1}: {_INEXACT}")


def told_of(conn: Connection, number: int) -> Mapping[str, Any]:
    """Tell a list beside the book, in sums.

    Args:
        conn: In a transaction.
        number: The list's.

    Returns:
        What `read_reconciliation` says.

    Raises:
        ReconciliationError: If what a line comes to is not exact in the base unit of a merged item.
    """
    told: Mapping[str, Any] = store.tuples(conn, "told", list=number)[0][0]
    if told["inexact"]:
        raise ReconciliationError([_not_exact(line - 1) for line in told["inexact"]])
    return told


def value_of(told: Mapping[str, Any]) -> Decimal | None:
    """Give what the differences are worth, up and down together; None: not known."""
    if told["value"] is None or (told["currency"] is None and told["differing"]):
        return None
    return Decimal(told["value"]) if told["currency"] else None


def effect_of(number: int, site: str, observed_at: datetime, told: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Say what posting a list does.

    Args:
        number: The list's.
        site: Where.
        observed_at: As of when.
        told: Of `told_of`.

    Returns:
        The effect, for people and for the carrier.
    """
    is_known = told["value"] is not None
    return {
        "summary": f"Bind {told['lines']:,} lines of {site} to a stock list; {told['differing']:,} differ",
        "list": number,
        "observed_at": observed_at.isoformat(),
        "lines": told["lines"],
        "differing": told["differing"],
        "value_more": told["more"] if is_known else None,
        "value_less": told["less"] if is_known else None,
        "largest_differences": told["first"],
        "differences_sha256": told["sha256"],
    }
