"""Events in, named covariate arrays out: by item and day, as they were known at a moment. Pure.

Promotions, holidays and disruptions are 1 on their days and 0 on others; a promotion's depth and a price's
change are logs of the price over the usual one; weather is its number, and not known where none is stated.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cloud.events.domain import EventRow, Kind, Subject

Floats = NDArray[np.float64]
FLAGS: Final = ("feature", "display", "mailer")
"""Attributes of a promotion that, if true, have an effect of their own."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What moves items on days, as known at a moment."""

    values: Floats
    """Items x days x covariates; NaN: not known."""
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    """Of each covariate the kind of its events."""
    references: tuple[float | None, ...]
    """Value without effect; None: the usual one."""
    priors: tuple[float, ...]
    """Of each covariate the log of the factor expected before any data, 0 where none is stated."""
    events: tuple[EventRow, ...]
    """That were known, not withdrawn, and touch the days."""


def known(revisions: Sequence[EventRow], at: datetime) -> list[EventRow]:
    """Choose of each event the revision that was in force at a moment.

    Args:
        revisions: All of them.
        at: The moment.

    Returns:
        The greatest revision of each known by then, without withdrawn ones, by number.
    """
    latest: dict[int, EventRow] = {}
    for one in revisions:
        if one.known_at <= at and (
            one.event_id not in latest or latest[one.event_id].revision < one.revision
        ):
            latest[one.event_id] = one
    return [latest[number] for number in sorted(latest) if not latest[number].is_withdrawn]


def covariates_of(revisions: Sequence[EventRow]) -> tuple[str, ...]:
    """Name the covariates that events make, whenever they were known: the columns of every matrix of them.

    Args:
        revisions: All of them.

    Returns:
        The names, sorted.
    """
    return tuple(sorted({name for one in revisions for name, _ in _told(one)}))


def matrix(
    revisions: Sequence[EventRow],
    subjects: Sequence[Subject],
    first_day: date,
    count: int,
    *,
    as_known_at: datetime,
    names: Sequence[str] | None = None,
) -> Matrix:
    """Arrange events by item and day.

    Args:
        revisions: Of one site's events, each with all its revisions.
        subjects: The items.
        first_day: First site day.
        count: Days, past and to come.
        as_known_at: What was known later does not count.
        names: Columns; None: those that these events make.

    Returns:
        The arrays.
    """
    arranged = Arranged(revisions, names)
    values, used = arranged.values(subjects, first_day, count, as_known_at=as_known_at)
    return Matrix(
        values=values,
        names=arranged.names,
        kinds=arranged.kinds,
        references=arranged.references,
        priors=priors_of(revisions, arranged.names, as_known_at=as_known_at),
        events=used,
    )


