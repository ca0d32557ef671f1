"""Lights reader outputs for a while: a wish in, on and off out. One thread owns it; time comes in."""

from collections.abc import Callable


class Lamps:
    """Outputs that go off by themselves."""

    def __init__(self, set_gpo: Callable[[str, int, bool], None]) -> None:
        """Begin with all outputs as they are.

        Args:
            set_gpo: Drives an output: reader id, port, on.
        """
        self._set_gpo = set_gpo
        self._off_at_s: dict[str, float] = {}

    def light(self, output: str, seconds: float, now_s: float) -> None:
        """Switch an output on; one that is on stays on for longer.

        Args:
            output: ``reader:port``.
            seconds: For how long.
            now_s: Any monotonic clock.
        """
        if output not in self._off_at_s:
            self._set(output, is_on=True)
        self._off_at_s[output] = now_s + seconds

    def tick(self, now_s: float) -> None:
        """Switch off what has been on long enough.

        Args:
            now_s: The same clock.
        """
        for output in [name for name, off_at_s in self._off_at_s.items() if off_at_s <= now_s]:
            del self._off_at_s[output]
            self._set(output, is_on=False)

    def all_off(self) -> None:
        """Switch everything off that is on."""
        self.tick(float("inf"))

    def _set(self, output: str, *, is_on: bool) -> None:
        reader, _, port = output.rpartition(":")
        self._set_gpo(reader, int(port), is_on)
