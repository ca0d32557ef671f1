"""Claims kept true as time passes: what has left or ended lets go, what is gone is served from elsewhere."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.allocation import store
from cloud.allocation.claiming import Wish, open_lines
from cloud.allocation.domain import ClaimKind, LineName
from cloud.allocation.faces import fill_faces
from cloud.allocation.fefo import lasts_until
from cloud.allocation.following import follow
from cloud.allocation.keeping import KeptSite, claim_elsewhere, end_claims_of
from cloud.allocation.merging import follow_merges
from cloud.allocation.sending import tell_of
from cloud.allocation.store import LineRow, OpenClaim
from cloud.allocation.taking_back import withdraw
from cloud.db import Connection, in_transaction
from cloud.db.apart import each_apart
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as

BEYOND_STOCK: Final = "claims_beyond_stock"
EXPIRED_TASK: Final = "task_expired"
GONE: Final = "stock_gone"
EXPIRED: Final = "lot_expired"
TOO_SOON: Final = "lot_expires_too_soon"
_FIRST_TO_GO: Final = {ClaimKind.PICKED: 0, ClaimKind.HARD: 1, ClaimKind.SOFT: 2}


class ClaimedCell(NamedTuple):
    """A cell that more may be claimed of than it holds, or whose lot may not last until it is needed."""

    cell_id: int
    beyond: Decimal
    """What of claims on it that are not picked it does not hold; below zero: so much is free."""
    item: str
    location: str
    lot: str | None
    expires_on: date | None
    is_expired: bool


class Ending(NamedTuple):
    """A claim of which something ends."""

    cell: ClaimedCell
    claim: OpenClaim
    quantity: Decimal
    because: str


def keep_up(source: Source, actor: Actor, now: datetime) -> dict[str, int]:
    """Go round all sites once: let go what has ended, serve again what is gone, fill pick faces.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present.

    Returns:
        Claims ``let_go`` since their line has left or ended, tasks ``expired``, claims ``moved`` since their
        stock is gone or their item was merged, and tasks made to fill ``faces``.

    Raises:
        NotAllowedError: If the actor is no job.
        PartsFailedError: If any site or its pick faces failed, with what each met; the others are done.
    """
    actor.require(Role.DEVICE)

    def sites(conn: Connection) -> list[str]:
        act_as(conn, actor)
        return [row[0] for row in store.tuples(conn, "sites_with_claims")]

    parts: list[tuple[str, Callable[[Connection], Mapping[str, int]]]] = [
        ("all sites", partial(follow, actor=actor, now=now))
    ]
    for site in in_transaction(source, sites):
        parts += [
            (name, partial(part, actor=actor, site=site, now=now))
            for name, part in ((site, keep_site), (f"pick faces of {site}", _fill))
        ]
    told = Counter(let_go=0, expired=0, moved=0, faces=0)

    def do(part: Callable[[Connection], Mapping[str, int]]) -> None:
        done = in_transaction(source, part)
        told.update({word: done[word] for word in done.keys() & told.keys()})

    each_apart(((name, partial(do, part)) for name, part in parts), told)
    return dict(told)


def keep_site(conn: Connection, actor: Actor, *, site: str, now: datetime) -> dict[str, int]:
    """Let go what has ended at one site, and serve again what is gone.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job with all sites.
        site: Site id.
        now: The present.

    Returns:
        As `keep_up`.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE, site=site)
    act_as(conn, actor)
    items = [row[0] for row in store.tuples(conn, "claimed_items", site=site)]
    store.lock_items(conn, site, items)
    lines = {line.name: line for line in open_lines(conn, Wish(site), now)}
    of_site = KeptSite(conn, actor.id, site, items, lines, now)
    moved = follow_merges(of_site)
    done = {"let_go": _let_go(of_site), "expired": _expire(of_site), "moved": moved + _serve_again(of_site)}
    tell_of(conn, of_site.changed, sent_by=actor.id, now=now)
    return done


def _fill(conn: Connection, *, actor: Actor, site: str, now: datetime) -> dict[str, int]:
    act_as(conn, actor)
    tasks = fill_faces(conn, site=site, by=actor.id, now=now)
    tell_of(conn, tasks, sent_by=actor.id, now=now)
    return {"faces": len(tasks)}


def _let_go(of: KeptSite) -> int:
    """End what lines claim beyond what is open of them: it has left, or nobody waits for it any more."""
    by_line: defaultdict[LineName, list[OpenClaim]] = defaultdict(list)
    for each in of.claims():
        by_line[each.name].append(each)
    count = 0
    for name, held in by_line.items():
        line = of.lines.get(name)
        surplus = sum((each.quantity for each in held), -line.quantity if line else Decimal(0))
        ending = _ends_with(sorted(held, key=lambda each: _FIRST_TO_GO[ClaimKind(each.kind)]), surplus)
        end_claims_of(of, ending, because="left_or_closed")
        count += len(ending)
    return count


