"""Assignments on disk: messages from the cloud in, what was known at any instant out (PROTOCOL P10)."""

import threading
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.offline import Assignment
from edge_agent.doors.visits import Known, to_us
from edge_agent.outbox.beside import KeptFile

MOST_KEPT: Final = 8
"""Revisions kept, so that what occurred before the newest is decided by what was in force then."""

log = structlog.get_logger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    assignments: tuple[Assignment, ...] = ()


class Assignments:
    """Keeps the last assignments in a file beside the outbox; revisions only grow. Safe from any thread."""

    def __init__(self, path: Path, site: str) -> None:
        """Read what is kept.

        Args:
            path: The file; made when the first assignment arrives.
            site: Site id; an assignment of another is refused.
        """
        self._file: Final = KeptFile(path, _Kept())
        self._site = site
        self._lock = threading.Lock()
        self._history: tuple[tuple[int, Known], ...] = ()
        self._kept = self._file.read().assignments
        self._index()
        self.refused = 0
        """Lower revisions and other sites' assignments."""
        self.unreadable = 0
        self.not_stored = 0
        """Attempts to write the file that failed; ``store`` tries again."""
        self._is_stored = True
        self._storing = threading.Lock()

    @property
    def revision(self) -> int | None:
        """The newest revision; None before the first assignment."""
        return self._kept[-1].revision if self._kept else None

    @property
    def latest(self) -> Known:
        """What is known now."""
        with self._lock:
            return self._history[-1][1] if self._history else Known()

    def in_force(self, at_us: int) -> Known:
        """Tell what was known at an instant, whatever has arrived since.

        Args:
            at_us: Microseconds since 1970.

        Returns:
            By the newest assignment issued until then; of those forgotten, the oldest that is kept.
        """
        with self._lock:
            history = self._history
        for issued_us, known in reversed(history):
            if issued_us <= at_us:
                return known
        return history[0][1] if len(history) == MOST_KEPT else Known()

    @property
    def not_read(self) -> int:
        """1 if the file was damaged at the start, or could not be read."""
        return self._file.not_read

    def take(self, payload: bytes) -> bool:
        """Take a message from the assignment channel; durable on return, unless the disk refuses.

        Args:
            payload: As received.

        Returns:
            True if it is in force now. A revision not higher than the last is refused and counted, except
            the last one itself, which a retained message repeats.
        """
        try:
            assignment = Assignment.model_validate_json(payload)
        except ValidationError as error:
            self.unreadable += 1
            log.warning("assignment_unreadable", detail=str(error))
            return False
        if assignment.site != self._site:
            self.refused += 1
            log.warning("assignment_of_another_site", site=assignment.site, expected=self._site)
            return False
        if self.revision is not None and assignment.revision <= self.revision:
            if assignment.revision < self.revision:
                self.refused += 1
                log.warning("assignment_is_old", revision=assignment.revision, in_force=self.revision)
            return False
        kept = (*self._kept, assignment)[-MOST_KEPT:]
        self._kept = kept
        self._index()
        self._is_stored = False
        self.store()
        log.info("assignment_taken", revision=assignment.revision, visits=len(assignment.visits))
        return True

    def store(self) -> None:
        """Write what is not in the file yet; until that succeeds, memory and the retained message hold it."""
        with self._storing:
            if self._is_stored:
                return
            kept = self._kept
            try:
                self._file.write(_Kept(assignments=kept))
            except OSError as error:
                self.not_stored += 1
                log.warning("assignments_not_stored", path=str(self._file.path), detail=str(error))
            else:
                self._is_stored = kept is self._kept

    def _index(self) -> None:
        history = tuple((to_us(each.issued_at), Known.of(each)) for each in self._kept)
        with self._lock:
            self._history = history
