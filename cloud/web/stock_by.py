"""*Stock* by place, unit, lot and owner: goods in units lie where these stand; what is ours is valued."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import Response

from cloud.inquiry import operations
from cloud.inquiry.domain import contains
from cloud.inquiry.marking import Marked, marked
from cloud.lots.unfit import FIT
from cloud.routes import LateRoute
from cloud.sheets.listing import Column, columns_of
from cloud.units.stock import By, StockFilter, StockRow, stock_by
from cloud.web.files import FileForm, answer, looking, whole
from cloud.web.moments import MomentForm, moment_form
from cloud.web.rendering import page
from cloud.web.unfit import marked_columns
from cloud.web.visitors import TheGate, Viewer

router: Final = APIRouter(route_class=LateRoute)

ROWS: Final = 100
_KEYS: Final = 4
_BOTH: Final = ("pieces", "weight_kg")
_SHOWN: Final = {
    By.PLACE: ("site", "place", "item", "item_name=name", "quantity", "base_unit=unit", "in_units", "units"),
    By.UNIT: (
        *("site", "place", "unit=sscc", "item", "item_name=name", "lot", "quantity", "base_unit=unit"),
        "is_unchecked=unchecked",
    ),
    By.LOT: ("site", "item", "item_name=name", "lot", "quantity", "base_unit=unit", "places", "in_units"),
    By.OWNER: (
        *(
            "site",
            "owner",
            "item",
            "item_name=name",
            "quantity",
            "base_unit=unit",
            "places",
            "value",
            "currency",
        ),
        "unpriced=cells_of_unknown_cost",
    ),
}
COLUMNS: Final[dict[By, tuple[Column, ...]]] = {
    by: marked_columns(columns_of(StockRow, *names, *_BOTH), with_marks="lot" in names)
    for by, names in _SHOWN.items()
}

Text = Annotated[str, Query(max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Number = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]
Which = Annotated[By, Path(description="How it is put together")]


@dataclass(frozen=True, slots=True)
class Question:
    """What the form asks."""

    item: str
    location: str
    form: MomentForm

    @property
    def wanted(self) -> StockFilter:
        """The same as a filter."""
        return StockFilter(
            self.form.site or None,
            contains(self.item),
            contains(self.location),
            self.form.until_at,
            self.form.until_position,
        )

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than all of now."""
        return bool(self.item or self.location or self.form.asked)

    def query(self, **more: str) -> str:
        """Write the question as the query of an address, without what is empty."""
        asked = {"item": self.item, "location": self.location, **self.form.asked, **more}
        return urlencode({name: value for name, value in asked.items() if value})


@router.get("/stock/by-{by}.{form:form}")
def export_stock_by(
    *,
    gate: TheGate,
    visitor: Viewer,
    by: Which,
    form: FileForm,
    site: Text = "",
    item: Text = "",
    location: Text = "",
    as_of: Text = "",
    known_at: Text = "",
    position: Number = "",
) -> Response:
    """Give the same as a file."""
    actor = visitor.actor
    with looking(gate, visitor) as conn:
        sites = operations.sites(conn, actor)
        moment = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        wanted = Question(item.strip(), location.strip(), moment).wanted
        now = gate.clock()

        def read(after: list[str], limit: int) -> list[Marked[StockRow]]:
            rows = stock_by(conn, actor, by, wanted, after=after, limit=limit)
            return marked(conn, actor, rows, now=now, as_of=moment.until_at)

        rows = whole(read, start=list[str](), key=lambda each: each.row.keys)
        return answer(
            f"stock-by-{by.value}", COLUMNS[by], rows, form, at=moment.until_at or now, site=site or None
        )


@router.get("/stock/by-{by}")
def show_stock_by(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    by: Which,
    site: Text = "",
    item: Text = "",
    location: Text = "",
    as_of: Text = "",
    known_at: Text = "",
    position: Number = "",
    after: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Show stock put together by one of its sides."""
    actor = visitor.actor
    with gate.acting(actor) as conn:
        sites = operations.sites(conn, actor)
        form = moment_form(conn, actor, sites, site=site, as_of=as_of, known_at=known_at, position=position)
        question = Question(item.strip(), location.strip(), form)
        rows = stock_by(conn, actor, by, question.wanted, after=_keys(after), limit=ROWS + 1)
        shown = marked(conn, actor, rows[:ROWS], now=gate.clock(), as_of=form.until_at)
    following = question.query(after=orjson.dumps(rows[ROWS - 1].keys).decode()) if len(rows) > ROWS else ""
    return page(
        request,
        visitor,
        "stock_by.html",
        tab="/stock",
        now=gate.clock(),
        by=by.value,
        question=question,
        sites=sites,
        rows=shown,
        has_unfit=any(unfit != FIT or row.is_unchecked for row, unfit in shown),
        following=following,
        is_first=not after,
    )


def _keys(after: str) -> list[str]:
    if not after:
        return []
    try:
        keys = orjson.loads(after)
    except ValueError:
        keys = None
    if not isinstance(keys, list) or len(keys) != _KEYS or not all(isinstance(key, str) for key in keys):
        raise HTTPException(422, f"after={after!r:.60} is not the address of a next page")
    return keys
