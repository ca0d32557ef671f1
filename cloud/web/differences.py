"""*What changed*: which cells held another quantity at one moment than at another, and by which movements."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import operations, past, stock
from cloud.inquiry.domain import GREATEST, STOCK_READERS, MovementRow, SiteRow, contains
from cloud.inquiry.past import DifferenceFilter, DifferenceRow, Moment
from cloud.routes import LateRoute
from cloud.sheets.listing import columns_of
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.item import place_of, place_text
from cloud.web.moments import MomentForm, moment_form
from cloud.web.rendering import page
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
_COLUMNS: Final = columns_of(
    DifferenceRow,
    *("site", "item", "item_name", "location", "lot", "disposition", "owner", "before", "after", "change"),
    "base_unit",
)

Text = Annotated[str, Query(max_length=128)]
Number = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]


@dataclass(frozen=True, slots=True)
class Two:
    """The two moments of a question, and where it looks."""

    item: str
    location: str
    first: MomentForm
    second: MomentForm

    @property
    def wanted(self) -> DifferenceFilter:
        """The same as a filter."""
        return DifferenceFilter(
            site=self.first.site or None, item_like=contains(self.item), location_like=contains(self.location)
        )

    def query(self, **more: str) -> str:
        """Write the question as the query of an address, without what is empty."""
        asked = {"item": self.item, "location": self.location, "site": self.first.site}
        for prefix, form in (("from", self.first), ("to", self.second)):
            names = {"as_of": "at", "known_at": "known_at", "position": "position"}
            asked |= {f"{prefix}_{names[key]}": value for key, value in form.asked.items() if key != "site"}
        return urlencode({name: value for name, value in (asked | more).items() if value})


@dataclass(frozen=True, slots=True)
class Reason:
    """A movement that counts at one moment and not at the other."""

    movement: MovementRow
    change: Decimal
    """What it makes of the difference."""
    is_late: bool
    """Whether it had occurred by both moments, and only became known in between."""


@router.get("/stock/differences")
def show_differences(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    item: Text = "",
    location: Text = "",
    site: Annotated[str, Query(max_length=64)] = "",
    from_at: Text = "",
    from_known_at: Text = "",
    from_position: Number = "",
    to_at: Text = "",
    to_known_at: Text = "",
    to_position: Number = "",
    after: Annotated[str, Query(max_length=400)] = "",
) -> Response:
    """Show the cells that differ."""
    actor = visitor.actor
    actor.require(*STOCK_READERS)
    typed = (from_at, from_known_at, from_position, to_at, to_known_at, to_position)
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        two = _two(conn, actor, sites, (item, location, site), typed)
        is_asked = any(typed)
        rows = (
            past.differences(
                conn,
                actor,
                two.wanted,
                first=two.first.moment,
                second=two.second.moment,
                after=_place(after),
                limit=ROWS + 1,
            )
            if is_asked
            else []
        )
    shown = rows[:ROWS]
    last = shown[-1] if len(rows) > ROWS else None
    return page(
        request,
        visitor,
        "differences.html",
        tab="/stock",
        two=two,
        sites=sites,
        is_asked=is_asked,
        rows=shown,
        following=two.query(after=f"{last.site}|{last.item}|{last.cell_id}") if last else "",
        is_first=not after,
        problem=" ".join(filter(None, (two.first.problem, two.second.problem))),
    )


@router.get("/stock/differences.{form:form}")
def export_differences(
    *,
    gate: TheGate,
    visitor: Viewer,
    form: FileForm,
    item: Text = "",
    location: Text = "",
    site: Annotated[str, Query(max_length=64)] = "",
    from_at: Text = "",
    from_known_at: Text = "",
    from_position: Number = "",
    to_at: Text = "",
    to_known_at: Text = "",
    to_position: Number = "",
) -> Response:
    """Give the same as a file."""
    actor = visitor.actor
    typed = (from_at, from_known_at, from_position, to_at, to_known_at, to_position)
    with looking(gate, visitor) as conn:
        two = _two(conn, actor, operations.sites(conn, actor), (item, location, site), typed)
        rows = whole(
            lambda after, limit: past.differences(
                conn,
                actor,
                two.wanted,
                first=two.first.moment,
                second=two.second.moment,
                after=after,
                limit=limit,
            ),
            start=("", "", 0),
            key=lambda row: (row.site, row.item, row.cell_id),
        )
        return answer("stock-differences", _COLUMNS, rows, form, at=gate.clock(), site=site)


@router.get("/stock/differences/{cell_id}")
def explain(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    cell_id: Annotated[int, Path(ge=1, le=GREATEST)],
    from_at: Text = "",
    from_known_at: Text = "",
    from_position: Number = "",
    to_at: Text = "",
    to_known_at: Text = "",
    to_position: Number = "",
    after: Annotated[str, Query(max_length=120)] = "",
) -> Response:
    """Show the movements that make the difference in one cell."""
    actor = visitor.actor
    typed = (from_at, from_known_at, from_position, to_at, to_known_at, to_position)
    with gate.acting(actor) as conn:
        cell = stock.balance(conn, actor, cell_id=cell_id)
        if cell is None:
            raise HTTPException(404, f"there is no cell {cell_id} at your sites")
        sites = operations.sites(conn, actor)
        two = _two(conn, actor, sites, (cell.item, "", cell.site), typed)
        first, second = two.first.moment, two.second.moment
        held = [
            stock.balance(conn, actor, cell_id=cell_id, until_at=moment.at, until_position=moment.position)
            for moment in (first, second)
        ]
        rows = past.cell_changes(
            conn, actor, cell_id=cell_id, first=first, second=second, before=place_of(after), limit=ROWS + 1
        )
    reasons = [reason_of(row, cell_id, first, second) for row in rows[:ROWS]]
    return page(
        request,
        visitor,
        "difference.html",
        moments=_moments(two),
        tab="/stock",
        two=two,
        cell=cell,
        before=held[0].quantity if held[0] else Decimal(0),
        after=held[1].quantity if held[1] else Decimal(0),
        reasons=reasons,
        following=two.query(after=place_text(rows[ROWS - 1])) if len(rows) > ROWS else "",
    )


def reason_of(row: MovementRow, cell_id: int, first: Moment, second: Moment) -> Reason:
    """Say what a movement makes of the difference between two moments.

    Args:
        row: One that counts at one of them and not at the other.
        cell_id: The cell that differs.
        first: The moment before.
        second: The moment after.

    Returns:
        The reason.
    """
    counts_after = row.occurred_at <= second.at and row.position <= second.position
    moved = row.quantity if row.to_cell == cell_id else -row.quantity
    return Reason(row, moved if counts_after else -moved, row.occurred_at <= min(first.at, second.at))


def _two(
    conn: Connection,
    actor: Actor,
    sites: list[SiteRow],
    where: tuple[str, str, str],
    typed: tuple[str, str, str, str, str, str],
) -> Two:
    item, location, site = where
    first, second = (
        moment_form(conn, actor, sites, site=site, as_of=at, known_at=known_at, position=position)
        for at, known_at, position in (typed[:3], typed[3:])
    )
    return Two(item.strip(), location.strip(), first, second)


def _place(after: str) -> tuple[str, str, int]:
    if not after:
        return "", "", 0
    site, _, rest = after.partition("|")
    item, _, cell_id = rest.rpartition("|")
    if not cell_id.isdigit():
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return site, item, min(int(cell_id), GREATEST)


def _moments(two: Two) -> dict[str, str | int | None]:
    """Say the two moments as the API takes them."""
    return {
        f"{name}_{field}": value
        for name, form in (("from", two.first), ("to", two.second))
        for field, value in (
            ("at", form.until_at.isoformat() if form.until_at else None),
            ("position", form.until_position),
        )
    }
