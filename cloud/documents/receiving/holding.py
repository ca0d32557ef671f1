"""What handhelds received over, off the paper or to be inspected waits for a person, once (DOMAIN D4)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any, Final

from cloud.db import Connection, in_transaction
from cloud.db.apart import each_apart
from cloud.db.retry import Source
from cloud.documents.lines import lock_documents
from cloud.documents.receiving import following, held_notices, store
from cloud.documents.receiving.beyond import Asked, Due, Judged, Wanted, due
from cloud.documents.receiving.carrying import carried_from
from cloud.documents.receiving.domain import NOTHING
from cloud.documents.receiving.held_posting import Hold, Lying, Taken, Under, post_holds
from cloud.documents.receiving.reversing import reverse_line
from cloud.documents.receiving.scanned import Scanned, ScannedRow, judged
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.corrections import lock_cells
from contracts.base import SiteId

JOB: Final = Actor("job:receipts", frozenset({Role.DEVICE}), all_sites=True)
TAKEN_BACK: Final = "scan_taken_back"
_POSITIONS: Final = 10_000
_NAME_LENGTH: Final = 110
"""What is kept of a number in the name of a receipt, which has at most 128 characters."""


def hold_scanned(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Let wait what handhelds received over, off the paper or to be inspected, as far as sites are whole.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present: since when it waits.

    Returns:
        Numbers ``looked`` at, parts of scans ``held`` or in inspection, lines ``taken_back`` with theirs, and
        places whose waiting goods were ``followed`` to where they were carried.

    Raises:
        NotAllowedError: If the actor is no job.
        PartsFailedError: If numbers could not be looked at, with what each met; the others are.
    """
    actor.require(Role.DEVICE)
    while in_transaction(source, partial(mark, actor=actor)):
        pass
    told: Counter[str] = Counter(looked=0, held=0, taken_back=0, followed=0)

    def look(site: str, number: str) -> None:
        undo = partial(take_back, actor=actor, site=site, number=number)
        while in_transaction(source, undo):
            told["taken_back"] += 1
        told["held"] += in_transaction(source, partial(hold, actor=actor, site=site, number=number, now=now))
        told["looked"] += 1

    def follow(cell: int) -> None:
        told["followed"] += (
            in_transaction(source, partial(following.follow, actor=actor, cell=cell, now=now)) > 0
        )

    numbers = in_transaction(source, partial(ready, actor=actor))
    parts = [(f"{site}/{number}", partial(look, site, number)) for site, number in numbers]
    moved = in_transaction(source, partial(following.ready, actor=actor))
    parts += [(f"{site}, cell {cell}", partial(follow, cell)) for site, cell in moved]
    each_apart(parts, told)
    return dict(told)


def mark(conn: Connection, actor: Actor) -> bool:
    """Note which numbers must be looked at, by what was posted and said of documents since the last time.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job with all sites.

    Returns:
        Whether anything was posted; then there may be more.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    return bool(store.tuples(conn, "scanned_mark", most=_POSITIONS)[0][0])


def ready(conn: Connection, actor: Actor) -> list[tuple[str, str]]:
    """List numbers of which a watermark has passed something that must be looked at.

    Args:
        conn: In a transaction.
        actor: A job with all sites.

    Returns:
        Site and number of each.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    return [(site, number) for site, number in store.tuples(conn, "scanned_ready")]


