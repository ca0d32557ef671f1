"""Documents as they are sent and imported: JSON in, checked models out, every fault named with its place."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from cloud.documents.document_rows import COLUMNS, OPTIONAL, documents_of
from cloud.documents.domain import Line
from cloud.documents.json_lines import Path as Place
from cloud.documents.json_lines import line_at, lines_of
from cloud.sheets.fields import Conventions, has_check_digit
from cloud.sheets.table import Encoding, TableError, read_table
from contracts.base import Code, Gateway, PositiveQuantity, Site, UtcDatetime
from contracts.records import Identifier
from contracts.vocabulary import VIRTUAL_PREFIX, VirtualLocation, clearing_account

DocumentType = Literal["asn", "outbound_order", "customer_return", "supplier_return", "transfer"]
Registered = Literal["asn", "outbound_order", "customer_return", "supplier_return"]
"""Types that are registered as they are; a transfer stands at two sites."""
Lines = dict[Place, int]
_SSCC_DIGITS: Final = 18
_GTIN_DIGITS: Final = 14
AS_WRITTEN: Final = Conventions()
"""A spreadsheet that writes nothing that could be read in two ways."""
_MAY_NAME_ORDERS: Final = ("asn", "supplier_return")


class ImportFileError(Exception):
    """A file that cannot be imported; ``faults`` are all that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        """Keep every fault.

        Args:
            faults: Place, value and expectation of each.
        """
        super().__init__("\n".join(faults))
        self.faults = faults


def _is_gtin(text: str) -> str:
    if len(text) != _GTIN_DIGITS or not (text.isascii() and text.isdigit()):
        raise ValueError(f"GTIN {text!r}: expected 14 digits (a spreadsheet may have made it a number)")
    if not has_check_digit(text):
        raise ValueError(f"GTIN {text!r}: its check digit is wrong")
    return text


def _is_unit(text: str) -> str:
    is_sscc = len(text) == _SSCC_DIGITS and text.isascii() and text.isdigit()
    if not is_sscc and not text.startswith("urn:epc:id:grai:"):
        raise ValueError(f"unit {text!r}: expected an SSCC of 18 digits or urn:epc:id:grai:…")
    if is_sscc and not has_check_digit(text):
        raise ValueError(f"SSCC {text!r}: its check digit is wrong")
    return text


