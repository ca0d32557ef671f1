"""A wish on trial: how the agent was before and is now in, whether to keep the wish out; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HEALTHY_FOR_S: Final = 5.0
"""So long without a break the agent must be healthy before a wish is kept."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the agent is at one instant."""

    devices: Mapping[str, str | None]
    """By id of a reader or scanner: None while it is connected, else why it is not."""
    is_outbox_writable: bool
    is_broker_reachable: bool


class Trial:
    """Judges a wish from the moment it is applied; time is monotonic."""

    def __init__(self, before: Vitals, *, now_s: float, within_s: float) -> None:
        """Begin.

        Args:
            before: How the agent was when the wish came.
            now_s: The present.
            within_s: So long the agent has to become healthy.
        """
        self._before = before
        self._began_s = now_s
        self._within_s = within_s
        self._healthy_since_s: float | None = None

    def judge(self, now: Vitals, *, now_s: float) -> tuple[str, ...] | None:
        """Look once more.

        No wish can change the way to the broker, so none is blamed for its loss; but none is kept, either,
        before it is back, and the time begins anew with it.

        Args:
            now: How the agent is.
            now_s: The present.

        Returns:
            None while it is open; nothing wrong if the wish has proved itself; else what is wrong.
        """
        wrong = worse(self._before, now)
        is_cut_off = self._before.is_broker_reachable and not now.is_broker_reachable
        if is_cut_off and not wrong:
            self._began_s, self._healthy_since_s = now_s, None
            return None
        if not wrong:
            self._healthy_since_s = now_s if self._healthy_since_s is None else self._healthy_since_s
            return () if now_s - self._healthy_since_s >= HEALTHY_FOR_S else None
        self._healthy_since_s = None
        if now_s - self._began_s < self._within_s:
            return None
        return (f"not healthy within {self._within_s:g} s", *wrong)


def worse(before: Vitals, now: Vitals) -> tuple[str, ...]:
    """Compare: what was amiss before the wish is not held against it, what it names anew must work.

    Args:
        before: How the agent was.
        now: How it is.

    Returns:
        A sentence for each thing that the wish is to blame for.
    """
    found = [
        f"{device} is not connected: {why}"
        for device, why in now.devices.items()
        if why is not None and before.devices.get(device) is None
    ]
    if before.is_outbox_writable and not now.is_outbox_writable:
        found.append("the outbox takes no rows")
    return tuple(found)
