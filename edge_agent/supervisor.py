"""Keeps reader threads alive: one that fails is replaced by a fresh one, after a while, and counted."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Recipe(Generic[M]):
    """How to make a member, and of what."""

    of: object
    """Its settings; a member of equal ones is kept as it is."""
    make: Callable[[], M]


class Supervisor(Generic[M]):
    """Owns some members by name; their threads are named and joined."""

    def __init__(self, has_failed: Callable[[M], bool]) -> None:
        """Prepare; ``replace_all`` brings the members.

        Args:
            has_failed: Whether a member's thread has ended by an error.
        """
        self._has_failed = has_failed
        self._recipes: dict[str, Recipe[M]] = {}
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

    def replace_all(self, recipes: Mapping[str, Recipe[M]]) -> None:
        """Have these members and no others: stop those that go, start those that are new or changed.

        Args:
            recipes: How to make each, by name.
        """
        with self._lock:
            kept = {
                name: member
                for name, member in self._members.items()
                if name in recipes
                and recipes[name].of == self._recipes[name].of
                and not self._has_failed(member)
            }
            for name in self._members.keys() - kept.keys():
                self._members[name].stop()
                self._restart_at_s.pop(name, None)
            self._recipes = dict(recipes)
            self._members = {name: kept.get(name) or each.make() for name, each in recipes.items()}
            for name in recipes.keys() - kept.keys():
                self._members[name].start()

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
            self._members[name] = self._recipes[name].make()
            self._members[name].start()
