"""What sheets of documents share: rows read into lines that are checked, and faults told with their place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cloud.documents.domain import DocumentError
from cloud.sheets.fields import Conventions, FieldError
from cloud.sheets.table import Encoding, Table, TableError, TableRow, read_table

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a sheet's first row may name."""

    required: Sequence[str]
    optional: Sequence[str]


class UnreadRowsError(DocumentError):
    """Rows that cannot be read, a line each; `lines` holds what the others state."""

    def __init__(self, faults: Sequence[str], lines: Sequence[BaseModel]) -> None:
        """Keep the other rows.

        Args:
            faults: Of rows and cells, at least one.
            lines: Of rows without any.
        """
        super().__init__("\n".join(faults))
        self.lines = tuple(lines)


class RowReader:
    """Reads cells of one row; what is wrong goes to the faults, with its place."""

    def __init__(self, table: Table, row: TableRow, faults: list[str]) -> None:
        """Read a row.

        Args:
            table: The file's rows, which know where a cell stands.
            row: The row.
            faults: Where what is wrong goes.
        """
        self._table, self._row, self._faults = table, row, faults

    def refuse(self, column: str, fault: str) -> None:
        """Say what is wrong with a cell.

        Args:
            column: Of which column.
            fault: What is wrong; without a column it is of the row.
        """
        place = self._table.place(self._row.number, column) if column else f"line {self._row.number}"
        self._faults.append(f"{place}: {fault}")

    def read(self, column: str, check: Callable[[str], Any]) -> Any:
        """Read a cell.

        Args:
            column: Of which column.
            check: Gives the value of a text, or raises ``FieldError``.

        Returns:
            Its value; None if it is empty or wrong.
        """
        text = self._row.cells.get(column, "")
        if not text:
            return None
        try:
            return check(text)
        except FieldError as error:
            self.refuse(column, f"{error}")
            return None


def said(error: ValidationError) -> Iterator[str]:
    """Say what a model refused of a row.

    Args:
        error: What it raised.

    Yields:
        A sentence per fault, with field, expectation and value.
    """
    for fault in error.errors(include_url=False):
        message = fault["msg"].removeprefix("Value error, ")
        place = ".".join(map(str, fault["loc"]))
        shows = fault["type"] not in {"missing", "value_error"}
        value = f", got {fault['input']!r:.60}" if shows else ""
        yield f"{place}: {message}{value}" if place else f"{message}{value}"


def read_lines(
    path: Path,
    columns: Columns,
    line: Callable[[TableRow, int, RowReader], Mapping[str, Any] | None],
    kind: type[_Model],
    *,
    conventions: Conventions,
    encoding: Encoding,
    sheet: str | None,
) -> list[_Model]:
    """Read the lines of one paper from CSV or XLSX.

    Args:
        path: The file; its first row names its columns.
        columns: Which it may have.
        line: Gives what a row states, by row, number from 1 and reader; None: nothing.
        kind: What a line must be.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        The lines.

    Raises:
        DocumentError: If it is no such table.
        UnreadRowsError: Naming every wrong cell and row.
    """
    how = {"required": columns.required, "optional": columns.optional}
    try:
        table = read_table(path, conventions=conventions, encoding=encoding, sheet=sheet, **how)
    except TableError as error:
        raise DocumentError(f"{error}") from error
    faults = list(table.faults)
    lines: list[_Model] = []
    for number, row in enumerate(table.rows, start=1):
        before = len(faults)
        stated = line(row, number, RowReader(table, row, faults))
        if stated is None or len(faults) > before:
            continue
        try:
            lines.append(kind.model_validate(stated))
        except ValidationError as error:
            faults += [f"line {row.number}: {fault}" for fault in said(error)]
    if faults:
        raise UnreadRowsError([f"{path}: {fault}" for fault in faults], lines)
    return lines


def paper_of(path: Path, kind: type[_Model], stated: Mapping[str, Any]) -> _Model:
    """Make the paper that a file's lines stand on.

    Args:
        path: The file, for the errors.
        kind: What it must be.
        stated: What is said of it, with its lines.

    Returns:
        The paper.

    Raises:
        DocumentError: Naming everything that is wrong.
    """
    try:
        return kind.model_validate(stated)
    except ValidationError as error:
        raise DocumentError("\n".join(f"{path}: {fault}" for fault in said(error))) from error
