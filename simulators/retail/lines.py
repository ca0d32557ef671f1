"""A file of POS lines in (CSV or Parquet, columns of UCI Online Retail); typed lines out, in file order."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

COLUMNS: Final = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID")
EXTRACT: Final = Path(str(files("simulators.retail") / "data" / "online_retail_extract.csv"))
"""The small extract that comes with the package; its README says where it is from."""


class LinesError(ValueError):
    """A file that does not hold POS lines: the file, the line and what was expected."""


@dataclass(frozen=True, slots=True)
class PosLine:
    """One line of an invoice."""

    number: int
    """Its place in the file, from 1."""
    invoice: str
    """Begins with C for a cancellation, with A for an accounting entry."""
    stock_code: str
    """Exactly as in the file; letter case is kept."""
    quantity: Decimal
    """Negative on cancellations and on adjustments."""
    at: datetime
    unit_price: Decimal
    customer: str | None


def read_lines(path: Path, limit: int | None = None) -> Iterator[PosLine]:
    """Read POS lines lazily.

    Args:
        path: A ``.csv`` or ``.parquet`` file.
        limit: Stop after this many lines.

    Yields:
        Lines in file order.

    Raises:
        LinesError: If a column is missing or a value cannot be read.
    """
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path)
    for number, row in enumerate(rows, start=1):
        if limit is not None and number > limit:
            return
        try:
            yield _line(number, row)
        except (KeyError, ArithmeticError, ValueError) as error:
            raise LinesError(f"{path}, line {number}: {error!r}, expected columns {COLUMNS}") from error


def _csv_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415  only for those who bring the whole file

    with ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=8192, columns=list(COLUMNS)):
            yield from batch.to_pylist()


def _line(number: int, row: Mapping[str, Any]) -> PosLine:
    at = row["InvoiceDate"]
    customer = row["CustomerID"]
    return PosLine(
        number,
        row["InvoiceNo"],
        row["StockCode"],
        Decimal(row["Quantity"]),
        at if isinstance(at, datetime) else datetime.fromisoformat(at),
        Decimal(str(row["UnitPrice"])),
        None if customer in {None, ""} else str(customer),
    )
