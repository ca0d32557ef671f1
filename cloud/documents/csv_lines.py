"""A spreadsheet's rows in, documents as JSON would hold them and the line of each value out; pure."""

import csv
from typing import Any, Final

from cloud.documents.json_lines import Path

COLUMNS: Final = ("type", "id", "line", "gtin", "quantity")
"""Every file has these."""
OPTIONAL: Final = ("site", "partner", "unit_seen", "lot", "unit")
_HEAD: Final = ("site", "type", "id", "partner")
_DELIMITERS: Final = ",;\t"


class CsvError(Exception):
    """A file whose rows cannot be told apart."""

    def __init__(self, line: int, fault: str) -> None:
        """Keep the place.

        Args:
            line: Line of the file, from 1.
            fault: Value and expectation.
        """
        super().__init__(fault)
        self.line = line


def documents_of(text: str) -> tuple[dict[str, Any], dict[Path, int]]:
    """Read a document per ``site, type, id`` and a line of it per row.

    Args:
        text: A header and rows, separated by comma, semicolon or tabulator, with a decimal point.

    Returns:
        What ``dockledger documents import`` takes of a JSON file, and the line of each of its values.

    Raises:
        CsvError: If a column is missing, unknown or twice there, or a row has more or fewer cells.
    """
    rows = csv.reader(text.splitlines(), delimiter=_delimiter(text), strict=True)
    documents: list[dict[str, Any]] = []
    numbers: dict[tuple[str, ...], int] = {}
    places: dict[Path, int] = {(): 1}
    try:
        header = _checked([name.strip().lower() for name in next(rows, [])])
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise CsvError(
                    rows.line_num, f"expected {len(header)} cells as in the header, got {len(cells)}"
                )
            row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
            key = tuple(row.get(name, "") for name in ("site", "type", "id"))
            number = numbers.setdefault(key, len(documents))
            if number == len(documents):
                documents.append({name: row[name] for name in _HEAD if name in row} | {"lines": []})
                places["documents", number] = rows.line_num
            lines = documents[number]["lines"]
            places["documents", number, "lines", len(lines)] = rows.line_num
            lines.append(_line(row))
    except csv.Error as error:
        raise CsvError(rows.line_num, f"{error}: expected cells in double quotes or without any") from error
    return {"documents": documents}, places


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _checked(header: list[str]) -> list[str]:
    wrong = [
        *(f"no column {name!r}" for name in COLUMNS if name not in header),
        *(f"column {name!r} is unknown" for name in header if name not in {*COLUMNS, *OPTIONAL}),
        *(f"column {name!r} stands there twice" for name in sorted(set(header)) if header.count(name) > 1),
    ]
    if wrong:
        raise CsvError(
            1, f"{'; '.join(wrong)}: expected {', '.join(COLUMNS)} and perhaps {', '.join(OPTIONAL)}"
        )
    return header


def _line(row: dict[str, str]) -> dict[str, Any]:
    line: dict[str, Any] = {
        name: row[name] for name in ("line", "quantity", "unit_seen", "lot") if name in row
    }
    if "gtin" in row:
        line["identifier"] = {"scheme": "gtin", "value": row["gtin"]}
        line.setdefault("unit_seen", row["gtin"])
    return line | {"units": [row["unit"]] if "unit" in row else []}
