"""What the person at the scanner hears and reads; sent only after the work is durable."""

from dataclasses import dataclass
from enum import StrEnum

from edge_agent.workflows.prompts import Prompt


class Signal(StrEnum):
    """Three sounds, each unlike the scanner's own decode beep."""

    SUCCESS = "success"
    """Stock moved, and it is on disk."""
    STEP = "step"
    """The scan was taken; it moved nothing by itself."""
    REFUSAL = "refusal"
    """The scan changed nothing; it is recorded as refused."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One answer to one scan."""

    signal: Signal
    prompt: Prompt
    """For a display: what was done, or what is wrong."""

    @property
    def text(self) -> str:
        """The same in English."""
        return str(self.prompt)
