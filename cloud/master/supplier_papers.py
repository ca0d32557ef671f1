"""Suppliers and their terms as they are sent and imported: checked models, every fault with its place."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cloud.sheets.fields import Conventions, Unclear, is_asked, reads_twice, settles_points
from contracts.base import Code, CountedQuantity, PositiveQuantity, Site

Weekday = Annotated[int, Field(ge=1, le=7, description="ISO weekday, Monday 1")]
Weekdays = Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
SupplierId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]

WORKING_DAYS: Final = (1, 2, 3, 4, 5)
COLUMNS: Final = ("supplier", "item")
"""Every file has these."""
_OF_SUPPLIER: Final = ("name", "currency", "working_days", "order_days", "own_site")
_OF_ITEM: Final = (
    "site", "code", "pack", "min_order", "multiple", "price", "lead_time_days", "lead_time_basis",
    "is_preferred",
)  # fmt: skip
_DELIMITERS: Final = ",;\t"
_NUMBERS: Final = ("pack", "min_order", "multiple", "price")
_YES: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_TEXTS: Final = frozenset({"supplier", "item", "name", "site", "own_site", "code", "currency"})


class _Paper(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SupplierPaper(_Paper):
    """Who sells."""

    supplier: SupplierId
    name: Code
    currency: Currency
    working_days: Weekdays = WORKING_DAYS
    order_days: Weekdays | None = None
    """Days on which it takes orders; None: every working day."""
    own_site: Site | None = None
    """The site of ours that it is: it delivers by transfers; None: somebody else."""


class SupplierItemPaper(_Paper):
    """On which terms it sells an item; quantities are base units, the price is of one of them."""

    supplier: SupplierId
    item: Code
    site: Site | None = None
    """None: at every site that has no terms of its own."""
    code: Code | None = None
    """What the supplier calls the item."""
    pack: PositiveQuantity = Field(default=1, validate_default=True)
    """Base units in what is ordered as one."""
    min_order: PositiveQuantity | None = None
    multiple: PositiveQuantity | None = None
    """None: whole packs."""
    price: CountedQuantity | None = None
    """None: not known."""
    lead_time_days: Annotated[int, Field(ge=0, le=730)] | None = None
    """From sent to received, 0 is the same day; None: not promised."""
    lead_time_basis: Literal["calendar", "working"] = "calendar"
    is_preferred: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.multiple is not None and self.multiple % self.pack:
            raise ValueError(f"multiple {self.multiple}: expected whole packs of {self.pack}")
        return self


class SupplierFileError(Exception):
    """A file that cannot be imported; its text holds one fault per line, each with its place."""


def read_suppliers(
    text: str,
    file: str,
    *,
    conventions: Conventions = Conventions(),  # noqa: B008  a value
) -> tuple[dict[int, SupplierPaper], dict[int, SupplierItemPaper]]:
    """Read a supplier's terms per row; the supplier itself where a row names its currency.

    Args:
        text: A header and rows, separated by comma, semicolon or tabulator, with a decimal point. Columns
            ``supplier, item`` and perhaps ``name, currency, working_days, order_days`` (as ``1 3 5``),
            ``own_site, site, code, pack, min_order, multiple, price, lead_time_days, lead_time_basis,
            is_preferred``.
        file: Its name, for faults.
        conventions: Whether it was said that a point parts decimals.

    Returns:
        Suppliers and terms, each by its line in the file.

    Raises:
        SupplierFileError: Naming every fault with its line, column, value and expectation.
    """
    suppliers: dict[int, SupplierPaper] = {}
    terms: dict[int, SupplierItemPaper] = {}
    told: dict[str, SupplierPaper] = {}
    rows = list(_rows(text, file))
    faults = [
        f"{file}, line {line}: {column}: {fault}" for line, column, fault in _asked(text, rows, conventions)
    ]
    for line, row in rows:
        try:
            if "currency" in row or "name" in row:
                head = {name: row[name] for name in ("supplier", *_OF_SUPPLIER) if name in row}
                paper = SupplierPaper.model_validate(head | {"name": head.get("name", head.get("supplier"))})
                if told.setdefault(paper.supplier, paper) != paper:
                    faults.append(
                        f"{file}, line {line}: supplier {paper.supplier!r} stands there in two ways"
                    )
                suppliers.setdefault(line, paper)
            if "item" in row:
                wanted = {name: row[name] for name in (*COLUMNS, *_OF_ITEM) if name in row}
                terms[line] = SupplierItemPaper.model_validate(wanted)
        except ValidationError as error:
            faults += [f"{file}, line {line}: {_told(fault)}" for fault in error.errors(include_url=False)]
    if not suppliers and not terms and not faults:
        faults.append(f"{file}, line 1: expected at least one row under the header")
    if faults:
        raise SupplierFileError("\n".join(faults))
    return suppliers, terms


def _asked(
    text: str, rows: Sequence[tuple[int, Mapping[str, Any]]], conventions: Conventions
) -> Iterator[tuple[int, str, str]]:
    """Say which numbers have two readings, by line and column."""
    if not is_asked(_delimiter(text), conventions):
        return
    for column in _NUMBERS:
        cells = [(line, row[column]) for line, row in rows if column in row]
        if not any(settles_points(cell) for _, cell in cells):
            yield from ((line, column, Unclear(cell).fault) for line, cell in cells if reads_twice(cell))


def _delimiter(text: str) -> str:
    return max(_DELIMITERS, key=text.partition("\n")[0].count)


def _rows(text: str, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.reader(text.splitlines(), delimiter=_delimiter(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        known = {*COLUMNS, *_OF_SUPPLIER, *_OF_ITEM}
        wrong = [
            *(f"no column {name!r}" for name in COLUMNS if name not in header),
            *(f"column {name!r:.60} is unknown" for name in header if name not in known),
            *(f"column {name!r} stands there twice" for name in known if header.count(name) > 1),
        ]
        if wrong:
            raise SupplierFileError(
                f"{file}, line 1: {'; '.join(wrong)}: expected {', '.join(sorted(known))}"
            )
        for cells in rows:
            if len(cells) != len(header) and any(cell.strip() for cell in cells):
                raise SupplierFileError(
                    f"{file}, line {rows.line_num}: expected {len(header)} cells, got {len(cells)}"
                )
            filled = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
            if filled:
                yield rows.line_num, {name: _read(name, cell) for name, cell in filled.items()}
    except csv.Error as error:
        raise SupplierFileError(
            f"{file}, line {rows.line_num}: {error}: expected cells in double quotes"
        ) from error


def _read(name: str, cell: str) -> Any:
    """Read a cell as JSON would hold it; what cannot be read is left for the model to refuse."""
    if name in {"working_days", "order_days"}:
        return tuple(int(day) if day.isdecimal() else day for day in cell.split())
    if name == "lead_time_days" and cell.isdecimal():
        return int(cell) if len(cell) < 10 else cell  # noqa: PLR2004  far beyond any lead time
    if name == "is_preferred":
        return _YES.get(cell.lower(), cell)
    return cell


def _told(fault: Mapping[str, Any]) -> str:
    place = ".".join(map(str, fault["loc"])) or "row"
    message = str(fault["msg"]).removeprefix("Value error, ")
    value = "" if fault["type"] in {"missing", "value_error"} else f", got {fault['input']!r:.80}"
    return f"{place}: {message}{value}"
