"""The same work on Dask workers (extra `distributed`): functions and pieces sent out, results in order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from distributed import Client

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
