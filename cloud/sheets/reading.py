"""A workbook of a stranger in, the rows of one sheet out, a row at a time; nothing in it is run or followed.

XLSX is a ZIP of XML. Only what holds values is read, by a parser that takes no document type, no entity and
no external reference, within limits of size. What a cell shows and what it holds can differ: a formula, an
error and a number that a spreadsheet has rounded are refused by their cell, not guessed.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple
from xml.parsers.expat import ExpatError

from cloud.sheets.cells import Format, date_text, formats_of, number_text
from cloud.sheets.xml import Element, SheetError, elements

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of the file."""
MOST_TEXT_BYTES: Final = 1 << 30
"""Of one part, once it is unpacked."""
MOST_CHARACTERS: Final = 1 << 26
"""Of all different texts."""
MOST_COLUMNS: Final = 16_384
MOST_PARTS: Final = 10_000
_WAYS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ERRORS: Final = (zipfile.BadZipFile, zlib.error, ExpatError, EOFError, NotImplementedError, RuntimeError)


class Cell(NamedTuple):
    """What a cell holds, as a CSV of the sheet would."""

    text: str
    fault: str | None = None
    """Why that cannot be taken; None: it can."""
    is_number: bool = False
    """Whether it is no text, but a number with a decimal point."""


class Row(NamedTuple):
    """A row of a sheet that is not empty."""

    number: int
    """As the spreadsheet shows it, from 1."""
    cells: tuple[Cell, ...]
    """From column A to the last one that holds something."""


@dataclass(frozen=True, slots=True)
class _Book:
    archive: zipfile.ZipFile
    sheets: dict[str, str]
    """Name of each visible sheet, and its part of the archive."""
    has_1904_dates: bool


def read_rows(path: Path, *, sheet: str | None = None) -> Iterator[Row]:
    """Read a sheet.

    Args:
        path: A file in XLSX.
        sheet: Which; None: the only one that is not hidden.

    Yields:
        Its rows, in order.

    Raises:
        SheetError: If it is no such file, too large, protected, or there is no such sheet.
    """
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise SheetError(f"{size} bytes: expected at most {MOST_BYTES}")
        with zipfile.ZipFile(path) as archive:
            book = _opened(archive)
            part = _chosen(book, sheet)
            styles = _formats(archive)
            texts = _texts(archive)
            yield from _rows(book, part, styles, texts)
    except OSError as error:
        raise SheetError(error.strerror or str(error)) from error
    except _ERRORS as error:
        raise SheetError(f"{error}: expected a workbook saved as .xlsx, without a password") from error


def column_name(number: int) -> str:
    """Name a column as a spreadsheet does.

    Args:
        number: From 0.

    Returns:
        Its letters.

    Examples:
        >>> column_name(0), column_name(25), column_name(26), column_name(16_383)
        ('A', 'Z', 'AA', 'XFD')
    """
    name, number = "", number + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _opened(archive: zipfile.ZipFile) -> _Book:
    if len(archive.infolist()) > MOST_PARTS:
        raise SheetError(f"{len(archive.infolist())} parts: expected at most {MOST_PARTS}")
    named: list[tuple[str, str]] = []
    has_1904_dates = False
    for one in _elements(archive, "xl/workbook.xml", {"workbookPr", "sheet"}):
        if one.name == "workbookPr":
            has_1904_dates = one.attributes.get("date1904") in {"1", "true"}
        elif one.attributes.get("state", "visible") == "visible":
            named.append((one.attributes.get("name", ""), one.attributes.get(_RELATION, "")))
    targets = {
        one.attributes.get("Id", ""): one.attributes.get("Target", "")
        for one in _elements(archive, "xl/_rels/workbook.xml.rels", {"Relationship"})
        if one.attributes.get("TargetMode") != "External"
    }
    sheets = {name: _part(targets[relation]) for name, relation in named if relation in targets}
    return _Book(archive, sheets, has_1904_dates)


def _part(target: str) -> str:
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _chosen(book: _Book, sheet: str | None) -> str:
    known = ", ".join(repr(name) for name in book.sheets) or "none"
    if sheet is None and len(book.sheets) != 1:
        raise SheetError(f"sheets {known:.300}: say which one holds the table")
    name = next(iter(book.sheets)) if sheet is None else sheet
    if name not in book.sheets:
        raise SheetError(f"there is no sheet {name!r:.80}: expected one of {known:.300}")
    return book.sheets[name]


