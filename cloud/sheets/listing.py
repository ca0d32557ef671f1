"""A list as a file holds it: named columns, each of one kind, and rows that are read once; pure."""

import re
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import orjson
from pydantic import BaseModel

Value = str | int | float | bool | Decimal | date | datetime | None

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.@-]+")
_LONGEST_PART: Final = 48


class Kind(Enum):
    """What the values of a column are; a file keeps it where its form can."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    FLAG = "flag"
    DAY = "day"
    INSTANT = "instant"
    JSON = "json"
    """Something that has parts of its own, as a JSON text."""


class Form(Enum):
    """What a file is."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


class FormError(Exception):
    """This list cannot be given in this form; the message says why, and which form takes it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    read: Callable[[Any], Any]
    """From a row to what stands there."""

    def value(self, row: object) -> Value:
        """Give what stands in a row, as this column's kind has it.

        Args:
            row: Any row of the list.

        Returns:
            The value; None where nothing is known.
        """
        found: Value = self.read(row)
        if found is None:
            return None
        match self.kind:
            case Kind.JSON:
                return orjson.dumps(found, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
            case Kind.TEXT:
                return str(found.value if isinstance(found, Enum) else found)
            case Kind.INSTANT:
                return found.astimezone(UTC) if isinstance(found, datetime) else found
            case Kind.DECIMAL:
                return Decimal(found) if isinstance(found, int) else found
            case _:
                return found


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, whole."""

    name: str
    """Of what: ``stock``, ``receipts-lines``."""
    columns: tuple[Column, ...]
    rows: Iterable[Any]
    at: datetime
    """The instant that it shows."""
    site: str | None = None
    """None: every site that the reader may see, or a list that knows no sites."""

    def values(self) -> Iterator[list[Value]]:
        """Give the rows one by one.

        Yields:
            A value per column.
        """
        readers = [column.value for column in self.columns]
        for row in self.rows:
            yield [read(row) for read in readers]

    def file_name(self, form: Form) -> str:
        """Say what the file holds, of which site and instant.

        Args:
            form: Of the file.

        Returns:
            A name that every file system takes.

        Examples:
            >>> at = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
            >>> Listing("stock", (), [], at, site="leeds").file_name(Form.CSV)
            'stock_leeds_2026-03-02T140000Z.csv'
        """
        parts = (self.name, self.site or "", f"{self.at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}")
        safe = (_UNSAFE.sub("-", part)[:_LONGEST_PART] for part in parts)
        return f"{'_'.join(part for part in safe if part)}.{form.value}"


def columns_of(record: type, *names: str) -> tuple[Column, ...]:
    """Make columns of a record's fields; one that is a record itself becomes a column for each of its fields.

    Args:
        record: A pydantic model, dataclass or named tuple.
        *names: Which fields or properties, in order, ``field=column`` where the column is called otherwise;
            none: all fields.

    Returns:
        The columns.
    """
    hints = get_type_hints(record, include_extras=True)
    found: list[Column] = []
    for wish in names or _fields(record):
        field, _, called = wish.partition("=")
        hint = hints[field] if field in hints else get_type_hints(getattr(record, field).fget)["return"]
        found += _columns(called or field, hint, partial(_part, field))
    return tuple(found)


def kind_of(annotation: Any) -> Kind:
    """Say what values of a type are.

    Args:
        annotation: As it stands at a field.

    Returns:
        The kind; JSON for whatever has parts or could be several.
    """
    kinds = {_kind(one) for one in _alternatives(annotation)}
    if kinds == {Kind.INTEGER, Kind.DECIMAL}:
        return Kind.DECIMAL
    return kinds.pop() if len(kinds) == 1 else Kind.JSON


def _columns(name: str, annotation: Any, read: Callable[[Any], Any]) -> Iterator[Column]:
    (only, *others) = _alternatives(annotation) or [object]
    if others or not _is_record(only):
        yield Column(name, kind_of(annotation), read)
        return
    for field, inner in get_type_hints(only, include_extras=True).items():
        if field in _fields(only):
            yield from _columns(f"{name}_{field}", inner, partial(_inner, read, field))


def _part(field: str, row: object) -> Any:
    return getattr(row, field)


def _inner(read: Callable[[Any], Any], field: str, row: object) -> Any:
    outer = read(row)
    return None if outer is None else getattr(outer, field)


def _fields(record: Any) -> tuple[str, ...]:
    if issubclass(record, BaseModel):
        return tuple(record.model_fields)
    if is_dataclass(record):
        return tuple(record.__dataclass_fields__)
    return tuple(record._fields)


def _is_record(one: Any) -> bool:
    return isinstance(one, type) and (
        issubclass(one, BaseModel)
        or is_dataclass(one)
        or (issubclass(one, tuple) and hasattr(one, "_fields"))
    )


def _alternatives(annotation: Any) -> list[Any]:
    """Take off what says how a value is checked, and None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if hasattr(annotation, "__supertype__"):
        return _alternatives(annotation.__supertype__)
    if hasattr(annotation, "__value__"):
        return _alternatives(annotation.__value__)
    if origin in {Union, types.UnionType}:
        return [one for part in get_args(annotation) for one in _alternatives(part)]
    return [] if annotation is type(None) else [annotation]


def _kind(one: Any) -> Kind:
    if get_origin(one) is Literal:
        return Kind.TEXT if all(isinstance(word, str) for word in get_args(one)) else Kind.JSON
    if not isinstance(one, type):
        return Kind.JSON
    by_type = {
        bool: Kind.FLAG,
        datetime: Kind.INSTANT,
        date: Kind.DAY,
        int: Kind.INTEGER,
        Decimal: Kind.DECIMAL,
        float: Kind.FLOAT,
        str: Kind.TEXT,
        Enum: Kind.TEXT,
    }
    return next((kind for base, kind in by_type.items() if issubclass(one, base)), Kind.JSON)


def _plain(part: Any) -> Any:
    """Bring what JSON does not have to what it has."""
    if isinstance(part, BaseModel):
        return part.model_dump(mode="json")
    if hasattr(part, "_asdict"):
        return part._asdict()
    return sorted(part) if isinstance(part, set | frozenset) else str(part)
