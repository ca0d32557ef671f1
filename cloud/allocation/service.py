"""Claiming stock for documents and letting it go; each command in one transaction under the items' lock."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cloud.allocation import store
from cloud.allocation.domain import KEEPERS, Claim, ClaimKind, LineName, Shortfall, UnknownClaimError, Want
from cloud.allocation.fefo import allocate as plan
from cloud.allocation.store import LineRow, NewClaim, OpenClaim
from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


@dataclass(frozen=True, slots=True)
class Wish:
    """Which lines of a site are to be served; nothing given: all that are open."""

    site: str
    documents: tuple[str, ...] | None = None
    """``type/id`` of each."""
    visit: str | None = None
    due_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Allocated:
    """What a wish came to."""

    lines: int
    """That were asked for."""
    claims: tuple[Claim, ...]
    """Made now; of a soft one the cells are what it would be served from."""
    shortfalls: tuple[Shortfall, ...]
    """Of the lines asked for."""
    overclaimed: tuple[Shortfall, ...]
    """Soft claims of any line of these items that nothing covers any more."""


def allocate(conn: Connection, actor: Actor, wish: Wish, *, kind: ClaimKind, now: datetime) -> Allocated:
    """Claim stock for lines: hard of cells, or soft of what the site has of an item.

    Soft claims that others hold are served first, so that no new claim takes what they need; a line's own one
    becomes hard. What nothing covers is told. Nothing is claimed twice, whoever claims at the same time.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        wish: Which lines.
        kind: ``soft`` or ``hard``.
        now: The present.

    Returns:
        What was claimed, and what is short.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If a document or visit that was named has no open line here.
    """
    actor.require(*KEEPERS, site=wish.site)
    act_as(conn, actor)
    asked = _lines(conn, wish, now)
    _require_all(wish, asked)
    items = sorted({line.item_id for line in asked})
    store.lock_items(conn, wish.site, items)
    asked = _lines(conn, wish, now)  # as they are now that nobody else claims
    others = store.rows(conn, LineRow, "lines", **_asked(Wish(wish.site), now, items))
    softs = _softs(store.rows(conn, OpenClaim, "open_claims", site=wish.site, items=items, document=None))
    wants = [_want(line, line.soft, is_claim=True) for line in others if line.soft > 0]
    wants += [
        _want(line, missing, is_claim=False)
        for line in asked
        if (missing := line.quantity - line.hard - line.soft) > 0
    ]
    made = plan(wants, store.cells(conn, wish.site, items))
    names = {line.name: line for line in asked}
    mine = [claim for claim in made.claims if claim.name in names]
    if kind is ClaimKind.SOFT:
        mine = [claim for claim in mine if not claim.is_claim]
        new = _softened(mine, names)
    else:
        taken = {name: softs[name] for name in names if name in softs}
        store.end_claims(
            conn, [each.allocation_id for held in taken.values() for each in held], actor.id, "made_hard"
        )
        new = [*_hardened(mine, names), *_still_soft(taken, mine, names)]
    store.add_claims(conn, wish.site, new, actor.id)
    if new:
        detail = {"lines": len(asked), "claims": len(new), "kind": kind.value}
        store.audit(conn, actor.id, "stock_allocated", f"site:{wish.site}", site=wish.site, detail=detail)
    short = [each for each in made.shortfalls if each.name in names and not each.is_claim]
    over = [each for each in made.shortfalls if each.is_claim]
    return Allocated(len(asked), tuple(mine), tuple(short), tuple(over))


def release(conn: Connection, actor: Actor, *, site: str, document: str, because: str) -> int:
    """Let go of all that a document has claimed and not picked.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        document: ``type/id``.
        because: Why, as a stable snake_case word.

    Returns:
        How many claims ended.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownClaimError: If it has none.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    found = store.rows(conn, OpenClaim, "open_claims", site=site, items=None, document=document)
    let_go = [each.allocation_id for each in found if each.kind != ClaimKind.PICKED]
    if not let_go:
        raise UnknownClaimError(f"{document} claims nothing at site {site!r} that is not picked yet")
    ended = store.end_claims(conn, let_go, actor.id, because)
    detail = {"claims": ended, "because": because}
    store.audit(conn, actor.id, "stock_released", document, site=site, detail=detail)
    return ended


def _lines(conn: Connection, wish: Wish, now: datetime) -> list[LineRow]:
    return store.rows(conn, LineRow, "lines", **_asked(wish, now, None))


def _asked(wish: Wish, now: datetime, items: Sequence[int] | None) -> dict[str, object]:
    return {
        "site": wish.site,
        "documents": None if wish.documents is None else list(wish.documents),
        "visit": wish.visit,
        "due_until": wish.due_until,
        "now": now,
        "items": items,
    }


def _require_all(wish: Wish, lines: Sequence[LineRow]) -> None:
    missing = set(wish.documents or ()) - {f"{line.type}/{line.id}" for line in lines}
    if missing:
        names = ", ".join(sorted(missing))
        raise UnknownClaimError(f"{names}: no open line of a known item at site {wish.site!r}")
    if wish.visit is not None and not lines:
        raise UnknownClaimError(f"visit {wish.visit!r} takes no open line at site {wish.site!r}")


def _want(line: LineRow, quantity: Decimal, *, is_claim: bool) -> Want:
    return Want(
        line.name,
        line.item_id,
        quantity,
        line.needed_on,
        line.minimum_days,
        line.lot,
        line.unit,
        line.priority,
        is_claim,
    )


def _softs(open_claims: Iterable[OpenClaim]) -> dict[LineName, list[OpenClaim]]:
    found: defaultdict[LineName, list[OpenClaim]] = defaultdict(list)
    for each in open_claims:
        if each.kind == ClaimKind.SOFT:
            found[each.name].append(each)
    return dict(found)


def _softened(claims: Iterable[Claim], lines: dict[LineName, LineRow]) -> list[NewClaim]:
    totals: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for claim in claims:
        totals[claim.name] += claim.quantity
    return [
        NewClaim(
            name, lines[name].item_id, ClaimKind.SOFT, None, total, lines[name].needed_on, {"rule": "soft"}
        )
        for name, total in totals.items()
    ]


def _hardened(claims: Iterable[Claim], lines: dict[LineName, LineRow]) -> list[NewClaim]:
    return [
        NewClaim(
            claim.name,
            claim.item_id,
            ClaimKind.HARD,
            claim.cell.cell_id,
            claim.quantity,
            lines[claim.name].needed_on,
            claim.why,
        )
        for claim in claims
    ]


def _still_soft(
    taken: dict[LineName, list[OpenClaim]], claims: Iterable[Claim], lines: dict[LineName, LineRow]
) -> list[NewClaim]:
    """What of a line's soft claims no cell covers: it stays a soft claim, shown as more than there is."""
    covered: defaultdict[LineName, Decimal] = defaultdict(Decimal)
    for claim in claims:
        if claim.is_claim:
            covered[claim.name] += claim.quantity
    left = []
    for name, held in taken.items():
        rest = sum((each.quantity for each in held), Decimal(0)) - covered[name]
        if rest > 0:
            left.append(
                NewClaim(
                    name,
                    lines[name].item_id,
                    ClaimKind.SOFT,
                    None,
                    rest,
                    lines[name].needed_on,
                    {"rule": "soft"},
                    comes_from=held[0].allocation_id,
                )
            )
    return left