class Arranged:
    """Events of a site made ready to be asked for many windows of days, as known at many moments."""

    def __init__(self, revisions: Sequence[EventRow], names: Sequence[str] | None = None) -> None:
        """Look at each revision once.

        Args:
            revisions: Of one site's events, each with all its revisions.
            names: Columns; None: those that these events make.
        """
        self._events: dict[int, list[EventRow]] = {}
        self._told: dict[tuple[int, int], list[tuple[str, float]]] = {}
        kinds: dict[str, str] = {}
        for one in sorted(revisions, key=lambda one: one.event_id):
            self._events.setdefault(one.event_id, []).append(one)
            told = _told(one)
            self._told[one.event_id, one.revision] = told
            kinds.update((name, one.kind) for name, _ in told)
        self.names = tuple(names) if names is not None else tuple(sorted(kinds))
        self.kinds = tuple(kinds.get(name, Kind.OTHER.value) for name in self.names)
        self._place = {name: number for number, name in enumerate(self.names)}
        self._is_weather = np.array([kinds.get(name) == Kind.WEATHER for name in self.names], dtype=bool)
        self.references = tuple(None if one else 0.0 for one in self._is_weather)
        self._groups = list(self._events.values())
        self._asked: tuple[tuple[int, int, datetime], list[EventRow], _Single] | None = None
        self._first = np.array([min(one.from_day for one in group).toordinal() for group in self._groups])
        self._last = np.array([max(one.to_day for one in group).toordinal() for group in self._groups])

    def values(
        self, subjects: Sequence[Subject], first_day: date, count: int, *, as_known_at: datetime
    ) -> tuple[Floats, tuple[EventRow, ...]]:
        """Arrange what touches some days.

        Args:
            subjects: The items.
            first_day: First site day.
            count: Days, past and to come.
            as_known_at: What was known later does not count.

        Returns:
            Items x days x covariates, and the events in force that touch them.
        """
        values = np.zeros((len(subjects), count, len(self.names)))
        values[:, :, self._is_weather] = np.nan
        begin = first_day.toordinal()
        near, single = self._near(begin, count, as_known_at)
        is_used = np.zeros(len(near), dtype=bool)
        is_used[single.put(values, subjects)] = True
        places = _places(subjects)
        for number, one in enumerate(near):
            if number in single.events:
                continue
            first = max(one.from_day.toordinal() - begin, 0)
            last = min(one.to_day.toordinal() - begin, count - 1)
            rows = places.of(one)
            if first > last or not len(rows):
                continue
            is_used[number] = True
            days = slice(first, last + 1)
            for name, value in self._told[one.event_id, one.revision]:
                if name not in self._place:
                    continue
                column = self._place[name]
                if self._is_weather[column]:
                    values[rows, days, column] = value
                else:  # of two at once the stronger counts
                    before = values[rows, days, column]
                    values[rows, days, column] = np.where(abs(before) > abs(value), before, value)
        return values, tuple(near[number] for number in np.flatnonzero(is_used).tolist())

    def _near(self, begin: int, count: int, moment: datetime) -> tuple[list[EventRow], "_Single"]:
        """Give the events that touch days, as known at a moment; the last answer is kept for other items."""
        asked = (begin, count, moment)
        if self._asked is None or self._asked[0] != asked:
            places = np.flatnonzero((self._last >= begin) & (self._first < begin + count))
            near = known([row for place in places.tolist() for row in self._groups[place]], moment)
            told = [
                (number, one, self._place[name], value)
                for number, one in enumerate(near)
                if one.item_id is not None
                for name, value in self._told[one.event_id, one.revision]
                if name in self._place
            ]
            weather = {number for number, _, column, _ in told if self._is_weather[column]}
            kept = [each for each in told if each[0] not in weather]
            self._asked = asked, near, _Single.of(kept, begin, count)
        return self._asked[1:]


def priors_of(
    revisions: Sequence[EventRow], names: Sequence[str], *, as_known_at: datetime
) -> tuple[float, ...]:
    """Tell what effect was expected of each covariate before any data.

    Args:
        revisions: Of the events, each with all its revisions.
        names: Of the covariates.
        as_known_at: What was stated later does not count.

    Returns:
        Of each covariate the log of the factor of one unit, the mean of what events state; 0: none does.
    """
    stated: dict[str, list[float]] = {}
    for one in known(revisions, as_known_at):
        made = _told(one)
        if one.effect_prior is None or not made:
            continue
        name, value = made[0]  # what it is, not how deep: its factor is that of the whole event
        stated.setdefault(name, []).append(math.log(one.effect_prior) / value if value else 0.0)
    return tuple(float(np.mean(stated.get(name, [0.0]))) for name in names)


def shifts(kind: str, name: str, attributes: Mapping[str, object]) -> dict[str, float]:
    """Tell what an event of this kind would be in each covariate.

    Args:
        kind: Of the event.
        name: Of the event.
        attributes: Of the event.

    Returns:
        Covariate and value.
    """
    return dict(_made(kind, name, attributes))


