"""The same work on Dask workers (extra `distributed`): functions and pieces sent out, results in order."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from distributed import Client

from cloud.forecasting.domain import ForecastError

CONNECT_S: Final = 10
"""To wait for a scheduler."""

Piece = TypeVar("Piece")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class OnDask:
    """Spreads work over the workers of a cluster; to be given as `spread`.

    Pieces travel to the workers, so they must all read the same files where a piece names one.
    """

    client: Client
    at_once: int = 8
    """Pieces under way: so many are in the cluster's memory."""

    def __call__(self, work: Callable[[Piece], Result], pieces: Sequence[Piece], /) -> Iterator[Result]:
        """Work on pieces.

        Args:
            work: A function of a module that the workers have too.
            pieces: What it is given.

        Yields:
            What came of each piece, in their order.
        """
        waiting: list[Any] = []
        for piece in pieces:
            waiting.append(self.client.submit(work, piece, pure=False))
            if len(waiting) >= self.at_once:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


@contextmanager
def connected(address: str) -> Iterator[OnDask]:
    """Connect to a cluster.

    Args:
        address: Of its scheduler, as ``tcp://10.0.0.5:8786``.

    Yields:
        Its workers, who must have this program in the same release.

    Raises:
        ForecastError: If no scheduler answers there.
    """
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]  # theirs
    except (OSError, ValueError) as error:
        raise ForecastError(
            f"--on {address!r:.80}: expected the address of a Dask scheduler: {error}"
        ) from error
    with client:
        yield OnDask(client)
