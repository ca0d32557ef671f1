"""The gateway's time: readings of the wall and monotonic clocks in; stamps, trust and steps out."""

import ctypes
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

STEP_TOLERANCE_NS: Final = 500_000_000
"""Wall and monotonic time may part by this much between two readings before it is a step."""
SLEW_PPM: Final = 1000
"""NTP may slew this fast without it being a step; longer silences between readings allow more."""
DISTRUST_NS: Final = 60_000_000_000
"""After a step the wall clock is not believed for this long."""
OLDEST_PLAUSIBLE_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)
"""An earlier wall clock is a clock that was never set."""

_NS_PER_S: Final = 1_000_000_000
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR: Final = 5
_TIMEX_BYTES: Final = 512
"""More than ``struct timex`` needs; all zeros asks and changes nothing."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something happened, as far as this gateway can tell (PROTOCOL P2)."""

    at: datetime
    """The wall clock, aware UTC."""
    mono_ns: int
    """The monotonic clock of ``boot_id``, in nanoseconds; it runs on while the machine sleeps."""
    boot_id: str
    clock_ok: bool
    """Whether the wall clock is synchronised, plausible and did not step lately."""


@dataclass(frozen=True, slots=True)
class ClockGap:
    """A stretch in which the wall clock could not be believed."""

    from_at: datetime
    """The wall clock just before the step."""
    to_at: datetime | None
    """The wall clock when it was believed again; None while the stretch is open."""
    step_s: float
    """How far the wall clock jumped; negative is backwards."""


@dataclass(slots=True)
class StepDetector:
    """Compares the wall clock with the monotonic one at every reading."""

    _wall_ns: int | None = None
    _mono_ns: int = 0

    def observe(self, wall_ns: int, mono_ns: int) -> int:
        """Take one reading of both clocks.

        Args:
            wall_ns: Wall clock, nanoseconds since 1970.
            mono_ns: Monotonic clock, nanoseconds.

        Returns:
            How far the wall clock stepped since the last reading, in nanoseconds; 0 if it did not.
        """
        before_ns, self._wall_ns = self._wall_ns, wall_ns
        elapsed_ns, self._mono_ns = mono_ns - self._mono_ns, mono_ns
        if before_ns is None:
            return 0
        drift_ns = wall_ns - before_ns - elapsed_ns
        allowed_ns = STEP_TOLERANCE_NS + max(elapsed_ns, 0) * SLEW_PPM // 1_000_000
        return drift_ns if abs(drift_ns) > allowed_ns else 0


class Clock:
    """Gives stamps, and remembers every step so that none is silently trusted."""

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int] = time.time_ns,
        mono_ns: Callable[[], int] | None = None,
        boot_id: str | None = None,
        is_synchronised: Callable[[], bool] | None = None,
    ) -> None:
        """Choose the sources; the defaults are this machine's.

        Args:
            wall_ns: Wall clock, nanoseconds since 1970.
            mono_ns: Monotonic clock, nanoseconds.
            boot_id: Names the run of ``mono_ns``.
            is_synchronised: Whether somebody keeps the wall clock right; the kernel is asked by default.
        """
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns or boot_time_ns
        self.boot_id = boot_id or read_boot_id()
        self._is_synchronised = is_synchronised or kernel_says_synchronised
        self._lock = threading.Lock()
        self._detector = StepDetector()
        self._distrusted_until_ns = 0
        self._open_gap: ClockGap | None = None
        self._gaps: list[ClockGap] = []
        self._last_at: datetime | None = None
        self.steps = 0

    def now(self) -> Stamp:
        """Read both clocks.

        Returns:
            A stamp; its ``clock_ok`` is False for a minute after a step and while unsynchronised.
        """
        with self._lock:
            wall_ns, mono_ns = self._wall_ns(), self._mono_ns()
            at = _instant(wall_ns)
            stepped_ns = self._detector.observe(wall_ns, mono_ns)
            if stepped_ns:
                self._note_step(at, mono_ns, stepped_ns)
            ok = (
                mono_ns >= self._distrusted_until_ns and at >= OLDEST_PLAUSIBLE_AT and self._is_synchronised()
            )
            if ok and self._open_gap is not None:
                closed = ClockGap(
                    self._open_gap.from_at, max(at, self._open_gap.from_at), self._open_gap.step_s
                )
                self._open_gap = None
                self._gaps.append(closed)
            self._last_at = at
            return Stamp(at, mono_ns, self.boot_id, ok)

    def take_gaps(self) -> tuple[ClockGap, ...]:
        """Hand over the stretches of distrust that began or ended since the last call.

        Returns:
            Each step once when it begins (``to_at`` None) and once when the clock is believed again.
        """
        with self._lock:
            taken, self._gaps = tuple(self._gaps), []
            return taken

    def _note_step(self, at: datetime, mono_ns: int, stepped_ns: int) -> None:
        self.steps += 1
        self._distrusted_until_ns = mono_ns + DISTRUST_NS
        if self._open_gap is None:
            self._open_gap = ClockGap(self._last_at or at, None, stepped_ns / _NS_PER_S)
            self._gaps.append(self._open_gap)


def boot_time_ns() -> int:
    """Read the clock that never steps and counts suspended time too.

    Returns:
        Nanoseconds since an arbitrary instant of this boot.
    """
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def read_boot_id() -> str:
    """Name this boot of the machine.

    Returns:
        The kernel's boot id; where it gives none, an id of the instant the machine started.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"boot-{(time.time_ns() - boot_time_ns()) // _NS_PER_S}"


def kernel_says_synchronised() -> bool:
    """Ask the kernel whether something disciplines the wall clock.

    Returns:
        True unless ``adjtimex(2)`` reports an unsynchronised clock or cannot be asked.
    """
    return _libc().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) not in {-1, _TIME_ERROR}


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _instant(wall_ns: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_ns // 1000)
