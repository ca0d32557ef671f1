"""What handhelds received over, off the paper or to be inspected waits for a person, once (DOMAIN D4)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from cloud.db import Connection, in_transaction
from cloud.db.apart import each_apart
from cloud.db.retry import Source
from cloud.documents.lines import lock_documents
from cloud.documents.receiving import arrived, following, held_notices, store
from cloud.documents.receiving.beyond import Asked, Due, Judged, due
from cloud.documents.receiving.domain import NOTHING
from cloud.documents.receiving.held_posting import Under, post_holds
from cloud.documents.receiving.lying import at_site, find_holds, fresh_name
from cloud.documents.receiving.reversing import reverse_line
from cloud.documents.receiving.scanned import Scanned, judged
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

JOB: Final = Actor("job:receipts", frozenset({Role.DEVICE}), all_sites=True)
TAKEN_BACK: Final = "scan_taken_back"
_POSITIONS: Final = 10_000


def hold_scanned(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Let wait what handhelds received over, off the paper or to be inspected, as far as sites are whole.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present: since when it waits.

    Returns:
        Numbers ``looked`` at, parts of scans ``held`` or in inspection, lines ``taken_back`` with theirs,
        places whose waiting goods were ``followed`` to where they were carried, arrivals that are inspected
        since their lot was ``dated``, and those of ``loose`` goods of visits.

    Raises:
        NotAllowedError: If the actor is no job.
        PartsFailedError: If numbers could not be looked at, with what each met; the others are.
    """
    actor.require(Role.DEVICE)
    while in_transaction(source, partial(mark, actor=actor)):
        pass
    told: Counter[str] = Counter(looked=0, held=0, taken_back=0, followed=0, dated=0, loose=0)

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

    def look_at_lot(item_id: int, lot: str) -> None:
        look = partial(arrived.inspect_dated, actor=actor, item_id=item_id, lot=lot, now=now)
        while (found := in_transaction(source, look)) is not None:
            told["dated"] += found

    def look_at_loose(site: str, visit: str) -> None:
        look = partial(arrived.inspect_loose, actor=actor, site=site, visit=visit, now=now)
        told["loose"] += in_transaction(source, look)

    numbers = in_transaction(source, partial(ready, actor=actor))
    parts = [(f"{site}/{number}", partial(look, site, number)) for site, number in numbers]
    lots = in_transaction(source, partial(arrived.dated_lots, actor=actor))
    parts += [(f"{item} lot {lot}", partial(look_at_lot, item_id, lot)) for item_id, item, lot in lots]
    loose = in_transaction(source, partial(arrived.loose_visits, actor=actor))
    parts += [(f"{site}/{visit}", partial(look_at_loose, site, visit)) for site, visit in loose]
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
    reverse_line(conn, at_site(actor, site), site=site, name=receipt, line=line, reason=TAKEN_BACK)
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
    settled = store.tuples(conn, "settle_scanned", site=site, id=number)
    items = settled[0][0] if settled else None
    store.tuples(conn, "keep_scanned_whole", site=site, id=number, items=items)
    if not store.tuples(conn, "is_judged", site=site, id=number)[0][0]:
        return 0
    found = judged(conn, site=site, name=number, items=items)
    later = {each.row.item_id: each.row.occurred_at for each in reversed(found) if not each.row.is_due}
    if later:
        again = {"from_at": min(later.values()), "items": sorted(later)}
        store.change(conn, "put_scanned", site=site, id=number, **again)
    told = _due([each for each in found if each.row.is_due])
    rows = {(each.part.scan, each.part.line): each.row for each in found}
    wanted = [
        (rows[each.part.scan, each.part.line], each) for of_item in told.values() for each in of_item.wanted
    ]
    holds = find_holds(conn, actor, site, sorted(wanted, key=lambda pair: pair[0].occurred_at))
    held_notices.tell(conn, (site, number), [each.row for each in found], told, holds, items=items)
    if not holds:
        return 0
    post_holds(conn, actor, Under(site, number, fresh_name(conn, site, number), now), holds)
    return sum(each.held > 0 for each in holds)


def _locked(conn: Connection, actor: Actor, site: str, number: str) -> None:
    """Keep papers of the number, and other workers, waiting until the transaction ends."""
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    lock_documents(conn, site, [(kind, number) for kind in ("asn", "purchase_order", "receipt")])


def _due(found: Sequence[Scanned]) -> dict[str, Due]:
    asked: dict[tuple[str, int, int], Asked] = {}
    for each in found:
        on_hold, to_inspect = asked.get(each.row.scan, Asked())
        asked[each.row.scan] = Asked(on_hold + each.row.asked, to_inspect + each.row.to_inspect)
    return due([Judged(each.part, each.beyond if each.row.is_fresh else NOTHING) for each in found], asked)
