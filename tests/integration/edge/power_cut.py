"""Power cuts made from a recording: system calls in; files as a disk may hold them after a cut, out.

What was written and synced stays. Of what was written since the last sync of its file, each write may be
there, missing, or torn at a sector's border.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_CALL = re.compile(
    r"^(?P<pid>\d+) +(?P<call>pwrite64|write|fsync|fdatasync|ftruncate)\(\d+<(?P<path>[^>]+)>(?P<rest>.*)$"
)
_PWRITE = re.compile(r', "(?P<hex>(?:\\x[0-9a-f]{2})*)", \d+, (?P<offset>\d+)\) += \d+$')
_WRITE = re.compile(r', "(?P<hex>(?:\\x[0-9a-f]{2})*)", \d+\) += \d+$')
_TRUNCATE = re.compile(r", (?P<size>\d+)\) += 0$")
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)$")


_NEVER_FOUND = ("-shm", "-journal", ".lock")
"""Shared memory does not outlive a cut; the journal is deleted before the log is in use."""


@dataclass(frozen=True)
class Step:
    """One system call that matters."""

    call: str
    path: str
    offset: int = 0
    data: bytes = b""


@dataclass
class File:
    """One file: what the disk holds for certain, and the calls since its last sync."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)


def read_recording(recording: Path) -> list[Step]:
    """Read what ``strace -f -y -xx`` recorded."""
    return [step for line in _whole_lines(recording) for step in _parse(line)]


def _whole_lines(recording: Path) -> Iterator[str]:
    begun: dict[str, str] = {}
    with recording.open(encoding="ascii") as lines:
        for raw in lines:
            line = raw.rstrip("\n")
            resumed = _RESUMED.match(line)
            if line.endswith(_UNFINISHED):
                begun[line.split(" ", 1)[0]] = line.removesuffix(_UNFINISHED)
            elif resumed and resumed["pid"] in begun:
                yield begun.pop(resumed["pid"]) + resumed["rest"]
            else:
                yield line


def _parse(line: str) -> Iterator[Step]:
    found = _CALL.match(line)
    if found is None:
        return
    call, path, rest = found["call"], _bytes(found["path"]).decode(), found["rest"]
    if call in {"fsync", "fdatasync"}:
        yield Step("sync", path)
    elif call == "ftruncate" and (cut := _TRUNCATE.match(rest)):
        yield Step("truncate", path, int(cut["size"]))
    elif call == "pwrite64" and (written := _PWRITE.match(rest)):
        yield Step("write", path, int(written["offset"]), _bytes(written["hex"]))
    elif call == "write" and (written := _WRITE.match(rest)):
        yield Step("append", path, data=_bytes(written["hex"]))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def cut_after(steps: Sequence[Step], count: int, watched: str, chance: random.Random) -> dict[str, bytes]:
    """Give the files of ``watched*`` as they may be found after a cut behind the first ``count`` steps."""
    files: dict[str, File] = {}
    for step in steps[:count]:
        if not step.path.startswith(watched) or step.path.endswith(_NEVER_FOUND):
            continue
        file = files.setdefault(step.path, File())
        if step.call == "sync":
            for each in file.pending:
                _apply(file.synced, each)
            file.pending.clear()
        else:
            file.pending.append(step)
    for file in files.values():
        mood = chance.choice(["all", "none", "some", "some"])
        for step in file.pending:
            if mood == "all" or (mood == "some" and chance.random() < 0.6):
                _apply(file.synced, _torn(step, chance) if mood == "some" else step)
    return {path: bytes(file.synced) for path, file in files.items()}


def _torn(step: Step, chance: random.Random) -> Step:
    if step.call != "write" or chance.random() < 0.6:
        return step
    first_border = SECTOR - step.offset % SECTOR
    borders = range(first_border, len(step.data), SECTOR)
    return Step("write", step.path, step.offset, step.data[: chance.choice(borders)]) if borders else step


def _apply(content: bytearray, step: Step) -> None:
    if step.call == "truncate":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    offset = len(content) if step.call == "append" else step.offset
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(step.data)] = step.data
