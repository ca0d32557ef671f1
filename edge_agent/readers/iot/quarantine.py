"""Keeps what readers said and nobody understood: bytes in, two files of bounded size out."""

import base64
import json
import threading
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 1 << 20
"""Of a file; when it is full it becomes the older one of two."""
_SHOWN_BYTES: Final = 65_536


class Quarantine:
    """One reader's; from any thread."""

    def __init__(self, folder: Path | None, reader: str) -> None:
        """Prepare; nothing is written before there is something bad.

        Args:
            folder: Where the files go; None keeps nothing.
            reader: Whose.
        """
        self._path = None if folder is None else folder / f"unreadable-{reader}.jsonl"
        self._lock = threading.Lock()

    def keep(self, what: bytes, why: str, arrived_us: int) -> None:
        """Write one line.

        Args:
            what: As it came; of more than 64 KiB the beginning.
            why: What was wrong.
            arrived_us: When.

        Raises:
            OSError: If it cannot be written.
        """
        if self._path is None:
            return
        shown = base64.b64encode(what[:_SHOWN_BYTES]).decode("ascii")
        line = {"arrived_us": arrived_us, "why": why, "bytes": len(what), "base64": shown}
        with self._lock:
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.replace(self._path.with_suffix(".older.jsonl"))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
