"""Puts a damaged outbox file aside, whole and unchanged, and finds those put aside before."""

import re
from pathlib import Path
from typing import Final

from edge_agent.outbox.errors import OutboxError, StoreCorruptError
from edge_agent.outbox.store import Store
from edge_agent.outbox.wal import WalState, judge

_DAMAGED: Final = ".damaged-"
_NOT_FILES: Final = ("-wal", "-shm", "-journal", ".copy", "-donor")
_NUMBERED: Final = re.compile(r"(\d+)-")
"""How names begin that carry a running number; those of earlier versions are a clock's stamp alone."""


def check_log(path: Path, *, boot_id: str) -> bool:
    """Judge the log beside a file, before SQLite reads it.

    Args:
        path: The outbox file.
        boot_id: The machine's present boot.

    Returns:
        True if its very last frame is unfinished, as a killed process leaves it; SQLite passes over it.

    Raises:
        StoreCorruptError: If rows that were durable are no longer readable through the log. More damage
            than one frame to the last transaction is what a power cut does; without a new boot there was
            none.
    """
    log = log_of(path)
    if not path.exists() or not log.exists():
        return False
    state = judge(log.read_bytes()).state
    if state is WalState.DAMAGED or (state is WalState.TORN and _last_boot(path) == boot_id):
        raise StoreCorruptError(f"{log}: committed rows stand behind a damaged place in the log")
    return state is WalState.UNFINISHED


def quarantine(path: Path, stamp: str) -> Path:
    """Put a damaged file and its log aside; nothing of them is ever changed or deleted.

    Args:
        path: The outbox file.
        stamp: When, by a clock that may be wrong: for a person only, the order is a running number.

    Returns:
        Where it lies now.
    """
    target = _free_name(path, stamp)
    path.replace(target)
    _part_log(path, target)
    return target


def finish_quarantine(path: Path) -> None:
    """Move a log after its file, also when the process died in between: the file always goes first.

    Args:
        path: The outbox file.
    """
    targets = quarantined(path)
    if not path.exists() and targets:
        is_its_own = not log_of(targets[-1]).exists()
        _part_log(path, targets[-1] if is_its_own else _free_name(path, "without-file"))


def quarantined(path: Path) -> list[Path]:
    """List the damaged files of an outbox.

    Args:
        path: The outbox file.

    Returns:
        The files, oldest first; logs and copies left out.
    """
    found = path.parent.glob(f"{path.name}{_DAMAGED}*")
    return sorted((each for each in found if not each.name.endswith(_NOT_FILES)), key=_place)


def damaged_before(damaged: Path) -> list[Path]:
    """List the files of the same outbox that were damaged before one.

    Args:
        damaged: The one.

    Returns:
        The files, oldest first.
    """
    path = damaged.with_name(damaged.name.rpartition(_DAMAGED)[0])
    return [each for each in quarantined(path) if _place(each) < _place(damaged)]


def log_of(path: Path) -> Path:
    """Name the log beside a file.

    Args:
        path: An outbox file, damaged or not.

    Returns:
        Where its log would lie.
    """
    return path.with_name(path.name + "-wal")


def _place(damaged: Path) -> tuple[int, str]:
    """Give a file's place in the order of damage; names without a number come first, by their stamps."""
    number = _NUMBERED.match(damaged.name.rpartition(_DAMAGED)[2])
    return (int(number[1]) if number else 0), damaged.name


def _free_name(path: Path, stamp: str) -> Path:
    """Name what comes after everything put aside, logs without a file included: nothing stands there."""
    places = [_place(each) for each in path.parent.glob(f"{path.name}{_DAMAGED}*")]
    number = max((number for number, _ in places), default=0) + 1
    return path.with_name(f"{path.name}{_DAMAGED}{number:06d}-{stamp}")


def _part_log(path: Path, target: Path) -> None:
    if log_of(path).exists():
        log_of(path).replace(log_of(target))
        path.with_name(path.name + "-shm").unlink(missing_ok=True)


def _last_boot(path: Path) -> str | None:
    try:
        store = Store.open_readonly(path)
    except OutboxError:
        return None
    try:
        identity = store.row("read_identity")
        return identity[2] if identity else None
    except OutboxError:
        return None
    finally:
        store.close()
