"""Pages that stay fresh: one look at the ledger for all who may see the same, sent as server-sent events."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from cloud.identity.actor import Actor
from cloud.identity.gate import Gate, NotLoggedInError

EVERY_S: Final = 2.0
"""Seconds between two looks; viewers with the same sites and the same question share one."""
MAX_STREAM: Final = timedelta(minutes=15)
"""A stream ends after so long; the browser opens a new one by itself."""

Look = Callable[[Gate, Actor, datetime], dict[str, Any]]
"""Reads what a page shows; checks the actor's roles each time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    taken_s: float
    content: dict[str, Any]


class Snapshots:
    """The last look at the ledger per question and reach, so that fifty viewers cost one."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._lock = threading.Lock()
        self._kept: dict[tuple[Actor, tuple[str, ...]], _Kept] = {}

    def look(self, gate: Gate, actor: Actor, take: Look, *question: str) -> dict[str, Any]:
        """Give what a page shows, at most `EVERY_S` old.

        Args:
            gate: Opens the transaction.
            actor: Who looks; the roles are checked at every look.
            take: Reads it.
            *question: Name of the page and its filters.

        Returns:
            What the page's template names.

        Raises:
            NotAllowedError: If the actor may not see it.
        """
        key = (replace(actor, id=""), question)
        with self._lock:
            now_s = time.monotonic()
            self._kept = {
                which: kept for which, kept in self._kept.items() if now_s - kept.taken_s < EVERY_S * 0.9
            }
            if key not in self._kept:
                self._kept[key] = _Kept(now_s, take(gate, actor, gate.clock()))
            return self._kept[key].content


def stream(request: Request, gate: Gate, render: Callable[[Actor], str]) -> StreamingResponse:
    """Send a page's live parts every two seconds, as long as the session and the roles last.

    Args:
        request: Of somebody whose rights to the page were checked.
        gate: Identifies the session anew for each event.
        render: Writes the parts for whoever the session is.

    Returns:
        The stream.
    """
    return StreamingResponse(
        _events(request, gate, render), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(request: Request, gate: Gate, render: Callable[[Actor], str]) -> AsyncIterator[bytes]:
    """Render in the thread pool and wait outside it, so that a viewer holds no thread."""
    ends_at = gate.clock() + MAX_STREAM
    cookies = dict(request.cookies)

    def rendered() -> str:
        return render(gate.identify(authorization=None, cookies=cookies).actor)

    yield b"retry: 3000\n\n"
    while gate.clock() < ends_at and not await request.is_disconnected():
        try:
            html = await run_in_threadpool(rendered)
        except NotLoggedInError:
            yield b"event: ended\ndata: session\n\n"
            return
        yield b"event: live\ndata: " + orjson.dumps(html) + b"\n\n"
        await asyncio.sleep(EVERY_S)
