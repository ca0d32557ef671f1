"""What this gateway's records said of logistic units, so that a second look confirms and does not repeat."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from contracts.records import Crossing, UnitPosition
from contracts.vocabulary import CrossingReason
from edge_agent.outbox.draft import Draft

MOST_REMEMBERED: Final = 20_000


class UnitPositions:
    """Where units stand by the records that became durable lately; shared by scanners and doors.

    A unit that a door may have moved, and a person decides, stands nowhere that is known.
    """

    def __init__(self, most: int = MOST_REMEMBERED, *, only_by_hand: bool = False) -> None:
        """Know nothing yet: after a restart a second look repeats a position, which changes nothing.

        Args:
            most: Units remembered; the ones longest unheard of are forgotten first.
            only_by_hand: Whether what a door moved is forgotten too: a door never confirms itself.
        """
        self._most = most
        self._only_by_hand = only_by_hand
        self._lock = threading.Lock()
        self._location_of: OrderedDict[str, str | None] = OrderedDict()

    def note(self, drafts: Iterable[Draft]) -> None:
        """Remember what became durable.

        Args:
            drafts: Any records; unit positions and crossings count.
        """
        records = [draft.record for draft in drafts if isinstance(draft.record, UnitPosition | Crossing)]
        if not records:
            return
        with self._lock:
            for record in records:
                self._note(record)
            while len(self._location_of) > self._most:
                self._location_of.popitem(last=False)

    def _note(self, record: UnitPosition | Crossing) -> None:
        if isinstance(record, Crossing):
            if record.unit is not None and _may_have_moved(record):
                self._location_of.pop(record.unit, None)
        elif self._only_by_hand and record.read_point is not None:
            self._location_of.pop(record.unit, None)
        else:
            self._location_of[record.unit] = record.location
            self._location_of.move_to_end(record.unit)

    def location_of(self, unit: str) -> str | None:
        """Tell where a unit stands.

        Args:
            unit: SSCC or GRAI, as in a unit position.

        Returns:
            The location of its last position; None if it is not known, or it stands in another unit.
        """
        with self._lock:
            return self._location_of.get(unit)

    def is_heard_of(self, unit: str) -> bool:
        """Tell whether anything is remembered of a unit, be it that it stands in another one.

        Args:
            unit: SSCC or GRAI.

        Returns:
            True if so.
        """
        with self._lock:
            return unit in self._location_of


def _may_have_moved(crossing: Crossing) -> bool:
    """Tell whether a crossing that posted nothing may be one all the same."""
    return crossing.posted == "held" or crossing.because is CrossingReason.LOW_CONFIDENCE
