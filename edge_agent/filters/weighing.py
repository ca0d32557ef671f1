"""What lay on the scales when a visit was weighed, for whoever asks why; nothing here changes a decision."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_agent.filters.doorway import Pass
from edge_agent.filters.group import Member
from edge_agent.filters.one_plane import Span
from edge_agent.filters.profile import Cells
from edge_agent.filters.track import Track
from edge_agent.filters.verdict import Picture


@dataclass(frozen=True, slots=True)
class WeighedPass:
    """One stretch in the light beams, and how much spoke for the tag having been on it."""

    beams: Pass
    span: Span
    rivals: tuple[Cells, ...]
    """Of other tags that were heard about then."""
    log_odds: float


@dataclass(frozen=True, slots=True)
class Weighing:
    """All that was weighed of one visit."""

    track: Track
    """Goes on growing: look at it at once."""
    own: Member
    company: Sequence[Member]
    """Those that moved with it, those most alike first."""
    picture: Picture | None = None
    """Of two sides."""
    passes: tuple[WeighedPass, ...] = ()
    """Of one plane with beams."""


Witness = Callable[[Weighing], None]
