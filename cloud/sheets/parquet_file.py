"""A list as Parquet: decimals exact, instants in UTC, texts as texts; needs pyarrow, an option."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any, Final

from cloud.sheets.listing import Column, FormError, Kind, Listing, Value

_AT_ONCE: Final = 20_000
"""Rows of a row group, which is what stands in memory."""
_DIGITS: Final = 38
_PLACES: Final = 18
"""Of a decimal: what readers of Parquet take without being told."""
ABSENT: Final = (
    'a Parquet file needs pyarrow, which is not installed: install the extra ("dockledger[parquet]"), '
    "or ask for CSV or XLSX"
)


def write_parquet(listing: Listing, target: IO[bytes]) -> None:
    """Write a list as Parquet, a group of rows at a time.

    Args:
        listing: What to write.
        target: Where it goes.

    Raises:
        FormError: If pyarrow is absent, or a value has more digits than the file keeps.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  an option: CSV and XLSX need none of it
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415  the same
    except ImportError as error:
        raise FormError(ABSENT) from error
    by_kind = {
        Kind.INTEGER: pa.int64(),
        Kind.DECIMAL: pa.decimal128(_DIGITS, _PLACES),
        Kind.FLOAT: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.DAY: pa.date32(),
        Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(column.name, by_kind.get(column.kind, pa.string())) for column in listing.columns])
    with ParquetWriter(target, schema, compression="zstd") as writer:
        for group in _groups(listing.values()):
            writer.write_batch(pa.record_batch(_arrays(pa, group, schema, listing.columns), schema=schema))


def _arrays(pa: Any, group: list[list[Value]], schema: Any, columns: tuple[Column, ...]) -> list[Any]:
    arrays = []
    for number, column in enumerate(columns):
        values = [row[number] for row in group]
        try:
            arrays.append(pa.array(values, schema.field(number).type))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            odd = next((value for value in values if not _is_finite(value)), None)
            if odd is not None:
                raise FormError(
                    f"column {column.name}: {odd!r:.80} is no {column.kind.value} that Parquet keeps: "
                    "ask for CSV"
                ) from error
            raise FormError(
                f"column {column.name}: {_longest(values)} has more digits than Parquet keeps "
                f"({_DIGITS - _PLACES} before and {_PLACES} after the point): ask for CSV"
            ) from error
    return arrays


def _is_finite(value: Value) -> bool:
    """Tell whether a value of a column of numbers is none or a number with digits."""
    return value is None or isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite())


def _longest(values: list[Value]) -> object:
    numbers = [value for value in values if isinstance(value, Decimal | int)]
    return max(numbers, key=lambda number: len(str(number)), default=None)


def _groups(rows: Iterator[list[Value]]) -> Iterator[list[list[Value]]]:
    while group := list(itertools.islice(rows, _AT_ONCE)):
        yield group
