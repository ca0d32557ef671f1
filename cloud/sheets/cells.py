"""Numbers of cells in, texts out: as they are shown, or refused where a spreadsheet lost digits; pure."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from cloud.sheets.xml import Element

DIGITS: Final = 15
"""Of a number that a spreadsheet keeps."""
_FIRST_DAY: Final = 61
"""1 March 1900: before it spreadsheets count a day that there was not."""
_LAST_DAY: Final = 2_958_466
"""The day after 31 December 9999."""
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  a cell's time has no zone
_DAYS_TO_1904: Final = 1462
_DAY_FORMATS: Final = frozenset({14, 15, 16, 17, *range(27, 37), *range(50, 59)})
_TIME_FORMATS: Final = frozenset({18, 19, 20, 21, 22, 45, 46, 47})
_NOT_CODE: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_SECONDS: Final = 86_400


class Format(Enum):
    """What a number is shown as."""

    NUMBER = "number"
    DAY = "day"
    TIME = "time"
    """A day and a time of day."""


def number_text(number: Decimal) -> str:
    """Write a number as a spreadsheet shows it: a sum of tenths is ``0.3``, not what binary makes of it.

    Args:
        number: As the file holds it.

    Returns:
        Plain digits.

    Raises:
        ValueError: If it has more digits than a spreadsheet keeps.

    Examples:
        >>> number_text(Decimal("0.30000000000000004")), number_text(Decimal("5.0123456789E+12"))
        ('0.3', '5012345678900')
    """
    if not number.is_finite():
        raise ValueError("expected a finite number")
    if abs(number) >= Decimal(10) ** DIGITS:
        raise ValueError(
            f"expected at most {DIGITS} digits: a spreadsheet has lost the others; format the column as text"
        )
    rounded = Decimal(f"{number:.{DIGITS}g}") if number else Decimal(0)
    return f"{rounded.normalize():f}"


def date_text(number: Decimal, *, has_1904_dates: bool, is_day: bool) -> str:
    """Write a day number as a time.

    Args:
        number: Days; the fraction is the time of day.
        has_1904_dates: Whether the workbook counts from 1904.
        is_day: Whether only the day is shown.

    Returns:
        ISO 8601 without offset, a date only if it is a whole day and only that is shown.

    Raises:
        ValueError: If it is no day that spreadsheets agree on.

    Examples:
        >>> date_text(Decimal("46083.395833333336"), has_1904_dates=False, is_day=False)
        '2026-03-02T09:30:00'
    """
    if not number.is_finite():
        raise ValueError("expected a finite number")
    days = number + (_DAYS_TO_1904 if has_1904_dates else 0)
    if not _FIRST_DAY <= days < _LAST_DAY:
        raise ValueError("expected a day from March 1900 to 9999")
    at = _EPOCH + timedelta(seconds=int((days * _SECONDS).to_integral_value()))
    return (
        at.date().isoformat() if is_day and at == at.replace(hour=0, minute=0, second=0) else at.isoformat()
    )


def formats_of(styles: Iterable[Element]) -> list[Format]:
    """Tell what each style shows a number as.

    Args:
        styles: Elements ``numFmt``, ``xf``, ``cellStyleXfs`` and ``cellXfs`` of a workbook, as they end.

    Returns:
        By number of the style.
    """
    named: dict[str, Format] = {}
    pending: list[str] = []
    for one in styles:
        match one.name:
            case "numFmt":
                named[one.attributes.get("numFmtId", "")] = _by_code(one.attributes.get("formatCode", ""))
            case "xf":
                pending.append(one.attributes.get("numFmtId", "0"))
            case "cellStyleXfs":
                pending.clear()  # of named styles, not of cells
            case _:
                return [named.get(number) or _by_number(number) for number in pending]
    return []


def _by_number(number: str) -> Format:
    known = int(number[:6]) if number.isdecimal() else 0
    return Format.DAY if known in _DAY_FORMATS else Format.TIME if known in _TIME_FORMATS else Format.NUMBER


def _by_code(code: str) -> Format:
    first = _NOT_CODE.sub("", code.partition(";")[0]).lower()
    if "general" in first or not set(first) & set("dmyhs"):
        return Format.NUMBER
    return Format.TIME if set(first) & set("hs") else Format.DAY
