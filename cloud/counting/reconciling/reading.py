"""A stock list out of CSV or XLSX; what cannot be read goes along, to be told with all else (D8)."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from cloud.counting.reconciling.domain import ReconciliationError, StatedLine, StatedList
from cloud.faults import Fault
from cloud.sheets import fields
from cloud.sheets.fields import Conventions, FieldError
from cloud.sheets.table import Encoding, TableError, read_table

NEEDED: Final = ("item", "location", "quantity")
OPTIONAL: Final = ("lot", "disposition", "owner")


def read_list(
    file: Path,
    *,
    site: str,
    observed_at: datetime,
    conventions: Conventions,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> StatedList:
    """Read a list.

    Args:
        file: CSV with comma, semicolon or tab, or ``.xlsx``; the first row names its columns.
        site: Where it was stated.
        observed_at: As of when.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        The list, with what is wrong with its cells.

    Raises:
        ReconciliationError: If it is no table, or its columns are wrong.
    """
    try:
        table = read_table(
            file,
            required=NEEDED,
            optional=OPTIONAL,
            conventions=conventions,
            encoding=encoding,
            sheet=sheet,
        )
    except TableError as error:
        raise ReconciliationError([Fault(None, "", None, f"{error}")]) from error
    lines = list[StatedLine]()
    faults = [Fault(None, "", None, f"{file}: {fault}") for fault in table.faults]
    for number, cells in table.rows:
        place, quantity = f"{file}: line {number}", None
        try:
            quantity = Decimal(fields.quantity_or_zero(cells["quantity"], conventions))
        except FieldError as error:
            message = f"{file}: {table.place(number, 'quantity')}: {error}"
            faults.append(Fault(len(lines), "quantity", cells["quantity"], message))
        lot, disposition, owner = (cells.get(name) or None for name in OPTIONAL)
        item, location = cells["item"], cells["location"]
        lines.append(StatedLine(item, location, quantity, lot, disposition, owner, place))
    return StatedList(site, observed_at, lines, file.name, faults)
