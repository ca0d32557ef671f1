"""*Stock*: how much is where as of any instant and position, down to each movement and its evidence."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from cloud.inquiry import operations, stock
from cloud.inquiry.domain import GREATEST, BalanceFilter, BalanceRow, contains
from cloud.inquiry.marking import Marked, marked
from cloud.lots.unfit import FIT
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.moments import MomentForm, moment_form
from cloud.web.rendering import page
from cloud.web.unfit import marked_columns
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
COLUMNS: Final = marked_columns(
    columns_of(
        BalanceRow,
        *("site", "item", "item_name=name", "lot", "location", "disposition", "owner", "quantity"),
        "base_unit=unit",
    )
)

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
        shown = marked(conn, actor, rows[:ROWS], now=gate.clock(), as_of=form.until_at)
    last = rows[ROWS - 1] if len(rows) > ROWS else None
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
        negative=sum(row.quantity < 0 and row.location_kind != "virtual" for row, _ in shown),
        has_lots=any(row.lot for row, _ in shown),
        has_dispositions=any(row.disposition or unfit != FIT for row, unfit in shown),
        has_owners=any(row.owner for row, _ in shown),
    )


@router.get("/stock.{form:form}")
def export_stock(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: FileForm,
    site: Text = "",
    item: Text = "",
    location: Text = "",
    as_of: Text = "",
    known_at: Text = "",
    position: Number = "",
) -> Response:
    """Give the same balances as a file."""
    actor = visitor.actor
    with looking(gate, visitor) as conn:
        sites = operations.sites(conn, actor)
        moment = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        question = Question(item.strip(), location.strip(), moment)
        now = gate.clock()

        def read(after: tuple[str, str, int], limit: int) -> list[Marked[BalanceRow]]:
            rows = stock.balances(conn, actor, question.wanted, after=after, limit=limit)
            return marked(conn, actor, rows, now=now, as_of=moment.until_at)

        rows = whole(
            read, start=("", "", 0), key=lambda each: (each.row.site, each.row.item, each.row.cell_id)
        )
        return answer("stock", COLUMNS, rows, form, at=moment.until_at or now, site=site)


def _place(after: str) -> tuple[str, str, int]:
    if not after:
        return "", "", 0
    site, _, rest = after.partition("|")
    item, _, cell_id = rest.rpartition("|")
    if not cell_id.isdigit():
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return site, item, min(int(cell_id), GREATEST)
