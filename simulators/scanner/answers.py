"""Bytes a host sent back in; its answers, one per scan and in order, out."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from simulators.scanner.device import LineStyle

_RESUME: Final = "resume"


class Beep(StrEnum):
    """What the person hears."""

    SUCCESS = "success"
    STEP = "step"
    REFUSAL = "refusal"
    RESUME = "resume"
    """Not an answer: the host is there (again) and says how many scans it has answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the display, with its beep."""

    beep: Beep
    scans: int
    """Scans that the host has answered so far."""
    text: str


class AnswerError(ValueError):
    """A host that says what no display understands."""


@dataclass(slots=True)
class AnswerReader:
    """Cuts what a host sends to a device with a display into answers."""

    style: LineStyle
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Answer]:
        """Take the next bytes from the host.

        Args:
            data: Any number of bytes, cut anywhere.

        Returns:
            The answers they completed.

        Raises:
            AnswerError: If a line is not an answer.
        """
        self._buffer += data
        *lines, rest = self._buffer.split(b"\r\n")
        self._buffer = bytearray(rest)
        return [self._answer(bytes(line)) for line in lines]

    def forget(self) -> None:
        """Drop half an answer: the host is gone."""
        self._buffer.clear()

    def _answer(self, line: bytes) -> Answer:
        signals = {
            Beep.SUCCESS: self.style.success,
            Beep.STEP: self.style.step,
            Beep.REFUSAL: self.style.refusal,
        }
        for beep, signal in signals.items():
            number, _, text = line.removeprefix(signal).decode("ascii").partition(" ")
            if line.startswith(signal) and number.isdigit():
                return Answer(Beep.RESUME if text.startswith(_RESUME) else beep, int(number), text)
        raise AnswerError(f"host said {line!r}, expected one of {signals} and a number")
