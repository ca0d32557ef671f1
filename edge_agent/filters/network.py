"""A small fitted function: numbers in, a few numbers out, by one hidden layer; its weights are data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter, mul


@dataclass(frozen=True, slots=True)
class Network:
    """Weights as they were fitted; inputs need no scaling."""

    hidden: tuple[tuple[float, ...], ...]
    """For each hidden number the weights of the inputs."""
    hidden_at: tuple[float, ...]
    """What each begins from."""
    out: tuple[tuple[float, ...], ...]
    """For each number that comes out the weights of the hidden ones."""
    out_at: tuple[float, ...]

    def __call__(self, inputs: Sequence[float]) -> tuple[float, ...]:
        """Compute.

        Args:
            inputs: As many as there are weights.

        Returns:
            The numbers that come out.
        """
        used = [n for n, number in enumerate(inputs) if number]
        if len(used) < 2:  # noqa: PLR2004  itemgetter gives no tuple
            used = list(range(len(inputs)))
        of_used = itemgetter(*used)  # half of what the doors are told is 0: it weighs nothing
        numbers = of_used(inputs)
        hidden = [
            math.tanh(sum(map(mul, of_used(row), numbers), at))
            for row, at in zip(self.hidden, self.hidden_at, strict=True)
        ]
        return tuple(sum(map(mul, row, hidden), at) for row, at in zip(self.out, self.out_at, strict=True))
