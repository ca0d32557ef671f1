"""*Periods*: what stock was worth at the end of each, its close by two people, and what came later."""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.decisions.domain import DecisionError, DifferentDraftError
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import SiteRow
from cloud.periods import reading, service, standing
from cloud.periods.domain import (
    AT_ITS_END,
    CLOSERS,
    READERS,
    REASONS,
    Line,
    PeriodError,
    PriorFact,
    UnknownPeriodError,
)
from cloud.periods.reading import LineFilter
from cloud.periods.standing import Standing
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Kind, columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import epoch_from_int

router: Final = APIRouter(route_class=LateRoute)

LISTED: Final = 18


def _of_close(name: str, row: Standing) -> Any:
    """Give what a period's close says; None: it is not closed."""
    return getattr(row.close, name) if row.close else None


SHOWN: Final = 100
_COLUMNS: Final = columns_of(
    Line,
    *("item", "item_name", "category", "location", "lot", "disposition", "quantity", "base_unit", "basis"),
    *("cost", "value"),
)
_PERIOD_COLUMNS: Final = (
    Column("period", Kind.TEXT, lambda row: row.period.name),
    Column("first_day", Kind.DAY, lambda row: row.period.first_day),
    Column("last_day", Kind.DAY, lambda row: row.period.last_day),
    Column("state", Kind.TEXT, lambda row: row.state),
    *(
        Column(name, kind, partial(_of_close, name))
        for name, kind in (
            ("closed_at", Kind.INSTANT),
            ("closed_by", Kind.TEXT),
            ("asked_by", Kind.TEXT),
            ("as_of_position", Kind.INTEGER),
            ("revision", Kind.INTEGER),
        )
    ),
)
_LATE_COLUMNS: Final = (
    *columns_of(
        PriorFact,
        *("occurred_at", "recorded_at", "position", "item", "quantity", "from_location=from"),
        *("to_location=to", "change", "value", "currency", "author", "reason"),
    ),
    Column("movement", Kind.TEXT, lambda row: f"{row.gateway}/{epoch_from_int(row.epoch)}/{row.seq}"),
)

