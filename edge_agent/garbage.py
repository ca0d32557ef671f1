"""Python's collector of cycles as a process of many small lasting objects needs it."""

import gc
from typing import Final

_YOUNG: Final = 5_000
"""Objects made before the young are looked at; by default 700, a few messages of a reader."""


def settle() -> None:
    """Look no more at what is there now, and more seldom at what comes; once, when a process is set up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
