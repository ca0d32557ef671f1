"""*Stock*: how much is where as of any instant and position, down to each movement and its evidence."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from cloud.inquiry import operations, stock
from cloud.inquiry.domain import GREATEST, BalanceFilter, contains
from cloud.web.moments import MomentForm, moment_form
from cloud.web.rendering import page
from cloud.web.spreadsheet import csv_lines
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter()

ROWS: Final = 100
CSV_ROWS: Final = 100_000

Text = Annotated[str, Query(max_length=128)]
Number = Annotated[str, Query(max_length=20, pattern=r"^\d*$")]


@dataclass(frozen=True, slots=True)
class Question:
    """What the form asks."""

    item: str
    location: str
    form: MomentForm

    @property
    def wanted(self) -> BalanceFilter:
        """The same as a filter."""
        return BalanceFilter(
            site=self.form.site or None,
            item_like=contains(self.item),
            location_like=contains(self.location),
            until_at=self.form.until_at,
            until_position=self.form.until_position,
            with_virtual=self.location.startswith("@"),
        )

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than all of now."""
        return bool(self.item or self.location or self.form.asked)

    def query(self, **more: str) -> str:
        """Write the question as the query of an address, without what is empty."""
        asked = {"item": self.item, "location": self.location, **self.form.asked, **more}
        return urlencode({name: value for name, value in asked.items() if value})

    def when(self) -> str:
        """Write the question's limits of time alone, for the links into a cell."""
        instant, position = self.form.until_at, self.form.until_position
        asked = {
            "as_of": instant.isoformat() if instant else "",
            "position": "" if position is None else str(position),
        }
        return urlencode({name: value for name, value in asked.items() if value})


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
    known_at: Text = "",
    position: Number = "",
    after: Annotated[str, Query(max_length=300)] = "",
) -> Response:
    """Show balances, and the form that narrows them."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        form = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        question = Question(item.strip(), location.strip(), form)
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
        completeness=[row for row in completeness if site in {"", row.site}],
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
    known_at: Text = "",
    position: Number = "",
) -> Response:
    """Give the same balances as CSV, at most 100,000."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        form = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        question = Question(item.strip(), location.strip(), form)
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
