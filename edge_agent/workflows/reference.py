"""What the cloud said of recipes, of work planned by them, of units and lots, on disk: for work offline."""

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.offline import PickableItem, PickableLot, PlannedWork, Recipe, ReferenceSnapshot
from contracts.records import Identifier
from edge_agent.outbox.beside import KeptFile

REFERENCE_FILE: Final = "reference.json"

log = structlog.get_logger(__name__)


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    revision: int = 0
    recipes: tuple[Recipe, ...] = ()
    planned: tuple[PlannedWork, ...] = ()
    known_units: frozenset[str] = frozenset()
    pickable: tuple[PickableItem, ...] = ()


class ReferenceBook:
    """Keeps what reference data says beside labels in a file beside the outbox. Safe from any thread."""

    def __init__(self, path: Path, site: str) -> None:
        """Read what is kept.

        Args:
            path: The file; made when the first of it arrives.
            site: Site id; data of another is refused.
        """
        self._file: Final = KeptFile(path, _Kept())
        self._site = site
        self._lock = threading.Lock()
        self.refused = 0
        """Lower revisions, and data of another site."""
        self.unreadable = 0
        self.not_stored = 0
        """Attempts to write the file that failed; ``store`` tries again."""
        self._is_stored = True
        self._kept = self._file.read()

    @property
    def revision(self) -> int:
        """Of the newest message; 0 before the first."""
        return self._kept.revision

    @property
    def not_read(self) -> int:
        """1 if the file was damaged at the start, or could not be read."""
        return self._file.not_read

    def take(self, payload: bytes) -> bool:
        """Take a message from the reference channel; durable on return, unless the disk refuses.

        Args:
            payload: As received.

        Returns:
            True if it changes anything.
        """
        try:
            told = ReferenceSnapshot.model_validate_json(payload)
        except ValidationError as error:
            self.unreadable += 1
            log.warning("reference_unreadable", detail=str(error))
            return False
        with self._lock:
            if told.site != self._site or told.revision <= self._kept.revision:
                self.refused += told.site != self._site or told.revision < self._kept.revision
                return False
            kept = _Kept(
                revision=told.revision,
                recipes=told.recipes,
                planned=told.planned,
                known_units=frozenset(told.known_units),
                pickable=told.pickable,
            )
            is_news = kept != self._kept.model_copy(update={"revision": told.revision})
            self._kept = kept
            self._is_stored = self._is_stored and not is_news
        self.store()
        if is_news:
            log.info(
                "reference_kept",
                recipes=len(told.recipes),
                planned=len(told.planned),
                units=len(told.known_units),
                pickable=len(told.pickable),
            )
        return is_news

    def store(self) -> None:
        """Write what is not in the file yet; until that succeeds, memory and the retained message hold it."""
        with self._lock:
            if self._is_stored:
                return
            try:
                self._file.write(self._kept)
            except OSError as error:
                self.not_stored += 1
                log.warning("reference_not_stored", path=str(self._file.path), detail=str(error))
            else:
                self._is_stored = True

    def is_in_stock(self, unit: str) -> bool:
        """Tell whether the cloud knew a logistic unit in the site's stock, or on an open document.

        Args:
            unit: SSCC or GRAI.

        Returns:
            False says nothing: the cloud tells those only that moved last.
        """
        return unit in self._kept.known_units

    def lots_of(self, *names: Identifier) -> Sequence[PickableLot]:
        """List the lots of an item that could be picked when the cloud looked last.

        Args:
            *names: What its label says.

        Returns:
            As they expire; none if nothing was said of it.
        """
        found = (each.lots for each in self._kept.pickable if any(name in each.names for name in names))
        return next(found, ())

    def named(self, name: str) -> Recipe | None:
        """Find a version of a recipe.

        Args:
            name: Code and version, as records name it.

        Returns:
            The recipe; None if it is not told any more.
        """
        return next((each for each in self._kept.recipes if each.name == name), None)

    def planned(self, kind: str, document: str) -> PlannedWork | None:
        """Find what was planned for a piece of work.

        Args:
            kind: Kind of work.
            document: Its document.

        Returns:
            The plan; None: there is none.
        """
        plans = self._kept.planned
        return next((each for each in plans if (each.kind, each.document) == (kind, document)), None)

    def offered(self, kind: str, at: datetime) -> Sequence[Recipe]:
        """List the recipes of a kind that hold.

        Args:
            kind: Kind of work.
            at: The instant.

        Returns:
            One version of each, in the order of their codes.
        """
        held = [
            each
            for each in self._kept.recipes
            if each.kind == kind
            and each.valid_from <= at
            and (each.valid_until is None or at < each.valid_until)
        ]
        return sorted(held, key=lambda each: each.code)
