"""The methods that a site can be forecast with, by the name that the registry keeps. Pure."""

from typing import Final

from cloud.forecasting.blocks import ByBlocks
from cloud.forecasting.combining import BOOSTED, COMBINATION, Combination
from cloud.forecasting.domain import METHODS
from cloud.forecasting.moves import Moves
from cloud.forecasting.protocol import Method
from cloud.forecasting.smoothing import SimpleSmoothing

LEARNING: Final = (COMBINATION, BOOSTED)
"""Those that learn something which is kept."""


def method_named(
    name: str | None, *, training: bytes | None = None, moves: Moves | None = None, is_due: bool = True
) -> Method:
    """Give a method.

    Args:
        name: One of `METHODS`; None: the first.
        training: State of the training in force; None: there is none.
        moves: Events that move demand, for methods that know how.
        is_due: Whether what takes long to learn is learned anew.

    Returns:
        The method.

    Raises:
        ValueError: If there is no such method.
    """
    if name is None or name in LEARNING:
        return Combination(training, moves, is_boosted=name == BOOSTED, is_due=is_due)
    if name == SimpleSmoothing.name:
        return ByBlocks(SimpleSmoothing())
    raise ValueError(f"method {name!r:.80}: expected one of {', '.join(METHODS)}")
