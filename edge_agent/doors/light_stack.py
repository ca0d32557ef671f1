"""Each portal's light stack: what was decided and what is wrong in, outputs on and off out. Time comes in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_agent.filters.site import Portal, Signal

MOMENTS: Final[tuple[Signal, ...]] = ("in", "out", "undecided")
"""Signals that go off by themselves."""
EVERYWHERE: Final = "@outbox"
"""The fault of all portals: nothing can be recorded."""


@dataclass(slots=True)
class _Stack:
    portal: Portal
    until_s: dict[Signal, float] = field(default_factory=dict)
    faults: set[str] = field(default_factory=set)
    shown: dict[Signal, bool] = field(default_factory=dict)


class LightStacks:
    """All portals' stacks; one thread owns them."""

    def __init__(self, portals: Sequence[Portal], set_gpo: Callable[[str, int, bool], None]) -> None:
        """Begin with no reader heard yet, and nothing known of what is lit: ``tick`` sets every output.

        Args:
            portals: The doors; those without such outputs show nothing.
            set_gpo: Drives an output: reader id, port, on.
        """
        self._set_gpo = set_gpo
        signals: tuple[Signal, ...] = ("idle", "error", *MOMENTS)
        self._stacks: dict[str, _Stack] = {
            portal.id: _Stack(portal, faults=set(_readers(portal)))
            for portal in portals
            if any(portal.gpo(signal) is not None for signal in signals)
        }

    def show(self, portal: str, signal: Signal, now_s: float) -> None:
        """Show for a moment what was decided; the newest decision puts out the one before.

        Args:
            portal: Where.
            signal: One of ``MOMENTS``.
            now_s: Any monotonic clock.
        """
        stack = self._stacks.get(portal)
        if stack is None or stack.portal.feedback is None:
            return
        stack.until_s = {signal: now_s + stack.portal.feedback.seconds}
        self._light(stack, now_s)

    def fault(self, what: str, *, is_there: bool) -> None:
        """Note that something is wrong, or is right again; ``tick`` shows it.

        Args:
            what: A reader's id, or another name for what is wrong everywhere.
            is_there: Whether it is wrong.
        """
        for stack in self._stacks.values():
            if not is_there:
                stack.faults.discard(what)
            elif what in _readers(stack.portal) or what == EVERYWHERE:
                stack.faults.add(what)

    def connected(self, reader: str) -> None:
        """Note that a reader may be a new one, whose outputs are as somebody left them; ``tick`` sets them.

        Args:
            reader: Which.
        """
        for stack in self._stacks.values():
            for signal in list(stack.shown):
                output = stack.portal.gpo(signal)
                if output is not None and output.rpartition(":")[0] == reader:
                    del stack.shown[signal]

    def tick(self, now_s: float) -> None:
        """Let time pass.

        Args:
            now_s: The same clock.
        """
        for stack in self._stacks.values():
            self._light(stack, now_s)

    def all_off(self) -> None:
        """Put everything out."""
        for stack in self._stacks.values():
            for signal in [name for name, is_on in stack.shown.items() if is_on]:
                self._set(stack, signal, is_on=False)

    def _light(self, stack: _Stack, now_s: float) -> None:
        stack.until_s = {signal: until_s for signal, until_s in stack.until_s.items() if until_s > now_s}
        due: dict[Signal, bool] = {signal: signal in stack.until_s for signal in MOMENTS}
        due["error"] = bool(stack.faults)
        due["idle"] = not any(due.values())
        for signal, is_on in due.items():
            if stack.shown.get(signal) is not is_on:
                self._set(stack, signal, is_on=is_on)

    def _set(self, stack: _Stack, signal: Signal, *, is_on: bool) -> None:
        stack.shown[signal] = is_on
        output = stack.portal.gpo(signal)
        if output is not None:
            reader, _, port = output.rpartition(":")
            self._set_gpo(reader, int(port), is_on)


def _readers(portal: Portal) -> frozenset[str]:
    return frozenset(port.partition(":")[0] for port in (*portal.ports, *portal.beam_ports))
