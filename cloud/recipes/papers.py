"""Recipes and transformations as they are sent: checked models."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cloud.recipes.domain import WHOLE, RecipeError, RecipeKind
from cloud.sheets import fields
from cloud.sheets.fields import Conventions, FieldError
from cloud.sheets.table import Encoding, Table, TableError, TableRow, read_table
from contracts.base import Code, PositiveQuantity, Site, UtcDatetime
from contracts.records import Identifier
from contracts.vocabulary import VIRTUAL_PREFIX

RecipeCode = Annotated[str, Field(pattern=r"^[^/\x00-\x1f\x7f-\x9f]{1,64}$")]
Place = Annotated[
    str, Field(max_length=128, pattern=rf"^[^{VIRTUAL_PREFIX}\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")
]
"""No virtual account: what is used and made is moved through one anyway."""
Version = Annotated[int, Field(strict=True, ge=1, le=10**6)]
Share = Annotated[Decimal, Field(ge=0, le=100, max_digits=9, decimal_places=6, allow_inf_nan=False)]
_COLUMNS: Final = ("recipe", "kind", "side", "item", "quantity")
_OPTIONAL: Final = ("cost_share", "valid_from", "valid_until")
_SIDES: Final = {"input": "inputs", "output": "outputs"}


class _Paper(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputPaper(_Paper):
    """What a recipe uses of an item, in base units, done once."""

    item: Code
    quantity: PositiveQuantity


class OutputPaper(InputPaper):
    """What a recipe makes of an item, in base units, done once."""

    cost_share: Share | None = Field(
        None,
        description="Percent of the value of what went in; null: by quantity. On all outputs, or on none",
    )


class RecipePaper(_Paper):
    """A recipe from an instant on; what was valid before stays as a version of its own."""

    code: RecipeCode
    kind: RecipeKind
    valid_from: UtcDatetime | None = Field(None, description="null: from now on")
    valid_until: UtcDatetime | None = Field(None, description="null: until the next version")
    inputs: Annotated[tuple[InputPaper, ...], Field(min_length=1, max_length=200)] = Field(
        description="The main component first: what it yields is measured by it"
    )
    outputs: Annotated[tuple[OutputPaper, ...], Field(min_length=1, max_length=200)] = Field(
        description="The main product first: what is used is measured by it"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for side, lines in (("inputs", self.inputs), ("outputs", self.outputs)):
            twice = [item for item, times in Counter(line.item for line in lines).items() if times > 1]
            if twice:
                raise ValueError(f"recipe {self.code!r}: {side}: item {twice[0]!r} stands there twice")
        shares = [line.cost_share for line in self.outputs if line.cost_share is not None]
        if shares and (len(shares) < len(self.outputs) or sum(shares) != WHOLE):
            told = ", ".join(
                "none" if line.cost_share is None else f"{line.cost_share}" for line in self.outputs
            )
            raise ValueError(
                f"recipe {self.code!r}: cost_share {told}: expected one on every output, of together 100"
            )
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise ValueError(
                f"recipe {self.code!r}: valid_until {self.valid_until.isoformat()}: expected after valid_from"
            )
        return self


class PlanPaper(_Paper):
    """By which recipe a transformation is done, and how often."""

    site: Site
    type: RecipeKind
    id: Code
    recipe: RecipeCode
    version: Version | None = Field(None, description="null: the one that holds now")
    times: PositiveQuantity | None = Field(None, description="How often it is to be done; null: nobody says")


class MadePart(_Paper):
    """What was used, or made: where it lay, or lies now."""

    identifier: Identifier
    quantity: PositiveQuantity
    unit_seen: Code = Field("base", description="base, or a GTIN of the item")
    location: Place | None = Field(None, description="null, and no unit: the transformation's own place")
    unit: Place | None = Field(None, description="The logistic unit that it lay in, or lies in")
    lot: Code | None = None
    owner: Code | None = None
    epcs: Annotated[tuple[Code, ...], Field(max_length=1_000)] = ()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.location and self.unit:
            raise ValueError(f"location {self.location!r} and unit {self.unit!r}: expected one of them")
        return self


class MadePaper(_Paper):
    """What was used and what was made of it; without parts, as often as its recipe says."""

    site: Site
    type: RecipeKind
    id: Code
    recipe: RecipeCode | None = Field(None, description="null: as was planned, or none")
    version: Version | None = Field(None, description="null: the one that holds at occurred_at")
    times: PositiveQuantity | None = Field(None, description="How often it was done, where no part says it")
    location: Place = Field(description="Where goods are taken from, unless a part says otherwise")
    to_location: Place | None = Field(None, description="Where goods are put; null: the same place")
    inputs: Annotated[tuple[MadePart, ...], Field(max_length=5_000)] = ()
    outputs: Annotated[tuple[MadePart, ...], Field(max_length=5_000)] = ()
    occurred_at: UtcDatetime | None = Field(None, description="null means now")

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        parts = bool(self.inputs or self.outputs)
        if parts == (self.times is not None):
            raise ValueError(
                f"{self.type} {self.id!r}: expected what was used and made, or how often (times)"
            )
        if self.version is not None and self.recipe is None:
            raise ValueError(f"{self.type} {self.id!r}: version {self.version}: expected the recipe's code")
        return self


class TakenBackPaper(_Paper):
    """Why a transformation is taken back, whole."""

    site: Site
    type: RecipeKind
    id: Code
    reason: Code


def read_recipes(
    path: Path, *, conventions: Conventions, encoding: Encoding = "utf-8", sheet: str | None = None
) -> list[RecipePaper]:
    """Read recipes from CSV or XLSX: a row for each item that one uses or makes, in order.

    Args:
        path: The file; its first row names its columns.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        The recipes, in the order in which they begin.

    Raises:
        RecipeError: Naming every wrong cell.
    """
    try:
        table = read_table(
            path,
            required=_COLUMNS,
            optional=_OPTIONAL,
            conventions=conventions,
            encoding=encoding,
            sheet=sheet,
        )
    except TableError as error:
        raise RecipeError(f"{error}") from error
    faults = list(table.faults)
    stated: dict[str, dict[str, Any]] = {}
    for row in table.rows:
        faults += _taken(row, table, conventions, stated)
    papers = []
    for code, paper in stated.items():
        try:
            papers.append(RecipePaper.model_validate(paper))
        except ValidationError as error:
            faults += [
                f"recipe {code!r}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                for fault in error.errors(include_url=False)
            ]
    if faults:
        raise RecipeError("\n".join(f"{path}: {fault}" for fault in faults))
    return papers


def _taken(
    row: TableRow, table: Table, conventions: Conventions, stated: dict[str, dict[str, Any]]
) -> list[str]:
    """Take a row into its recipe; a recipe's rows say the same about it."""
    faults, code = [], row.cells["recipe"]
    head = {"code": code, "kind": row.cells["kind"]}
    line = {"item": row.cells["item"]}
    for column, into in (
        ("quantity", line),
        ("cost_share", line),
        ("valid_from", head),
        ("valid_until", head),
    ):
        text = row.cells.get(column, "")
        if not text:
            continue
        try:
            into[column] = fields.quantity(text, conventions) if into is line else _instant(text, conventions)
        except FieldError as error:
            faults.append(f"{table.place(row.number, column)}: {error}")
    side = _SIDES.get(row.cells["side"])
    if side is None:
        faults.append(f"{table.place(row.number, 'side')}: {row.cells['side']!r}: expected input or output")
    paper = stated.setdefault(code, head | {"inputs": [], "outputs": []})
    for name, value in head.items():
        if paper.get(name) != value:
            faults.append(
                f"{table.place(row.number, name)}: {value!r}: recipe {code!r} said {paper.get(name)!r} before"
            )
    if not faults and side is not None:
        paper[side].append(line)
    return faults


def _instant(text: str, conventions: Conventions) -> str:
    at = fields.moment(text, conventions).requested_at
    if at is None:
        raise FieldError(f"{text!r}: expected an instant with its offset as 2026-10-01T00:00:00Z")
    return at
