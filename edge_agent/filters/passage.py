"""What a portal concluded of one tag's visit to its field."""

from dataclasses import dataclass

from contracts.records import TracePoint
from contracts.vocabulary import CrossingDirection


@dataclass(frozen=True, slots=True)
class Passage:
    """One decision: a tag crossed, did not, or it cannot be told."""

    portal: str
    epc: str
    """Hexadecimal digits as read."""
    direction: CrossingDirection
    confidence: float
    """0-1: how sure the named direction is; for ``stray`` how sure it is that nothing crossed; for
    ``undecided`` how sure the likelier direction is."""
    first_seen_us: int
    occurred_us: int
    """When it was in the doorway as far as the radio tells; all times in microseconds since 1970, UTC."""
    last_seen_us: int
    reads: int
    antennas: tuple[str, ...]
    """``reader:antenna`` of every antenna in ``trace``."""
    trace: tuple[TracePoint, ...]
    """At most 64 reads, thinned out evenly."""
    neighbour: str | None = None
    """The portal that heard the tag stronger meanwhile, so that this one calls it a stray."""
    chances: tuple[float, float] = (0.0, 0.0)
    """How likely it went in, and out, by the radio alone, whatever is named; 0 where nothing tells."""
    company: tuple[str, ...] = ()
    """Tags that moved with it, those most alike first, at most 64."""
    is_assignable: bool = False
    """It passed, and this portal cannot tell which way: posting may take the direction from a single open
    visit, with this confidence (DOMAIN D2)."""
