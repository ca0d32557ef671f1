"""What of goods that are to wait lies where they came in, or where they were carried since."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import count

from cloud.db import Connection
from cloud.documents.own_papers import fresh_names
from cloud.documents.receiving import store
from cloud.documents.receiving.beyond import Wanted
from cloud.documents.receiving.carrying import carried_from
from cloud.documents.receiving.domain import NOTHING
from cloud.documents.receiving.held_posting import Arrived, Hold, Lying, Taken
from cloud.identity.actor import Actor, Role
from cloud.ledger.corrections import lock_cells
from contracts.base import SiteId


def at_site(actor: Actor, site: str) -> Actor:
    """Let a job act at one site only.

    Args:
        actor: The job.
        site: Site id.

    Returns:
        Who may post there.
    """
    return Actor(actor.id, frozenset({Role.INVENTORY_CONTROLLER}), frozenset({SiteId(site)}))


def _lying(conn: Connection, site: str, rows: Sequence[Arrived]) -> list[list[Lying]]:
    """Read what lies where each scan put it, in the scans' order."""
    named = {
        "gateways": [row.gateway for row in rows],
        "epochs": [row.epoch for row in rows],
        "seqs": [row.seq for row in rows],
    }
    found: list[list[Lying]] = [[] for _ in rows]
    for nths, *lying in store.tuples(conn, "scanned_lying", site=site, **named) if rows else ():
        for nth in nths:
            found[nth - 1].append(Lying(*lying))
    return found


def find_holds(
    conn: Connection, actor: Actor, site: str, wanted: Sequence[tuple[Arrived, Wanted]]
) -> list[Hold]:
    """Find what of goods that are to wait lies there still, kept from moving until the transaction ends.

    Args:
        conn: In a transaction that holds the lock of what they came under.
        actor: A job with all sites.
        site: Site id.
        wanted: Each arrival, and what of it is to wait; what came first comes first.

    Returns:
        What is to wait of each, and where it lies: what is inspected also where it was carried since.
    """
    rows = [row for row, _ in wanted]
    cells = {cell for there in _lying(conn, site, rows) for each in there for cell in each.cells}
    if cells:
        lock_cells(conn, at_site(actor, site), sorted(cells))
    used: defaultdict[tuple[int, ...], Decimal] = defaultdict(Decimal)
    found, numbers = list[Hold](), count(1)
    for (row, each), there in zip(wanted, _lying(conn, site, rows), strict=True):
        taken = list(_take(((lying, lying.quantity) for lying in there), each.quantity, used))
        left = each.quantity - sum((some.quantity for some in taken), NOTHING)
        if left > 0 and each.is_inspection:
            taken += _take(_carried(conn, actor, site, row, there), left, used)
        line = str(next(numbers)) if taken else None
        found.append(Hold(row, each, tuple(taken), line))
    return found


def _take(
    there: Iterable[tuple[Lying, Decimal]], left: Decimal, used: defaultdict[tuple[int, ...], Decimal]
) -> Iterator[Taken]:
    """Take goods where they lie, at most so many of each place, and none twice."""
    for lying, most in there:
        some = min(left, most, lying.quantity - used[tuple(lying.cells)])
        if some > 0:
            used[tuple(lying.cells)] += some
            left -= some
            yield Taken(lying, some)


def _carried(
    conn: Connection, actor: Actor, site: str, row: Arrived, there: Iterable[Lying]
) -> list[tuple[Lying, Decimal]]:
    """Find where a scan's goods were carried since, kept from moving until the transaction ends.

    All of them are inspected, so those that were put away meanwhile are, too.
    """
    cells = [cell for lying in there for cell in lying.cells]

    def look() -> list[tuple[Lying, Decimal]]:
        found = carried_from(conn, site, cells, row.occurred_at)
        return [(each.lying, each.came) for each in found if not each.is_gone]

    lock_cells(conn, at_site(actor, site), sorted({cell for lying, _ in look() for cell in lying.cells}))
    return look()


def fresh_name(conn: Connection, site: str, number: str) -> str:
    """Name the receipt under which goods wait; more than one where more is to wait later.

    Args:
        conn: In a transaction.
        site: Site id.
        number: What they came under.

    Returns:
        A name that no receipt of the site has.
    """
    named = partial(store.tuples, conn, "receipt_is_there", site=site)
    return next(fresh_names(number, "held", lambda name: bool(named(id=name))))
