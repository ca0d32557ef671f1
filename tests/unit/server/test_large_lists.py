"""Lists larger than other bodies are taken two at once, so that they bound the memory."""

import asyncio
from typing import Any

from cloud.api.metrics import Metrics
from cloud.server.guards import MAX_BODY_BYTES, MAX_OPEN_LISTS, Guards


async def _statuses(paths: list[str]) -> list[int]:
    """Post a large body to each path, none answered before all were asked."""
    may_answer = asyncio.Event()
    answered: list[int] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await may_answer.wait()
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    guards = Guards(app, Metrics())

    def scope(path: str) -> dict[str, Any]:
        headers = [(b"content-length", str(MAX_BODY_BYTES + 1).encode())]
        shape = {"type": "http", "method": "POST", "scheme": "http", "query_string": b"", "server": ("x", 80)}
        return shape | {"path": path, "headers": headers}

    async def let_answer() -> None:
        may_answer.set()

    await asyncio.gather(*(guards(scope(path), receive, send) for path in paths), let_answer())
    return answered


def test_two_large_lists_are_taken_at_once_and_other_large_bodies_never() -> None:
    lists = ["/v1/reconciliations", "/v1/receipts", "/v1/reconciliations"]
    assert len(lists) == MAX_OPEN_LISTS + 1
    assert asyncio.run(_statuses([*lists, "/v1/movements"])) == [503, 413, 201, 201]
    assert asyncio.run(_statuses(lists[:1])) == [201]
