"""Pages that stay fresh: one look at the ledger for all who may see the same, sent as server-sent events."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import orjson
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from cloud.identity.actor import Actor
from cloud.identity.gate import Gate, NotLoggedInError
from cloud.web import feed
from cloud.web.feed import Feed

EVERY_S: Final = 2.0
"""Seconds between two looks; viewers with the same sites and the same question share one."""
MAX_STREAM: Final = timedelta(minutes=15)
"""A stream ends after so long; the browser opens a new one by itself."""

Look = feed.Look
Draw = Callable[[Actor, dict[str, Any]], str]
"""Writes a page's live parts for one viewer."""
QUIET_S: Final = 10.0
"""A stream says so often at least that it lives."""


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


def follow(request: Request, gate: Gate, take: Look, draw: Draw, *question: str) -> StreamingResponse:
    """Send a page's live parts as soon as they change, as long as the session and the roles last.

    Args:
        request: Of somebody whose rights to the page were checked.
        gate: Identifies the session anew every two seconds.
        take: Reads what the page shows; once for all who see the same.
        draw: Writes it for whoever the session is.
        *question: Name of the page and its filters.

    Returns:
        The stream.
    """
    common: Feed = request.app.state.feed
    return StreamingResponse(
        _changes(request, gate, common, lambda actor: common.look(actor, take, question), draw),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _changes(
    request: Request,
    gate: Gate,
    common: Feed,
    look: Callable[[Actor], Awaitable[tuple[dict[str, Any], int]]],
    draw: Draw,
) -> AsyncIterator[bytes]:
    """Look with the others, render only what is new to this viewer, and hold no thread meanwhile."""
    ends_at = gate.clock() + MAX_STREAM
    cookies = dict(request.cookies)
    shown: dict[str, Any] | None = None
    said_s = checked_s = float("-inf")
    yield b"retry: 3000\n\n"
    while gate.clock() < ends_at and not await request.is_disconnected():
        if time.monotonic() - checked_s >= EVERY_S:
            try:
                visitor = await run_in_threadpool(gate.identify, authorization=None, cookies=cookies)
            except NotLoggedInError:
                yield b"event: ended\ndata: session\n\n"
                return
            checked_s = time.monotonic()
        content, revision = await look(visitor.actor)
        if content is not shown:
            html = await run_in_threadpool(draw, visitor.actor, content)
            shown, said_s = content, time.monotonic()
            yield b"event: live\ndata: " + orjson.dumps(html) + b"\n\n"
        elif time.monotonic() - said_s >= QUIET_S:
            said_s = time.monotonic()
            yield b": quiet\n\n"
        await common.changed(revision)


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
