"""What this gateway's records said of logistic units, so that a second look confirms and does not repeat."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from contracts.records import UnitPosition
from edge_agent.outbox.draft import Draft

MOST_REMEMBERED: Final = 20_000


class UnitPositions:
    """Where units stand by the records that became durable lately; shared by scanners and doors."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """Know nothing yet: after a restart a second look repeats a position, which changes nothing.

        Args:
            most: Units remembered; the ones longest unheard of are forgotten first.
        """
        self._most = most
        self._lock = threading.Lock()
        self._location_of: OrderedDict[str, str | None] = OrderedDict()

    def note(self, drafts: Iterable[Draft]) -> None:
        """Remember what became durable.

        Args:
            drafts: Any records; unit positions count.
        """
        positions = [draft.record for draft in drafts if isinstance(draft.record, UnitPosition)]
        if not positions:
            return
        with self._lock:
            for position in positions:
                self._location_of[position.unit] = position.location
                self._location_of.move_to_end(position.unit)
            while len(self._location_of) > self._most:
                self._location_of.popitem(last=False)

    def location_of(self, unit: str) -> str | None:
        """Tell where a unit stands.

        Args:
            unit: SSCC or GRAI, as in a unit position.

        Returns:
            The location of its last position; None if it is not known, or it stands in another unit.
        """
        with self._lock:
            return self._location_of.get(unit)
