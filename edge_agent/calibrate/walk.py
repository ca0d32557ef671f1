"""A training walk: where a tag was, and when, as the person who carried it says, and what readers heard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from edge_agent.readers.raw_read import RawRead, Seen

_SPELLED: Final = re.compile(
    r"(?P<place>[^=@]+)(=(?P<way>in|out))?@(?P<begin>\d+(\.\d+)?)-(?P<end>\d+(\.\d+)?)"
)
_MARGIN_US: Final = 2_000_000
"""So much of what readers said around a walk through a door belongs to it."""


class WalkError(ValueError):
    """A walk that cannot be used; the message names value and expectation."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One part of a walk."""

    place: str
    """Id of a portal or of a read zone."""
    way: str | None
    """``in`` or ``out`` through a portal; None in a read zone."""
    begin_s: float
    """Since the first read of the capture."""
    end_s: float

    @classmethod
    def spelled(cls, text: str) -> Self:
        """Read one from a command line.

        Args:
            text: ``dock-1=in@0-12.5`` or ``aisle-4@20-60``.

        Returns:
            The stretch.

        Raises:
            WalkError: If it is spelled otherwise, or ends before it begins.
        """
        found = _SPELLED.fullmatch(text.strip())
        if found is None:
            raise WalkError(
                f"--at {text!r}: expected PLACE@FROM-TO or DOOR=in@FROM-TO, in seconds of the capture"
            )
        begin_s, end_s = float(found["begin"]), float(found["end"])
        if end_s <= begin_s:
            raise WalkError(f"--at {text!r}: ends at {end_s:g} s, expected after {begin_s:g} s")
        return cls(found["place"], found["way"], begin_s, end_s)


@dataclass(frozen=True)
class Walk:
    """A whole walk with one tag."""

    epc: str
    stretches: tuple[Stretch, ...]
    seen: tuple[Seen, ...]
    """In time order: reads of the tag, and changes of inputs."""
    zero_us: int

    @classmethod
    def of(cls, seen: Sequence[Seen], stretches: Sequence[Stretch], epc: str | None) -> Self:
        """Pick the walk out of a capture.

        Args:
            seen: The capture.
            stretches: What the person says.
            epc: The tag; None if only one was read.

        Returns:
            The walk.

        Raises:
            WalkError: If the tag was not read, or several were and none is named.
        """
        tags = {each.epc for each in seen if isinstance(each, RawRead)}
        if epc is None:
            if len(tags) != 1:
                raise WalkError(
                    f"the capture has {len(tags)} tags, expected --epc to name the one that was carried"
                )
            epc = next(iter(tags))
        if epc not in tags:
            raise WalkError(f"tag {epc} was not read; {len(tags)} others were")
        if not stretches:
            raise WalkError("expected at least one --at: where the tag was, and when")
        kept = sorted(
            (each for each in seen if not isinstance(each, RawRead) or each.epc == epc),
            key=lambda each: each.seen_us,
        )
        return cls(epc, tuple(stretches), tuple(kept), min(each.seen_us for each in seen))

    def during(self, stretch: Stretch) -> list[RawRead]:
        """Give the tag's reads of one stretch.

        Args:
            stretch: Which.

        Returns:
            Reads, in time order.
        """
        begin_us, end_us = self._span(stretch)
        return [
            each for each in self.seen if isinstance(each, RawRead) and begin_us <= each.seen_us <= end_us
        ]

    def around(self, stretch: Stretch) -> list[Seen]:
        """Give all that belongs to a walk through a door.

        Args:
            stretch: Which.

        Returns:
            Reads of the tag and changes of inputs, from a little before until a little after.
        """
        begin_us, end_us = self._span(stretch)
        return [each for each in self.seen if begin_us - _MARGIN_US <= each.seen_us <= end_us + _MARGIN_US]

    def _span(self, stretch: Stretch) -> tuple[int, int]:
        return self.zero_us + round(stretch.begin_s * 1e6), self.zero_us + round(stretch.end_s * 1e6)
