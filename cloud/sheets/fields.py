"""Cells of a spreadsheet in, values or a refusal out: what could mean two things is not guessed; pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

Order = Literal["ymd", "dmy", "mdy"]
_GTIN_LENGTHS: Final = frozenset({8, 12, 13, 14})
_GTIN_DIGITS: Final = 14
_MOST_CHARACTERS: Final = 128
_ISO_DATE: Final = len("2026-03-02")
_NUMBER: Final = re.compile(r"[0-9]{1,14}(?:\.[0-9]{1,6})?")
_NUMBER_WITH_COMMA: Final = re.compile(r"[0-9]{1,14}(?:,[0-9]{1,6})?")
_THOUSANDS: Final = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
"""Where a comma parts decimals, a point before three digits parts thousands."""
_SCIENTIFIC: Final = re.compile(r"[0-9][.,]?[0-9]*[eE][+-]?[0-9]+")
_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r" ?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NAMED_BY_PARTS: Final = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{2,4})(?:[T ,]+([0-9].*))?")
_NOT_A_NUMBER: Final = frozenset({"nan", "inf", "+inf", "infinity", "null", "none", "n/a", "#n/a"})
_MONTHS: Final = 12
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class FieldError(ValueError):
    """A cell that is not what it must be; the message names value and expectation."""

    column: str | None = None
    """Which one, where the reader of a row could not tell by itself."""


class Unclear(str):
    """A number of two readings: nobody said how the file parts decimals, and nothing in its column does."""

    __slots__ = ()

    @property
    def fault(self) -> str:
        """Why it is not taken."""
        return (
            f"{str(self)!r} is {self.rstrip('0').rstrip('.')} or {self.replace('.', '')} between semicolons: "
            f"say --decimal-point if it is the first, else write {self.replace('.', '')}"
        )


class Moment(NamedTuple):
    """When something was asked for."""

    requested_at: str | None
    local_at: str | None
    is_day: bool


@dataclass(frozen=True, slots=True)
class Conventions:
    """How the file writes what could be read in two ways; each is asked for, never guessed."""

    has_decimal_comma: bool = False
    has_decimal_point: bool = False
    """Whether that was said; a point is read as one where nothing speaks against it."""
    dates: Order = "ymd"
    has_local_times: bool = False


def is_asked(delimiter: str, conventions: Conventions) -> bool:
    """Say whether a point could part thousands in a file: semicolons are where commas part decimals.

    Args:
        delimiter: Between its cells.
        conventions: What was said of it.

    Returns:
        Whether it could.
    """
    return delimiter == ";" and not (conventions.has_decimal_comma or conventions.has_decimal_point)


def reads_twice(text: str) -> bool:
    """Say whether a text is a number of two readings, alone.

    Args:
        text: The cell.

    Returns:
        Whether it is.

    Examples:
        >>> [reads_twice(text) for text in ("1.500", "0.500", "1500.250", "1.5", "1500")]
        [True, False, False, False, False]
    """
    return _THOUSANDS.fullmatch(text) is not None


def settles_points(text: str) -> bool:
    """Say whether a text is a number whose point can part decimals only, so those of its column do.

    Args:
        text: The cell.

    Returns:
        Whether it is.
    """
    return "." in text and _NUMBER.fullmatch(text) is not None and not reads_twice(text)


def quantity(text: str, conventions: Conventions) -> str:
    """Read a quantity.

    Args:
        text: The cell.
        conventions: Of the file.

    Returns:
        A decimal above zero, with a point.

    Raises:
        FieldError: If it is not one.

    Examples:
        >>> quantity("2,5", Conventions(has_decimal_comma=True))
        '2.5'
    """
    if isinstance(text, Unclear):
        raise FieldError(text.fault)
    pattern = _NUMBER_WITH_COMMA if conventions.has_decimal_comma else _NUMBER
    if pattern.fullmatch(text) is not None and text.strip("0.,"):
        return text.replace(",", ".")
    raise FieldError(f"{text!r:.60}: {_what_is_wrong_with(text, conventions)}")


def quantity_or_zero(text: str, conventions: Conventions) -> str:
    """Read how many there were, which may be none.

    Args:
        text: The cell.
        conventions: Of the file.

    Returns:
        A decimal, zero or more, with a point.

    Raises:
        FieldError: If it is not one.

    Examples:
        >>> quantity_or_zero("0,0", Conventions(has_decimal_comma=True))
        '0.0'
    """
    if isinstance(text, Unclear):
        raise FieldError(text.fault)
    pattern = _NUMBER_WITH_COMMA if conventions.has_decimal_comma else _NUMBER
    if pattern.fullmatch(text) is not None:
        return text.replace(",", ".")
    if not text or text.startswith(("-", "\u2212", "(")):
        raise FieldError(f"{text!r:.60}: expected zero or more{'' if text else ': blank is never zero'}")
    raise FieldError(f"{text!r:.60}: {_what_is_wrong_with(text, conventions)}")


def _what_is_wrong_with(text: str, conventions: Conventions) -> str:
    has_comma = "," in text and not conventions.has_decimal_comma
    reasons = {
        "expected a quantity above zero; what was cancelled or returned is a line of its own kind": (
            text.startswith(("-", "\u2212", "("))
        ),
        "expected a quantity above zero": text != "" and not text.strip("0.,"),
        "expected a number": text.lower() in _NOT_A_NUMBER,
        "expected all digits, not a number that a spreadsheet has rounded": _SCIENTIFIC.fullmatch(text),
        "a comma may part decimals or thousands: say --decimal-comma, or write a decimal point": (
            has_comma and _NUMBER.fullmatch(text.replace(",", "."))
        ),
        "a point with --decimal-comma: expected no marks between thousands": (
            conventions.has_decimal_comma and "." in text
        ),
    }
    otherwise = "expected digits, at most 14 before and 6 after the decimal mark"
    return next((reason for reason, holds in reasons.items() if holds), otherwise)


def moment(text: str, conventions: Conventions) -> Moment:
    """Read a time, or a date.

    Args:
        text: The cell.
        conventions: Of the file.

    Returns:
        An instant, or a time or date by the site's clocks.

    Raises:
        FieldError: If it is none, or could be read in two ways.

    Examples:
        >>> moment("2026-03-02T09:30:00+01:00", Conventions()).requested_at
        '2026-03-02T08:30:00+00:00'
        >>> moment("02/03/2026", Conventions(dates="dmy", has_local_times=True))
        Moment(requested_at=None, local_at='2026-03-02T00:00:00', is_day=True)
    """
    iso = text if _ISO.fullmatch(text) else _reordered(text, conventions)
    try:
        at = datetime.fromisoformat(iso)
    except ValueError as error:
        raise FieldError(f"{text!r:.60}: {error}: expected a time like 2026-03-02T09:30:00Z") from error
    if at.tzinfo is not None:
        try:
            return Moment(at.astimezone(UTC).isoformat(), None, is_day=False)
        except OverflowError as error:
            raise FieldError(f"{text!r:.60}: expected a time within the years 1970 to now") from error
    if not conventions.has_local_times:
        raise FieldError(
            f"{text!r:.60} has no offset: expected one like Z or +01:00; "
            "or say --local-times if it is the site's wall clock"
        )
    return Moment(None, at.isoformat(), is_day=len(iso) == _ISO_DATE)


def _reordered(text: str, conventions: Conventions) -> str:
    """Bring a date with day or month first into the order of ISO 8601."""
    found = _NAMED_BY_PARTS.fullmatch(text)
    if found is None:
        hint = (
            "; a spreadsheet's day number is no date" if re.fullmatch(r"[0-9]{5}([.,][0-9]+)?", text) else ""
        )
        raise FieldError(f"{text!r:.60}: expected a time like 2026-03-02T09:30:00Z{hint}")
    first, _, second, year, time = found.groups()
    if len(year) != len("2026"):
        raise FieldError(f"{text!r:.60}: expected a year of four digits")
    if conventions.dates == "ymd":
        orders = {"dmy": (second, first), "mdy": (first, second)}
        readings = [
            f"{year}-{month:0>2}-{day:0>2} by --dates {order}"
            for order, (month, day) in orders.items()
            if int(month) <= _MONTHS
        ]
        raise FieldError(f"{text!r:.60} is {' or '.join(readings) or 'no date'}: say which")
    month, day = (second, first) if conventions.dates == "dmy" else (first, second)
    date = f"{year}-{month:0>2}-{day:0>2}"
    if time is None:
        return date
    iso = f"{date}T{time:0>5}" if re.fullmatch(r"[0-9]:[0-9]{2}", time) else f"{date}T{time}"
    if not _ISO.fullmatch(iso):
        raise FieldError(f"{text!r:.60}: expected a time of day like 09:30:00")
    return iso


def has_check_digit(digits: str) -> bool:
    """Check the last digit of a GTIN or SSCC (GS1 General Specifications 7.9).

    Args:
        digits: Decimal digits, the check digit last.

    Returns:
        Whether it fits the others.

    Examples:
        >>> has_check_digit("195211411234567899"), has_check_digit("195211411234567890")
        (True, False)
    """
    weighted = sum(int(digit) * (1 if place % 2 == 0 else 3) for place, digit in enumerate(reversed(digits)))
    return weighted % 10 == 0


def gtin(text: str) -> str:
    """Read a GTIN.

    Args:
        text: The cell.

    Returns:
        The GTIN with 14 digits.

    Raises:
        FieldError: If it is not one.

    Examples:
        >>> gtin("5012345678900")
        '05012345678900'
    """
    if _SCIENTIFIC.fullmatch(text):
        raise FieldError(
            f"{text!r:.60}: a spreadsheet has made the GTIN a rounded number and its digits are lost: "
            "format the column as text and export it anew"
        )
    if not (text.isascii() and text.isdigit()) or len(text) not in _GTIN_LENGTHS:
        hint = "; a spreadsheet drops leading zeros" if text.isdigit() and len(text) < _GTIN_DIGITS else ""
        raise FieldError(f"{text!r:.60}: expected a GTIN of 8, 12, 13 or 14 digits{hint}")
    if not has_check_digit(text):
        raise FieldError(f"{text!r:.60}: the GTIN's check digit is wrong")
    return text.rjust(_GTIN_DIGITS, "0")


def code(text: str) -> str:
    """Read a short text.

    Args:
        text: The cell.

    Returns:
        The same.

    Raises:
        FieldError: If it is too long or holds control characters.
    """
    if not text:
        raise FieldError("expected a value, got none")
    if len(text) > _MOST_CHARACTERS:
        raise FieldError(f"{text!r:.60}… has {len(text)} characters: expected at most {_MOST_CHARACTERS}")
    if _CONTROL.search(text):
        raise FieldError(f"{text!r:.60}: expected no control characters")
    return text
