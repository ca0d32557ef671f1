"""*Item*: where it is and what moved, on both clocks; its costs, lots, documents, counts and names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.gate import Gate
from cloud.inquiry import operations, past, stock
from cloud.inquiry.domain import BalanceFilter, BalanceRow, MovementRow
from cloud.inquiry.marking import Marked, marked
from cloud.lots.unfit import Unfit
from cloud.master.life import KEEPERS
from cloud.routes import LateRoute
from cloud.web.moments import MomentForm, moment_form
from cloud.web.rendering import page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

PLACES: Final = 200
ROWS: Final = 50
COUNTS: Final = 10

_TYPED: Final = {"into": "", "ratio": "1", "days": None, "shelf": None}
"""What the forms begin with; None: what is known."""

Text = Annotated[str, Query(max_length=128)]
Number = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]


@dataclass(frozen=True, slots=True)
class Lot:
    """What is there of a lot, all places together."""

    lot: str | None
    quantity: Decimal
    places: int
    unfit: Unfit
    """Why some of it, or all, may not be used."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that the shown movements name."""

    type: str
    id: str
    quantity: Decimal
    last_at: datetime
    time_zone: str


@router.get("/items/{code:path}")
def show_item(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    code: Annotated[str, Path(min_length=1, max_length=256)],
    site: Annotated[str, Query(max_length=64)] = "",
    as_of: Text = "",
    known_at: Text = "",
    position: Number = "",
    after: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """Show an item, now or as of an instant and what was known then."""
    asked = {"site": site, "as_of": as_of, "known_at": known_at, "position": position}
    return item_page(request, gate, visitor, code, asked=asked, after=after)


def item_page(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    code: str,
    *,
    asked: Mapping[str, str] | None = None,
    after: str = "",
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Response:
    """Show an item.

    Args:
        request: What is answered.
        gate: Opens a transaction.
        visitor: Who looks.
        code: Of the item.
        asked: Site and moment, as typed; None: all sites, now.
        after: Where the page of its history begins, as `place_text` writes it.
        typed: What was typed into a form, by field.
        wrong: What is wrong with that, by field.

    Returns:
        The page; 422 if something is wrong.

    Raises:
        HTTPException: 404 if there is no such item; 422 if ``after`` is no place.
    """
    moment = {"site": "", "as_of": "", "known_at": "", "position": ""} | dict(asked or {})
    return page(
        request,
        visitor,
        "item.html",
        tab="/stock",
        status=422 if wrong else 200,
        may_merge=_may(visitor.actor, Role.INVENTORY_CONTROLLER),
        may_state=_may(visitor.actor, *KEEPERS),
        typed=_TYPED | dict(typed or {}),
        wrong={"into": "", "ratio": "", "days": "", "shelf": ""} | dict(wrong or {}),
        is_first=not after,
        **_story(gate, visitor.actor, code, moment, before=place_of(after)),
    )


def _story(
    gate: Gate, actor: Actor, code: str, moment: Mapping[str, str], *, before: tuple[datetime, int, int, int]
) -> dict[str, Any]:
    """Read what the page tells of an item."""
    site = moment["site"]
    with gate.acting(actor) as conn:
        found = stock.item(conn, actor, code=code)
        if found is None:
            raise HTTPException(404, f"there is no item {code!r:.80}")
        row, names = found
        shown = row.merged_into or row.code
        sites = operations.sites(conn, actor)
        form = moment_form(conn, actor, sites, **moment)
        wanted = BalanceFilter(
            site=site or None, item=shown, until_at=form.until_at, until_position=form.until_position
        )
        balances = stock.balances(conn, actor, wanted, limit=PLACES + 1)
        there = marked(conn, actor, balances[:PLACES], now=gate.clock(), as_of=form.until_at)
        history = past.item_history(
            conn, actor, item=shown, site=wanted.site, until=form.moment, before=before, limit=ROWS + 1
        )
        costs = past.item_costs(conn, actor, item=shown)
        counts = past.item_counts(conn, actor, item=shown, limit=COUNTS)
        ledger, completeness = operations.completeness(conn, actor)
    return {
        "item": row,
        "code": shown,
        "names": names,
        "sites": sites,
        "form": form,
        "ledger": ledger,
        "completeness": [each for each in completeness if site in {"", each.site}],
        "balances": there,
        "has_more_places": len(balances) > PLACES,
        "lots": lots_of(there),
        "total": sum((each.quantity for each in balances), Decimal(0)),
        "history": history[:ROWS],
        "papers": papers_of(history[:ROWS]),
        "following": _following(form, history) if len(history) > ROWS else "",
        "costs": [each for each in costs if site in {"", each.site}],
        "counts": [each for each in counts if site in {"", each.site}],
    }


def lots_of(balances: Sequence[Marked[BalanceRow]]) -> list[Lot]:
    """Sum balances by lot; empty unless a lot is named.

    Args:
        balances: Of one item.

    Returns:
        By lot, those without one last.
    """
    found: defaultdict[str | None, list[Marked[BalanceRow]]] = defaultdict(list)
    for each in balances:
        found[each.row.lot].append(each)
    if set(found) <= {None}:
        return []
    ordered = sorted(found.items(), key=lambda pair: (pair[0] is None, pair[0] or ""))
    return [
        Lot(
            lot,
            sum((each.row.quantity for each in parts), Decimal(0)),
            len(parts),
            Unfit(
                any(each.unfit.is_expired for each in parts),
                next((each.unfit.recall for each in parts if each.unfit.recall), None),
            ),
        )
        for lot, parts in ordered
    ]


def papers_of(movements: Sequence[MovementRow]) -> list[Paper]:
    """List the documents that movements name, the latest first.

    Args:
        movements: The latest occurrence first.

    Returns:
        Each document once, with what moved under it.
    """
    found: dict[tuple[str, str], Paper] = {}
    for row in movements:
        for told in row.detail.get("documents", ()):
            key = (str(told.get("type", "")), str(told.get("id", "")))
            known = found.get(key)
            found[key] = Paper(
                *key,
                row.quantity + (known.quantity if known else 0),
                known.last_at if known else row.occurred_at,
                row.time_zone,
            )
    return list(found.values())


def place_of(after: str) -> tuple[datetime, int, int, int]:
    """Read where a page of a history begins.

    Args:
        after: Empty, or as `place_text` wrote it.

    Returns:
        What the page lies before.

    Raises:
        HTTPException: 422 if it is neither.
    """
    if not after:
        return past.LATEST
    try:
        at, gateway, epoch, seq = after.split("|")
        place = datetime.fromisoformat(at), int(gateway), int(epoch), int(seq)
    except ValueError as error:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page") from error
    if place[0].tzinfo is None or abs(place[1]) >= 2**31 or max(abs(place[2]), abs(place[3])) >= 2**63:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return place


def place_text(row: MovementRow) -> str:
    """Write where the next page of a history begins."""
    return f"{row.occurred_at.isoformat()}|{row.gateway_key}|{row.epoch}|{row.seq}"


def _following(form: MomentForm, history: Sequence[MovementRow]) -> str:
    return urlencode(form.asked | {"after": place_text(history[ROWS - 1])})


def _may(actor: Actor, *roles: Role) -> bool:
    """Tell whether the page offers what these roles may: items are the network's."""
    try:
        actor.require_everywhere(*roles)
    except NotAllowedError:
        return False
    return True
