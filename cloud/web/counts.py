"""*Counts*: report what a bin holds, from a handheld too, and see what became of each count."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.counting import adjustments, reading, service
from cloud.counting.domain import (
    COUNTERS,
    FORCERS,
    PROPOSERS,
    READERS,
    CountingError,
    NotPossibleError,
    UnknownCountError,
)
from cloud.counting.reading import CountRow
from cloud.counting.reporting import CountPaper, TypedLine, confirm_zero, named_lines, report_count
from cloud.db import Connection, in_transaction
from cloud.decisions.domain import DecisionError
from cloud.identity.actor import Actor, Role
from cloud.identity.gate import Gate
from cloud.identity.store import act_as
from cloud.inquiry import operations
from cloud.ledger.domain import LedgerError
from cloud.routes import LateRoute
from cloud.web.approval_words import money
from cloud.web.doors import Epoch, GatewayName, Seq
from cloud.web.rendering import fragment, page
from cloud.web.streaming import follow
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import SiteId
from contracts.records import RowRef
from contracts.vocabulary import CountScope

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 50
LINES: Final = 6
"""Empty lines of the form where no script adds more."""
_MOST_LINES: Final = 500
_CODE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"

Text = Annotated[str, Form(max_length=128, pattern=_CODE)]
Texts = Annotated[list[str] | None, Form(max_length=_MOST_LINES)]
LineNo = Annotated[int, Path(ge=1, le=2**31 - 1)]
Done = Literal["", "counted", "zero", "forced", "proposed"]


def _look(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
    with gate.acting(actor) as conn:
        rows = reading.counts(conn, actor, limit=SHOWN + 1)
    return {"now": now, "rows": rows[:SHOWN], "following": _following(rows)}


@router.get("/counts")
def show_counts(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    before: Annotated[str, Query(max_length=120)] = "",
    site: Annotated[str, Query(max_length=64)] = "",
    location: Annotated[str, Query(max_length=128, pattern=_CODE)] = "",
) -> Response:
    """Show the form and the latest counts; `site` and `location` fill the form in."""
    return _page(request, gate, visitor, before=before, typed={"site": site, "location": location})


@router.get("/counts/events")
def stream_counts(request: Request, gate: TheGate, visitor: Viewer) -> Response:
    """Send the list as soon as it changes."""
    visitor.actor.require(*READERS)

    def draw(_actor: Actor, content: dict[str, Any]) -> str:
        return fragment("counts_list.html", **content)

    return follow(request, gate, _look, draw, "counts")


@router.post("/counts")
def report(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Annotated[str, Form(max_length=64)],
    location: Text,
    scope: Annotated[Literal["bin", "items"], Form()] = "bin",
    item: Texts = None,
    quantity: Texts = None,
    lot: Texts = None,
) -> Response:
    """Post a count that was typed without a script; what is wrong is told beside what was typed."""
    actor = visitor.actor
    rows = list(zip_longest(item or [], quantity or [], lot or [], fillvalue=""))

    def work(conn: Connection) -> RowRef:
        act_as(conn, actor)
        lines = named_lines(conn, [_typed(*row) for row in rows if any(row)], now=gate.clock())
        paper = CountPaper(SiteId(site), location.strip(), CountScope(scope), lines)
        return report_count(conn, actor, paper, now=gate.clock()).rows[0]

    try:
        ref = in_transaction(gate.pool, work)
    except (CountingError, LedgerError) as error:
        typed = {"site": site, "location": location, "scope": scope, "lines": rows}
        return _page(request, gate, visitor, typed=typed, problem=str(error), status=422)
    return RedirectResponse(f"/counts/{ref.gateway}/{ref.epoch}/{ref.seq}?done=counted", 303)


@router.get("/counts/{gateway}/{epoch}/{seq}")
def show_count(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    gateway: GatewayName,
    epoch: Epoch,
    seq: Seq,
    done: Done = "",
) -> Response:
    """Show one count: what was seen, and each record beside its book."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        found = reading.count(conn, actor, RowRef(gateway=gateway, epoch=epoch, seq=seq))
    if found is None:
        raise HTTPException(404, f"there is no count {gateway}/{epoch}/{seq} at your sites")
    row, lines, records = found
    return page(
        request,
        visitor,
        "count.html",
        tab="/counts",
        row=row,
        lines=lines,
        records=records,
        done=done,
        money=money,
        may_answer=_may(actor, COUNTERS, row.site),
        may_force=row.settled_at is None and _may(actor, FORCERS, row.site),
        may_propose=_may(actor, PROPOSERS, row.site),
    )


