"""Prints that no scanner asked for: `edge-agent label` notes them in a file, the agent records them."""

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from contracts.records import WorkflowEvent
from edge_agent.clock import Stamp
from edge_agent.outbox.draft import NOT_NUMBERED, Draft

LOGBOOK_FILE: Final = "labels-printed.jsonl"
MOST_AT_ONCE: Final = 200
_LABEL: Final = "label"


@dataclass(frozen=True, slots=True)
class Noted:
    """Prints to be recorded."""

    drafts: tuple[Draft, ...]
    last: str
    """Id of the last of them: kept with their records, so that none is recorded twice."""


class Logbook:
    """A file of one line for each print, durable before the label is sent."""

    def __init__(self, outbox: Path) -> None:
        """Name it; nothing is read yet.

        Args:
            outbox: The outbox's file; the book lies beside it.
        """
        self._path = outbox.with_name(LOGBOOK_FILE)

    def note(
        self,
        at: Stamp,
        *,
        kind: str,
        outcome: str,
        actor: str,
        subject: str,
        copies: int,
        printer: str,
        reason: str | None = None,
    ) -> None:
        """Write a print down.

        Args:
            at: When.
            kind: Of the label.
            outcome: ``printed``, ``reprinted`` or ``failed``.
            actor: Who printed.
            subject: What it names.
            copies: How many.
            printer: On which.
            reason: Why once more, or what failed.
        """
        said: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "at": at.at.isoformat(),
            "mono_ns": at.mono_ns,
            "boot_id": at.boot_id,
            "clock_ok": at.clock_ok,
            "kind": kind,
            "outcome": outcome,
            "actor": actor,
            "subject": subject,
            "copies": copies,
            "printer": printer,
            "reason": reason,
        }
        with self._locked(), self._path.open("ab") as file:
            file.write(json.dumps(said).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @property
    def is_blank(self) -> bool:
        """Whether nothing waits to be recorded."""
        return not self._path.exists()

    def waiting(self, recorded: str | None) -> Noted | None:
        """Give what is to be recorded next.

        Args:
            recorded: Id of the last that was.

        Returns:
            The prints; None if there are none.
        """
        lines = list(self._lines())
        ids = [each["id"] for each in lines]
        fresh = lines[ids.index(recorded) + 1 :] if recorded in ids else lines
        some = fresh[:MOST_AT_ONCE]
        return Noted(tuple(map(_draft, some)), some[-1]["id"]) if some else None

    def forget(self, recorded: str) -> None:
        """Shorten the book by what is recorded.

        Args:
            recorded: Id of the last that was.
        """
        with self._locked():
            lines = list(self._lines())
            ids = [each["id"] for each in lines]
            kept = lines[ids.index(recorded) + 1 :] if recorded in ids else lines
            if not kept:
                self._path.unlink(missing_ok=True)
                return
            draft = self._path.with_name(self._path.name + ".new")
            draft.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in kept))
            draft.replace(self._path)

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return
        for line in content.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # a power cut left half a line; its label was not sent

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._path.with_name(self._path.name + ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _draft(said: dict[str, Any]) -> Draft:
    told = {name: said[name] for name in ("subject", "copies", "printer", "reason") if said[name] is not None}
    event = WorkflowEvent.model_validate(
        {
            "seq": NOT_NUMBERED,
            "occurred_at_claimed": datetime.fromisoformat(said["at"]),
            "mono_ns": said["mono_ns"],
            "boot_id": said["boot_id"],
            "clock_ok": said["clock_ok"],
            "actor": said["actor"],
            "workflow": _LABEL,
            "step": said["kind"],
            "outcome": said["outcome"],
            **told,
        }
    )
    return Draft(event)