def _formats(archive: zipfile.ZipFile) -> list[Format]:
    if "xl/styles.xml" not in archive.namelist():
        return []
    return formats_of(_elements(archive, "xl/styles.xml", {"numFmt", "xf", "cellStyleXfs", "cellXfs"}))


def _texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    texts, characters = [], 0
    for one in _elements(archive, "xl/sharedStrings.xml", {"si"}):
        texts.append(_unescaped(one.text))
        characters += len(one.text) + 1
        if characters > MOST_CHARACTERS:
            raise SheetError(f"texts of more than {MOST_CHARACTERS} characters: expected fewer rows")
    return texts


def _elements(archive: zipfile.ZipFile, part: str, names: set[str]) -> Iterator[Element]:
    try:
        info = archive.getinfo(part)
    except KeyError as error:
        raise SheetError(f"it holds no {part}: expected a workbook saved as .xlsx") from error
    if info.compress_type not in _WAYS:
        raise SheetError(f"{part} is packed in a way that no spreadsheet uses")
    with archive.open(info) as stream:
        yield from elements(stream, part, names, most=MOST_TEXT_BYTES)


def _rows(book: _Book, part: str, styles: list[Format], texts: list[str]) -> Iterator[Row]:
    row, column, last = 0, 0, 0
    cells: dict[int, Cell] = {}
    for one in _elements(book.archive, part, {"row", "c"}):
        if one.name == "row":  # told where it ends, after its cells
            row = int(one.attributes["r"]) if one.attributes.get("r", "").isdecimal() else row + 1
            if row <= last:
                raise SheetError(f"row {row} comes after row {last}: expected rows in order")
            if any(cell.text or cell.fault for cell in cells.values()):
                width = max(number for number, cell in cells.items() if cell.text or cell.fault) + 1
                yield Row(row, tuple(cells.get(number, Cell("")) for number in range(width)))
            last, column, cells = row, 0, {}
            continue
        reference = one.attributes.get("r")
        column = column if reference is None else _column(reference)
        if column in cells or column >= MOST_COLUMNS:
            raise SheetError(f"cell {reference or column_name(column)} stands there twice or too far out")
        cells[column] = _cell(one, styles, texts, has_1904_dates=book.has_1904_dates)
        column += 1


def _column(reference: str) -> int:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise SheetError(f"{reference!r:.40} is no cell: expected one like B7")
    number = 0
    for letter in found[1]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _cell(one: Element, styles: list[Format], texts: list[str], *, has_1904_dates: bool) -> Cell:
    value = one.children.get("v", "")
    try:
        kind = "f" if "f" in one.children else one.attributes.get("t", "n")
        if kind != "n" or not value:
            return Cell(_READ.get(kind, _plain)(one, texts))
        style, number = _style(one, styles), Decimal(value)
        if style is Format.NUMBER:
            return Cell(number_text(number), is_number=True)
        return Cell(date_text(number, has_1904_dates=has_1904_dates, is_day=style is Format.DAY))
    except ArithmeticError:
        return Cell("", f"{value!r:.40}: expected a number")
    except ValueError as error:
        return Cell("", f"{value!r:.40}: {error}" if value else str(error))


def _style(one: Element, styles: list[Format]) -> Format:
    number = one.attributes.get("s", "0")
    is_known = number.isdecimal() and int(number[:6]) < len(styles)
    return styles[int(number)] if is_known else Format.NUMBER


def _shared(one: Element, texts: list[str]) -> str:
    value = one.children.get("v", "")
    if not value.isdecimal() or int(value[:9]) >= len(texts):
        raise ValueError("there is no text of this number in the file")
    return texts[int(value)]


def _formula(_one: Element, _texts: list[str]) -> str:
    raise ValueError("a formula: expected a value; paste the column as values")


def _error(_one: Element, _texts: list[str]) -> str:
    raise ValueError("an error: expected a value")


def _plain(one: Element, _texts: list[str]) -> str:
    return _unescaped(one.children.get("v", ""))


_READ: Final[dict[str, Callable[[Element, list[str]], str]]] = {
    "s": _shared,
    "e": _error,
    "f": _formula,
    "inlineStr": lambda one, _: _unescaped(one.children.get("is", "")),
    "b": lambda one, _: "true" if one.children.get("v") == "1" else "false",
}
"""Other kinds hold their text."""


def _unescaped(text: str) -> str:
    """Read ``_x000D_`` and the like, as spreadsheets write what XML cannot hold."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