@dataclass(frozen=True, slots=True)
class _Single:
    """What events of single items make of days: one entry per event and covariate, the weakest first."""

    events: frozenset[int]
    """Numbers of the events."""
    number: NDArray[np.int64]
    items: NDArray[np.int64]
    first: NDArray[np.int64]
    """Day, counted from the first one asked for."""
    days: NDArray[np.int64]
    column: NDArray[np.int64]
    value: Floats

    @classmethod
    def of(cls, told: Sequence[tuple[int, EventRow, int, float]], begin: int, count: int) -> "_Single":
        """Take events of items with their covariates."""
        spans = [
            (number, one.item_id, one.from_day.toordinal() - begin, one.to_day.toordinal() - begin, column)
            for number, one, column, _ in told
        ]
        number, items, first, last, column = np.array(spans, dtype=np.int64).reshape(-1, 5).T
        value = np.array([value for *_, value in told], dtype=np.float64)
        first, last = np.maximum(first, 0), np.minimum(last, count - 1)
        order = np.flatnonzero(first <= last)
        order = order[np.argsort(abs(value[order]), kind="stable")]  # of two at once the stronger counts
        names = frozenset(number.tolist())
        return cls(
            names,
            number[order],
            items[order],
            first[order],
            (last - first + 1)[order],
            column[order],
            value[order],
        )

    def put(self, values: Floats, subjects: Sequence[Subject]) -> NDArray[np.int64]:
        """Write them where they concern items.

        Returns:
            Numbers of the events that do.
        """
        if not len(self.items) or not len(subjects):
            return self.number[:0]
        ids = np.array([subject.item_id for subject in subjects])
        order = np.argsort(ids, kind="stable")
        left, right = (np.searchsorted(ids[order], self.items, side=side) for side in ("left", "right"))
        entry, copy = _counted(right - left)
        rows = order[left[entry] + copy]
        cell, day = _counted(self.days[entry])
        values[rows[cell], self.first[entry][cell] + day, self.column[entry][cell]] = self.value[entry][cell]
        return np.unique(self.number[entry])


def _counted(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Repeat places as often as counts say, and count each one's copies from 0."""
    place = np.repeat(np.arange(len(counts)), counts)
    return place, np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where items stand."""

    items: Mapping[int, NDArray[np.int64]]
    categories: Mapping[str, NDArray[np.int64]]
    every: NDArray[np.int64]

    def of(self, one: EventRow) -> NDArray[np.int64]:
        """Give the rows that an event concerns."""
        if one.item_id is not None:
            return self.items.get(one.item_id, self.every[:0])
        if one.category is not None:
            return self.categories.get(one.category, self.every[:0])
        return self.every


def _places(subjects: Sequence[Subject]) -> _Places:
    items: dict[int, list[int]] = {}
    categories: dict[str, list[int]] = {}
    for row, subject in enumerate(subjects):
        items.setdefault(subject.item_id, []).append(row)
        if subject.category is not None:
            categories.setdefault(subject.category, []).append(row)
    return _Places(
        {key: np.array(rows) for key, rows in items.items()},
        {key: np.array(rows) for key, rows in categories.items()},
        np.arange(len(subjects)),
    )


def _told(one: EventRow) -> list[tuple[str, float]]:
    return _made(one.kind, one.name, one.attributes)


def _made(kind: str, name: str, attributes: Mapping[str, object]) -> list[tuple[str, float]]:
    match kind:
        case Kind.PROMOTION:
            made = [("promotion", 1.0)]
            depth = float(str(attributes.get("depth", 0)))
            if depth:
                made.append(("promotion depth", -math.log(1 - depth)))
            return made + [(f"promotion {flag}", 1.0) for flag in FLAGS if attributes.get(flag) is True]
        case Kind.PRICE:
            return [("log price", math.log(1 + float(str(attributes["change"]))))]
        case Kind.WEATHER:
            return [
                (f"weather {key}", float(value))
                for key, value in sorted(attributes.items())
                if isinstance(value, int | float) and not isinstance(value, bool)
            ]
        case Kind.HOLIDAY | Kind.OTHER:
            return [(f"{Kind(kind).value}: {name}", 1.0)]
        case _:
            return [(str(kind), 1.0)]
