"""What processes have used so far: process ids in, CPU seconds and memory out."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _GONE_USER, _GONE_SYSTEM = 1, 11, 12, 13, 14
"""Places in ``/proc/PID/stat`` after the name; "gone" are children that have ended and were waited for."""
_KIB: Final = 1024


def cpu_seconds(pid: int) -> float:
    """Tell how long a process, its children and theirs have computed.

    Args:
        pid: The process.

    Returns:
        Seconds of user and system time; those of children that ended unnoticed are missing.
    """
    fields = {int(path.name): _stat(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for each, values in fields.items():
        if values:
            children[values[_PARENT]].append(each)
    ticks, family = 0, [pid]
    while family:
        each = family.pop()
        if own := fields.get(each):
            ticks += sum(own[place] for place in (_USER, _SYSTEM, _GONE_USER, _GONE_SYSTEM))
        family += children[each]
    return ticks / _TICKS


def peak_memory_bytes(pid: int) -> int:
    """Tell the most memory that a process has had resident.

    Args:
        pid: The process.

    Returns:
        Bytes: ``VmHWM``.
    """
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
    return next(int(line[1]) * _KIB for line in lines if line[0] == "VmHWM:")


def _stat(path: Path) -> list[int]:
    try:
        after_name = (path / "stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return []  # it ended meanwhile
    return [0, *map(int, after_name[1:])]
