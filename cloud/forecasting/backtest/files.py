"""A long-form file of demand in, its columns out: CSV, or Parquet where pyarrow is installed."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from cloud.forecasting.batch.longform import Columns, LongformError
from cloud.forecasting.protocol import Bools, Floats, Ints

_DELIMITERS: Final = ",;\t"
_EMPTY: Final = frozenset({"", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"})
_OFFSET: Final = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_TRAINING: Final = frozenset({"train", "training"})
_TRUE: Final = {"true": 1.0, "false": 0.0}
_SLASHES: Final = re.compile(r"\d{4}/\d\d(/\d\d)?")
_MONTH: Final = re.compile(r"\d{4}-\d\d")
_MOST_SHOWN: Final = 5
_DATES_ONLY: Final = 10
"""Characters of a date without a time."""

Texts = Sequence[str]
Times = np.ndarray[tuple[int], np.dtype[np.datetime64]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which columns of a file mean what."""

    series: str = "series_id"
    at: str = "ds"
    y: str = "y"
    covariates: tuple[str, ...] = ()
    split: str | None = None
    """Its rows other than `train` (or `training`) are the test."""
    where: tuple[tuple[str, str], ...] = ()
    """Columns and the value that rows must have to be read."""
    zone: str | None = None
    """Times with an offset are read in this zone; None: as written, without it."""

    @property
    def names(self) -> list[str]:
        """All columns that must be there."""
        split = [self.split] if self.split else []
        found = [self.series, self.at, self.y, *self.covariates, *split, *(name for name, _ in self.where)]
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Coded:
    """Texts of which many are the same."""

    texts: list[str]
    places: Ints
    """Of each row its text."""

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[str]:
        return (self.texts[place] for place in self.places)


def read(path: Path, wanted: Wanted) -> Columns:
    """Read a file.

    Args:
        path: Named .parquet, or else a CSV in UTF-8 with a header, separated by comma, semicolon or tab.
        wanted: Its columns.

    Returns:
        Its rows; a cell that cannot be read is told of its row.

    Raises:
        LongformError: If the file or the zone cannot be read, or it lacks a column or any row.
    """
    if wanted.zone is not None and wanted.zone not in available_timezones():
        raise LongformError(f"zone {wanted.zone!r}: expected a name such as Europe/Paris")
    try:
        raw = _parquet(path, wanted) if path.suffix.lower() in {".parquet", ".pq"} else _csv(path, wanted)
    except OSError as error:
        raise LongformError(f"{path}: {error.strerror or error}: expected a readable file") from error
    kept = np.ones(len(raw[wanted.series]), dtype=np.bool_)
    for name, value in wanted.where:
        kept &= np.array([_text(cell) == value for cell in raw[name]], dtype=np.bool_)
    rows = np.flatnonzero(kept)
    if not len(rows):
        where = " and ".join(f"{name} = {value}" for name, value in wanted.where)
        raise LongformError(f"{path}: no row{' with ' if where else ''}{where}: expected at least one")
    return _columns({name: _taken(cells, rows) for name, cells in raw.items()}, wanted, rows + 1)


def _csv(path: Path, wanted: Wanted) -> dict[str, Any]:
    try:
        with path.open("rb") as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            header = text.readline()
            delimiter = max(_DELIMITERS, key=header.count)
            names = next(csv.reader([header], delimiter=delimiter), [])
            places = _places(path, [name.strip() for name in names], wanted)
            cells: list[list[str]] = [[] for _ in places]
            for number, row in enumerate(csv.reader(text, delimiter=delimiter, strict=True), start=2):
                if not row:
                    continue
                if len(row) != len(names):
                    raise LongformError(f"{path}, line {number}: {len(row)} cells: expected {len(names)}")
                for column, place in zip(cells, places.values(), strict=True):
                    column.append(row[place])
    except UnicodeDecodeError as error:
        raise LongformError(f"{path}, byte {error.start}: expected a CSV file in UTF-8") from error
    except csv.Error as error:
        raise LongformError(f"{path}: {error}: expected a CSV file") from error
    return dict(zip(places, cells, strict=True))


