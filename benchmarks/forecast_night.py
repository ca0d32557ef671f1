"""What a site's nightly forecast takes of processor and memory, without a database, in its own process.

Three years of daily demand, negative binomial with means over three orders of magnitude, a fifth of the
series begun later, protection periods of 3 to 40 days. The peak is what the run holds above what it is given.
"""

import multiprocessing
import resource
import time
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from cloud.forecasting.engine import plan
from cloud.forecasting.protocol import Floats
from cloud.forecasting.site_run import HISTORY_WEEKS
from cloud.forecasting.weeks import DAYS

TEN_THOUSAND: Final = 10_000
_LAST: Final = date(2026, 3, 1)
_SEED: Final = 1
_DISPERSION: Final = 3.0
_KIB: Final = 1024
_MB: Final = 1_000_000


def measured(series: int) -> dict[str, float]:
    """Forecast a made site.

    Args:
        series: How many.

    Returns:
        CPU seconds per 1,000 series of computing and of giving out the rows, and MB per 10,000 at the peak.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (series,))


def _measure(series: int) -> dict[str, float]:
    generator = np.random.default_rng(_SEED)
    days = _days(generator, series)
    protection = generator.integers(3, 41, series)
    unknown = np.zeros(days.shape, dtype=np.bool_)
    before, began = _peak(), time.process_time()
    planned = plan(days, unknown, last_day=_LAST, protection=protection, processes=1)
    computed = time.process_time()
    for _ in planned.series():
        pass
    given = time.process_time()
    return {
        "cpu_s_per_1000": 1000 * (computed - began) / series,
        "rows_cpu_s_per_1000": 1000 * (given - computed) / series,
        "peak_mb_per_10000": (_peak() - before) / _MB * TEN_THOUSAND / series,
    }


def _days(generator: np.random.Generator, series: int) -> Floats:
    rate = np.exp(generator.normal(-1.0, 1.5, (series, 1)))
    shape = (series, HISTORY_WEEKS * DAYS)
    found = np.empty(shape, dtype=np.float64)
    for row in range(0, series, 1000):  # the peak is not to be that of making them
        part = found[row : row + 1000]
        noise = generator.gamma(_DISPERSION, 1 / _DISPERSION, part.shape)
        part[:] = generator.poisson(rate[row : row + 1000] * noise)
    late = generator.random(series) < 1 / 5
    begun = np.where(late, generator.integers(0, shape[1], series), 0)
    found[np.arange(shape[1]) < begun[:, None]] = 0
    return found


def _peak() -> int:
    """Bytes: as Linux tells them of this program alone, or else of all that the process ever was."""
    status = Path("/proc/self/status")
    if status.exists():
        told = dict(line.split(":", 1) for line in status.read_text("ascii").splitlines())
        return int(told["VmHWM"].split()[0]) * _KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
