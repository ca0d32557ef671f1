"""The same questions as a program asks them: over HTTP, of the server of API and pages.

Each answer is that of the documented route, whole: who asks is looked up by the key, a balance comes with how
complete the ledger is, the body is JSON with its entity tag. The client keeps one connection on loopback. In
turn with each question goes the bare look-up of one row by its key.
"""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import httpx
import psycopg

from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant
from cloud.identity.service import create_api_key
from cloud.identity.store import act_as

_KEY_LIFE: Final = timedelta(days=1)
_PATIENCE_S: Final = 30.0
_ROOT: Final = Actor("system:bench", frozenset({Role.ADMIN}), all_sites=True)

Question = tuple[str, Mapping[str, str | int]]
"""A route and its parameters."""


def key_to_ask(app: psycopg.Connection) -> str:
    """Give a program the right to see stock.

    Args:
        app: A connection of the application's role.

    Returns:
        Its API key.
    """
    with app.transaction():
        act_as(app, _ROOT)
        return create_api_key(
            app,
            _ROOT,
            name="bench",
            grants=[Grant(Role.INVENTORY_CONTROLLER)],
            life=_KEY_LIFE,
            now=datetime.now(UTC),
        )


def ask(
    address: str,
    key: str,
    questions: Mapping[str, Callable[[random.Random], Question]],
    bare: Callable[[], None],
    *,
    times: int,
    seeds: tuple[int, int],
) -> dict[str, list[float]]:
    """Ask each question so often, and as often others before, that caches are warm.

    Args:
        address: Of the server.
        key: An API key.
        questions: By name, what makes the next one.
        bare: What is asked of the database beside each.
        times: How often.
        seeds: Of the questions that warm up, and of those that count.

    Returns:
        Milliseconds, by name; the bare ones as ``bare``.

    Raises:
        httpx.HTTPStatusError: If the server refuses one.
    """
    asked_ms: dict[str, list[float]] = {}
    headers = {"Authorization": f"Bearer {key}"}
    with closing(httpx.Client(base_url=address, headers=headers, timeout=_PATIENCE_S)) as client:
        for seed in seeds:
            dice = random.Random(seed)
            asked_ms = {name: [] for name in (*questions, "bare")}
            for _ in range(times):
                for name, make in questions.items():
                    asked_ms[name].append(_ms(partial(_get, client, *make(dice))))
                asked_ms["bare"].append(_ms(bare))
    return asked_ms


def _get(client: httpx.Client, path: str, parameters: Mapping[str, str | int]) -> None:
    client.get(path, params=parameters).raise_for_status()


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3
