"""Whole transactions, tried again when the database asks for it (FAULTS F10)."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeVar

import psycopg
import structlog
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

RETRYABLE: Final = (DeadlockDetected, SerializationFailure, LockNotAvailable)
_CAUSES: Final[dict[type[psycopg.Error], str]] = dict(
    zip(RETRYABLE, ("deadlock", "serialization", "lock_timeout"), strict=True)
)
MAX_ATTEMPTS: Final = 10
_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.5

T = TypeVar("T")
log = structlog.get_logger()


class Source(Protocol):
    """A pool, or a single lasting connection."""

    def connection(self) -> AbstractContextManager[psycopg.Connection]:
        """Give a connection whose transaction ends with the block."""


def in_transaction(
    pool: Source,
    work: Callable[[psycopg.Connection], T],
    *,
    on_retry: Callable[[str], None] = lambda _cause: None,
) -> T:
    """Run work in one transaction and commit; on a deadlock, serialization failure or lock timeout, again.

    Args:
        pool: Where the connection comes from.
        work: Everything the transaction does; may run up to 10 times.
        on_retry: Is told why before each further run: ``deadlock``, ``serialization`` or ``lock_timeout``.

    Returns:
        What the committed run of ``work`` returned.
    """
    for attempt in range(1, MAX_ATTEMPTS):
        try:
            with pool.connection() as conn:
                return work(conn)
        except RETRYABLE as error:
            pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt) * random.uniform(0.5, 1.5)  # noqa: S311  jitter
            log.info(
                "transaction_retried", attempt=attempt, sqlstate=error.sqlstate, pause_s=round(pause_s, 3)
            )
            on_retry(_CAUSES[type(error)])
            time.sleep(pause_s)
    with pool.connection() as conn:
        return work(conn)