SiteId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
PeriodName = Annotated[str, Path(max_length=8, pattern=r"^[0-9]{4}-P?[0-9]{2}$")]
Close = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]
Text = Annotated[str, Query(max_length=128)]
Reason = Annotated[str, Form(max_length=64)]
Note = Annotated[str, Form(max_length=2_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]


@router.get("/periods")
def list_periods(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[str, Query(max_length=8)] = "",
) -> Response:
    """Show the periods of a site, the present one first."""
    actor = visitor.actor
    actor.require(*READERS)
    with gate.acting(actor) as conn:
        sites = _sites(operations.sites(conn, actor), actor)
        chosen = site or (sites[0].site if sites else "")
        try:
            rows = (
                standing.periods(
                    conn, actor, site=chosen, now=gate.clock(), before=before or None, limit=LISTED + 1
                )
                if chosen
                else []
            )
        except UnknownPeriodError as error:
            raise HTTPException(404, f"{error}") from error
        except PeriodError as error:
            raise HTTPException(422, f"{error}") from error
    return page(
        request,
        visitor,
        "periods.html",
        tab="/periods",
        sites=sites,
        site=chosen,
        zone=next((row.time_zone for row in sites if row.site == chosen), "UTC"),
        rows=rows[:LISTED],
        following=urlencode({"site": chosen, "before": rows[LISTED - 1].period.name})
        if len(rows) > LISTED
        else "",
    )


@router.get("/periods.{form:form}")
def export_periods(
    *, gate: TheGate, visitor: Viewer, form: FileForm, site: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Give a site's periods as a file: back to the first that was closed, and those that the page shows."""
    visitor.actor.require(*READERS)
    with looking(gate, visitor) as conn:
        sites = _sites(operations.sites(conn, visitor.actor), visitor.actor)
        chosen = site or (sites[0].site if sites else "")
        try:
            rows = _known(conn, visitor.actor, chosen, gate) if chosen else []
        except UnknownPeriodError as error:
            raise HTTPException(404, f"{error}") from error
        return answer("periods", _PERIOD_COLUMNS, rows, form, at=gate.clock(), site=chosen)


def _known(conn: Connection, actor: Actor, site: str, gate: Gate) -> list[Standing]:
    return standing.known(conn, actor, site=site, now=gate.clock(), least=LISTED)


@router.get("/periods/{site}/{period}.{form:form}")
def export(
    *,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    period: PeriodName,
    form: FileForm,
    close: Close = "",
) -> Response:
    """Give a figure's lines as a file."""
    with looking(gate, visitor) as conn:
        try:
            moment = standing.moment(
                conn, visitor.actor, site=site, name=period, close_id=int(close) if close else None
            )
        except PeriodError as error:
            raise HTTPException(404, f"{error}") from error
        currency = reading.currency(conn, visitor.actor, moment)
        rows = whole(
            lambda after, limit: reading.value_lines(conn, visitor.actor, moment, after=after, limit=limit),
            start=("", 0),
            key=lambda row: (row.item, row.cell_id),
        )
        columns = (*_COLUMNS, Column("currency", Kind.TEXT, lambda _: currency))
        return answer(f"stock-value-{period}", columns, rows, form, at=gate.clock(), site=site)


@router.get("/periods/{site}/{period}/late.{form:form}")
def export_late(
    *, gate: TheGate, visitor: Viewer, site: SiteId, period: PeriodName, form: FileForm
) -> Response:
    """Give what came after the close did without it as a file."""
    last = _story(gate, visitor.actor, site, period).standing.close
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: reading.prior_facts(
                conn, visitor.actor, close_id=last.close_id if last else 0, after=after, limit=limit
            ),
            start=(0, 0, 0, 0),
            key=lambda row: (row.position, row.gateway_key, row.epoch, row.seq),
        )
        return answer(f"late-{period}", _LATE_COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/periods/{site}/{period}")
def show_period(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: SiteId,
    period: PeriodName,
    figure: Annotated[str, Query(pattern="^1?$")] = "",
    category: Text | None = None,
    zone: Text | None = None,
    unknown: Annotated[str, Query(pattern="^1?$")] = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show a period: how it stands, what speaks against closing it, its values, and what came late."""
    wanted = LineFilter(category, zone, bool(unknown))
    return _opened(
        request, gate, visitor, (site, period), with_figure=bool(figure), wanted=wanted, after=after
    )


@router.post("/periods/{site}/{period}/close")
def ask_to_close(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    period: PeriodName,
    reason: Reason = "",
    note: Note = "",
) -> Response:
    """Ask for the close; the page of the decision tells who may approve it."""
    typed = {"reason": reason, "note": note}
    try:
        made = in_transaction(
            gate.pool,
            lambda conn: service.ask_to_close(
                conn,
                visitor.actor,
                site=site,
                period=period,
                reason=reason or AT_ITS_END,
                note=note,
                now=gate.clock(),
            ),
        )
    except DifferentDraftError:
        standing_one = _story(gate, visitor.actor, site, period).decision_id
        return RedirectResponse(
            f"/approvals/{standing_one}" if standing_one else f"/periods/{site}/{period}", 303
        )
    except (PeriodError, DecisionError) as error:
        if isinstance(error, NotAllowedError | UnknownPeriodError):
            raise
        return _opened(request, gate, visitor, (site, period), problem=f"{error}", typed=typed)
    return RedirectResponse(f"/approvals/{made.decision_id}", 303)


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    place: tuple[str, str],
    *,
    with_figure: bool = False,
    wanted: LineFilter = reading.ANY,
    after: str = "",
    problem: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    actor, (site, name) = visitor.actor, place
    told = _story(gate, actor, site, name, with_figure=with_figure)
    start = _place(after)
    with gate.acting(actor) as conn:
        lines = []
        if told.figure is not None:
            moment = standing.moment(conn, actor, site=site, name=name)
            lines = reading.value_lines(conn, actor, moment, only=wanted, after=start, limit=SHOWN + 1)
        late = _late(conn, actor, told)
    shown = lines[:SHOWN]
    asked = {
        "figure": "1" if with_figure else "",
        "zone": wanted.zone,
        "unknown": "1" if wanted.only_unknown else "",
    }
    kept = {key: value for key, value in asked.items() if value}
    if wanted.category is not None:
        kept["category"] = wanted.category
    following = kept | {"after": f"{shown[-1].item}|{shown[-1].cell_id}"} if len(lines) > SHOWN else None
    return page(
        request,
        visitor,
        "period.html",
        tab="/periods",
        status=422 if problem else 200,
        site=site,
        told=told,
        reasons=REASONS,
        lines=shown,
        wanted=wanted,
        is_narrowed=wanted != reading.ANY or bool(after),
        following=urlencode(following) if following else "",
        late=late,
        may_close=_may_close(actor, site),
        problem=problem,
        typed={"reason": "", "note": ""} | (typed or {}),
    )


def _late(conn: Any, actor: Actor, told: standing.Story) -> dict[str, list[PriorFact]]:
    """Facts of earlier periods that this one shows; and what came after its own close."""
    found: dict[str, list[PriorFact]] = {"of_before": [], "after_close": []}
    if told.before is not None:
        found["of_before"] = reading.prior_facts(
            conn, actor, close_id=told.before.close_id, up_to=told.shown_until, limit=SHOWN
        )
    if told.standing.close is not None:
        found["after_close"] = reading.prior_facts(
            conn, actor, close_id=told.standing.close.close_id, limit=SHOWN
        )
    return found


def _story(gate: Gate, actor: Actor, site: str, name: str, *, with_figure: bool = False) -> standing.Story:
    with gate.acting(actor) as conn:
        try:
            return standing.story(
                conn, actor, site=site, name=name, now=gate.clock(), with_figure=with_figure
            )
        except PeriodError as error:
            raise HTTPException(404, f"{error}") from error


def _sites(sites: Iterable[SiteRow], actor: Actor) -> list[SiteRow]:
    """Keep the sites whose values the actor may see."""
    return [row for row in sites if _may(actor, row.site)]


def _may(actor: Actor, site: str) -> bool:
    try:
        actor.require(*READERS, site=site)
    except NotAllowedError:
        return False
    return True


def _may_close(actor: Actor, site: str) -> bool:
    try:
        actor.require(*CLOSERS, site=site)
    except NotAllowedError:
        return False
    return True


def _place(after: str) -> tuple[str, int]:
    if not after:
        return "", 0
    item, _, cell = after.rpartition("|")
    if not cell.isdigit():
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return item, min(int(cell), 2**62)
