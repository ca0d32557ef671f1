"""What sheets of documents share: cells that are checked, and faults told with their place; pure."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from cloud.sheets.fields import FieldError
from cloud.sheets.table import Table, TableRow


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
            self._faults.append(f"{self._table.place(self._row.number, column)}: {error}")
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
