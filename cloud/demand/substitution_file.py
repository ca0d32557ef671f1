"""Substitutions as they are sent and imported: JSON or a spreadsheet in, checked values out."""

import csv
import io
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloud.demand.domain import DemandError, Fault, Faults, FaultyLinesError
from cloud.demand.substitutions import MOST, Substitution
from contracts.base import Code, CountedQuantity, Site, UtcDatetime

MOST_BYTES: Final = 8_000_000
REQUIRED: Final = ("document", "line", "asked", "asked_quantity", "sent", "sent_quantity", "sent_at")
OPTIONAL: Final = ("site", "source", "reason")


class SubstitutionPaper(BaseModel):
    """An item that was sent in place of the one that a line of demand asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    source: Annotated[Code, Field(description="Of the line of demand, as its source named it")]
    document: Code
    line: Code
    asked: Annotated[Code, Field(description="Code of the item asked for")]
    asked_quantity: CountedQuantity = Field(description="In base units of it; 0: it was not so after all")
    sent: Annotated[Code, Field(description="Code of the item sent")]
    sent_quantity: CountedQuantity = Field(description="In base units of the item sent")
    sent_at: UtcDatetime
    reason: Code | None = None

    def at(self, place: int) -> Substitution:
        """Give it as it is recorded.

        Args:
            place: Its number in the batch.

        Returns:
            The substitution.
        """
        return Substitution(place=place, **dict(self))


def read_substitutions(path: Path, *, site: str | None, source: str | None) -> list[Substitution]:
    """Read a file of substitutions.

    Args:
        path: CSV in UTF-8: a header and rows, separated by comma, semicolon or tabulator.
        site: Of rows that name none.
        source: Of rows that name none.

    Returns:
        The substitutions.

    Raises:
        FaultyLinesError: Naming every wrong cell.
        DemandError: If the file cannot be read or its columns are wrong.
    """
    text = _text(path)
    header = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), strict=True)
    faults = Faults()
    found = []
    defaults = {name: value for name, value in (("site", site), ("source", source)) if value is not None}
    try:
        columns = _columns(next(rows, []), path)
        for cells in rows:
            if "".join(cells).strip() and (one := _read(rows.line_num, columns, cells, defaults, faults)):
                found.append(one)
            if len(found) > MOST:
                raise DemandError(f"{path}: expected at most {MOST} substitutions")
    except csv.Error as error:
        raise DemandError(f"{path}, line {rows.line_num}: {error}") from error
    if faults.total:
        raise FaultyLinesError(f"{path}, line", faults.told, faults.total)
    return found


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise DemandError(f"{path}: {len(content)} bytes: expected at most {MOST_BYTES}")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DemandError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DemandError(f"{path}, byte {error.start}: expected UTF-8") from error


def _columns(header: list[str], path: Path) -> list[str]:
    names = [name.strip().lower() for name in header]
    wrong = [f"no column {name!r}" for name in REQUIRED if name not in names]
    wrong += [f"column {name!r:.80} is unknown" for name in names if name not in {*REQUIRED, *OPTIONAL}]
    if len(set(names)) < len(names):
        wrong.append("a column stands there twice")
    if wrong:
        raise DemandError(f"{path}, line 1: {'; '.join(wrong)}: expected {', '.join((*REQUIRED, *OPTIONAL))}")
    return names


def _read(
    number: int, columns: list[str], cells: list[str], defaults: dict[str, str], faults: Faults
) -> Substitution | None:
    if len(cells) != len(columns):
        faults.add(Fault(number, "row", f"expected {len(columns)} cells as in the header, got {len(cells)}"))
        return None
    given = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    try:
        return SubstitutionPaper.model_validate(defaults | given).at(number)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            where = ".".join(map(str, fault["loc"])) or "row"
            value = given.get(where)
            shown = "" if value is None else f"{value!r:.60}: "
            faults.add(Fault(number, where, f"{shown}{fault['msg']}"))
    return None
