"""A page of a source in, staged lines and the next cursor out; what is wrong is told row by row; pure."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, NoReturn

from cloud.demand.domain import Fault, Faults, Kind, StagedLine
from cloud.demand.rows import Defaults, LineReader
from cloud.demand.sources.domain import (
    MOST_ROWS,
    SKIP,
    TAKEN_BACK_AT,
    FaultyPageError,
    SourceSettings,
)
from cloud.sheets.fields import Conventions, FieldError, code, moment

MOST_LINES: Final = 20_000
"""Of one page."""
_MOST_TOLD: Final = 2000
_OUTER: Final = ".."
_OUTERMOST: Final = "..."


class _Levels(NamedTuple):
    """Where the values of a line are looked up."""

    line: Any
    row: Any
    document: Any


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page holds."""

    lines: tuple[StagedLine, ...]
    rows: int
    cursor: str | None
    """Where the next pull goes on; None: as before."""
    next_url: str | None
    """As the answer tells it, where it does."""


def parse(body: bytes) -> Any:
    """Read JSON; numbers stay as they are written.

    Args:
        body: An answer.

    Returns:
        What it says.

    Raises:
        FaultyPageError: If it is no JSON.

    Examples:
        >>> parse(b'{"quantity": 2.50}')
        {'quantity': '2.50'}
    """
    try:
        return json.loads(body, parse_float=str, parse_int=str, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise FaultyPageError(f"the answer is no JSON: {error}: it begins {body[:60]!r}") from error


def read_page(
    document: Any, how: SourceSettings, *, site: str, name: str, faults: Faults, is_event: bool = False
) -> PageContent:
    """Read the lines of a page.

    Args:
        document: As `parse` gives it.
        how: What the source's words mean.
        site: Of the source.
        name: Of the source.
        faults: Where wrong values go; their place is the line's number in the page, from 1.
        is_event: Whether one row may stand there without a list around it.

    Returns:
        What it holds.

    Raises:
        FaultyPageError: If it is not built as it should be.
    """
    found = _at(document, how.rows, None)
    is_one = is_event and isinstance(found, dict)
    rows = [found] if is_one else _list(document, how.rows, "the event" if is_event else "the page")
    if len(rows) > MOST_ROWS:
        raise FaultyPageError(f"the page holds {len(rows)} rows: expected at most {MOST_ROWS}")
    levels = _levels(document, rows, how)
    lines = tuple(_lines(levels, how, reader_of(how, site=site, name=name, faults=faults), faults))
    if len(lines) > MOST_LINES:
        raise FaultyPageError(f"the page holds {len(lines)} lines: expected at most {MOST_LINES}")
    cursor = None
    if how.watermark is not None:
        cursor = _last_mark(rows, how.watermark)
    elif how.cursor_path is not None:
        cursor = _told(document, how.cursor_path)
    next_url = None
    if how.next_path is not None and how.next_path != "Link":
        next_url = _told(document, how.next_path)
    return PageContent(lines, len(rows), cursor, next_url)


def reader_of(how: SourceSettings, *, site: str, name: str, faults: Faults) -> LineReader:
    """Find what reads a row's values.

    Args:
        how: What the source's words mean.
        site: Of the source.
        name: Of the source.
        faults: Where wrong values go.

    Returns:
        The reader; a DemandError says which columns are missing or unknown.
    """
    columns = [column for column in (*how.fields, *how.constants) if column != TAKEN_BACK_AT]
    return LineReader(
        columns,
        file=f"source {name}",
        defaults=Defaults(site=site, source=name),
        conventions=conventions_of(how),
        faults=faults,
    )


def conventions_of(how: SourceSettings) -> Conventions:
    """Tell how a source writes what could be read in two ways.

    Args:
        how: Its settings.

    Returns:
        The conventions.
    """
    return Conventions(how.decimal_comma, how.decimal_point, how.dates, how.local_times)


def mark_of(text: str) -> datetime | int:
    """Read a watermark, so that two can be compared.

    Args:
        text: A time with offset, or a whole number.

    Returns:
        It.

    Raises:
        FaultyPageError: If it is neither.
    """
    if text.isascii() and text.isdigit() and len(text) <= len(str(2**63)):
        return int(text)
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise FaultyPageError(
        f"watermark {text!r:.60}: expected a time like 2026-03-02T09:30:00Z, or a whole number"
    )


def _levels(document: Any, rows: Sequence[Any], how: SourceSettings) -> Iterator[_Levels]:
    for number, row in enumerate(rows, start=1):
        for line in [row] if how.lines is None else _list(row, how.lines, f"row {number}"):
            yield _Levels(line, row, document)


def _lines(
    levels: Iterable[_Levels], how: SourceSettings, reader: LineReader, faults: Faults
) -> Iterator[StagedLine]:
    for place, each in enumerate(levels, start=1):
        try:
            yield from _line(place, each, how, reader)
        except FieldError as error:
            faults.add(Fault(place, error.column or "row", str(error)))


def _line(place: int, levels: _Levels, how: SourceSettings, reader: LineReader) -> Iterator[StagedLine]:
    cells = {column: _cell(levels, column, path) for column, path in how.fields.items()}
    taken_back_at = cells.pop(TAKEN_BACK_AT, "")
    if how.zeros == SKIP and _is_zero(cells.get("quantity", "")):
        return
    meaning = None
    if how.kinds:
        meaning = how.kinds.get(cells["kind"])
        if meaning is None:
            error = FieldError(f"{cells['kind']!r:.60}: expected one of {', '.join(sorted(how.kinds))}")
            error.column = "kind"
            raise error
        if meaning == SKIP:
            return
        cells["kind"] = Kind.REQUESTED.value
    line = reader.line(place, [*cells.values(), *how.constants.values()])
    if line is None:
        return
    yield line
    if meaning in {Kind.CANCELLED, Kind.RETURNED}:
        yield _taken_back(line, Kind(meaning), taken_back_at, how)


def _taken_back(line: StagedLine, kind: Kind, at: str, how: SourceSettings) -> StagedLine:
    """Say beside a request that it was cancelled or returned."""
    back = line._replace(
        line=code(f"{line.line}/{kind.value}"),
        kind=kind.value,
        of_document=line.document,
        of_line=line.line,
    )
    if not at:
        return back
    try:
        told = moment(at, conventions_of(how))
    except FieldError as error:
        error.column = TAKEN_BACK_AT
        raise
    return back._replace(requested_at=told.requested_at, local_at=told.local_at, is_day=told.is_day)


def _is_zero(text: str) -> bool:
    """Tell whether a quantity is 0: what a warehouse confirmed of a line is no request for less."""
    return "0" in text and not text.strip("0.,")


def _cell(levels: _Levels, column: str, path: str) -> str:
    if path.startswith(_OUTERMOST):
        value = _at(levels.document, path.removeprefix(_OUTERMOST), "")
    elif path.startswith(_OUTER):
        value = _at(levels.row, path.removeprefix(_OUTER), "")
    else:
        value = _at(levels.line, path, "")
    try:
        return _text(value)
    except FieldError as error:
        error.column = column
        raise


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise FieldError(f"{value!r:.60}: expected a text or a number")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FieldError(f"{value!r:.60}: expected whole characters") from error
    return value


def _at(document: Any, path: str, otherwise: Any) -> Any:
    """Follow a path of names and numbers, parted by points."""
    here = document
    for step in path.split(".") if path else ():
        if isinstance(here, Mapping):
            here = here.get(step, otherwise)
        elif isinstance(here, list) and step.isdecimal() and len(step) < len(str(MOST_ROWS)) + 1:
            here = here[int(step)] if int(step) < len(here) else otherwise
        else:
            return otherwise
    return here


def _list(document: Any, path: str, where: str) -> list[Any]:
    found = _at(document, path, None)
    if isinstance(found, list):
        return found
    kind = "nothing" if found is None else f"{found!r:.60}"
    raise FaultyPageError(f"{where}: expected a list at {path or 'its top'!r}, got {kind}")


def _told(document: Any, path: str) -> str | None:
    """Read where the answer says that one goes on."""
    try:
        text = _text(_at(document, path, None))
    except FieldError as error:
        raise FaultyPageError(f"{path}: {error}") from error
    if len(text) > _MOST_TOLD or not text.isprintable():
        raise FaultyPageError(f"{path}: {text!r:.60}: expected at most {_MOST_TOLD} printable characters")
    return text or None


def _last_mark(rows: Sequence[Any], path: str) -> str | None:
    """Find the last watermark; rows out of order could be missed by the next pull."""
    last: tuple[datetime | int, str] | None = None
    for number, row in enumerate(rows, start=1):
        text = _at(row, path, "")
        mark = mark_of(text if isinstance(text, str) else "")
        if last is not None and _is_before(mark, last[0]):
            raise FaultyPageError(
                f"row {number}: {path} {text!r:.60} comes after {last[1]!r:.60}: "
                "expected rows in its order, or some could be missed"
            )
        last = mark, text
    return None if last is None else last[1]


def _is_before(mark: datetime | int, other: datetime | int) -> bool:
    if isinstance(mark, int) and isinstance(other, int):
        return mark < other
    if isinstance(mark, datetime) and isinstance(other, datetime):
        return mark < other
    raise FaultyPageError(f"watermarks {mark} and {other}: expected times only, or numbers only")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")
