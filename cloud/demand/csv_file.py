"""A spreadsheet of demand in, staged lines out, a line at a time: its size does not matter."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from cloud.demand.domain import DemandError, Fault, Faults, StagedLine
from cloud.demand.rows import Defaults, LineReader
from cloud.sheets.fields import Conventions, is_asked, settles_points

Encoding = Literal["utf-8", "windows-1252"]
Progress = Callable[[int], None]
"""Told how much of the file has been read, in bytes."""
_CODECS: Final[dict[Encoding, str]] = {"utf-8": "utf-8-sig", "windows-1252": "cp1252"}
_DELIMITERS: Final = ",;\t"
_AT_ONCE: Final = 1 << 16
_EVERY: Final = 2048
"""Lines between two reports of progress."""


def read_csv(
    path: Path,
    *,
    defaults: Defaults,
    conventions: Conventions,
    encoding: Encoding,
    faults: Faults,
    progress: Progress,
) -> Iterator[StagedLine]:
    """Read a file of demand lines.

    Args:
        path: A header and rows, separated by comma, semicolon or tabulator.
        defaults: What the lines do not say.
        conventions: How the file writes what could be read in two ways.
        encoding: Of the file.
        faults: Where wrong cells go.
        progress: Told how far reading is.

    Yields:
        Lines that are right in themselves.

    Raises:
        DemandError: If the file cannot be read, is in another encoding, or its columns are wrong.
    """
    try:
        with path.open("rb") as file, io.TextIOWrapper(file, _CODECS[encoding], newline="") as text:
            if file.peek(2)[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                raise DemandError(f"{path}, line 1: this is UTF-16: save it as CSV UTF-8")
            header = text.readline()
            rows = csv.reader([header], delimiter=_delimiter(header), strict=True)
            columns = next(rows, [])
            reader = LineReader(
                columns, file=str(path), defaults=defaults, conventions=conventions, faults=faults
            )
            if is_asked(_delimiter(header), conventions):
                reader.asks_points = not _settled(path, encoding, columns)
            yield from _lines(text, reader, _delimiter(header), faults, lambda: progress(file.tell()))
    except OSError as error:
        raise DemandError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DemandError(_undecodable(path, encoding)) from error
    except csv.Error as error:
        raise DemandError(f"{path}, line 1: {error}: expected names of columns") from error


def _lines(
    text: io.TextIOWrapper,
    reader: LineReader,
    delimiter: str,
    faults: Faults,
    progress: Callable[[], None],
) -> Iterator[StagedLine]:
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(rows, start=1):
            if number % _EVERY == 0:
                progress()
            if "".join(cells).strip() and (line := reader.line(rows.line_num + 1, cells)) is not None:
                yield line
    except csv.Error as error:
        message = f"{error}: expected cells in double quotes or without any; what follows was not read"
        faults.add(Fault(rows.line_num + 1, "row", message))
    progress()


def _settled(path: Path, encoding: Encoding, columns: list[str]) -> bool:
    """Say whether a quantity of the file can have a decimal point only, reading it once more."""
    place = [column.strip().lower() for column in columns].index("quantity")
    with path.open(encoding=_CODECS[encoding], newline="") as text:
        rows = csv.reader(text, delimiter=_delimiter(text.readline()), strict=True)
        try:
            return any(settles_points(cells[place].strip()) for cells in rows if len(cells) > place)
        except csv.Error:  # told by its line, where lines are read
            return False


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


def _undecodable(path: Path, encoding: Encoding) -> str:
    """Find the first byte that is not of the encoding, reading the file once more."""
    decoder = codecs.getincrementaldecoder(_CODECS[encoding])()
    line = 1
    with path.open("rb") as file:
        while part := file.read(_AT_ONCE):
            try:
                decoder.decode(part)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                wrong = error.object[error.start]
                break
            line += part.count(b"\n")
        else:
            return f"{path}: the last character is not whole in {encoding}"
    other = "windows-1252" if encoding == "utf-8" else "utf-8"
    return (
        f"{path}, line {line}: byte 0x{wrong:02x} is not {encoding}: "
        f"expected {encoding}, or say --encoding {other}"
    )
