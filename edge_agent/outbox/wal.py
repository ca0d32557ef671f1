"""Judges a SQLite write-ahead log: the bytes of a ``-wal`` file in, what became of its last frames out.

SQLite stops reading at the first frame whose checksum is wrong, and says nothing: committed rows behind a
flipped bit would vanish and their numbers be given twice. So the log is judged before SQLite opens it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_MAGIC_LITTLE: Final = 0x377F0682
_MAGIC_BIG: Final = 0x377F0683
_MASK: Final = 0xFFFFFFFF
_SMALLEST_PAGE: Final = 512
_LARGEST_PAGE: Final = 65536
_GENERATIONS: Final = 1 << 16
"""Further back than this a frame is no older generation's, but damaged."""


class WalState(Enum):
    """What a write-ahead log shows."""

    CLEAN = auto()
    """Every frame of this generation is as it was written."""
    UNFINISHED = auto()
    """Only the very last frame is wrong, in a log that still has an older generation's frames behind it.

    A process killed between writing a frame's head and its page leaves this, in the first transaction after
    the log began anew. That transaction was never committed: the outbox's log is cut to its length by the
    first commit (``journal_size_limit = 0``), and from then on a frame cut short lies at the file's end.
    """
    TORN = auto()
    """Only the last transaction is damaged: what a power cut does to writes that were never synced."""
    DAMAGED = auto()
    """A frame that had been synced is not what was written."""


@dataclass(frozen=True, slots=True)
class WalVerdict:
    """The state of a log, and the pages it holds, damaged ones included, so that rows can be salvaged."""

    state: WalState
    pages: dict[int, bytes]
    """The newest committed image of each page, by page number from 1; never that of an unfinished frame."""


def judge(log: bytes) -> WalVerdict:
    """Walk all frames of the log's current generation.

    Args:
        log: The whole file.

    Returns:
        The verdict.
    """
    if len(log) < _HEADER.size:
        return WalVerdict(WalState.CLEAN, {})
    magic, _, page_bytes, _, *salts, sum1, sum2 = _HEADER.unpack_from(log)
    order = {_MAGIC_LITTLE: "<", _MAGIC_BIG: ">"}.get(magic)
    if order is None or not _SMALLEST_PAGE <= page_bytes <= _LARGEST_PAGE:
        return WalVerdict(WalState.DAMAGED if any(log) else WalState.CLEAN, {})
    step = _FRAME.size + page_bytes
    starts = range(_HEADER.size, len(log) - step + 1, step)
    header_is_good = _checksum(log[:24], order, (0, 0)) == (sum1, sum2)
    if not header_is_good and starts:
        salts = list(_FRAME.unpack_from(log, starts[0])[2:4])
    running, first_bad, commits, count = (sum1, sum2), None, list[int](), 0
    pages, pending = dict[int, bytes](), dict[int, bytes]()
    for at in starts[: _own_frames(log, starts, salts)]:
        page_no, pages_after, *frame_salts, frame_sum1, frame_sum2 = _FRAME.unpack_from(log, at)
        page = log[at + _FRAME.size : at + step]
        if first_bad is None:
            running = _checksum(log[at : at + 8] + page, order, running)
            is_good = frame_salts == salts and running == (frame_sum1, frame_sum2)
            first_bad = None if is_good else count
        if not _is_older(frame_salts, salts):
            pending[page_no] = page
            if pages_after:
                commits.append(count)
                pages |= pending
                pending.clear()
        count += 1
    if first_bad is None:
        return WalVerdict(WalState.CLEAN, pages)
    behind = starts[count:]
    is_older = bool(behind) and all(list(_FRAME.unpack_from(log, at)[2:4]) != salts for at in behind)
    if header_is_good and first_bad == count - 1 and is_older:
        return WalVerdict(WalState.UNFINISHED, judge(log[: starts[first_bad]]).pages)
    was_synced = header_is_good and any(first_bad <= commit < count - 1 for commit in commits)
    return WalVerdict(WalState.DAMAGED if was_synced else WalState.TORN, pages)


def _own_frames(log: bytes, starts: Sequence[int], salts: list[int]) -> int:
    """Count the frames up to the last of this generation; one whose salts are damaged belongs to it too."""
    own = 0
    for number, at in enumerate(starts, start=1):
        frame_salts = list(_FRAME.unpack_from(log, at)[2:4])
        if frame_salts == salts or (own == number - 1 and not _is_older(frame_salts, salts)):
            own = number
    return own


def _is_older(frame_salts: list[int], salts: list[int]) -> bool:
    """Tell an older generation's frame: the first salt counts up by one each time, the second is random."""
    behind = (salts[0] - frame_salts[0]) & _MASK
    return 0 < behind <= _GENERATIONS and frame_salts[1] != salts[1]


def _checksum(content: bytes, order: str, seed: tuple[int, int]) -> tuple[int, int]:
    first, second = seed
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