@router.post("/counts/{gateway}/{epoch}/{seq}/zero")
def answer_zero(
    *,
    gate: TheGate,
    visitor: Sender,
    gateway: GatewayName,
    epoch: Epoch,
    seq: Seq,
    item: Text,
    lot: Text = "",
) -> Response:
    """Say that what was not reported was not there."""
    actor, ref = visitor.actor, RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def work(conn: Connection) -> None:
        confirm_zero(conn, actor, ref, item=item, lot=lot or None, now=gate.clock())

    return _answered(gate, ref, work, "zero")


@router.post("/counts/{gateway}/{epoch}/{seq}/force")
def force(
    *, gate: TheGate, visitor: Sender, gateway: GatewayName, epoch: Epoch, seq: Seq, reason: Text
) -> Response:
    """Settle a count now."""
    actor, ref = visitor.actor, RowRef(gateway=gateway, epoch=epoch, seq=seq)
    if not reason.strip():
        raise HTTPException(422, "reason: expected why this count cannot wait")

    def work(conn: Connection) -> None:
        service.force(conn, actor, ref, reason=reason.strip())

    return _answered(gate, ref, work, "forced")


@router.post("/counts/{gateway}/{epoch}/{seq}/{line}/adjustment")
def propose(
    *, gate: TheGate, visitor: Sender, gateway: GatewayName, epoch: Epoch, seq: Seq, line: LineNo
) -> Response:
    """Ask for the adjustment of a record that has no decision."""
    actor, ref = visitor.actor, RowRef(gateway=gateway, epoch=epoch, seq=seq)

    def work(conn: Connection) -> None:
        adjustments.propose(conn, actor, ref, line)

    return _answered(gate, ref, work, "proposed")


def _page(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    before: str = "",
    typed: dict[str, Any],
    problem: str = "",
    status: int = 200,
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        rows = reading.counts(conn, actor, before=_place(before), limit=SHOWN + 1)
        sites = [row for row in operations.sites(conn, actor) if _may(actor, COUNTERS, row.site)]
    return page(
        request,
        visitor,
        "counts.html",
        tab="/counts",
        status=status,
        me=actor.id,
        sites=sites,
        typed={"scope": "bin", "lines": [], **typed},
        problem=problem,
        empty_lines=LINES,
        key=uuid4().hex,
        is_first=not before,
        now=gate.clock(),
        rows=rows[:SHOWN],
        following=_following(rows),
    )


def _answered(gate: Gate, ref: RowRef, work: Any, done: str) -> Response:
    try:
        in_transaction(gate.pool, work)
    except UnknownCountError as error:
        raise HTTPException(404, f"{error}") from error
    except NotPossibleError:
        done = ""
    except (CountingError, DecisionError, LedgerError) as error:
        raise HTTPException(422, f"{error}") from error
    query = f"?{urlencode({'done': done})}" if done else ""
    return RedirectResponse(f"/counts/{ref.gateway}/{ref.epoch}/{ref.seq}{query}", 303)


def _may(actor: Actor, roles: tuple[Role, ...], site: str) -> bool:
    return not actor.roles_anywhere.isdisjoint(roles) and actor.narrowed(*roles).may_see(site)


def _typed(item: str, quantity: str, lot: str) -> TypedLine:
    name = item.strip()
    if not name:
        raise CountingError(f"quantity {quantity!r:.40} stands without an item")
    try:
        amount = Decimal(quantity.strip())
    except InvalidOperation as error:
        raise CountingError(
            f"item {name!r}: quantity {quantity!r:.40}, expected a number as 12 or 2.5; 0 for none"
        ) from error
    return TypedLine(name, amount, lot.strip() or None)


def _following(rows: list[CountRow]) -> str:
    if len(rows) <= SHOWN:
        return ""
    last = rows[SHOWN - 1]
    key = f"{last.observed_at.isoformat()}|{last.gateway_key}|{last.epoch}|{last.seq}"
    return urlencode({"before": key})


def _place(before: str) -> reading.Place | None:
    if not before:
        return None
    try:
        at, gateway, epoch, seq = before.split("|")
        return datetime.fromisoformat(at), int(gateway), int(epoch), int(seq), 0
    except ValueError as error:
        raise HTTPException(422, f"before={before!r:.60} is not the address of a next page") from error
