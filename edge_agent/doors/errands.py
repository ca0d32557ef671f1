"""What went through a door and came back is one errand: which of a tag's crossings are one question."""

from collections.abc import Callable

from edge_agent.doors.companions import SURE
from edge_agent.doors.crossed import Crossed
from edge_agent.doors.loudness import AGAIN_US
from edge_agent.doors.returns import Returns
from edge_agent.doors.visits import Known
from edge_agent.filters.passage import Passage


class Errands:
    """Looks a tag's crossings up beside what its portal's visits send."""

    def __init__(self, crossed: Crossed, returns: Returns, known: Callable[[int], Known]) -> None:
        """Look at what others remember.

        Args:
            crossed: Where tags crossed.
            returns: What came back.
            known: Gives what is known at an instant, in microseconds.
        """
        self._crossed = crossed
        self._returns = returns
        self._known = known

    def is_way_back(self, passage: Passage, least: float) -> bool:
        """Tell whether a passage, which no visit expects, brings back what is asked about for that reason.

        Args:
            passage: Of any tag.
            least: How sure its way there must have been to be asked about.

        Returns:
            True if so: whoever is asked about the way there answers for both.
        """
        last = self._crossed.before(passage, least)
        return (
            last is not None
            and last.direction is not passage.direction
            and self._is_against_visits(passage)
            and passage.first_seen_us <= last.last_seen_us + AGAIN_US
            and self._returns.is_brought_back(last, self._known(last.occurred_us))
        )

    def is_other_half(self, passage: Passage, least: float) -> bool:
        """Tell whether the tag's last sure crossing here, just before, went where no visit sends anything.

        Args:
            passage: Of any tag.
            least: As in ``is_way_back``.

        Returns:
            True if a person is asked about that one: what follows it may be the other half of an errand. If
            it was that half itself, the errand is over.
        """
        last = self._crossed.before(passage, SURE)
        return (
            last is not None
            and last.direction is not passage.direction
            and self._is_against_visits(last)
            and not self.is_way_back(last, least)
        )

    def _is_against_visits(self, passage: Passage) -> bool:
        visits = self._known(passage.occurred_us).open_at(passage.portal, passage.occurred_us)
        return bool(visits) and all(visit.direction is not passage.direction for visit in visits)
