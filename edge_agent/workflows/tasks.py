"""Tasks on disk: lists from the cloud in, what a scanner may do at any instant out (PROTOCOL P10)."""

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.offline import Task, TaskLine, TaskList
from contracts.records import Movement, Record, RowRef, WorkflowEvent
from edge_agent.outbox.beside import KeptFile
from edge_agent.outbox.draft import Draft
from edge_agent.workflows.errands import Errand, in_base_units, ratio_of
from edge_agent.workflows.scene import SHORT, TASK

TASKS_FILE: Final = "tasks.json"

log = structlog.get_logger(__name__)


class Noted(BaseModel):
    """What a record of this gateway says of a task's line."""

    model_config = ConfigDict(frozen=True)

    task: str
    number: int
    epoch: str
    seq: int
    base: Decimal = Decimal(0)
    """In base units; below zero if it takes something back."""
    is_short: bool = False
    """Whether it says that the rest is not there."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    tasks: TaskList | None = None
    noted: tuple[Noted, ...] = ()
    """What the list does not know yet."""


_LED: Final = frozenset({"pick", "move"})
"""Kinds of tasks that a handheld is led through; any other is not mistaken for one of them."""


class TaskBoard:
    """Keeps the last list in a file beside the outbox; revisions only grow. Safe from any thread."""

    def __init__(self, path: Path, site: str, gateway: str) -> None:
        """Read what is kept.

        Args:
            path: The file; made when the first list arrives.
            site: Site id; a list of another is refused.
            gateway: Gateway id; a list of another is refused.
        """
        self._file: Final = KeptFile(path, _Kept())
        self._whose = (site, gateway)
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}
        self._kept = self._file.read()
        self.refused = 0
        """Lower revisions, and lists of others."""
        self.unreadable = 0
        self.not_stored = 0
        """Attempts to write the file that failed; ``store`` tries again."""
        self._is_stored = True

    @property
    def revision(self) -> int | None:
        """Of the newest list; None before the first."""
        tasks = self._kept.tasks
        return None if tasks is None else tasks.revision

    @property
    def not_read(self) -> int:
        """1 if the file was damaged at the start, or could not be read."""
        return self._file.not_read

    def take(self, payload: bytes) -> bool:
        """Take a message from the task channel; durable on return, unless the disk refuses.

        Args:
            payload: As received.

        Returns:
            True if it is in force now. A revision not higher than the last is refused and counted, except the
            last one itself, which a retained message repeats.
        """
        try:
            tasks = TaskList.model_validate_json(payload)
        except ValidationError as error:
            self.unreadable += 1
            log.warning("tasks_unreadable", detail=str(error))
            return False
        if (tasks.site, tasks.gateway) != self._whose:
            self.refused += 1
            log.warning("tasks_of_another", site=tasks.site, gateway=tasks.gateway, expected=self._whose)
            return False
        with self._lock:
            known = self.revision
            if known is not None and tasks.revision <= known:
                self.refused += tasks.revision < known
                return False
            self._kept = _Kept(tasks=tasks, noted=_unknown_to(tasks, self._kept.noted))
            self._is_stored = False
        self.store()
        log.info("tasks_taken", revision=tasks.revision, tasks=len(tasks.tasks), left_out=tasks.left_out)
        return True

    def offered(self, device: str, at: datetime) -> Sequence[Errand]:
        """Tell which tasks a scanner may do: not expired, and nobody else is in the middle of them.

        Args:
            device: The scanner.
            at: The present.

        Returns:
            The one it is in the middle of first, then in the order of the list.
        """
        with self._lock:
            kept, held = self._kept, dict(self._held)
        tasks = () if kept.tasks is None else kept.tasks.tasks
        mine = held.pop(device, None)
        theirs = set(held.values())
        free = [
            task for task in tasks if task.kind in _LED and task.expires_at > at and task.task not in theirs
        ]
        ours = sorted(free, key=lambda task: task.task != mine)
        return [Errand(task, _done(task, kept.noted)) for task in ours]

    def hold(self, device: str, task: str | None) -> bool:
        """Note what a scanner is in the middle of, unless another is in the middle of it.

        Args:
            device: The scanner.
            task: The task; None: no task.

        Returns:
            False if another has it: of two that ask in the same instant one does.
        """
        with self._lock:
            if task is not None and any(
                held == task for other, held in self._held.items() if other != device
            ):
                return False
            self._held.pop(device, None)
            if task is not None:
                self._held[device] = task
            return True

    def note(self, drafts: Iterable[Draft], refs: Iterable[RowRef]) -> None:
        """Count what became durable of tasks' lines, so that another scanner goes on from there.

        Args:
            drafts: Any records; those that name a line of a task count.
            refs: Their identities.
        """
        with self._lock:
            found = (self._noted(draft.record, ref) for draft, ref in zip(drafts, refs, strict=True))
            noted = [each for each in found if each is not None]
            if not noted:
                return
            self._kept = self._kept.model_copy(update={"noted": (*self._kept.noted, *noted)})
            self._is_stored = False
        self.store()

    def store(self) -> None:
        """Write what is not in the file yet; until that succeeds, memory and the retained message hold it."""
        with self._lock:
            if self._is_stored:
                return
            try:
                self._file.write(self._kept)
            except OSError as error:
                self.not_stored += 1
                log.warning("tasks_not_stored", path=str(self._file.path), detail=str(error))
            else:
                self._is_stored = True

    def _noted(self, record: Record, ref: RowRef) -> Noted | None:
        is_short = isinstance(record, WorkflowEvent) and record.step == SHORT
        if not is_short and not isinstance(record, Movement):
            return None
        for document in record.documents:
            line = self._line(document.id, document.line) if document.type == TASK else None
            if line is None or line.number is None:
                continue
            said = Noted(
                task=document.id, number=line.number, epoch=ref.epoch, seq=ref.seq, is_short=is_short
            )
            if not isinstance(record, Movement):
                return said
            ratio = ratio_of(line, record.identifier, record.unit_seen)
            if ratio is not None:
                base = in_base_units(record.quantity_seen, ratio)
                return said.model_copy(update={"base": base if record.reverses is None else -base})
        return None

    def _line(self, task: str, number: str | None) -> TaskLine | None:
        tasks = () if self._kept.tasks is None else self._kept.tasks.tasks
        lines = (line for each in tasks if each.task == task for line in each.lines)
        return next((line for line in lines if str(line.number) == number), None)


def _unknown_to(tasks: TaskList, noted: Iterable[Noted]) -> tuple[Noted, ...]:
    """Leave out what the cloud has counted, and what is of tasks that are over."""
    names = {task.task for task in tasks.tasks}
    known: dict[str, int] = {each.epoch: each.seq for each in tasks.known_up_to}
    return tuple(each for each in noted if each.task in names and each.seq > known.get(each.epoch, 0))


def _done(task: Task, noted: Iterable[Noted]) -> dict[int, Decimal]:
    """Add what this gateway recorded, and the cloud has not counted yet, to what the cloud knows."""
    own = [each for each in noted if each.task == task.task]
    short = {each.number for each in own if each.is_short}
    done = {}
    for line in task.lines:
        if line.number is not None:
            here = sum((each.base for each in own if each.number == line.number), line.done or Decimal(0))
            done[line.number] = max(here, line.quantity or here) if line.number in short else here
    return done
