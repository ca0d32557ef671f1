"""Lines in, claims on stock out, in one transaction under the items' lock; and claims let go."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cloud.allocation import store
from cloud.allocation.domain import Claim, ClaimKind, LineName, Shortfall, UnknownClaimError
from cloud.allocation.fefo import allocate as plan
from cloud.allocation.store import LineRow, NewClaim, OpenClaim
from cloud.db import Connection


@dataclass(frozen=True, slots=True)
class Wish:
    """Which lines of a site are to be served; nothing given: all that are open."""

    site: str
    documents: tuple[str, ...] | None = None
    """``type/id`` of each."""
    visit: str | None = None
    due_until: datetime | None = None
    lines: frozenset[LineName] | None = None
    """Only these of them."""


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


def claim(conn: Connection, wish: Wish, *, kind: ClaimKind, by: str, now: datetime) -> Allocated:
    """Claim stock for lines: hard of cells, or soft of what the site has of an item.

    Soft claims that others hold are served first, so that no new claim takes what they need; a line's own one
    becomes hard. What nothing covers is told. Nothing is claimed twice, whoever claims at the same time.

    Args:
        conn: In a transaction that shows the site and is committed soon.
        wish: Which lines.
        kind: ``soft`` or ``hard``.
        by: Who claims.
        now: The present.

    Returns:
        What was claimed, and what is short.

    Raises:
        UnknownClaimError: If a document or visit that was named has no open line here.
    """
    asked = open_lines(conn, wish, now)
    _require_all(wish, asked)
    items = sorted({line.item_id for line in asked})
    store.lock_items(conn, wish.site, items)
    asked = open_lines(conn, wish, now)  # as they are now that nobody else claims
    others = store.rows(conn, LineRow, "lines", **_asked(Wish(wish.site), now, items))
    softs = _softs(store.rows(conn, OpenClaim, "open_claims", site=wish.site, items=items, document=None))
    wants = [line.want(line.soft, is_claim=True) for line in others if line.soft > 0]
    wants += [line.want(line.missing) for line in asked if line.missing > 0]
    made = plan(wants, store.cells(conn, wish.site, items))
    names = {line.name: line for line in asked}
    mine = [claim for claim in made.claims if claim.name in names]
    if kind is ClaimKind.SOFT:
        mine = [claim for claim in mine if not claim.is_claim]
        new = _softened(mine, names)
    else:
        taken = {name: softs[name] for name in names if name in softs}
        store.end_claims(
            conn, [each.allocation_id for held in taken.values() for each in held], by, "made_hard"
        )
        new = [*_hardened(mine, names), *_still_soft(taken, mine, names)]
    store.add_claims(conn, wish.site, new, by)
    short = [each for each in made.shortfalls if each.name in names and not each.is_claim]
    over = [each for each in made.shortfalls if each.is_claim]
    return Allocated(len(asked), tuple(mine), tuple(short), tuple(over))


def open_lines(conn: Connection, wish: Wish, now: datetime) -> list[LineRow]:
    """List the lines of a wish.

    Args:
        conn: In a transaction that shows the site.
        wish: Which.
        now: The present.

    Returns:
        Those that goods have not left for, in document order.
    """
    found = store.rows(conn, LineRow, "lines", **_asked(wish, now, None))
    return [line for line in found if wish.lines is None or line.name in wish.lines]


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
