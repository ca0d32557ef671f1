"""Packaging levels as they were stated in, base units in each of them out, as exact ratios; pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

MOST: Final = 2**63 - 1
"""Above neither part of a ratio may go."""
_PLAIN: Final = re.compile(r"[0-9]{1,18}(/(?!0+$)[0-9]{1,18}|\.[0-9]{1,18})?")


class PackagingError(ValueError):
    """Levels that cannot be so; the message names level, value and expectation."""

    def __init__(self, message: str, *, part: str) -> None:
        """Say what is wrong.

        Args:
            message: What is told.
            part: What has to be another: `gtin`, `holds`, `of`, `valid_from`, or `base_unit`.
        """
        super().__init__(message)
        self.part = part


@dataclass(frozen=True, slots=True)
class Level:
    """From an instant on one of `gtin` holds `holds` of `of`."""

    gtin: str
    valid_from: datetime | None
    """None: since ever."""
    holds: Fraction
    of: str | None
    """A GTIN of the same item; None: base units."""


def plain_ratio(text: str) -> Fraction:
    """Read a ratio as somebody types it.

    An exponent is refused, for a fraction writes all of its digits out.

    Args:
        text: As ``6``, ``1/3`` or ``0.5``, with blanks around it or not.

    Returns:
        The ratio; zero or more, and what else it has to be is for whoever asks.

    Raises:
        ValueError: If it is none.

    Examples:
        >>> plain_ratio(" 1/3 ")
        Fraction(1, 3)
    """
    if _PLAIN.fullmatch(text.strip()) is None:
        raise ValueError(f"{text!r:.80}: expected a ratio as 6, 1/3 or 0.5")
    return Fraction(text.strip())


def ratios(levels: Iterable[Level]) -> dict[str, Fraction]:
    """Compute base units in one of each level, of those valid at one instant.

    Args:
        levels: One per GTIN.

    Returns:
        By GTIN.

    Raises:
        PackagingError: If levels hold one another in a circle, one holds a level nobody stated, or a ratio
            has more than 18 digits.

    Examples:
        >>> case = Level("case", None, Fraction(4), "inner")
        >>> ratios([case, Level("inner", None, Fraction(1, 3), None)])["case"]
        Fraction(4, 3)
    """
    known = {level.gtin: level for level in levels}
    found: dict[str, Fraction] = {}
    for gtin in known:
        path = [gtin]
        ratio = Fraction(1)
        while (level := known[path[-1]]).of is not None:
            ratio *= level.holds
            if level.of in path:
                circle = " holds ".join([*path[path.index(level.of) :], level.of])
                raise PackagingError(f"GTIN {circle}: expected levels that end at the base unit", part="of")
            if level.of not in known:
                raise PackagingError(
                    f"GTIN {level.gtin} holds {level.holds} of {level.of}, no level of the item then: "
                    "state that one too, or count in base units",
                    part="of",
                )
            path.append(level.of)
        ratio *= level.holds
        if max(ratio.numerator, ratio.denominator) > MOST:
            message = f"GTIN {gtin} holds {ratio} base units: expected at most 18 digits"
            raise PackagingError(message, part="holds")
        found[gtin] = ratio
    return found


def over_time(levels: Iterable[Level]) -> dict[datetime | None, dict[str, Fraction]]:
    """Compute the ratios at each instant from which another level is valid.

    Args:
        levels: Of one item, any number per GTIN.

    Returns:
        By instant, the earliest first; None is since ever.

    Raises:
        PackagingError: As `ratios`, and where one GTIN is stated twice for an instant.
    """
    ordered = sorted(levels, key=lambda level: (level.valid_from is not None, level.valid_from or 0))
    valid: dict[str, Level] = {}
    found: dict[datetime | None, dict[str, Fraction]] = {}
    stated: set[tuple[str, datetime | None]] = set()
    for position, level in enumerate(ordered):
        if (level.gtin, level.valid_from) in stated:
            since = "since ever" if level.valid_from is None else f"from {level.valid_from.isoformat()} on"
            message = f"GTIN {level.gtin} is stated {since} already: expected a later instant"
            raise PackagingError(message, part="valid_from")
        stated.add((level.gtin, level.valid_from))
        valid[level.gtin] = level
        if position + 1 == len(ordered) or ordered[position + 1].valid_from != level.valid_from:
            try:
                found[level.valid_from] = ratios(valid.values())
            except PackagingError as error:
                when = "" if level.valid_from is None else f"from {level.valid_from.isoformat()} on: "
                raise PackagingError(f"{when}{error}", part=error.part) from error
    return found


def changes(
    wanted: Mapping[datetime | None, Mapping[str, Fraction]],
    kept: Mapping[str, Mapping[datetime | None, Fraction]],
) -> list[tuple[str, datetime | None, Fraction]]:
    """Find what the ledger has to learn: ratios that differ from what holds there at an instant.

    Args:
        wanted: By instant and GTIN, as `over_time` gives them.
        kept: By GTIN and instant, as the ledger has them.

    Returns:
        GTIN, instant and ratio.

    Raises:
        PackagingError: If the ledger has another ratio from the very instant on.
    """
    told: list[tuple[str, datetime | None, Fraction]] = []
    last: dict[str, Fraction] = {}
    for at, ratio_of in wanted.items():
        for gtin, ratio in ratio_of.items():
            there = kept.get(gtin, {})
            if at in there and there[at] != ratio:
                since = "since ever" if at is None else f"from {at.isoformat()} on"
                raise PackagingError(
                    f"GTIN {gtin} holds {there[at]} base units {since}, got {ratio}: "
                    "what was valid is not rewritten; state it from a later instant on",
                    part="valid_from",
                )
            before = last.get(gtin, _valid(there, at))
            if at not in there and before != ratio:
                told.append((gtin, at, ratio))
            last[gtin] = ratio
    return told


def _valid(there: Mapping[datetime | None, Fraction], at: datetime | None) -> Fraction | None:
    """Give what held just before an instant."""
    earlier = [when for when in there if when is None or (at is not None and when < at)]
    if not earlier:
        return None
    return there[max(earlier, key=lambda when: (when is not None, when or 0))]
