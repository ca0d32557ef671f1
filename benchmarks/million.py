"""A million weekly series on two cores, all in: members, backtest, weights, bands, hand-over, states.

Series of 104 weeks, negative binomial with rates over three orders of magnitude, a fifth of them begun later,
in lots of 10,000, each a file. Two processes forecast them and write the hand-over (91 days and 7 sums at 15
levels, as D10 says) and the states; then one further week is taken into all states. By default fewer lots are
measured and the time is scaled up; `--series 1000000` measures all.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.result import Limit, Result
from cloud.forecasting.batch import lots, state
from cloud.forecasting.batch.lots import Lot
from cloud.forecasting.pool import in_processes

MILLION: Final = 1_000_000
_LOT: Final = 10_000
_WEEKS: Final = 104
_USUAL: Final = 40_000
_PROCESSES: Final = 2
_DISPERSION: Final = 3.0
_NANOSECONDS: Final = 1_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--series", type=int, default=_USUAL, help=f"how many; default: {_USUAL}")
    parser.add_argument("--folder", type=Path, help="where lots are written; default: a temporary folder")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Time for a million series, memory, and time to update their states.
    """
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        made = [_lot(Path(folder), number) for number in range(-(-arguments.series // _LOT))]
        series = _LOT * len(made)
        waited: list[float] = []
        wall, cpu = _timed(partial(_forecast, made, waited))
        bytes_each = sum(lot.handover.stat().st_size + lot.states.stat().st_size for lot in made) / series
        memory = _peak_mb()
        stored, stored_cpu = _timed(partial(_update_stored, made))
        held = [state.load(lot.states.read_bytes()) for lot in made]
        resident, _ = _timed(partial(_update_held, held))
    scale = MILLION / series
    return Result(
        benchmark="million",
        headline="minutes_per_million",
        figures={
            "minutes_per_million": wall * scale / 60,
            "processor_minutes_per_million_by_two": cpu * scale / 60 / _PROCESSES,
            "waited_for_a_processor_minutes_per_million": sum(waited) * scale / 60 / _PROCESSES,
            "cpu_seconds_per_1000": cpu * 1000 / series,
            "peak_memory_gb": memory / 1024,
            "update_seconds_per_million": stored * scale,
            "update_processor_seconds_per_million": stored_cpu * scale,
            "update_in_memory_seconds_per_million": resident * scale,
            "written_bytes_per_series": bytes_each,
        },
        limits={
            "minutes_per_million": Limit(15, 8, "lower"),
            "peak_memory_gb": Limit(4, 2, "lower"),
            "update_seconds_per_million": Limit(30, 5, "lower"),
        },
        input={"series": series, "lot": _LOT, "weeks": _WEEKS, "processes": _PROCESSES},
        notes=(
            f"Measured with {series} series; times are scaled to a million." if series < MILLION else "",
            "Memory is this process's peak and twice that of the larger worker.",
            "Minutes are longer beside other work; the processor's, shared by two, are not.",
            "Waiting for a processor is Linux's own measure, while lots are forecast; elsewhere it is 0.",
            "States are updated by one process, from file to file and in memory.",
        ),
    )


def _lot(folder: Path, number: int) -> Lot:
    """Write a lot."""
    generator = np.random.default_rng(number)
    rate = np.exp(generator.normal(1.0, 1.5, (_LOT, 1)))
    y = generator.poisson(rate * generator.gamma(_DISPERSION, 1 / _DISPERSION, (_LOT, _WEEKS)))
    y = y.astype(np.float32)
    late = generator.random(_LOT) < 1 / 5
    begin = np.where(late, generator.integers(0, _WEEKS - 1, _LOT), 0)
    y[np.arange(_WEEKS) < begin[:, None]] = np.nan
    source = folder / f"lot{number:04d}.npy"
    np.save(source, y)
    return Lot(source, folder)


def _forecast(made: list[Lot], waited: list[float]) -> None:
    def spread(work: Callable[[Any], Any], pieces: Sequence[Any]) -> Iterator[Any]:
        for done, delay in in_processes(partial(_delayed, work), pieces, _PROCESSES):
            waited.append(delay)
            yield done

    for _ in lots.forecast_all(made, spread):
        pass


def _delayed(work: Callable[[Any], Any], piece: Any) -> tuple[Any, float]:
    """Work on a piece; give for how many seconds this process was ready to run and did not."""
    before = _delay()
    done = work(piece)
    return done, _delay() - before


def _delay() -> float:
    told = Path("/proc/self/schedstat")
    return int(told.read_text("ascii").split()[1]) / _NANOSECONDS if told.exists() else 0.0


def _update_stored(made: list[Lot]) -> None:
    for lot in made:
        lots.advance(lot, np.ones(_LOT))


def _update_held(held: list[state.State]) -> None:
    for one in held:
        state.advance(one, np.ones(_LOT))


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Give seconds of wall clock and of processors, those of ended child processes too."""
    before, begin = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - begin, _cpu() - before


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak_mb() -> float:
    own, child = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own + _PROCESSES * child
