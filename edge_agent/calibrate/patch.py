"""A site file with other settings of some tables: text in, text out; and the file itself, with a way back."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge_agent.calibrate.domain import Proposal

_HEADER: Final = re.compile(r"\s*\[")
_KEPT: Final = ".before-calibration"


class PatchError(ValueError):
    """A file that cannot be changed or put back; the message says why."""


def snippet(proposals: Sequence[Proposal]) -> str:
    """Write proposals as TOML for people to paste.

    Args:
        proposals: Those that say nothing are left out.

    Returns:
        Lines under the headers of their tables.
    """
    parts = []
    for proposal in proposals:
        if proposal.settings:
            lines = [f"{key} = {_value(value)}" for key, value in proposal.settings.items()]
            parts.append("\n".join([f"[[{proposal.kind}]]", f'id = "{proposal.id}"', *lines]))
    return "\n\n".join(parts)


def patched(text: str, proposals: Sequence[Proposal]) -> str:
    """Change the tables' own lines and nothing else.

    Args:
        text: Of a site file.
        proposals: What to set.

    Returns:
        The new text.

    Raises:
        PatchError: If a table is not written as ``[[portal]]`` with its id on a line of its own.
    """
    for proposal in proposals:
        if proposal.settings:
            text = _set(text, proposal)
    return text


def _set(text: str, proposal: Proposal) -> str:
    lines = text.splitlines()
    header = re.compile(rf"\s*\[\[\s*{proposal.kind}\s*\]\]")
    named = re.compile(rf"\s*id\s*=\s*[\"']{re.escape(proposal.id)}[\"']")
    begin = None
    for n, line in enumerate(lines):
        if header.match(line):
            begin = n
        elif _HEADER.match(line):
            begin = None
        elif begin is not None and named.match(line):
            end = next((m for m in range(n + 1, len(lines)) if _HEADER.match(lines[m])), len(lines))
            return (
                "\n".join(
                    [*lines[:begin], *_changed(lines[begin:end], n - begin, proposal.settings), *lines[end:]]
                )
                + "\n"
            )
    raise PatchError(
        f"[[{proposal.kind}]] with id = {proposal.id!r} on a line of its own was not found: "
        "paste the lines yourself"
    )


def _changed(block: list[str], id_line: int, settings: Mapping[str, object]) -> list[str]:
    for key, value in settings.items():
        line = f"{key} = {_value(value)}"
        place = next((n for n, each in enumerate(block) if re.match(rf"\s*{key}\s*=", each)), None)
        if place is None:
            block.insert(id_line + 1, line)
        else:
            block[place] = line
    return block


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f'"{key}" = {number}' for key, number in value.items()) + " }"
    return str(value)


def replace_file(path: Path, text: str) -> Path:
    """Write a site file, keeping the one before beside it.

    Args:
        path: The file.
        text: Its new text.

    Returns:
        Where the one before is kept.
    """
    kept = path.with_name(path.name + _KEPT)
    fresh = path.with_name(path.name + ".new")
    _write_like(path, kept, path.read_bytes())
    _write_like(path, fresh, text.encode())
    fresh.replace(path)
    return kept


def _write_like(model: Path, path: Path, data: bytes) -> None:
    """Write a file that is durable, and open to whom another is: both may hold passwords."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    shutil.copymode(model, path)
    owner = model.stat()
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def undo(path: Path) -> None:
    """Put back what was there before the last calibration.

    Args:
        path: The site file.

    Raises:
        PatchError: If none is kept.
    """
    kept = path.with_name(path.name + _KEPT)
    if not kept.exists():
        raise PatchError(f"{str(kept)!r} does not exist: nothing to undo")
    kept.replace(path)
