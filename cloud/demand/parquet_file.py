"""A Parquet file of demand in, staged lines out, a row group's piece at a time; needs pyarrow."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cloud.demand.csv_file import Progress
from cloud.demand.domain import DemandError, Faults, StagedLine
from cloud.demand.rows import Defaults, LineReader
from cloud.sheets.fields import Conventions

_AT_ONCE: Final = 8192
"""Rows in memory."""


def read_parquet(
    path: Path, *, defaults: Defaults, conventions: Conventions, faults: Faults, progress: Progress
) -> Iterator[StagedLine]:
    """Read a file of demand lines, in the columns of the CSV; their types may be texts, numbers or times.

    Args:
        path: The file.
        defaults: What the lines do not say.
        conventions: Whether times without a zone are the site's.
        faults: Where wrong cells go.
        progress: Told how far reading is, in bytes.

    Yields:
        Lines that are right in themselves; their place is the row's number, from 1.

    Raises:
        DemandError: If pyarrow is not installed, the file cannot be read or its columns are wrong.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  an option: the CSV needs none of it
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415  the same
    except ImportError as error:
        raise DemandError(f"{path}: Parquet needs pyarrow, which is not installed: write CSV") from error
    try:
        size = path.stat().st_size
        with ParquetFile(path) as file:
            reader = LineReader(
                file.schema_arrow.names,
                file=str(path),
                defaults=defaults,
                conventions=conventions,
                faults=faults,
            )
            number = 0
            for batch in file.iter_batches(batch_size=_AT_ONCE):
                for cells in zip(*(map(_text, column.to_pylist()) for column in batch.columns), strict=True):
                    number += 1
                    if (line := reader.line(number, cells)) is not None:
                        yield line
                progress(size * number // max(file.metadata.num_rows, 1))
    except OSError as error:
        raise DemandError(f"{path}: {error.strerror or error}") from error
    except (pa.ArrowException, ValueError, OverflowError) as error:  # texts and times that are none
        raise DemandError(f"{path}: {error}: expected a Parquet file of texts, numbers and times") from error


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case _:
            return str(value)
