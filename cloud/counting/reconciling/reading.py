"""A stock list out of a CSV file, with every wrong cell told."""

import csv
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from cloud.counting.reconciling.domain import ReconciliationError, StatedLine, StatedList

NEEDED: Final = ("item", "location", "quantity")
OPTIONAL: Final = ("lot", "disposition", "owner")


def read_list(file: Path, *, site: str, observed_at: datetime) -> StatedList:
    """Read a list.

    Args:
        file: UTF-8 text with comma, semicolon or tab, the first line a header.
        site: Where it was stated.
        observed_at: As of when.

    Returns:
        The list.

    Raises:
        ReconciliationError: With a line per fault.
    """
    text = file.read_text(encoding="utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter, strict=True, restkey="…")
    header = [name.strip().lower() for name in rows.fieldnames or []]
    if set(NEEDED) - set(header) or set(header) - {*NEEDED, *OPTIONAL} or len(set(header)) < len(header):
        expected = f"expected {', '.join(NEEDED)} and perhaps {', '.join(OPTIONAL)}"
        raise ReconciliationError([f"{file}:1: columns {', '.join(header)}: {expected}"])
    rows.fieldnames = header
    lines, faults = [], []
    for row in rows:
        place = f"{file}:{rows.line_num}"
        if "…" in row or None in row.values():
            faults.append(f"{place}: expected as many cells as in the header")
            continue
        values = {name: value.strip() for name, value in row.items()}
        try:
            lines.append(_line(values, place))
        except InvalidOperation:
            faults.append(
                f"{place}: quantity {values['quantity']!r:.60}: expected a number with a decimal point"
            )
    if faults:
        raise ReconciliationError(faults)
    return StatedList(site, observed_at, lines, file.name)


def _line(values: Mapping[str, str], place: str) -> StatedLine:
    rest = {name: values.get(name) or None for name in OPTIONAL}
    return StatedLine(values["item"], values["location"], Decimal(values["quantity"]), **rest, place=place)
