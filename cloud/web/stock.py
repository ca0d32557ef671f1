"""*Stock*: how much is where as of any instant and position, down to each movement and its evidence."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from cloud.inquiry import operations, stock
from cloud.inquiry.domain import GREATEST, BalanceFilter, SiteRow, contains
from cloud.web.instants import InstantError, instant_of, wall_clock
from cloud.web.rendering import page, zone_of
from cloud.web.spreadsheet import csv_lines
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter()

ROWS: Final = 100
CSV_ROWS: Final = 100_000
_FOREVER: Final = datetime.fromisoformat("9999-12-31T00:00:00+00:00")

Text = Annotated[str, Query(max_length=128)]
Number = Annotated[str, Query(max_length=20, pattern=r"^\d*$")]


@dataclass(frozen=True, slots=True)
class Question:
    """What the form asks, as it was typed."""

    site: str
    item: str
    location: str
    as_of: str
    position: str
    zone: str
    """Time zone of the site asked for, or of the first of several."""
    problem: str = ""

    @property
    def until_at(self) -> datetime | None:
        """The instant, in UTC; None for now."""
        return instant_of(self.as_of, zone_of(self.zone)) if self.as_of else None

    @property
    def until_position(self) -> int | None:
        """The ledger position; None for the last."""
        return min(int(self.position), GREATEST) if self.position else None

    @property
    def wanted(self) -> BalanceFilter:
        """The same as a filter."""
        return BalanceFilter(
            site=self.site or None,
            item_like=contains(self.item),
            location_like=contains(self.location),
            until_at=self.until_at,
            until_position=self.until_position,
            with_virtual=self.location.startswith("@"),
        )

    def query(self, **more: str) -> str:
        """Write the question as the query of an address, without what is empty."""
        asked = {
            "site": self.site,
            "item": self.item,
            "location": self.location,
            "as_of": self.as_of,
            "position": self.position,
            **more,
        }
        return urlencode({name: value for name, value in asked.items() if value})

    def when(self) -> str:
        """Write the question's limits of time alone, for the links into a cell."""
        instant = self.until_at
        asked = {"as_of": instant.isoformat() if instant else "", "position": self.position}
        return urlencode({name: value for name, value in asked.items() if value})


def question_of(
    sites: list[SiteRow], *, site: str, item: str, location: str, as_of: str, position: str
) -> Question:
    """Read the form; an instant that does not exist is told and left out.

    Args:
        sites: Those within the viewer's reach.
        site: Site id, or empty for all.
        item: Part of a code or name.
        location: Part of a code.
        as_of: A ``datetime-local`` value on the site's wall clock, or an instant with offset.
        position: Digits, or empty.

    Returns:
        The question.
    """
    zones = {row.site: row.time_zone for row in sites}
    zone = zones.get(site) or (sites[0].time_zone if sites else "UTC")
    question = Question(site, item.strip(), location.strip(), as_of, position, zone)
    try:
        instant = question.until_at
    except InstantError as error:
        return replace(question, as_of="", problem=f"{error}.")
    if instant is not None:
        return replace(question, as_of=wall_clock(instant, zone_of(zone)))
    return question


@router.get("/stock")
def show_stock(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Text = "",
    item: Text = "",
    location: Text = "",
    as_of: Text = "",
    position: Number = "",
    after: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Show balances, and the form that narrows them."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        question = question_of(sites, site=site, item=item, location=location, as_of=as_of, position=position)
        rows = stock.balances(conn, actor, question.wanted, after=_place(after), limit=ROWS + 1)
        ledger, completeness = operations.completeness(conn, actor)
    shown = rows[:ROWS]
    last = shown[-1] if len(rows) > ROWS else None
    return page(
        request,
        visitor,
        "stock.html",
        tab="/stock",
        now=gate.clock(),
        question=question,
        sites=sites,
        rows=shown,
        following=question.query(after=f"{last.site}|{last.item}|{last.cell_id}") if last else None,
        is_first=not after,
        ledger=ledger,
        completeness=[row for row in completeness if question.site in {"", row.site}],
        negative=sum(row.quantity < 0 and row.location_kind != "virtual" for row in shown),
        has_lots=any(row.lot for row in shown),
        has_dispositions=any(row.disposition for row in shown),
        has_owners=any(row.owner for row in shown),
    )


@router.get("/stock.csv")
def export_stock(
    *,
    gate: TheGate,
    visitor: Viewer,
    site: Text = "",
    item: Text = "",
    location: Text = "",
    as_of: Text = "",
    position: Number = "",
) -> Response:
    """Give the same balances as CSV, at most 100,000."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        question = question_of(sites, site=site, item=item, location=location, as_of=as_of, position=position)
        rows = stock.balances(conn, actor, question.wanted, limit=CSV_ROWS)
    header = ("site", "item", "name", "lot", "location", "disposition", "owner", "quantity", "unit")
    lines = csv_lines(
        header,
        (
            (
                row.site,
                row.item,
                row.item_name,
                row.lot,
                row.location,
                row.disposition,
                row.owner,
                row.quantity,
                row.base_unit,
            )
            for row in rows
        ),
    )
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="stock.csv"'},
    )


def _place(after: str) -> tuple[str, str, int]:
    if not after:
        return "", "", 0
    site, _, rest = after.partition("|")
    item, _, cell_id = rest.rpartition("|")
    if not cell_id.isdigit():
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return site, item, min(int(cell_id), GREATEST)
