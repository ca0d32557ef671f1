"""*Forecast*: which items are forecast how well, and one item with history, bands, backtest and why."""

import math
from collections.abc import Mapping
from datetime import timedelta
from operator import itemgetter
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from cloud.db import Connection
from cloud.events.domain import EventRow
from cloud.events.reading import events
from cloud.forecasting import reading
from cloud.forecasting.domain import (
    BAND,
    LEVELS,
    WIDE_BAND,
    Forecast,
    ForecastRow,
    Order,
    UnknownForecastError,
)
from cloud.forecasting.explaining import BUCKETS, members
from cloud.forecasting.granularity import reading as granularity
from cloud.forecasting.granularity.calendar import Period, in_decimals, periods
from cloud.identity.actor import Actor
from cloud.inquiry.domain import contains
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, Form, Kind, columns_of
from cloud.web.adjusted import adjustments
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.forecast_backtest import by_horizon
from cloud.web.forecast_chart import WEEKS_BEHIND, sum_chart, weeks_chart
from cloud.web.rendering import page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
COLUMNS: Final = columns_of(
    ForecastRow,
    *("site", "item", "item_name", "base_unit", "first_day", "model", "is_sufficient"),
    *("history_from", "history_until", "weekly_volume", "next_week"),
    *("wape", "naive_wape", "bias", "rmsse", "coverage", "run_id", "finished_at"),
)
HORIZON_COLUMNS: Final = (
    Column("horizon_days", Kind.INTEGER, itemgetter(0)),
    *(
        Column(name, Kind.FLOAT, itemgetter(place))
        for place, name in enumerate(("expected", *(f"q{level:g}" for level in LEVELS)), start=1)
    ),
)
TAB: Final = "/forecast"
MOST_EVENTS: Final = 200
GREATEST_AHEAD: Final = 400
"""Days of a horizon."""

Text = Annotated[str, Query(max_length=128)]


@router.get("/forecast")
def show_forecasts(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Text = "",
    item: Text = "",
    order: Order = Order.VOLUME,
    after: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """List the forecasts in force, and how the last runs went."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        runs = reading.site_runs(conn, actor)
        rows = reading.forecasts(
            conn,
            actor,
            site=site or None,
            item_like=contains(item.strip()),
            order=order,
            after=_place(after),
            limit=ROWS + 1,
        )
    shown = rows[:ROWS]
    asked = {"site": site, "item": item.strip(), "order": order.value}
    query = urlencode({name: value for name, value in asked.items() if value})
    following = f"{query}&{urlencode({'after': _address(shown[-1])})}" if len(rows) > ROWS else None
    return page(
        request,
        visitor,
        "forecasts.html",
        tab=TAB,
        now=gate.clock(),
        runs=[run for run in runs if site in {"", run.site}],
        sites=[run.site for run in runs],
        rows=shown,
        asked=asked,
        orders=list(Order),
        query=query,
        following=following,
        is_first=not after,
    )


@router.get("/forecast.{form:form}")
def export_forecasts(
    *, gate: TheGate, visitor: Viewer, form: FileForm, site: Text = "", item: Text = ""
) -> Response:
    """Give the forecasts in force as a file."""
    like = contains(item.strip())
    with looking(gate, visitor) as conn:
        rows = whole(
            lambda after, limit: reading.forecasts(
                conn, visitor.actor, site=site or None, item_like=like, after=after, limit=limit
            ),
            start=reading.FIRST,
            key=lambda row: (row.place, row.site, row.item),
        )
        return answer("forecasts", COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/forecast/{site}/{item:path}")
def show_forecast(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: str,
    item: str,
    export: Literal["", "days", "weeks"] = "",
    format: Annotated[Form, Query()] = Form.CSV,  # noqa: A002  as the API calls it
    ahead: Annotated[int, Query(ge=1, le=GREATEST_AHEAD)] = 7,
) -> Response:
    """Show one forecast, or give its days and bands as a file."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        try:
            found = reading.forecast(conn, actor, site=site, item=item)
        except UnknownForecastError as error:
            raise HTTPException(404, str(error)) from error
        weeks = found.content.history
        adjusted = adjustments(conn, actor, site=site, item=item, weeks=weeks, now=gate.clock())
        clock = granularity.clock(conn, actor, site=site)
        stated = _events(conn, actor, found)
    by_week = periods(found.row.first_day, in_decimals(found.content.mean), clock)
    now = gate.clock()
    if export == "weeks":
        return answer(f"forecast-weeks-{item}", columns_of(Period), by_week, format, at=now, site=site)
    if export == "days":
        lines = [
            (days, sum(found.content.mean[:days]), *levels)
            for days, levels in zip(found.content.horizons, found.content.cum_q, strict=True)
        ]
        return answer(f"forecast-{item}", HORIZON_COLUMNS, lines, format, at=now, site=site)
    return page(
        request,
        visitor,
        "forecast.html",
        tab=TAB,
        now=gate.clock(),
        row=found.row,
        content=found.content,
        why=found.content.why,
        horizons=_horizons(found),
        by_week=by_week,
        bucket=BUCKETS.get(found.content.why.get("granularity", {}).get("bucket", "")),
        chosen_bucket=BUCKETS.get(found.content.why.get("granularity", {}).get("chosen") or ""),
        chosen_by=_chosen_by(found.content.why.get("granularity")),
        by_horizon=by_horizon(found.backtest),
        ahead=ahead,
        judged=[line for line in found.backtest if line.horizon_days == ahead],
        members=members(found.content.why),
        weekday_names=[f"{found.row.first_day + timedelta(days=n):%a}" for n in range(7)],
        weeks=weeks_chart(found, stated),
        sums=sum_chart(found),
        adjusted=adjusted,
    )


def _horizons(found: Forecast) -> list[dict[str, Any]]:
    """Tell the sums over each horizon with their bands."""
    content = found.content
    return [
        {
            "days": days,
            "expected": sum(content.mean[:days]),
            "median": levels[LEVELS.index(0.5)],
            "narrow": narrow,
            "wide": wide,
        }
        for days, levels, narrow, wide in zip(
            content.horizons, content.cum_q, content.limits(BAND), content.limits(WIDE_BAND), strict=True
        )
    ]


def _events(conn: Connection, actor: Actor, found: Forecast) -> list[EventRow]:
    """List what is stated for an item in the weeks that are drawn."""
    row = found.row
    days = timedelta(weeks=WEEKS_BEHIND), timedelta(days=len(found.content.mean))
    return events(
        conn,
        actor,
        site=row.site,
        item=row.item,
        from_day=row.history_until - days[0],
        to_day=row.history_until + days[1],
        limit=MOST_EVENTS,
    )


def _chosen_by(told: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """List what stock would have cost with each period's forecast, the cheapest first."""
    evidence = (told or {}).get("evidence") or {}
    costs: dict[str, float] = evidence.get("cost", {})
    least = min(costs.values(), default=0.0)
    return [
        {
            "name": BUCKETS.get(name, name),
            "cost": cost,
            "more": cost / least - 1 if least > 0 else 0.0,
            "wape": evidence["wape"].get(name),
        }
        for name, cost in sorted(costs.items(), key=lambda one: (one[1], one[0]))
    ]


def _address(row: ForecastRow) -> str:
    return f"{row.place!r}|{row.site}|{row.item}"


def _place(after: str) -> tuple[float, str, str]:
    if not after:
        return reading.FIRST
    place, _, rest = after.partition("|")
    site, _, item = rest.partition("|")
    try:
        number = float(place)
    except ValueError:
        number = math.nan
    if math.isnan(number) or not item:
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return number, site, item
