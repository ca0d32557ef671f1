"""What labels say (DOMAIN D8): each kind with its typed fields; values in, what placeholders mean out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal
from urllib.parse import quote

from pydantic import Field

from contracts.base import Contract, WholeNumber
from contracts.gs1 import check_digit, element_string, readable

MOST_ZPL: Final = 8_000
MOST_COPIES: Final = 500
RESOLVER: Final = "https://id.gs1.org"
"""Of GS1 Digital Links, where the site has no resolver of its own."""

_TEXT_CHARACTERS: Final = 200
_AI_X: Final = r"[!-\"%-/0-9:-?A-Z_a-z]"
"""A character that GS1 element strings may hold (GS1 General Specifications, figure 7.11-1)."""


class LabelError(ValueError):
    """A label that cannot be made; the message names value, expectation and place."""


class LabelKind(StrEnum):
    """What a label is stuck on."""

    SSCC = "sscc"
    BIN = "bin"
    ITEM = "item"
    BADGE = "badge"
    COMMAND = "command"


class LabelTemplate(Contract):
    """How labels of a kind look, in ZPL with placeholders in braces."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """The one that bears its kind's name is what gateways print."""
    kind: LabelKind
    version: WholeNumber = 0
    """0: as it ships."""
    dots_per_mm: Literal[6, 8, 12, 24] = 8
    """Of the printers that it is for: 8 are 203 dpi, 12 are 300."""
    zpl: Annotated[str, Field(min_length=1, max_length=MOST_ZPL, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]


@dataclass(frozen=True, slots=True)
class LabelOrder:
    """Labels to print."""

    kind: LabelKind
    values: Mapping[str, str]
    copies: int = 1
    template: str = ""
    """Name; empty: that of the kind."""

    @property
    def subject(self) -> str:
        """What the label names, for logs: never a badge's secret."""
        name = {
            LabelKind.SSCC: "sscc",
            LabelKind.BIN: "location",
            LabelKind.ITEM: "item",
            LabelKind.BADGE: "name",
            LabelKind.COMMAND: "command",
        }[self.kind]
        return self.values.get(name, "")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field may hold."""

    pattern: str
    expected: str
    is_required: bool = False
    example: str = ""
    check: Callable[[str], str | None] = lambda _value: None
    """Says what is wrong with a value that matches; None: nothing."""


def _has_check_digit(value: str) -> str | None:
    right = check_digit(value[:-1])
    return None if value[-1] == right else f"expected the check digit {right}"


def _is_day(value: str) -> str | None:
    try:
        date.fromisoformat(value)
    except ValueError:
        return "expected a day of the calendar"
    return None


def _text(example: str = "", *, is_required: bool = False) -> FieldRule:
    most = _TEXT_CHARACTERS
    return FieldRule(
        rf"[^\x00-\x1f\x7f]{{1,{most}}}", f"1 to {most} printable characters", is_required, example
    )


_GTIN: Final = FieldRule("[0-9]{14}", "14 digits", example="09521141123454", check=_has_check_digit)
_COUNT: Final = FieldRule("[0-9]{1,8}", "1 to 8 digits", example="60")
_LOT: Final = FieldRule(f"{_AI_X}{{1,20}}", "1 to 20 characters that GS1 allows", example="L-2026-07")
_SERIAL: Final = FieldRule(f"{_AI_X}{{1,20}}", "1 to 20 characters that GS1 allows", example="S0001")
_DAY: Final = FieldRule(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}", "a date as 2027-03-31", example="2027-03-31", check=_is_day
)
_SSCC: Final = FieldRule(
    "[0-9]{18}", "18 digits", is_required=True, example="376104250021234569", check=_has_check_digit
)
_GLN: Final = FieldRule("[0-9]{13}", "13 digits", example="9521141000007", check=_has_check_digit)
_COMMAND: Final = FieldRule(
    r"\$[ -~]{1,100}", "a command such as $MOVE", is_required=True, example="$RECEIVE/R-1"
)
_TOKEN: Final = FieldRule(
    "[!-~]{1,64}", "1 to 64 characters without spaces", is_required=True, example="4711"
)
_PLACE: Final = FieldRule("[ -~]{1,48}", "1 to 48 ASCII characters", is_required=True, example="A-01-1")
_EXTENSION: Final = re.compile(f"{_AI_X}{{1,20}}")

FIELDS: Final[Mapping[LabelKind, Mapping[str, FieldRule]]] = {
    LabelKind.SSCC: {
        "sscc": _SSCC,
        "content": _text("Tea, assorted"),
        "gtin": _GTIN,
        "count": _COUNT,
        "lot": _LOT,
        "best_before": _DAY,
        "ship_to": _text("Leeds"),
        "order": _text("SO-1007"),
    },
    LabelKind.BIN: {"location": _PLACE, "gln": _GLN, "name": _text("Aisle A")},
    LabelKind.ITEM: {
        "item": _text("TEA-50", is_required=True),
        "name": _text("Tea, assorted, 50 bags"),
        "gtin": _GTIN,
        "lot": _LOT,
        "serial": _SERIAL,
        "best_before": _DAY,
        "quantity": _text("12"),
        "unit": _text("each"),
    },
    LabelKind.BADGE: {"name": _text("Ada", is_required=True), "token": _TOKEN},
    LabelKind.COMMAND: {"command": _COMMAND, "name": _text("Receive")},
}
"""What is keyed or known for a label of each kind."""

BARS: Final[Mapping[LabelKind, tuple[str, ...]]] = {
    LabelKind.SSCC: ("bars", "content_bars"),
    LabelKind.BIN: ("bars",),
    LabelKind.ITEM: ("bars",),
    LabelKind.BADGE: ("bars",),
    LabelKind.COMMAND: ("bars",),
}
"""Placeholders that only a bar code's field may hold; what they say is formed here, never keyed."""

LINKS: Final[Mapping[LabelKind, tuple[str, ...]]] = {
    LabelKind.SSCC: ("link",),
    LabelKind.ITEM: ("link",),
}
"""GS1 Digital Links, for QR codes and texts."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What a bar code says."""

    text: str
    """With FNC1 as ``\\x1d``; empty: nothing is known for it, and it is left out."""
    readable: str
    elements: tuple[tuple[str, str], ...] = ()
    """Application identifiers and values, where it is an element string of GS1."""


def checked(kind: LabelKind, values: Mapping[str, str]) -> dict[str, str]:
    """Hold values against the fields of a kind; blank ones count as absent.

    Args:
        kind: Of the label.
        values: By field.

    Returns:
        What is there.

    Raises:
        LabelError: If a field is unknown, missing or not as it must be.
    """
    rules = FIELDS[kind]
    unknown = sorted(set(values) - set(rules))
    if unknown:
        raise LabelError(f"{unknown[0]!r} is no field of a {kind} label: expected one of {', '.join(rules)}")
    given = {name: value for name, value in values.items() if value}
    for name, rule in rules.items():
        if name not in given:
            if rule.is_required:
                raise LabelError(f"{name} of a {kind} label is missing: expected {rule.expected}")
            continue
        value = given[name]
        wrong = rule.check(value) if re.fullmatch(rule.pattern, value) else f"expected {rule.expected}"
        if wrong:
            shown = "…" if name == "token" else repr(value[:80])
            raise LabelError(f"{name} {shown} of a {kind} label: {wrong}")
    return given


def texts_of(kind: LabelKind, values: Mapping[str, str], *, resolver: str = RESOLVER) -> dict[str, str]:
    """Say what each placeholder for text stands for.

    Args:
        kind: Of the label.
        values: As ``checked`` gave them.
        resolver: Where Digital Links lead.

    Returns:
        By placeholder; empty where nothing is known.
    """
    return {name: values.get(name, "") for name in FIELDS[kind]} | {
        name: _link(kind, values, resolver) for name in LINKS.get(kind, ())
    }


def bars_of(kind: LabelKind, values: Mapping[str, str]) -> dict[str, Bars]:
    """Say what each placeholder for bars stands for.

    Args:
        kind: Of the label.
        values: As ``checked`` gave them.

    Returns:
        By placeholder.
    """
    match kind:
        case LabelKind.SSCC:
            return _bars_of_unit(values)
        case LabelKind.BIN:
            found = _bars_of_bin(values)
        case LabelKind.ITEM:
            found = _bars_of_item(values)
        case LabelKind.BADGE:
            found = Bars(f"$BADGE/{values['token']}", values["name"])
        case LabelKind.COMMAND:
            found = Bars(values["command"], values["command"])
    return {"bars": found}


def _bars_of_unit(values: Mapping[str, str]) -> dict[str, Bars]:
    inside = [*_named(values, gtin="02"), *_best_before(values), *_named(values, count="37", lot="10")]
    is_known = "gtin" in values and "count" in values
    return {"bars": _gs1([("00", values["sscc"])]), "content_bars": _gs1(inside if is_known else [])}


def _bars_of_bin(values: Mapping[str, str]) -> Bars:
    location = values["location"]
    if "gln" not in values:
        return Bars(location, location)
    if not _EXTENSION.fullmatch(location):
        raise LabelError(
            f"location {location!r} beside a GLN: expected 1 to 20 characters that GS1 allows in (254)"
        )
    return _gs1([("414", values["gln"]), ("254", location)])


def _bars_of_item(values: Mapping[str, str]) -> Bars:
    if "gtin" not in values:
        return Bars(values["item"], values["item"])
    return _gs1([*_named(values, gtin="01"), *_best_before(values), *_named(values, lot="10", serial="21")])


def sample(kind: LabelKind) -> dict[str, str]:
    """Give values that fill every field, for a preview.

    Args:
        kind: Of the label.

    Returns:
        By field.
    """
    return {name: rule.example for name, rule in FIELDS[kind].items()}


def _gs1(elements: list[tuple[str, str]]) -> Bars:
    if not elements:
        return Bars("", "")
    try:
        return Bars(element_string(elements), readable(elements), tuple(elements))
    except ValueError as error:
        raise LabelError(str(error)) from error


def _named(values: Mapping[str, str], **identifiers: str) -> list[tuple[str, str]]:
    return [(ai, values[name]) for name, ai in identifiers.items() if name in values]


def _best_before(values: Mapping[str, str]) -> list[tuple[str, str]]:
    if "best_before" not in values:
        return []
    return [("15", date.fromisoformat(values["best_before"]).strftime("%y%m%d"))]


def _link(kind: LabelKind, values: Mapping[str, str], resolver: str) -> str:
    """Write a GS1 Digital Link; key qualifiers in their order (GS1 Digital Link 1.3)."""
    if kind is LabelKind.SSCC:
        return f"{resolver}/00/{values['sscc']}"
    if "gtin" not in values:
        return ""
    path = "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in _named(values, lot="10", serial="21"))
    day = _best_before(values)
    return f"{resolver}/01/{values['gtin']}{path}" + (f"?15={day[0][1]}" if day else "")
