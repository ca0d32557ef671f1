"""Rows of text cells in, staged lines out; every wrong cell of a row is told with its column; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, ParamSpec, TypeVar, cast

from cloud.demand import fields
from cloud.demand.domain import DemandError, Fault, Faults, Kind, Scheme, StagedLine
from cloud.sheets.fields import Conventions, FieldError, Moment, Unclear, code, moment, quantity, reads_twice
from contracts.base import is_valid_id

REQUIRED: Final = ("document", "line", "requested_at", "quantity")
"""Every file has these columns, and at least one of the schemes that name items."""
OPTIONAL: Final = ("site", "source", "kind", "channel", "revision", "of_document", "of_line")
_KNOWN: Final = frozenset({*REQUIRED, *OPTIONAL, *(scheme.value for scheme in Scheme)})
_REMEMBERED: Final = 1 << 15
"""Cells of a column that are checked once while they recur."""

Cells = Sequence[str]
T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file's lines do not say themselves."""

    site: str | None = None
    source: str | None = None


class LineReader:
    """Reads the rows of one file."""

    def __init__(
        self,
        columns: Sequence[str],
        *,
        file: str,
        defaults: Defaults,
        conventions: Conventions,
        faults: Faults,
    ) -> None:
        """Find the columns, so that rows are read by number.

        Args:
            columns: The header's cells.
            file: Name of the file.
            defaults: What the lines do not say.
            conventions: How the file writes what could be read in two ways.
            faults: Where wrong cells go.

        Raises:
            DemandError: If a column is missing, unknown or there twice.
        """
        names = [column.strip().lower() for column in columns]
        if wrong := _wrong_columns(names, defaults):
            expected = f"{', '.join(REQUIRED)}, one of {', '.join(Scheme)}, and perhaps {', '.join(OPTIONAL)}"
            raise DemandError(f"{file}, line 1: {'; '.join(wrong)}: expected {expected}")
        self.asks_points = False
        """Whether a quantity like 1.500 could be 1500."""
        self._width = len(names)
        self._faults = faults
        self._conventions = conventions
        self._places = {name: number for number, name in enumerate(names)}
        self._schemes = [(scheme, self._places[scheme]) for scheme in Scheme if scheme in self._places]
        self._name = _remembered(fields.name)
        name, text = _remembered(code), _remembered(_optional_code)
        self._parts: list[tuple[str, Callable[[Cells], Any]]] = [
            ("site", self._given("site", _remembered(_site), defaults.site)),
            ("source", self._given("source", name, defaults.source)),
            ("document", self._given("document", name)),
            ("line", self._given("line", name)),
            ("revision", self._given("revision", _remembered(fields.revision))),
            ("kind", self._given("kind", _remembered(fields.kind))),
            ("item", self._item),
            ("channel", self._given("channel", text)),
            ("requested_at", self._given("requested_at", _remembered(self._moment))),
            ("quantity", self._given("quantity", _remembered(self._quantity))),
            ("of_document", self._of),
        ]

    def line(self, place: int, cells: Cells) -> StagedLine | None:
        """Read a row.

        Args:
            place: Its line in the file.
            cells: Its cells.

        Returns:
            The line; None if a cell is wrong, which `faults` now holds.
        """
        if len(cells) != self._width:
            message = f"expected {self._width} cells as in the header, got {len(cells)}"
            self._faults.add(Fault(place, "row", message))
            return None
        stripped = [cell.strip() for cell in cells]
        try:
            site, source, document, line, revision, kind, item, channel, at, quantity, of = [
                read(stripped) for _, read in self._parts
            ]
        except FieldError:
            self._explain(place, stripped)
            return None
        return StagedLine(
            place,
            site,
            source,
            document,
            line,
            revision,
            kind,
            item[0],
            item[1],
            channel,
            at[0],
            at[1],
            at[2],
            quantity,
            of[0],
            of[1],
        )

    def _explain(self, place: int, cells: Cells) -> None:
        for column, read in self._parts:
            try:
                read(cells)
            except FieldError as error:
                self._faults.add(Fault(place, error.column or column, str(error)))

    def _given(
        self, column: str, check: Callable[[str], Any], default: str | None = None
    ) -> Callable[[Cells], Any]:
        number, otherwise = self._places.get(column), default or ""
        if number is None:
            return lambda _: check(otherwise)
        return lambda cells: check(cells[number] or otherwise)

    def _item(self, cells: Cells) -> tuple[str, str]:
        named = [(scheme, cells[number]) for scheme, number in self._schemes if cells[number]]
        if len(named) != 1:
            columns = ", ".join(scheme for scheme, _ in self._schemes)
            got = " and ".join(f"{scheme} {text!r:.60}" for scheme, text in named) or "none"
            raise FieldError(f"expected exactly one of {columns}, got {got}")
        ((scheme, text),) = named
        try:
            return scheme.value, self._name(scheme, text)
        except FieldError as error:
            error.column = scheme.value
            raise

    def _moment(self, text: str) -> Moment:
        return moment(text, self._conventions)

    def _quantity(self, text: str) -> str:
        is_unclear = self.asks_points and reads_twice(text)
        return quantity(Unclear(text) if is_unclear else text, self._conventions)

    def _of(self, cells: Cells) -> tuple[str | None, str | None]:
        document = self._cell(cells, "of_document")
        line = self._cell(cells, "of_line")
        if not document and not line:
            return None, None
        if self._cell(cells, "kind") in {"", Kind.REQUESTED}:
            raise FieldError(f"{document!r:.60}: only what is cancelled or returned names another line")
        return code(document), code(line)

    def _cell(self, cells: Cells, column: str) -> str:
        number = self._places.get(column)
        return "" if number is None else cells[number]


def _wrong_columns(names: Sequence[str], defaults: Defaults) -> list[str]:
    return [
        *(f"no column {name!r}" for name in REQUIRED if name not in names),
        *(["no column names the item"] if not set(names) & {scheme.value for scheme in Scheme} else []),
        *(["no column 'site' and no --site"] if "site" not in names and not defaults.site else []),
        *(["no column 'source' and no --source"] if "source" not in names and not defaults.source else []),
        *(f"column {name!r} is unknown" for name in names if name not in _KNOWN),
        *(f"column {name!r} stands there twice" for name in sorted(set(names)) if names.count(name) > 1),
    ]


def _remembered(check: Callable[P, T]) -> Callable[P, T]:
    """Check each text once while it recurs; what is wrong is checked each time."""
    return cast("Callable[P, T]", lru_cache(_REMEMBERED)(check))


def _site(text: str) -> str:
    if not is_valid_id(text):
        raise FieldError(f"{text!r:.80}: expected a site's id, 1-64 of A-Z a-z 0-9 _ -")
    return text


def _optional_code(text: str) -> str | None:
    return code(text) if text else None
