"""Keeps reader threads alive: one that fails is replaced by a fresh one, after a while, and counted."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

import structlog

FIRST_RESTART_S: Final = 0.5
LONGEST_RESTART_S: Final = 60.0
_CHECK_S: Final = 0.25

log = structlog.get_logger(__name__)


class Member(Protocol):
    """Something with a thread of its own."""

    def start(self) -> None:
        """Start the thread."""

    def stop(self) -> None:
        """Stop and join the thread."""


M = TypeVar("M", bound=Member)


class Supervisor(Generic[M]):
    """Owns some members by name; their threads are named and joined."""

    def __init__(self, has_failed: Callable[[M], bool]) -> None:
        """Prepare; ``replace_all`` brings the members.

        Args:
            has_failed: Whether a member's thread has ended by an error.
        """
        self._has_failed = has_failed
        self._makers: dict[str, Callable[[], M]] = {}
        self._members: dict[str, M] = {}
        self._failures: Counter[str] = Counter()
        self._restart_at_s: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def members(self) -> list[M]:
        """Give the present members.

        Returns:
            In order of their names' first mention.
        """
        with self._lock:
            return list(self._members.values())

    def restarts(self) -> int:
        """Tell how often a member had to be replaced.

        Returns:
            Replacements since the start.
        """
        with self._lock:
            return self._failures.total()

    def replace_all(self, makers: Mapping[str, Callable[[], M]]) -> None:
        """Stop all members and start others.

        Args:
            makers: How to make each, by name.
        """
        with self._lock:
            for member in self._members.values():
                member.stop()
            self._makers = dict(makers)
            self._restart_at_s.clear()
            self._members = {name: maker() for name, maker in self._makers.items()}
            for member in self._members.values():
                member.start()

    def stop(self) -> None:
        """Stop watching, then stop and join every member."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.replace_all({})

    def _watch(self) -> None:
        while not self._stopping.wait(_CHECK_S):
            with self._lock:
                for name, member in self._members.items():
                    if self._has_failed(member):
                        self._restart_when_due(name, member)

    def _restart_when_due(self, name: str, member: M) -> None:
        now_s = time.monotonic()
        if name not in self._restart_at_s:
            self._failures[name] += 1
            wait_s = min(FIRST_RESTART_S * 2 ** min(self._failures[name] - 1, 16), LONGEST_RESTART_S)
            self._restart_at_s[name] = now_s + wait_s
            log.error("reader_failed", reader=name, failures=self._failures[name], restart_in_s=wait_s)
        elif now_s >= self._restart_at_s[name]:
            del self._restart_at_s[name]
            member.stop()
            self._members[name] = self._makers[name]()
            self._members[name].start()
