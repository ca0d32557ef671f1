"""The methods that a site can be forecast with, by the name that the registry keeps. Pure."""

from typing import Final

from cloud.forecasting.blocks import ByBlocks
from cloud.forecasting.combining import Combination
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Method
from cloud.forecasting.smoothing import SimpleSmoothing

NAMES: Final = (Combination.name, SimpleSmoothing.name)
"""The first one forecasts where nothing else was decided."""


def method_named(name: str | None, *, training: bytes | None = None, moves: Moves | None = None) -> Method:
    """Give a method.

    Args:
        name: One of `NAMES`; None: the first.
        training: State of the training in force; None: there is none.
        moves: Events that move demand, for methods that know how.

    Returns:
        The method.

    Raises:
        ValueError: If there is no such method.
    """
    if name is None or name == Combination.name:
        return Combination(training, moves)
    if name == SimpleSmoothing.name:
        return ByBlocks(SimpleSmoothing())
    raise ValueError(f"method {name!r:.80}: expected one of {', '.join(NAMES)}")
