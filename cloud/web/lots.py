"""*Lot and recall*: where a lot is and has been, what was made of it, and who got it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate, Visitor
from cloud.lots import dating, reading, recalls
from cloud.lots.dating import DatesStory
from cloud.lots.domain import KEEPERS, RECALL_REASONS, HistoryRow, LotError, UnknownLotError
from cloud.lots.reading import LotStory, Whereabouts
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking
from cloud.web.lot_picture import lot_href, lot_picture
from cloud.web.rendering import page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
STATEMENTS: Final = 50
MOVES: Final = 50
Text = Annotated[str, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Item = Annotated[str, Path(min_length=1, max_length=128)]
Lot = Annotated[str, Path(min_length=1, max_length=140)]


class Line(NamedTuple):
    """One line of the file: some stock, an account, or what a customer got."""

    what: str
    item: str
    lot: str | None
    certainty: str
    steps: int
    site: str
    place: str | None
    unit: str | None
    condition: str | None
    customer: str | None
    documents: str | None
    quantity: Decimal
    base_unit: str
    first_at: datetime | None
    last_at: datetime | None


@router.get("/lots")
def list_lots(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    item: Text = "",
    lot: Text = "",
    all: Annotated[str, Query(pattern="^1?$")] = "",  # noqa: A002  the query's name
    after: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Show lots by item, and lead to one that is named in full."""
    item, lot = item.strip(), lot.strip()
    after_item, _, after_lot = after.partition("\n")
    actor = visitor.actor
    with gate.acting(actor) as conn:
        if item and lot:
            try:
                found = reading.find_lot(conn, actor, item=item, lot=lot)
            except UnknownLotError:
                pass
            else:
                return RedirectResponse(lot_href(found.code, found.lot), 303)
        rows = reading.lots(
            conn,
            actor,
            item=item or None,
            text=lot or None,
            only_held=not all,
            after=(after_item, after_lot),
            limit=ROWS + 1,
        )
        open_recalls = recalls.recalls(conn, actor, limit=ROWS)
    last = rows[ROWS - 1] if len(rows) > ROWS else None
    asked = {"item": item, "lot": lot, "all": all}
    return page(
        request,
        visitor,
        "lots.html",
        tab="/lots",
        rows=rows[:ROWS],
        asked=asked,
        recalls=open_recalls,
        following=urlencode(asked | {"after": f"{last.item}\n{last.lot}"}) if last else "",
    )


@router.get("/lots.{form:form}")
def export_lot(*, gate: TheGate, visitor: Viewer, form: FileForm, item: Text, lot: Text) -> Response:
    """Give where a lot, and what was made of it, is and who got it, as a file."""
    with looking(gate, visitor) as conn:
        told = _told(conn, visitor.actor, item, lot)
        rows = _lines(told.forward)
        return answer(f"lot-{item}-{lot}", columns_of(Line), rows, form, at=gate.clock())


