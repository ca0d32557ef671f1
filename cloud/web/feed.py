"""One look at the ledger for all who follow the same page, taken as soon as something has happened.

A small question (`live_revision`) is asked several times a second for the whole process; a page is read again
when its answer is another, by one of its followers for all of them, and no more often than it costs.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from fastapi.concurrency import run_in_threadpool

from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.inquiry.probe import revision

PULSE_S: Final = 0.1
"""Seconds between two small questions of this process."""
STALE_S: Final = 2.0
"""A look is taken again after so long, whatever the small question says."""
AGED_S: Final = 15.0
"""What has not changed is shown with a fresh clock after so long."""
REST: Final = 3.0
"""How many times as long as a look took it is not taken again, so that it costs a quarter at most."""

Look = Callable[[Gate, Actor, datetime], dict[str, Any]]
"""Reads what a page shows; checks the actor's roles each time."""
Question = tuple[Actor, tuple[str, ...]]


@dataclass(slots=True)
class _Page:
    """The last look of one page and reach."""

    content: dict[str, Any] = field(default_factory=dict)
    taken_s: float = float("-inf")
    cost_s: float = 0.0
    revision: int = -1
    shown_s: float = float("-inf")
    flight: "asyncio.Future[None] | None" = None


class Feed:
    """Keeps the followers of one application fresh; used in its event loop only."""

    def __init__(self, gate: Gate) -> None:
        """Know nothing yet.

        Args:
            gate: Opens transactions.
        """
        self._gate = gate
        self._pages: dict[Question, _Page] = {}
        self._revision = 0
        self._asked_s = float("-inf")
        self._is_asking = False

    async def revision(self) -> int:
        """Ask whether anything has happened, once for everybody.

        Returns:
            A number that is another when something has.
        """
        if not self._is_asking and time.monotonic() - self._asked_s >= PULSE_S:
            self._is_asking = True
            try:
                self._revision = await run_in_threadpool(revision, self._gate.pool)
            finally:
                self._asked_s = time.monotonic()
                self._is_asking = False
        return self._revision

    async def changed(self, seen: int) -> None:
        """Wait until something has happened, but no longer than a look may be old.

        Args:
            seen: The revision that is known.
        """
        ends_s = time.monotonic() + STALE_S
        while time.monotonic() < ends_s and await self.revision() == seen:  # noqa: ASYNC110  a database's news
            await asyncio.sleep(PULSE_S)

    async def look(self, actor: Actor, take: Look, question: tuple[str, ...]) -> tuple[dict[str, Any], int]:
        """Give what a page shows now.

        Args:
            actor: Who looks; the roles are checked at every look.
            take: Reads it.
            question: Name of the page and its filters.

        Returns:
            What the page's template names, the same object while nothing changed; and the revision it
            holds at least.
        """
        page = self._pages.setdefault((replace(actor, id=""), question), _Page())
        if page.revision != await self.revision() or time.monotonic() - page.taken_s >= STALE_S:
            if page.flight is None:
                page.flight = asyncio.ensure_future(self._take(page, actor, take))
            await asyncio.shield(page.flight)
        return page.content, page.revision

    async def _take(self, page: _Page, actor: Actor, take: Look) -> None:
        try:
            await asyncio.sleep(page.taken_s + REST * page.cost_s - time.monotonic())
            found = await self.revision()
            began_s = time.monotonic()
            content = await run_in_threadpool(take, self._gate, actor, self._gate.clock())
            page.taken_s = time.monotonic()
            page.cost_s = page.taken_s - began_s
            page.revision = found
            if page.taken_s - page.shown_s >= AGED_S or not _is_same(content, page.content):
                page.content, page.shown_s = content, page.taken_s
            self._forget(page.taken_s)
        finally:
            page.flight = None

    def _forget(self, now_s: float) -> None:
        self._pages = {
            which: page
            for which, page in self._pages.items()
            if page.flight is not None or now_s - page.taken_s < AGED_S
        }


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {**one, "now": None} == {**other, "now": None}
