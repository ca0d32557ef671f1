"""A spreadsheet of events in, papers out; every wrong cell is told, and then nothing is taken."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from cloud.events.domain import EventError
from cloud.events.papers import EventPaper

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS: Final = (
    "site",
    "item",
    "category",
    "from_day",
    "to_day",
    "kind",
    "name",
    "effect_prior",
    "known_at",
    "source",
    "reference",
)
"""Further columns are attributes, as depth, feature or temperature."""
NEEDED: Final = ("from_day", "to_day", "kind", "name")
MOST_LINES: Final = 100_000
MOST_BYTES: Final = 20_000_000
MOST_TOLD: Final = 50


def read_csv(path: Path, *, site: str | None = None, source: str | None = None) -> list[EventPaper]:
    """Read a file of events.

    Args:
        path: A header and rows, separated by comma, semicolon or tabulator; UTF-8.
        site: Of rows that name none; None: these concern every site.
        source: Of rows that name none.

    Returns:
        The events.

    Raises:
        EventError: If the file cannot be read or anything in it is wrong; a line for each fault.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EventError(f"{path}: {error.strerror}") from error
    return parse_csv(content, file=str(path), site=site, source=source)


def parse_csv(
    content: bytes, *, file: str, site: str | None = None, source: str | None = None
) -> list[EventPaper]:
    """Read the bytes of such a file.

    Args:
        content: All of it.
        file: Its name, for messages.
        site: Of rows that name none.
        source: Of rows that name none.

    Returns:
        The events.

    Raises:
        EventError: If anything in it is wrong.
    """
    text = _text(content, file)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    faults: list[str] = []
    try:
        columns = _columns(next(rows, []), file)
        papers = list(_papers(rows, columns, file, {"site": site, "source": source}, faults))
    except csv.Error as error:
        raise EventError(f"{file}, line {rows.line_num}: {error}") from error
    if faults:
        more = [f"{file}: {len(faults) - MOST_TOLD} more faults"] if len(faults) > MOST_TOLD else []
        raise EventError("\n".join(faults[:MOST_TOLD] + more))
    return papers


def _text(content: bytes, file: str) -> str:
    if len(content) > MOST_BYTES:
        raise EventError(f"{file}: {len(content)} bytes, expected at most {MOST_BYTES}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EventError(f"{file}, byte {error.start}: expected UTF-8") from error


def _columns(header: list[str], file: str) -> list[str]:
    columns = [name.strip() for name in header]
    if missing := [name for name in NEEDED if name not in columns]:
        raise EventError(f"{file}, line 1: columns {', '.join(missing)} are missing")
    if len(set(columns)) < len(columns):
        raise EventError(f"{file}, line 1: a column stands twice")
    return columns


def _papers(
    rows: "Reader", columns: list[str], file: str, defaults: dict[str, str | None], faults: list[str]
) -> Iterator[EventPaper]:
    for number, cells in enumerate(rows):
        place = f"{file}, line {rows.line_num}"
        if number >= MOST_LINES:
            raise EventError(f"{place}: expected at most {MOST_LINES} events")
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            faults.append(f"{place}: {len(cells)} cells, expected {len(columns)}")
            continue
        try:
            yield _paper(dict(zip(columns, cells, strict=True)), defaults)
        except ValidationError as error:
            faults += [f"{place}, {_in_words(one)}" for one in error.errors()]


def _paper(row: dict[str, str], defaults: dict[str, str | None]) -> EventPaper:
    given = {name: row[name].strip() for name in COLUMNS if row.get(name, "").strip()}
    attributes = {
        name: _value(cell.strip()) for name, cell in row.items() if name not in COLUMNS and cell.strip()
    }
    filled = {name: value for name, value in defaults.items() if value is not None}
    return EventPaper.model_validate({**filled, **given, "attributes": attributes})


def _value(cell: str) -> bool | float | str:
    """Read an attribute's cell: true, false, a number, else a text."""
    if cell.lower() in {"true", "false"}:
        return cell.lower() == "true"
    try:
        return float(cell)
    except ValueError:
        return cell


def _in_words(error: object) -> str:
    told = error if isinstance(error, dict) else {}
    where = ".".join(str(part) for part in told.get("loc", ())) or "row"
    value = told.get("input")
    shown = f" {value!r:.80}" if isinstance(value, str | float | int) else ""
    return f"{where}{shown}: {told.get('msg', '')}"