def _expire(of: KeptSite) -> int:
    overdue = store.tuples(of.conn, "overdue_tasks", site=of.site, now=of.now)
    store.change(of.conn, "expire_tasks", tasks=[row[0] for row in overdue])  # first: `withdraw` ends others
    for task, gateway in overdue:
        found = store.rows(of.conn, OpenClaim, "claims_of_task", task=task)
        withdraw(of.conn, found, by=of.by, because="task_expired", now=of.now)
        of.changed.add(task)
        left = sum((each.quantity for each in found), Decimal(0))
        summary = f"Task {task} of gateway {gateway} expired undone; {len(found)} claims are let go"
        detail = {
            "task": task,
            "claims": len(found),
            "quantity": str(left),
            "page_url": f"/picking/tasks/{task}",
        }
        notice = Notice(f"{EXPIRED_TASK}:{task}", EXPIRED_TASK, Severity.WARNING, summary, of.site, detail)
        alerts.notice(of.conn, [notice])
    return len(overdue)


def _serve_again(of: KeptSite) -> int:
    """End claims of stock that is gone or will not last, claim other stock for their lines; tell people."""
    asked = {"site": of.site, "items": of.items, "shippable": store.SHIPPABLE_WORDS, "now": of.now}
    cells = store.rows(of.conn, ClaimedCell, "cells_to_look_at", **asked)
    if not cells:
        return 0
    held: defaultdict[int, list[OpenClaim]] = defaultdict(list)
    for each in of.claims():
        if each.kind == ClaimKind.HARD and each.cell_id is not None:
            held[each.cell_id].append(each)
    ending = [each for cell in cells for each in _ending(cell, held[cell.cell_id], of.lines)]
    if not ending:
        return 0
    parts: defaultdict[str, list[tuple[OpenClaim, Decimal]]] = defaultdict(list)
    by_cell: defaultdict[ClaimedCell, list[Ending]] = defaultdict(list)
    for one in ending:
        parts[one.because].append((one.claim, one.quantity))
        by_cell[one.cell].append(one)
    for because, those in parts.items():
        end_claims_of(of, those, because=because)
    short = claim_elsewhere(of, [part for those in parts.values() for part in those])
    alerts.notice(of.conn, [_notice(of.site, cell, those, short) for cell, those in by_cell.items()])
    return len(ending)


def _ending(
    cell: ClaimedCell, held: Iterable[OpenClaim], lines: Mapping[LineName, LineRow]
) -> Iterable[Ending]:
    """Choose what ends of a cell's claims: those that its lot is too old for, then the latest too many."""
    latest = sorted(held, key=lambda each: (each.needed_on, each.allocation_id), reverse=True)
    beyond, fit = cell.beyond, []
    for each in latest:
        line = lines.get(each.name)
        if cell.expires_on is None or line is None or cell.expires_on > lasts_until(line):
            fit.append(each)
            continue
        yield Ending(cell, each, each.quantity, EXPIRED if cell.is_expired else TOO_SOON)
        beyond -= each.quantity
    for each, part in _ends_with(fit, beyond):
        yield Ending(cell, each, part, GONE)


def _ends_with(held: Iterable[OpenClaim], surplus: Decimal) -> list[tuple[OpenClaim, Decimal]]:
    """Choose claims, in order, that make up a surplus; gives each with what of it goes."""
    ending = []
    for each in held:
        if surplus <= 0:
            break
        part = min(surplus, each.quantity)
        ending.append((each, part))
        surplus -= part
    return ending


def _notice(
    site: str, cell: ClaimedCell, ended: Iterable[Ending], short: Mapping[LineName, Decimal]
) -> Notice:
    """Tell what of one cell's claims ended, why, and what of their lines nothing covers."""
    beyond: defaultdict[str, Decimal] = defaultdict(Decimal)
    of_line: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for each in ended:
        beyond[each.because] += each.quantity
        of_line[each.claim.name] += each.quantity
    missed = sum((min(part, short.get(name, Decimal(0))) for name, part in of_line.items()), Decimal(0))
    lot = f" lot {cell.lot}" if cell.lot else ""
    rest = f"; {missed.normalize():f} of what it was for is covered by nothing" if missed > 0 else ""
    words = {
        GONE: "is gone",
        EXPIRED: "has expired",
        TOO_SOON: f"expires on {cell.expires_on}, too soon for its customers",
    }
    (because, first), *others = beyond.items()
    also = "".join(f", and {part.normalize():f} more {words[why]}" for why, part in others)
    summary = (
        f"{cell.location}: {first.normalize():f} of {cell.item}{lot} that was claimed {words[because]}{also}"
        f"; other stock was claimed{rest}"
    )
    detail: dict[str, JsonValue] = {
        "location": cell.location,
        "item": cell.item,
        "lot": cell.lot,
        "beyond": str(sum(beyond.values(), Decimal(0))),
    }
    key = f"{BEYOND_STOCK}:{site}:{cell.cell_id}"
    return Notice(key, BEYOND_STOCK, Severity.WARNING, summary, site, detail)