@router.get("/lots/{item}/{lot:path}")
def show_lot(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    item: Item,
    lot: Lot,
    after: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """Show a lot: its dates, its genealogy, where it is now, who got it, and where it has been."""
    return lot_page(request, gate, visitor, f"{item}/{lot}", after=after)


def lot_page(
    request: Request,
    gate: Gate,
    visitor: Visitor,
    path: str,
    *,
    after: str = "",
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
) -> Response:
    """Show a lot.

    Args:
        request: What is answered.
        gate: Opens a transaction.
        visitor: Who looks.
        path: Its item and its name, parted by a slash.
        after: Where the page of its movements begins.
        typed: What was typed into the form of its dates, by field.
        wrong: What is wrong with that, by field.

    Returns:
        The page; 422 if something is wrong.

    Raises:
        HTTPException: 404 if nothing ever named it; 422 if ``after`` is no place.
    """
    actor = visitor.actor
    before = _place(after)
    with gate.acting(actor) as conn:
        told = _told_at(conn, actor, path)
        named = {"item": told.lot.code, "lot": told.lot.lot}
        dates = dating.story(conn, actor, **named, limit=STATEMENTS)
        found = recalls.recalls_of(conn, actor, item_id=told.lot.item_id, lot=told.lot.lot)
        moves = reading.history(conn, actor, **named, before=before, limit=MOVES + 1)
    return page(
        request,
        visitor,
        "lot.html",
        tab="/lots",
        status=422 if wrong else 200,
        dates=dates,
        may_date=_may(actor),
        typed=_typed(dates) | dict(typed or {}),
        wrong=dict.fromkeys(("expiry", "expires_on", "produced_on", "reason"), "") | dict(wrong or {}),
        told=told,
        lot=told.lot,
        href=lot_href(told.lot.code, told.lot.lot),
        picture=lot_picture(told.genealogy),
        origins=[each for each in told.genealogy.backward() if each.steps],
        moves=moves[:MOVES],
        following=urlencode({"after": _place_text(moves[MOVES - 1])}) if len(moves) > MOVES else "",
        is_first=not after,
        lot_href=lot_href,
        recalls=found,
        may_recall=not actor.roles_anywhere.isdisjoint(KEEPERS)
        and not any(each.key == told.lot.key and each.ended_at is None for each in found),
        reasons=RECALL_REASONS,
    )


def _may(actor: Actor) -> bool:
    """Tell whether the page offers to state dates: lots are the network's."""
    try:
        actor.require_everywhere(*KEEPERS)
    except NotAllowedError:
        return False
    return True


def _typed(dates: DatesStory) -> dict[str, str]:
    """Begin the form with what people said; what labels say is not theirs to repeat."""
    lot, dated = dates.lot, dates.dated
    is_stated = lot.expires_by == "stated"
    expiry = "follows" if not is_stated else "on" if lot.expires_on else "keeps"
    made = lot.produced_on if dated and dated.is_production_stated else None
    return {
        "expiry": expiry,
        "expires_on": f"{lot.expires_on}" if expiry == "on" else "",
        "produced_on": f"{made or ''}",
        "reason": "",
    }


def _told(conn: Connection, actor: Actor, item: str, lot: str) -> LotStory:
    try:
        return reading.story(conn, actor, item=item, lot=lot)
    except UnknownLotError as error:
        raise HTTPException(404, str(error)) from error
    except LotError as error:
        raise HTTPException(422, str(error)) from error


def _told_at(conn: Connection, actor: Actor, path: str) -> LotStory:
    """Read an item and a lot out of an address in which either may hold slashes."""
    parts = path.split("/")
    for at in range(1, len(parts)):
        item, lot = "/".join(parts[:at]), "/".join(parts[at:])
        try:
            return reading.story(conn, actor, item=item, lot=lot)
        except UnknownLotError:
            continue
        except LotError as error:
            raise HTTPException(422, str(error)) from error
    raise HTTPException(404, f"nothing ever named a lot as {path!r:.140}")


def _lines(found: Iterable[Whereabouts]) -> Iterator[Line]:
    for each in found:
        relative = each.relative
        certainty = "possible" if relative.is_possible else "sure"
        of = relative.item, relative.key.lot, certainty, relative.steps
        for row in (*each.stock, *each.accounts):
            what = "account" if row.is_virtual else "stock"
            place = row.site, row.location, row.unit, row.disposition or "sellable"
            yield Line(what, *of, *place, None, None, row.quantity, row.base_unit, None, None)
        for got in each.recipients:
            whom = got.partner, got.papers
            when = got.first_at, got.last_at
            yield Line("sent", *of, got.site, None, None, None, *whom, got.quantity, got.base_unit, *when)


def _place(after: str) -> tuple[datetime, int, int, int]:
    if not after:
        return reading.LATEST
    try:
        at, *numbers = after.split("|")
        gateway, epoch, seq = map(int, numbers)
        instant = datetime.fromisoformat(at)
    except ValueError as error:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page") from error
    if instant.tzinfo is None or abs(gateway) >= 2**31 or max(abs(epoch), abs(seq)) >= 2**63:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return instant, gateway, epoch, seq


def _place_text(row: HistoryRow) -> str:
    return f"{row.occurred_at.isoformat()}|{row.gateway_key}|{row.epoch}|{row.seq}"
