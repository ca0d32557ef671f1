"""JSON for people: nested names and values in, rows of labels, texts, links and small tables out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from cloud.web.names import person

_UTC: Final = ZoneInfo("UTC")
MOST_ROWS: Final = 200
"""Of one list; the rest is counted."""
DEEPEST: Final = 6
_LONG: Final = 400
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*(Z|[+-][0-9]{2}:?[0-9]{2})")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_STORED: Final = re.compile(r"-?[0-9]+\.[0-9]{6}")
"""A quantity or an amount, as the database writes it."""
_ACTOR: Final = re.compile(r"(user|key|job|system):[A-Za-z0-9._@-]+")
_WORDS: Final = {"wape": "WAPE", "sha256": "SHA-256", "ira": "IRA", "s": "in seconds"}
_FIRST: Final = (
    *("item", "location", "lot", "supplier", "day", "occurred_at", "at", "from", "to", "kind"),
    *("book", "counted", "difference", "quantity", "unit"),
)
"""Stored JSON keeps no order; these come first, in this one, and the others by name."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One name with what stands under it: a text, a group of further facts, or a table."""

    label: str
    text: str = ""
    link: str | None = None
    """Path of one of our pages that tells more."""
    group: "tuple[Fact, ...]" = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    left_out: int = 0
    """Rows of the list that are not shown."""


def facts(
    values: Mapping[str, JsonValue],
    *,
    zone: ZoneInfo = _UTC,
    without: Sequence[str] = (),
    depth: int = 0,
) -> list[Fact]:
    """Lay JSON out for people.

    Args:
        values: Names and values, as they are stored.
        zone: In which instants are written.
        without: Names to leave out.
        depth: How deep this lies already.

    Returns:
        One fact per name.

    Examples:
        >>> [(fact.label, fact.text, fact.link) for fact in facts({"as_of": 12, "page_url": "/counts/1"})]
        [('As of', '12', None), ('Page', '/counts/1', '/counts/1')]
        >>> facts({"lines": [{"day": "Mon", "quantity": 2}]})[0].rows
        (('Mon', '2'),)
    """
    return [_fact(name, values[name], zone, depth) for name in _ordered(values) if name not in without]


def label_of(name: str) -> str:
    """Write a field's name as a person would.

    Args:
        name: As in JSON: ``as_of_position``.

    Returns:
        ``As of position``; names that are codes themselves stay as they are.
    """
    words = " ".join(_WORDS.get(word, word) for word in name.removesuffix("_url").split("_")).strip()
    return words[:1].upper() + words[1:] if words else name


def text_of(value: JsonValue, zone: ZoneInfo = _UTC) -> str:
    """Write one value without structure.

    Args:
        value: Any JSON; a list of simple values becomes one line.
        zone: In which instants are written.

    Returns:
        The text, at most 400 characters of it.
    """
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case list():
            text = ", ".join(text_of(part, zone) for part in value[:MOST_ROWS]) or "none"
        case dict():
            text = (
                ", ".join(f"{label_of(name)}: {text_of(part, zone)}" for name, part in value.items())
                or "none"
            )
        case _:
            text = _instant(str(value), zone) or _plain(str(value))
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _plain(text: str) -> str:
    """Write a number without the zeros that the database adds, somebody by name, anything else as it is."""
    if _NUMBER.fullmatch(text):
        told = text.rstrip("0").rstrip(".") if _STORED.fullmatch(text) else text
        return told.replace("-", "−", 1)  # noqa: RUF001  typographic minus
    return person(text) if _ACTOR.fullmatch(text) else text


def _ordered(names: Iterable[str]) -> list[str]:
    return sorted(names, key=_place)


def _place(name: str) -> tuple[int, int, str]:
    """What people look for first, then by name; names that are numbers by their size."""
    first = _FIRST.index(name) if name in _FIRST else len(_FIRST)
    return first, int(name) if name.isascii() and name.isdecimal() else 0, name


def _instant(text: str, zone: ZoneInfo) -> str | None:
    """An instant at the site, to the second; None if the text is none."""
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    except (ValueError, OverflowError):
        return None


def _fact(name: str, value: JsonValue, zone: ZoneInfo, depth: int) -> Fact:
    label = label_of(name)
    if isinstance(value, dict) and value and depth < DEEPEST:
        return Fact(label, group=tuple(facts(value, zone=zone, depth=depth + 1)))
    if isinstance(value, list) and value and all(isinstance(row, dict) and row for row in value):
        return _table(label, value, zone)
    return Fact(label, text_of(value, zone), _link(value))


def _table(label: str, listed: list[JsonValue], zone: ZoneInfo) -> Fact:
    found = [row for row in listed[:MOST_ROWS] if isinstance(row, dict)]
    columns = _ordered({name for row in found for name in row})
    rows = tuple(tuple(text_of(row[name], zone) if name in row else "" for name in columns) for row in found)
    return Fact(label, columns=tuple(map(label_of, columns)), rows=rows, left_out=len(listed) - len(rows))


def _link(value: JsonValue) -> str | None:
    """A path of ours; never another address, whoever wrote the JSON."""
    if not isinstance(value, str) or not value.startswith("/") or value.startswith(("//", "/\\")):
        return None
    return value if value.isascii() and value.isprintable() and " " not in value else None
