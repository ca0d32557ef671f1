"""One file in, everything of a site that it registers out: checked models, every fault with its place."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from cloud.documents.document_rows import DOCUMENT_COLUMNS, VISIT_COLUMNS, documents_of, visits_of
from cloud.documents.json_lines import Path as Place
from cloud.documents.json_lines import line_at, lines_of
from cloud.documents.order_papers import OrderPaper
from cloud.documents.papers import DocumentPaper, ItemPaper, OpeningPaper, PortalPaper, VisitPaper
from cloud.documents.sheet_rows import Columns
from cloud.documents.transfers.papers import TransferPaper
from cloud.sheets.fields import Conventions
from cloud.sheets.table import Encoding, Table, TableError, read_table

Lines = dict[Place, int]
_OF_SITE: Final = ("portals", "opening", "documents", "orders", "transfers", "visits")
AS_WRITTEN: Final = Conventions()
"""A spreadsheet that writes nothing that could be read in two ways."""


class ImportFileError(Exception):
    """A file that cannot be imported; ``faults`` are all that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        """Keep every fault.

        Args:
            faults: Place, value and expectation of each.
        """
        super().__init__("\n".join(faults))
        self.faults = faults


Entry = (
    tuple[Literal["items"], int, ItemPaper]
    | tuple[Literal["portals"], int, PortalPaper]
    | tuple[Literal["documents"], int, DocumentPaper]
    | tuple[Literal["orders"], int, OrderPaper]
    | tuple[Literal["transfers"], int, TransferPaper]
    | tuple[Literal["visits"], int, VisitPaper]
)


class ImportPaper(BaseModel):
    """Everything that one file may hold; ``site`` is the default of the entries below."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: tuple[ItemPaper, ...] = ()
    portals: tuple[PortalPaper, ...] = ()
    opening: tuple[OpeningPaper, ...] = ()
    documents: tuple[DocumentPaper, ...] = ()
    orders: tuple[OrderPaper, ...] = ()
    transfers: tuple[TransferPaper, ...] = ()
    visits: tuple[VisitPaper, ...] = ()

    _origin: tuple[str, Lines] | None = PrivateAttr(default=None)
    """The file, and the line of each of its values."""

    def entries(self) -> Iterator[Entry]:
        """Give all but the opening stock in the order in which later ones rest on earlier ones.

        Yields:
            Name of the part, number within it, and the entry.
        """
        yield from (("items", number, paper) for number, paper in enumerate(self.items))
        yield from (("portals", number, paper) for number, paper in enumerate(self.portals))
        yield from (("documents", number, paper) for number, paper in enumerate(self.documents))
        yield from (("orders", number, paper) for number, paper in enumerate(self.orders))
        yield from (("transfers", number, paper) for number, paper in enumerate(self.transfers))
        yield from (("visits", number, paper) for number, paper in enumerate(self.visits))

    def placed(self, fault: str, part: str, number: int) -> str:
        """Say where in the file an entry is at fault.

        Args:
            fault: What is wrong.
            part: Name of the part.
            number: Number within it, from 0.

        Returns:
            The fault after its place; alone if the entries come from no file.
        """
        if self._origin is None:
            return fault
        file, lines = self._origin
        return f"{file}, line {line_at(lines, (part, number)) or 1}: {fault}"


def read_import(
    path: Path,
    *,
    site: str | None = None,
    conventions: Conventions = AS_WRITTEN,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> ImportPaper:
    """Read a file for ``dockledger documents import``.

    Args:
        path: A JSON object in UTF-8, or documents' lines if its name ends with ``.csv`` or ``.xlsx``.
        site: Of what names none.
        conventions: How a spreadsheet writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        What it holds.

    Raises:
        ImportFileError: Naming every fault with its line, place, value and expectation.
    """
    if path.suffix.lower() in {".csv", ".xlsx"}:
        return _of_sheet(path, site, DOCUMENT_COLUMNS, documents_of, (conventions, encoding, sheet))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ImportFileError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        wrong = error.object[error.start : error.start + 1].hex()
        raise ImportFileError(
            [f"{path}, line {line}: byte 0x{wrong} is not UTF-8: save it as UTF-8, not as Windows-1252"]
        ) from error
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ImportFileError([f"{path}, line {error.lineno}: {error.msg}: expected JSON"]) from error
    if not isinstance(raw, dict):
        raise ImportFileError([f"{path}, line 1: expected a JSON object, got {type(raw).__name__}"])
    return checked({"site": site} | raw, str(path), lines_of(text))


def _of_sheet(
    path: Path,
    site: str | None,
    columns: Columns,
    read: Callable[[Table, Conventions], tuple[dict[str, Any], Lines, list[str]]],
    written: tuple[Conventions, Encoding, str | None],
) -> ImportPaper:
    conventions, encoding, sheet = written
    how = {"required": columns.required, "optional": columns.optional}
    try:
        table = read_table(path, conventions=conventions, encoding=encoding, sheet=sheet, **how)
    except TableError as error:
        raise ImportFileError([str(error)]) from error
    raw, lines, faults = read(table, conventions)
    if faults:
        raise ImportFileError([f"{path}, {fault}" for fault in faults])
    return checked({"site": site} | raw, str(path), lines)


def read_visits(
    path: Path,
    *,
    site: str | None = None,
    conventions: Conventions = AS_WRITTEN,
    encoding: Encoding = "utf-8",
    sheet: str | None = None,
) -> ImportPaper:
    """Read vehicles with their windows from CSV or XLSX.

    Args:
        path: The file; its first row names its columns.
        site: Of what names none.
        conventions: How it writes what could be read in two ways.
        encoding: Of a CSV.
        sheet: Which sheet of a workbook; None: the only one.

    Returns:
        What it holds.

    Raises:
        ImportFileError: Naming every fault with its line, place, value and expectation.
    """
    return _of_sheet(path, site, VISIT_COLUMNS, visits_of, (conventions, encoding, sheet))


def checked(raw: dict[str, Any], file: str, lines: Lines) -> ImportPaper:
    """Check what a file holds.

    Args:
        raw: As it was read.
        file: Its name.
        lines: The line of each of its values; empty if it has none.

    Returns:
        What it holds.

    Raises:
        ImportFileError: Naming every fault with its line, place, value and expectation.
    """
    site = raw.pop("site", None)
    for part in _OF_SITE if site is not None else ():
        entries = raw.get(part)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                entry.setdefault("from_site" if part == "transfers" else "site", site)
    try:
        papers = ImportPaper.model_validate_json(orjson.dumps(raw))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        deepest = [fault for fault in found if fault["type"] != "too_short" or fault["input"] in ([], ())]
        raise ImportFileError([_told(fault, file, lines) for fault in deepest]) from error
    papers._origin = file, lines  # noqa: SLF001  its maker
    return papers


def _told(fault: Mapping[str, Any], file: str, lines: Lines) -> str:
    """Say one fault: an entry's own check has named its value, others show it."""
    place = ".".join(map(str, fault["loc"])) or "file"
    message = fault["msg"].removeprefix("Value error, ")
    shows = fault["type"] not in {"missing", "value_error"}
    value = f", got {fault['input']!r:.80}" if shows else ""
    line = line_at(lines, fault["loc"])
    return f"{file}{'' if line is None else f', line {line}'}: {place}: {message}{value}"
