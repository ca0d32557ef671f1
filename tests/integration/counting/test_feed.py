"""Pages that people follow: one look for all of them, soon after something happened, and only then."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from cloud.identity.actor import Actor
from cloud.identity.gate import Gate
from cloud.web import feed
from cloud.web.feed import Feed
from tests.integration.counting.floor import NOW, SUPERVISOR, Floor, line

T = TypeVar("T")
QUESTION = ("variances", "")


def run(watch: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run in a loop of a thread's own: a browser's test may have left one in this thread."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(watch())).result()


def test_fifty_people_cost_one_look_and_a_count_is_seen_by_all(floor: Floor) -> None:
    looks: list[str] = []

    def take(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
        looks.append(actor.id)
        return {"now": now, "rows": [row.name for row in floor.variances()]}

    async def watch() -> float:
        common = Feed(Gate(floor.pool, lambda: NOW))
        people = [Actor(f"user:{n}", SUPERVISOR.roles, SUPERVISOR.sites) for n in range(50)]
        seen = await asyncio.gather(*(common.look(person, take, QUESTION) for person in people))
        assert len(looks) == 1
        assert len({id(content) for content, _ in seen}) == 1
        waiting = [asyncio.ensure_future(common.changed(revision)) for _, revision in seen]
        began = time.monotonic()
        await asyncio.to_thread(floor.counts, line("7"), minute=10)
        await asyncio.gather(*waiting)
        fresh = await asyncio.gather(*(common.look(person, take, QUESTION) for person in people))
        took = time.monotonic() - began
        assert len(looks) == 2
        assert all(len(content["rows"]) == 1 for content, _ in fresh)
        return took

    floor.receives("10")
    assert run(watch) < feed.STALE_S


def test_what_has_not_changed_is_not_shown_again(floor: Floor) -> None:
    def take(gate: Gate, actor: Actor, now: datetime) -> dict[str, Any]:
        return {"now": gate.clock(), "rows": [row.name for row in floor.variances()]}

    async def watch() -> None:
        ticks = iter(range(10))
        common = Feed(Gate(floor.pool, lambda: NOW.replace(minute=next(ticks))))
        first, _ = await common.look(SUPERVISOR, take, QUESTION)
        page = next(iter(common._pages.values()))
        page.revision -= 1
        again, _ = await common.look(SUPERVISOR, take, QUESTION)
        assert again is first
        page.revision -= 1
        page.shown_s -= feed.AGED_S
        aged, _ = await common.look(SUPERVISOR, take, QUESTION)
        assert aged["now"] > first["now"]

    floor.counts(line("7"), minute=10)
    run(watch)
