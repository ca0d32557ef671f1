"""What carries a reader's payloads to us: the words between a link and the reader that it serves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Hands:
    """What a link calls; from any of its threads."""

    opened: Callable[[], None]
    """The way is open: what the reader says from now on is heard."""
    payload: Callable[[bytes], bool]
    """Takes one payload; False if the reader should give it again later."""
    alive: Callable[[], None]
    """The reader said that it lives, and nothing else."""


class Link(Protocol):
    """One way to hear a reader, run once."""

    def run(self, hands: Hands) -> None:
        """Carry payloads until the way is lost or ``interrupt`` is called.

        Args:
            hands: What to call.

        Raises:
            OSError: When the way is lost; its words say why.
        """

    def interrupt(self) -> None:
        """Let ``run`` return soon; from any thread, and also before it began."""