def _parquet(path: Path, wanted: Wanted) -> dict[str, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415  an option: the CSV needs none of it
        import pyarrow.compute as pc  # noqa: PLC0415  the same
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415  the same
    except ImportError as error:
        raise LongformError(f"{path}: Parquet needs pyarrow, which is not installed: write CSV") from error
    try:
        with ParquetFile(path) as file:
            _places(path, file.schema_arrow.names, wanted)
            table = file.read(columns=wanted.names)
    except pa.ArrowException as error:
        raise LongformError(f"{path}: {error}: expected a Parquet file") from error
    found = {}
    for name in wanted.names:
        try:
            found[name] = _cells(pa, pc, table[name].combine_chunks(), name, wanted)
        except pa.ArrowException as error:
            what = _expected(name, wanted)
            raise LongformError(
                f"{path}: column {name} is of type {table[name].type}: expected {what} ({error})"
            ) from error
    return found


def _expected(name: str, wanted: Wanted) -> str:
    if name == wanted.at:
        return "dates, or times of the years 1 to 9999"
    return "numbers" if name == wanted.y or name in wanted.covariates else "texts in UTF-8, or numbers"


def _cells(pa: ModuleType, pc: ModuleType, column: Any, name: str, wanted: Wanted) -> Any:
    """Give a column as an array of times or numbers, or as texts."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if name == wanted.series and not pa.types.is_temporal(column.type):
        coded = pc.fill_null(column.cast(pa.string()), "").dictionary_encode()
        return _Coded(coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64))
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, wanted.zone or column.type.tz))
        column = pc.local_timestamp(column)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        if name == wanted.y or name in wanted.covariates:
            raise pa.ArrowTypeError("times are no numbers")
        return column.cast(pa.timestamp("s"), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return column.to_pylist()


def _places(path: Path, names: Sequence[str], wanted: Wanted) -> dict[str, int]:
    missing = [name for name in wanted.names if name not in names]
    if missing:
        raise LongformError(
            f"{path}: no column {', '.join(missing)}: it has {', '.join(names) or 'none'}; "
            "--id-column, --date-column and --target-column take other names"
        )
    twice = [name for name in wanted.names if names.count(name) > 1]
    if twice:
        raise LongformError(f"{path}: column {', '.join(twice)} stands twice: expected it once")
    return {name: names.index(name) for name in wanted.names}


def _taken(cells: Any, rows: Ints) -> Any:
    if isinstance(cells, np.ndarray):
        return cells[rows]
    if isinstance(cells, _Coded):
        return _Coded(cells.texts, cells.places[rows])
    return cells if len(rows) == len(cells) else [cells[row] for row in rows]


def _columns(raw: dict[str, Any], wanted: Wanted, numbers: Ints) -> Columns:
    wrong: dict[int, str] = {}
    names, series = _series(raw[wanted.series])
    at = _times(raw[wanted.at], wanted, wrong)
    y = _numbers(raw[wanted.y], wanted.y, wrong, y=wanted.y)
    covariates = {name: _numbers(raw[name], name, wrong, y=wanted.y) for name in wanted.covariates}
    is_test = None
    if wanted.split:
        is_test = _is_test(raw[wanted.split], wanted.split)
    return Columns(names, series, at, y, wrong, covariates, is_test, numbers)


def _is_test(cells: Any, name: str) -> Bools:
    texts = [_text(cell) for cell in cells]
    found: Bools = np.array([text.lower() not in _TRAINING for text in texts], dtype=np.bool_)
    if found.all():
        seen = ", ".join(map(repr, list(dict.fromkeys(texts))[:_MOST_SHOWN]))
        raise LongformError(f"column {name} holds {seen}: expected `train` in the rows to forecast from")
    return found


def _series(cells: Any) -> tuple[list[str], Ints]:
    if isinstance(cells, _Coded):
        return cells.texts, cells.places
    places: dict[str, int] = {}
    series = np.array([places.setdefault(_text(cell), len(places)) for cell in cells], dtype=np.int64)
    return list(places), series


def _numbers(cells: Any, name: str, wrong: dict[int, str], *, y: str) -> Floats:
    """Read numbers; of covariates, true and false are 1 and 0."""
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64)
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        text = _text(cell)
        if text in _EMPTY:
            continue
        try:
            found[row] = _TRUE[text.lower()] if text.lower() in _TRUE and name != y else _number(text)
        except ValueError:
            wrong.setdefault(row, f"{name} is {text!r}: expected a number with a decimal point")
    return found


def _number(text: str) -> float:
    if "_" in text or not text.isascii():  # Python would read both
        raise ValueError(text)
    return float(text)


def _times(cells: Any, wanted: Wanted, wrong: dict[int, str]) -> Times:
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        return cells.astype("datetime64[s]")
    seen: dict[str, np.datetime64] = {}
    found = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[s]")
    for row, cell in enumerate(cells):
        text = _text(cell)
        if text not in seen:
            seen[text] = _time(text, wanted.zone)
        found[row] = seen[text]
        if text and np.isnat(seen[text]):
            wrong.setdefault(row, f"{wanted.at} is {text!r}: expected a date such as 2026-03-01")
    return found


def _time(text: str, zone: str | None) -> np.datetime64:
    if zone is None and len(text) > _DATES_ONLY:
        text = _OFFSET.sub("", text)
    if _SLASHES.fullmatch(text):
        text = text.replace("/", "-")
    if _MONTH.fullmatch(text):
        text += "-01"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return np.datetime64("NaT")
    if moment.tzinfo is not None:
        moment = moment.astimezone(ZoneInfo(zone) if zone else None).replace(tzinfo=None)
    return np.datetime64(moment, "s")


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
