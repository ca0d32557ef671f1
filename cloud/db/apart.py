"""Work in parts of which one's failure is no other's: all are done, and what failed is raised in the end."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, Final

_TOLD: Final = 20


class PartsFailedError(Exception):
    """Parts of some work failed, the others are done; the message has a line for each of the first."""

    def __init__(
        self,
        failures: Mapping[str, Exception],
        done: Mapping[str, Any],
        *,
        foreseen: tuple[type[Exception], ...] = (),
    ) -> None:
        """Keep what happened.

        Args:
            failures: By part what it met.
            done: What came of the others.
            foreseen: Errors whose words say enough; others are told with their kind.
        """
        self.failures = {part: _in_a_line(error, foreseen) for part, error in failures.items()}
        """By part in words."""
        self.done = done
        lines = [f"{part}: {words}" for part, words in islice(self.failures.items(), _TOLD)]
        more = len(self.failures) - len(lines)
        super().__init__("\n".join([*lines, f"and {more} more"] if more else lines))


def _in_a_line(error: Exception, foreseen: tuple[type[Exception], ...]) -> str:
    words = " ".join(str(error).split())
    return words if isinstance(error, foreseen) else f"{type(error).__name__}: {words}"


def each_apart(
    parts: Iterable[tuple[str, Callable[[], object]]],
    done: Mapping[str, Any],
    *,
    foreseen: tuple[type[Exception], ...] = (),
) -> None:
    """Do each part, whatever becomes of the others.

    Args:
        parts: By name; parts of the same name fail as one.
        done: What the parts put what came of them into.
        foreseen: Errors whose words say enough.

    Raises:
        PartsFailedError: If any failed, when all are done, caused by the group of what they met.
    """
    failed: dict[str, Exception] = {}
    for name, work in parts:
        try:
            work()
        except Exception as error:  # noqa: BLE001  one part's failure is no other's; raised below
            failed[name] = error
    if failed:
        group = ExceptionGroup("by part", list(failed.values()))
        raise PartsFailedError(failed, done, foreseen=foreseen) from group
