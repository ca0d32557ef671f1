"""Carries a schedule of kills out on a stage, and says how long the stage needed afterwards."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from benchmarks.parts import Part, StageError
from benchmarks.stage import Stage
from simulators.faults.killer import Blow, Kill

_POLL_S: Final = 0.05


def unleash(stage: Stage, kills: Iterable[Kill]) -> int:
    """Kill and freeze parts of a stage; each is up again before the next blow falls.

    Args:
        stage: Whose parts bear the names of the victims.
        kills: The schedule.

    Returns:
        Number of blows.
    """
    blows = 0
    for kill in kills:
        time.sleep(kill.after_s)
        part = stage.parts[kill.victim]
        if kill.blow is Blow.FREEZE:
            part.freeze()
            time.sleep(kill.down_s)
            part.thaw()
        else:
            part.kill()
            time.sleep(kill.down_s)
            _restart(stage, part)
        blows += 1
    return blows


def wait_until(condition: Callable[[], bool], *, within_s: float, what: str) -> float:
    """Wait for something to become true.

    Args:
        condition: Asked 20 times a second.
        within_s: Longest wait, in seconds.
        what: What is waited for, for the message.

    Returns:
        Seconds it took.

    Raises:
        StageError: If it does not become true in time.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            raise StageError(f"{what}: not within {within_s} s")
        time.sleep(_POLL_S)
    return time.monotonic() - began


def _restart(stage: Stage, part: Part) -> None:
    if part is stage.parts["broker"]:
        stage.start_broker_anew()
    else:
        part.start()
