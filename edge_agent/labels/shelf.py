"""What labels need, on disk: templates and blocks of serial references in, the next SSCC out, each once.

The file is locked for each step, so that the agent and `edge-agent label` may both print; a number is given
out by a write that is durable before anybody sees it.
"""

import fcntl
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.gs1 import sscc_of
from contracts.label_templates import STANDARD
from contracts.labels import LabelError, LabelKind, LabelTemplate
from contracts.offline import ReferenceSnapshot, SsccBlock
from edge_agent.outbox.beside import write_durably

SHELF_FILE: Final = "labels.json"
_IDS: Final = 2**48

log = structlog.get_logger(__name__)


class NoSerialsError(Exception):
    """Every reserved SSCC is used up; the message says what to do."""


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True)

    block: SsccBlock
    next_serial: int

    @property
    def left(self) -> int:
        return self.block.last_serial - self.next_serial + 1


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    shelf: int
    """Names this file: a block that was reserved for an earlier one may be on units already."""
    revision: int = 0
    blocks: tuple[_Block, ...] = ()
    templates: tuple[LabelTemplate, ...] = ()
    held: dict[str, str] = Field(default_factory=dict)
    """SSCC that a scanner was promised and has not used, by scanner."""

    @property
    def left(self) -> int:
        return sum(each.left for each in self.blocks)


class LabelShelf:
    """Keeps reference data in a file beside the outbox; revisions only grow. Safe from any thread."""

    def __init__(self, path: Path, site: str) -> None:
        """Name the file; nothing is read yet.

        Args:
            path: The file; made when reference data arrives.
            site: Site id; data of another is refused.
        """
        self._path = path
        self._site = site
        self._thread_lock = threading.Lock()
        self.refused = 0
        """Lower revisions, and data of another site."""
        self.unreadable = 0
        self.not_stored = 0

    def take(self, payload: bytes) -> bool:
        """Take a message from the reference channel; durable on return.

        Args:
            payload: As received.

        Returns:
            True if it is in force now. What a retained message repeats, is not taken twice.
        """
        try:
            told = ReferenceSnapshot.model_validate_json(payload)
        except ValidationError as error:
            self.unreadable += 1
            log.warning("reference_unreadable", detail=str(error))
            return False
        try:
            with self._locked() as kept:
                if told.site != self._site or told.revision <= kept.revision:
                    self.refused += told.site != self._site or told.revision < kept.revision
                    return False
                self._write(_merged(kept, told))
        except OSError as error:
            self.not_stored += 1
            log.warning("reference_not_stored", path=str(self._path), detail=str(error))
            return False
        log.info("reference_taken", revision=told.revision, blocks=len(told.sscc_blocks))
        return True

    def template(self, name: str) -> LabelTemplate | None:
        """Find a template: the site's own, else what ships.

        Args:
            name: Its name.

        Returns:
            The template; None if there is none.

        Raises:
            LabelError: If the disk refuses to say.
        """
        try:
            with self._locked() as kept:
                own = {each.name: each for each in kept.templates}
        except OSError as error:
            self.not_stored += 1
            raise LabelError(f"labels cannot be drawn: {self._path}: {error}") from error
        ships = {kind.value: STANDARD[kind] for kind in LabelKind}
        return own.get(name) or ships.get(name)

    def promise(self, who: str, used: str | None) -> str:
        """Give an SSCC that nobody else gets; the same one until whoever asks says that it was used.

        Args:
            who: Scanner, or another word for who prints.
            used: The last one that is on a unit; None: nobody knows, so that the one promised before
                may be on one and is not given again.

        Returns:
            18 digits.

        Raises:
            NoSerialsError: If none is left, or the promise cannot be made durable.
        """
        try:
            with self._locked() as kept:
                if used is not None and kept.held.get(who, used) != used:
                    return kept.held[who]
                block = next((each for each in kept.blocks if each.left > 0), None)
                if block is None:
                    raise NoSerialsError("no SSCC is left here: the cloud sends more when it is reached")
                sscc = sscc_of(block.block.extension_digit, block.block.company_prefix, block.next_serial)
                after = block.model_copy(update={"next_serial": block.next_serial + 1})
                blocks = tuple(after if each is block else each for each in kept.blocks)
                self._write(kept.model_copy(update={"blocks": blocks, "held": kept.held | {who: sscc}}))
                return sscc
        except OSError as error:
            self.not_stored += 1
            raise NoSerialsError(f"SSCCs cannot be given out: {self._path}: {error}") from error

    def counters(self) -> dict[str, int]:
        """Tell the cloud what is left, so that more comes in time.

        Returns:
            What a heartbeat says; nothing if the disk refuses.
        """
        try:
            with self._locked() as kept:
                return {
                    "label_shelf": kept.shelf,
                    "sscc_left": kept.left,
                    "reference_revision": kept.revision,
                }
        except OSError as error:
            self.not_stored += 1
            log.warning("labels_not_read", path=str(self._path), detail=str(error))
            return {}

    @contextmanager
    def _locked(self) -> Iterator[_Kept]:
        with self._thread_lock, self._path.with_name(self._path.name + ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()

    def _read(self) -> _Kept:
        try:
            return _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return self._begun()
        except ValidationError as error:
            aside = self._path.with_name(self._path.name + ".damaged")
            self._path.replace(aside)
            log.error("labels_damaged", moved_to=str(aside), detail=str(error))  # noqa: TRY400  no bug of ours to trace
            return self._begun()

    def _begun(self) -> _Kept:
        """Begin a shelf, whose name is durable before anybody hears of it."""
        kept = _Kept(shelf=secrets.randbelow(_IDS))
        self._write(kept)
        return kept

    def _write(self, kept: _Kept) -> None:
        write_durably(self._path, kept.model_dump_json(by_alias=True).encode())


def _merged(kept: _Kept, told: ReferenceSnapshot) -> _Kept:
    """Add this shelf's blocks that are new; of known ones the numbers that were given out stay so."""
    known = {_name(each.block) for each in kept.blocks}
    new = [
        _Block(block=each, next_serial=each.first_serial)
        for each in told.sscc_blocks
        if each.shelf == kept.shelf and _name(each) not in known
    ]
    return kept.model_copy(
        update={"revision": told.revision, "blocks": (*kept.blocks, *new), "templates": told.label_templates}
    )


def _name(block: SsccBlock) -> tuple[int, str, int]:
    return block.extension_digit, block.company_prefix, block.first_serial