def take_back(conn: Connection, actor: Actor, *, site: str, number: str) -> bool:
    """Take back one hold whose scan was taken back, with what was judged of it: those goods never came.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job with all sites.
        site: Site id.
        number: What was scanned.

    Returns:
        Whether there was one; then there may be more.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    _locked(conn, actor, site, number)
    found = store.tuples(conn, "holds_of_reversed_scans", site=site, id=number)
    if not found:
        return False
    receipt, line = found[0]
    reverse_line(conn, _at_site(actor, site), site=site, name=receipt, line=line, reason=TAKEN_BACK)
    return True


def hold(conn: Connection, actor: Actor, *, site: str, number: str, now: datetime) -> int:
    """Let wait what came beyond or is inspected under a number and was not asked for yet, as one posting.

    What no longer lies where it was scanned to does not wait, and is told; neither is tried again.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job with all sites.
        site: Site id.
        number: What was scanned.
        now: Since when it waits.

    Returns:
        Parts of scans that were held.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    _locked(conn, actor, site, number)
    store.change(conn, "settle_scanned", site=site, id=number)
    if not store.tuples(conn, "is_judged", site=site, id=number)[0][0]:
        return 0
    found = judged(conn, site=site, name=number)
    later = [each.row.occurred_at for each in found if not each.row.is_due]
    if later:
        store.change(conn, "put_scanned", site=site, id=number, from_at=min(later))
    told = _due([each for each in found if each.row.is_due])
    rows = {(each.part.scan, each.part.line): each.row for each in found}
    wanted = [
        (rows[each.part.scan, each.part.line], each) for of_item in told.values() for each in of_item.wanted
    ]
    holds = _holds(conn, actor, site, sorted(wanted, key=lambda pair: pair[0].occurred_at))
    held_notices.tell(conn, (site, number), [each.row for each in found], told, holds)
    if not holds:
        return 0
    post_holds(conn, actor, Under(site, number, _fresh_name(conn, site, number), now), holds)
    return sum(each.held > 0 for each in holds)


def _locked(conn: Connection, actor: Actor, site: str, number: str) -> None:
    """Keep papers of the number, and other workers, waiting until the transaction ends."""
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    lock_documents(conn, site, [(kind, number) for kind in ("asn", "purchase_order", "receipt")])


def _at_site(actor: Actor, site: str) -> Actor:
    return Actor(actor.id, frozenset({Role.INVENTORY_CONTROLLER}), frozenset({SiteId(site)}))


def _due(found: Sequence[Scanned]) -> dict[str, Due]:
    asked: dict[tuple[str, int, int], Asked] = {}
    for each in found:
        on_hold, to_inspect = asked.get(each.row.scan, Asked())
        asked[each.row.scan] = Asked(on_hold + each.row.asked, to_inspect + each.row.to_inspect)
    return due([Judged(each.part, each.beyond if each.row.is_fresh else NOTHING) for each in found], asked)


def _lying(conn: Connection, site: str, rows: Sequence[ScannedRow]) -> list[list[Lying]]:
    """Read what lies where each scan put it, in the scans' order."""
    named = {
        "gateways": [row.gateway for row in rows],
        "epochs": [row.epoch for row in rows],
        "seqs": [row.seq for row in rows],
    }
    found: list[list[Lying]] = [[] for _ in rows]
    for nth, *lying in store.tuples(conn, "scanned_lying", site=site, **named) if rows else ():
        found[nth - 1].append(Lying(*lying))
    return found


def _holds(
    conn: Connection, actor: Actor, site: str, wanted: Sequence[tuple[ScannedRow, Wanted]]
) -> list[Hold]:
    """Find what of it lies there still, kept from moving until the transaction ends."""
    rows = [row for row, _ in wanted]
    cells = {cell for there in _lying(conn, site, rows) for each in there for cell in each.cells}
    if cells:
        lock_cells(conn, _at_site(actor, site), sorted(cells))
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
    conn: Connection, actor: Actor, site: str, row: ScannedRow, there: Iterable[Lying]
) -> list[tuple[Lying, Decimal]]:
    """Find where a scan's goods were carried since, kept from moving until the transaction ends.

    All of them are inspected, so those that were put away meanwhile are, too.
    """
    cells = [cell for lying in there for cell in lying.cells]

    def look() -> list[tuple[Lying, Decimal]]:
        found = carried_from(conn, site, cells, row.occurred_at)
        return [(each.lying, each.came) for each in found if not each.is_gone]

    lock_cells(conn, _at_site(actor, site), sorted({cell for lying, _ in look() for cell in lying.cells}))
    return look()


def _fresh_name(conn: Connection, site: str, number: str) -> str:
    """Name the receipt under which it waits; more than one where more came beyond later."""
    for nth in count(1):
        name = f"{number[:_NAME_LENGTH]}~held" + (f"-{nth}" if nth > 1 else "")
        if not store.tuples(conn, "receipt_is_there", site=site, id=name):
            return name
    raise AssertionError
