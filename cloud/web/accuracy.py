"""*Accuracy*: how near forecasts came, by class, volume, place and horizon; which are odd, and how many."""

from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from cloud.db import Connection, in_transaction
from cloud.forecasting.domain import ForecastError, SiteRun
from cloud.forecasting.explaining import BUCKETS
from cloud.forecasting.overrides.value_added import worths
from cloud.forecasting.reading import site_runs
from cloud.forecasting.reviewing import reading, service
from cloud.forecasting.reviewing.domain import MAY_SET, FlaggedRow, ReviewRow
from cloud.forecasting.reviewing.service import SettingPaper
from cloud.forecasting.track_record.reading import PARTS, PartRow, accuracy
from cloud.identity.actor import Actor, NotAllowedError
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forms import words_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

TAB: Final = "/accuracy"
WEEKS: Final = 26
SHOWN: Final = 50
SENSED_DAYS: Final = (1, 2, 3, 7, 14)
"""Days ahead of which is shown what the latest days save."""
_PART_COLUMNS: Final = columns_of(
    PartRow,
    *(
        "part",
        "name",
        "horizon_days",
        "items",
        "windows",
        "came",
        "wape",
        "naive_wape",
        "value_added",
        "bias",
    ),
    *("coverage", "coverage_wide", "idle"),
)
_FLAGGED_COLUMNS: Final = columns_of(
    FlaggedRow,
    *("site", "item", "item_name", "last_day", "trigger", "statistic", "limit_at", "chance", "error"),
    *("ticket_id", "state", "owner", "due_at"),
)

Site = Annotated[str, Query(max_length=64)]
Short = Annotated[str, Form(max_length=80)]


@router.get("/accuracy")
def show_accuracy(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Site = "",
    after: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Show how near the last 13 weeks' forecasts came, the reviews and what they found odd."""
    return _shown(request, gate, visitor, site, after=after)


@router.get("/accuracy.{form:form}")
def export_accuracy(*, gate: TheGate, visitor: Viewer, form: FileForm, site: Site = "") -> Response:
    """Give accuracy by part and horizon as a file."""
    with looking(gate, visitor) as conn:
        rows = accuracy(conn, visitor.actor, site=site or None)
        return answer("forecast-accuracy", _PART_COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/accuracy/reviews.{form:form}")
def export_reviews(*, gate: TheGate, visitor: Viewer, form: FileForm, site: Site = "") -> Response:
    """Give what the latest reviews found odd as a file."""
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: reading.flagged(
                conn, visitor.actor, site=site or None, after=after, limit=limit
            ),
            start=reading.FIRST,
            key=lambda row: (row.chance, row.site, row.item),
        )
        return answer("forecast-reviews", _FLAGGED_COLUMNS, rows, form, at=gate.clock(), site=site)


@router.post("/accuracy/setting")
def put_setting(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: Short = "",
    nominal: Short = "",
    most_per_week: Short = "",
    owner: Short = "",
    due_days: Short = "",
) -> Response:
    """Say how a site is told of odd forecasts."""
    typed = {
        "site": site,
        "most_per_week": most_per_week,
        "owner": owner,
        "due_days": due_days,
        "nominal": nominal,
    }
    visitor.actor.require(*MAY_SET)
    given: dict[str, Any] = {name: value.strip() for name, value in typed.items() if value.strip()}

    def work(conn: Connection) -> object:
        if percent := given.pop("nominal", None):
            given["nominal"] = _share(percent)
        return service.put_setting(conn, visitor.actor, SettingPaper.model_validate(given))

    try:
        in_transaction(gate.pool, work)
    except ValidationError as error:
        return _shown(request, gate, visitor, "", problem=words_of(error))
    except ForecastError as error:
        return _shown(request, gate, visitor, "", problem=f"{error}")
    return RedirectResponse(f"/accuracy?{urlencode({'site': site})}", 303)


def _shown(
    request: Request, gate: Gate, visitor: Viewer, site: str, *, after: str = "", problem: str = ""
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        parts = accuracy(conn, actor, site=site or None)
        reviews = reading.reviews(conn, actor, site=site or None, limit=WEEKS)
        start = _place(after)
        odd = reading.flagged(conn, actor, site=site or None, after=start, limit=SHOWN + 1)
        sites = [each.site for each in operations.sites(conn, actor)]
        may_set = site in sites and _may(actor, site)
        setting = reading.setting(conn, actor, site) if may_set else None
        worth = worths(conn, actor, now=gate.clock(), site=site or None)
        runs = site_runs(conn, actor, site=site or None)
    shown = odd[:SHOWN]
    following = ""
    if len(odd) > SHOWN:
        following = urlencode({"site": site, "after": _address(shown[-1])})
    return page(
        request,
        visitor,
        "accuracy.html",
        tab=TAB,
        status=422 if problem else 200,
        site=site,
        sites=sites,
        horizons=sorted({row.horizon_days for row in parts}),
        whole=[row for row in parts if row.part == "all"],
        groups=_groups(parts),
        names_shown={"none": "no demand", **BUCKETS},
        sensed=_sensed(runs),
        sensed_days=SENSED_DAYS,
        reviews=reviews,
        latest=_latest(reviews),
        odd=shown,
        following=following,
        is_first=not after,
        setting=setting,
        worth=worth[0] if worth else None,
        query=urlencode({"site": site} if site else {}),
        problem=problem,
    )


def _groups(parts: list[PartRow]) -> dict[str, dict[str, dict[int, PartRow]]]:
    """Arrange parts as tables: by part, name and horizon, in the order they come."""
    found: dict[str, dict[str, dict[int, PartRow]]] = {part: {} for part in PARTS if part != "all"}
    for row in parts:
        if row.part in found:
            found[row.part].setdefault(row.name, {})[row.horizon_days] = row
    return found


def _sensed(runs: list[SiteRun]) -> list[dict[str, Any]]:
    """List what the latest days save of the error, by how far ahead."""
    found = []
    for run in runs:
        told = run.outcome.get("sensing")
        if told is not None:
            saved: list[float] = told["error_saved_by_day"]
            by_day = [saved[day - 1] if day <= len(saved) else None for day in SENSED_DAYS]
            items = run.outcome.get("items", 0)
            found.append({"site": run.site, "on": told["series_on"], "items": items, "saved": by_day})
    return found


def _latest(reviews: list[ReviewRow]) -> list[ReviewRow]:
    seen: dict[str, ReviewRow] = {}
    for review in reviews:
        seen.setdefault(review.site, review)
    return [seen[site] for site in sorted(seen)]


def _share(percent: str) -> str:
    try:
        return f"{Decimal(percent) / 100:f}"
    except ArithmeticError:
        return percent


def _may(actor: Actor, site: str) -> bool:
    try:
        actor.require(*MAY_SET, site=site)
    except NotAllowedError:
        return False
    return True


def _address(row: FlaggedRow) -> str:
    return f"{row.chance!r}|{row.site}|{row.item}"


def _place(after: str) -> tuple[float, str, str]:
    if not after:
        return reading.FIRST
    chance, _, rest = after.partition("|")
    site, _, item = rest.partition("|")
    try:
        return reading.chance_of(chance), site, item
    except ForecastError as error:
        raise HTTPException(422, f"{error}") from error
