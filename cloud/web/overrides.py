"""*Overrides*: who adjusts which forecast, a form that shows what it would do, and what it was worth."""

from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.approvals.within_limits import settle
from cloud.db import Connection, in_transaction
from cloud.decisions.domain import DecisionError
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.overrides import reading, service
from cloud.forecasting.overrides.domain import (
    AUTHORS,
    REASONS,
    Mode,
    OverlappingOverrideError,
    OverrideRow,
    SmallOverrideError,
    Standing,
    UnknownOverrideError,
)
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.forecasting.overrides.value_added import Worth, blocks, worths
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.inquiry.domain import GREATEST
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forms import words_of
from cloud.web.override_chart import override_chart
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/overrides"
SHOWN: Final = 100
BLOCKS_SHOWN: Final = 500
"""Of one adjustment; what it was worth is told of all of them."""
_OPEN: Final = (Standing.WAITING, Standing.PLANNED, Standing.ACTIVE)
_COLUMNS: Final = columns_of(
    OverrideRow,
    *("override_id", "standing", "site", "item", "category", "from_day", "to_day", "expires_on", "mode"),
    "amount",
    *("per_days", "reason", "evidence", "note", "is_small", "value", "currency", "author", "created_at"),
    *("approver", "decided_at", "ended_at", "ended_by", "end_reason", "decision_id"),
)
_WORTH_COLUMNS: Final = columns_of(
    Worth,
    *("name", "overrides", "blocks", "came", "system_error", "override_error", "naive_blocks", "naive_error"),
    *("over_naive", "added", "share", "cost_saved", "currency"),
)

Number = Annotated[int, Path(ge=1, le=GREATEST)]
Site = Annotated[str, Query(max_length=64)]
Item = Annotated[str, Query(max_length=128)]
Short = Annotated[str, Form(max_length=128)]
Long = Annotated[str, Form(max_length=2_000)]
Shown = Literal["open", "over", "all"]
By = Literal["override", "author", "reason"]


@router.get("/overrides")
def list_overrides(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    state: Shown = "open",
    site: Site = "",
    before: Annotated[int, Query(ge=1, le=GREATEST)] = GREATEST,
) -> Response:
    """Show adjustments, the latest first, and what those of the last year were worth."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        rows = _rows(conn, gate, actor, state, site, before=before, limit=SHOWN + 1)
        worth = {
            by: worths(conn, actor, now=gate.clock(), by=by, site=site or None)
            for by in ("all", "author", "reason", "override")
        }
        sites = [each.site for each in operations.sites(conn, actor)]
    shown = rows[:SHOWN]
    following = ""
    if len(rows) > SHOWN:
        following = urlencode({"state": state, "site": site, "before": shown[-1].override_id})
    return page(
        request,
        visitor,
        "overrides.html",
        tab=TAB,
        rows=shown,
        state=state,
        site=site,
        sites=sites,
        query=urlencode({"state": state} | ({"site": site} if site else {})),
        following=following,
        reasons=REASONS,
        whole=next(iter(worth["all"]), None),
        by_author=worth["author"],
        by_reason=worth["reason"],
        by_override={each.name: each for each in worth["override"]},
        may_add=not actor.roles_anywhere.isdisjoint(AUTHORS),
    )


@router.get("/overrides.{form:form}")
def export_overrides(
    *, gate: TheGate, visitor: Viewer, form: FileForm, state: Shown = "all", site: Site = ""
) -> Response:
    """Give adjustments as a file, the latest first."""
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda before, limit: _rows(conn, gate, visitor.actor, state, site, before=before, limit=limit),
            start=GREATEST,
            key=lambda row: row.override_id,
        )
        return answer("overrides", _COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/overrides/value-added.{form:form}")
def export_value_added(
    *, gate: TheGate, visitor: Viewer, form: FileForm, by: By = "override", site: Site = ""
) -> Response:
    """Give what adjustments were worth as a file."""
    now = gate.clock()
    with looking(gate, visitor) as conn:
        found = worths(conn, visitor.actor, now=now, by=by, site=site or None)
        return answer(f"forecast-value-added-by-{by}", _WORTH_COLUMNS, found, form, at=now, site=site)


@router.get("/overrides/new")
def begin_override(
    *, request: Request, gate: TheGate, visitor: Viewer, site: Site = "", item: Item = ""
) -> Response:
    """Show the empty form."""
    visitor.actor.require(*AUTHORS)
    return _form(request, gate, visitor, typed={"site": site, "item": item})


@router.post("/overrides/preview")
@router.post("/overrides")
def add_override(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    item: Short = "",
    category: Short = "",
    from_day: Short = "",
    to_day: Short = "",
    mode: Short = "",
    amount: Short = "",
    per: Short = "",
    reason: Short = "",
    evidence: Long = "",
    note: Long = "",
    confirm_small: Short = "",
) -> Response:
    """Ask for an adjustment, or show what it would do."""
    typed = {
        "site": site,
        "item": item,
        "category": category,
        "from_day": from_day,
        "to_day": to_day,
        "mode": mode,
        "amount": amount,
        "per": "" if mode == Mode.PERCENT else per,
        "reason": reason,
        "evidence": evidence,
        "note": note,
        "confirm_small": confirm_small,
    }
    visitor.actor.require(*AUTHORS)
    if request.url.path.endswith("/preview"):
        return _previewed(request, gate, visitor, typed)
    try:
        paper = OverridePaper.model_validate(_given(typed))
    except ValidationError as error:
        return _form(request, gate, visitor, typed=typed, problem=(422, words_of(error)))
    return _asked(request, gate, visitor, paper, typed)


@router.get("/overrides/{override_id}")
def show_override(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    override_id: Number,
    told: Literal["", "asked", "withdrawn"] = "",
) -> Response:
    """Show one adjustment: what it does, on what grounds, and what it was worth."""
    return _opened(request, gate, visitor, override_id, told=told)


@router.post("/overrides/{override_id}/withdraw")
def withdraw_override(
    *, request: Request, gate: TheGate, visitor: Sender, override_id: Number, note: Long = ""
) -> Response:
    """Take it back."""

    def work(conn: Connection) -> object:
        return service.withdraw(conn, visitor.actor, override_id, note=note.strip(), now=gate.clock())

    try:
        in_transaction(gate.pool, work)
    except UnknownOverrideError as error:
        raise HTTPException(404, f"{error}") from error
    except NotAllowedError:
        raise
    except (ForecastError, DecisionError) as error:
        return _opened(request, gate, visitor, override_id, problem=(409, f"{error}"))
    return RedirectResponse(f"/overrides/{override_id}?told=withdrawn", 303)


def _previewed(request: Request, gate: Gate, visitor: Sender, typed: dict[str, str]) -> Response:
    """Show what an adjustment would do; reason and evidence may come later."""
    later = "(not stated yet)"
    shown = {"reason": "history_misleads", "evidence": later} | _given(typed)
    if shown["reason"] == "other":
        shown.setdefault("note", later)
    try:
        paper = OverridePaper.model_validate(shown)
    except ValidationError as error:
        return _form(request, gate, visitor, typed=typed, problem=(422, words_of(error)))
    return _form(request, gate, visitor, typed=typed, paper=paper)


def _asked(
    request: Request, gate: Gate, visitor: Sender, paper: OverridePaper, typed: dict[str, str]
) -> Response:
    """Ask for it; within one's own limit it counts at once."""

    def work(conn: Connection) -> int:
        row = service.add(conn, visitor.actor, paper, now=gate.clock())
        if row.decision_id is not None:
            settle(conn, visitor.actor, row.decision_id)
        return row.override_id

    try:
        number = in_transaction(gate.pool, work)
    except NotAllowedError:
        raise
    except SmallOverrideError as error:
        problem = (409, f"{error}")
        return _form(request, gate, visitor, typed=typed, paper=paper, problem=problem, is_small=True)
    except OverlappingOverrideError as error:
        return _form(request, gate, visitor, typed=typed, problem=(409, f"{error}"))
    except (ForecastError, DecisionError) as error:
        return _form(request, gate, visitor, typed=typed, problem=(422, f"{error}"))
    return RedirectResponse(f"/overrides/{number}?told=asked", 303)


