"""APScheduler as a mere metronome: it calls, and knows nothing of slots."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

THREADS: Final = 64
"""Most calls at once; threads are made as they are needed."""


class Metronome:
    """Calls functions at intervals, each never twice at once, in threads that `stop` joins."""

    def __init__(self) -> None:
        """Prepare; nothing is called before `start`."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a call that still runs is no news
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )

    def every(self, interval: timedelta, name: str, call: Callable[[], None]) -> None:
        """Call a function at once, and again and again.

        Args:
            interval: Between two calls; a call that takes longer delays the next.
            name: Unique; the same name again replaces it.
            call: What to call; it raises nothing.
        """
        trigger = IntervalTrigger(seconds=interval.total_seconds(), timezone=UTC)
        at_once = datetime.now(UTC)
        self._scheduler.add_job(call, trigger, id=name, replace_existing=True, next_run_time=at_once)

    def drop(self, name: str) -> None:
        """Call a function no longer.

        Args:
            name: As it was added.
        """
        self._scheduler.remove_job(name)

    def start(self) -> None:
        """Begin to call."""
        self._scheduler.start()

    def stop(self) -> None:
        """Call nothing any more; returns when the last call has."""
        self._scheduler.shutdown(wait=True)