Gtin = Annotated[str, AfterValidator(_is_gtin)]
Unit = Annotated[Code, AfterValidator(_is_unit)]
LineNumber = Annotated[
    Code,
    Field(
        pattern=r"^[^/\x00-\x1f\x7f-\x9f]*$",  # a second pattern takes the place of the first
        description="Without a slash, which ends a document's id",
    ),
]
Door = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Paper(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Level(_Paper):
    """A packaging level: one of ``gtin`` holds ``base_units / base_units_denominator`` base units."""

    gtin: Gtin
    base_units: Annotated[int, Field(strict=True, ge=1, le=10**9)]
    base_units_denominator: Annotated[int, Field(strict=True, ge=1, le=10**9)] = 1


class ItemPaper(_Paper):
    """An item and its packaging levels."""

    code: Code
    name: Code | None = None
    levels: Annotated[tuple[Level, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        twice = [gtin for gtin, times in Counter(level.gtin for level in self.levels).items() if times > 1]
        if twice:
            raise ValueError(f"item {self.code!r}: GTIN {twice[0]} stands there twice")
        return self


class PortalPaper(_Paper):
    """A door, the gateway that hears it, and the two places it lies between."""

    site: Site
    portal: Door
    gateway: Gateway
    inside_location: Code
    outside_location: Code
    mode: Literal["live", "shadow"] = "live"

    @model_validator(mode="after")
    def _lies_between(self) -> Self:
        if self.inside_location.startswith(VIRTUAL_PREFIX):
            raise ValueError(f"inside_location {self.inside_location!r}: expected a place of the site")
        if self.outside_location.partition("/")[0] != VirtualLocation.CLEARING:
            raise ValueError(
                f"outside_location {self.outside_location!r}: expected an account like "
                f"{clearing_account(self.portal)!r}"
            )
        return self


class OrderLineName(_Paper):
    """Names a line of a purchase order of the site."""

    id: Code
    line: LineNumber


class LinePaper(_Paper):
    """A line of a document: loose goods, or content of the one unit named."""

    line: LineNumber
    identifier: Identifier
    quantity: PositiveQuantity
    unit_seen: Code = "base"
    lot: Code | None = None
    units: Annotated[tuple[Unit, ...], Field(max_length=1)] = ()
    order: OrderLineName | None = None
    """The line of a purchase order that an ASN's line delivers, or a return to its supplier takes back."""

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.identifier.scheme == "gtin":
            _is_gtin(self.identifier.value)
        return self


class DocumentPaper(_Paper):
    """An ASN, an outbound order, or a return of a customer or to a supplier."""

    site: Site
    type: Registered
    id: Code
    partner: Code | None = None
    due_on: date | None = None
    """By the site's days: when it is needed, or expected."""
    lines: Annotated[tuple[LinePaper, ...], Field(min_length=1, max_length=20_000)]

    @model_validator(mode="after")
    def _lines_differ(self) -> Self:
        twice = [line for line, times in Counter(each.line for each in self.lines).items() if times > 1]
        if twice:
            raise ValueError(f"document {self.id!r}: line {twice[0]!r} stands there twice")
        if self.type not in _MAY_NAME_ORDERS and any(line.order for line in self.lines):
            raise ValueError(
                f"{self.type} {self.id!r}: only {' or '.join(_MAY_NAME_ORDERS)} lines name an order"
            )
        return self

    def as_lines(self) -> Iterator[Line]:
        """Give its lines as they are stored.

        Yields:
            A line.
        """
        for line in self.lines:
            yield Line(
                self.type,
                self.id,
                line.line,
                line.identifier.scheme,
                line.identifier.value,
                line.quantity,
                line.unit_seen,
                line.lot,
                line.units[0] if line.units else None,
                line.order.id if line.order else None,
                line.order.line if line.order else None,
            )


class DocumentName(_Paper):
    """Names a document of the site."""

    type: Literal["asn", "outbound_order"]
    id: Code


class VisitPaper(_Paper):
    """A vehicle expected or standing at a door."""

    site: Site
    visit: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    door: Door
    direction: Literal["inbound", "outbound"]
    from_at: UtcDatetime
    to_at: UtcDatetime | None = None
    documents: Annotated[tuple[DocumentName, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.to_at is not None and self.to_at < self.from_at:
            raise ValueError(f"visit {self.visit!r}: to_at {self.to_at} is before from_at {self.from_at}")
        wanted = "asn" if self.direction == "inbound" else "outbound_order"
        for name in self.documents:
            if name.type != wanted:
                raise ValueError(
                    f"visit {self.visit!r} is {self.direction}: expected {wanted} documents, got {name.type}"
                )
        return self


class OpeningPaper(_Paper):
    """Stock that is there when the ledger begins: in a place, or in a unit that stands in a place."""

    site: Site
    identifier: Identifier
    quantity: PositiveQuantity
    unit_seen: Code = "base"
    location: Code
    unit: Unit | None = None
    lot: Code | None = None


Entry = (
    tuple[Literal["items"], int, ItemPaper]
    | tuple[Literal["portals"], int, PortalPaper]
    | tuple[Literal["documents"], int, DocumentPaper]
    | tuple[Literal["visits"], int, VisitPaper]
)


class ImportPaper(_Paper):
    """Everything that one file may hold; ``site`` is the default of the entries below."""

    items: tuple[ItemPaper, ...] = ()
    portals: tuple[PortalPaper, ...] = ()
    opening: tuple[OpeningPaper, ...] = ()
    documents: tuple[DocumentPaper, ...] = ()
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
        return _of_sheet(path, site, conventions, encoding, sheet)
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
    path: Path, site: str | None, conventions: Conventions, encoding: Encoding, sheet: str | None
) -> ImportPaper:
    how = {"required": COLUMNS, "optional": OPTIONAL}
    try:
        table = read_table(path, conventions=conventions, encoding=encoding, sheet=sheet, **how)
    except TableError as error:
        raise ImportFileError([str(error)]) from error
    raw, lines, faults = documents_of(table, conventions)
    if faults:
        raise ImportFileError([f"{path}, {fault}" for fault in faults])
    return checked({"site": site} | raw, str(path), lines)


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
    for part in ("portals", "opening", "documents", "visits") if site is not None else ():
        entries = raw.get(part)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                entry.setdefault("site", site)
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