def _given(typed: dict[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in typed.items() if value.strip()}


def _opened(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    override_id: int,
    *,
    told: str = "",
    problem: tuple[int, str] = (200, ""),
) -> Response:
    actor, now = visitor.actor, gate.clock()
    with gate.acting(actor) as conn:
        try:
            row = reading.override(conn, actor, override_id, now=now)
        except UnknownOverrideError as error:
            raise HTTPException(404, f"{error}") from error
        wished = row.adjustment if row.standing in _OPEN else None
        found = None
        if row.item is not None:
            found = reading.picture(conn, actor, site=row.site, item=row.item, now=now, wished=wished)
        whole = worths(conn, actor, now=now, site=row.site, override_id=override_id)
        came = blocks(conn, actor, override_id, now=now, site=row.site, limit=BLOCKS_SHOWN + 1)
    is_own = row.author in {actor.person, actor.id}
    return page(
        request,
        visitor,
        "override.html",
        tab=TAB,
        status=problem[0],
        row=row,
        chart=override_chart(found) if found else None,
        blocks=came[:BLOCKS_SHOWN],
        has_more=len(came) > BLOCKS_SHOWN,
        worth=next(iter(whole), None),
        reasons=REASONS,
        told=told,
        problem=problem[1],
        may_withdraw=is_own and row.standing in {*_OPEN, Standing.LAPSED},
    )


def _form(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    typed: dict[str, str],
    paper: OverridePaper | None = None,
    problem: tuple[int, str] = (200, ""),
    is_small: bool = False,
) -> Response:
    actor, now = visitor.actor, gate.clock()
    item, site = typed.get("item", "").strip(), typed.get("site", "").strip()
    basis, found = None, None
    with gate.acting(actor) as conn:
        sites = [each.site for each in operations.sites(conn, actor)]
        if site and site not in sites:
            raise NotAllowedError(f"{actor.id} has no right at site {site!r}")
        wished = service.adjustment_of(paper) if paper else None
        if site and item:
            found = reading.picture(conn, actor, site=site, item=item, now=now, wished=wished)
        if paper is not None:
            try:
                basis = service.basis_of(conn, paper, now=now)
            except ForecastError as error:
                problem = (422, f"{error}")
    names = ("category", "from_day", "to_day", "amount", "reason", "evidence", "note", "confirm_small")
    given = dict.fromkeys(names, "") | {"mode": Mode.PERCENT.value, "per": "week"}
    return page(
        request,
        visitor,
        "override_new.html",
        tab=TAB,
        status=problem[0],
        sites=sites,
        typed=given | {"site": site, "item": item} | typed,
        reasons=REASONS,
        modes=list(Mode),
        chart=override_chart(found) if found else None,
        found=found,
        basis=basis,
        problem=problem[1],
        is_small=is_small or bool(basis and basis.is_small),
    )


def _rows(
    conn: Connection, gate: Gate, actor: Actor, state: str, site: str, *, before: int, limit: int
) -> list[OverrideRow]:
    over = [each for each in Standing if each not in _OPEN]
    standings = {"open": _OPEN, "over": over, "all": None}[state]
    return reading.overrides(
        conn,
        actor,
        now=gate.clock(),
        site=site or None,
        standings=standings,
        before=before,
        limit=limit,
    )
