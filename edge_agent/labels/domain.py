"""What a printer says of itself (``~HS``, ZPL II Programming Guide): bytes in, what is wrong out; pure."""

import re
from dataclasses import dataclass
from typing import Final

ASK: Final = b"~HS"
LINES: Final = 3
_LINE: Final = re.compile(rb"\x02([^\x02\x03]*)\x03")
_FIELDS: Final = (12, 11, 2)


class StatusUnreadableError(ValueError):
    """An answer that is no host status."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    """What keeps a printer from printing, and what it holds."""

    paper_out: bool
    paused: bool
    buffer_full: bool
    corrupt_memory: bool
    too_cold: bool
    too_hot: bool
    head_open: bool
    ribbon_out: bool
    formats_waiting: int
    labels_left: int
    """Of the format under way."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What somebody must mend before it prints."""
        told = {
            "the paper is out": self.paper_out,
            "the head is open": self.head_open,
            "the ribbon is out": self.ribbon_out,
            "the head is too hot": self.too_hot,
            "the head is too cold": self.too_cold,
            "its memory is damaged": self.corrupt_memory,
            "its buffer is full": self.buffer_full,
        }
        found = [text for text, is_so in told.items() if is_so]
        if self.paused and not found:
            found.append("it is paused: press PAUSE")
        return tuple(found)


def is_whole(answer: bytes) -> bool:
    """Tell whether an answer has all its lines."""
    return len(_LINE.findall(answer)) >= LINES


def parse_host_status(answer: bytes) -> HostStatus:
    r"""Read an answer to ``~HS``.

    Args:
        answer: Three lines, each between STX and ETX.

    Returns:
        The status.

    Raises:
        StatusUnreadableError: If it is not such an answer.

    Examples:
        >>> parse_host_status(
        ...     b"\x02030,1,0,1184,000,0,0,0,000,0,0,0\x03\r\n"
        ...     b"\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
        ... ).faults
        ('the paper is out',)
    """
    lines = [line.decode("ascii", "replace").split(",") for line in _LINE.findall(answer)]
    if tuple(map(len, lines)) != _FIELDS:
        raise StatusUnreadableError(f"{answer[:120]!r}: expected three lines of 12, 11 and 2 fields")
    one, two, _ = lines
    try:
        return HostStatus(
            paper_out=one[1] == "1",
            paused=one[2] == "1",
            buffer_full=one[5] == "1",
            corrupt_memory=one[9] == "1",
            too_cold=one[10] == "1",
            too_hot=one[11] == "1",
            head_open=two[2] == "1",
            ribbon_out=two[3] == "1",
            formats_waiting=int(one[4]),
            labels_left=int(two[8]),
        )
    except ValueError as error:
        raise StatusUnreadableError(f"{answer[:120]!r}: {error}") from error
