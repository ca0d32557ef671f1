"""Which declared units a visit has seen: decisions in, "57 of 60" out; it survives a restart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from contracts.vocabulary import CrossingReason
from edge_agent.doors.domain import Decision
from edge_agent.doors.visits import OpenVisit

MOST_VISITS: Final = 200
"""Visits remembered; the ones that saw nothing for longest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a visit is."""

    visit: str
    seen: int
    declared: int

    @property
    def text(self) -> str:
        """For people at the door."""
        return f"seen {self.seen} of {self.declared}"


@dataclass(frozen=True, slots=True)
class VisitTally:
    """Units that have crossed, by visit; a value, so that it counts only once it is durable."""

    seen: Mapping[str, frozenset[str]]

    @classmethod
    def load(cls, body: bytes | None) -> "VisitTally":
        """Read what ``dump`` wrote.

        Args:
            body: Bytes, or None if there are none.

        Returns:
            The tally; empty if the bytes are not its own.
        """
        if body is None:
            return cls({})
        try:
            read = orjson.loads(body)
            return cls({str(visit): frozenset(map(str, units)) for visit, units in read["seen"].items()})
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            return cls({})

    def dump(self) -> bytes:
        """Write it for a restart."""
        return orjson.dumps({"seen": {visit: sorted(units) for visit, units in self.seen.items()}})

    def after(self, decisions: Iterable[Decision]) -> "VisitTally":
        """Count decisions.

        Args:
            decisions: In order; units that were posted or confirmed for a visit count.

        Returns:
            The next tally.
        """
        seen = dict(self.seen)
        for each in decisions:
            is_seen = each.moves or each.because is CrossingReason.CONFIRMS
            if is_seen and each.visit is not None and each.thing.unit is not None:
                units = seen.pop(each.visit, frozenset())
                seen[each.visit] = units | {each.thing.unit}
        while len(seen) > MOST_VISITS:
            del seen[next(iter(seen))]
        return VisitTally(seen)

    def progress(self, visits: Iterable[OpenVisit]) -> tuple[Progress, ...]:
        """Tell how far visits are.

        Args:
            visits: Open ones.

        Returns:
            One each; units that are not declared do not count.
        """
        return tuple(
            Progress(
                each.visit, len(self.seen.get(each.visit, frozenset()) & each.units.keys()), len(each.units)
            )
            for each in visits
        )
