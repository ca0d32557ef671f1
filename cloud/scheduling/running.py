"""A scheduler in a process: a metronome calls it, until it is told to stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Final

import structlog

from cloud.db import OperationalError
from cloud.scheduling.apscheduler import Metronome
from cloud.scheduling.domain import Every
from cloud.scheduling.job import Job
from cloud.scheduling.service import Scheduler

REFRESH_EVERY: Final = timedelta(seconds=30)
"""How often the list of jobs is asked for: a site in a new time zone is planned for from then on."""
AGAIN_S: Final = 2.0
"""Pause while the list of jobs cannot be had."""

log = structlog.get_logger()


def keep_running(
    scheduler: Scheduler,
    stop: Event,
    *,
    end_heavy: Callable[[], None] = lambda: None,
    refresh_every: timedelta = REFRESH_EVERY,
) -> None:
    """Call a scheduler until told to stop; what it holds is then given back.

    Args:
        scheduler: The scheduler.
        stop: Set to end it; runs that have begun are finished first.
        end_heavy: Interrupts the heavy jobs' processes.
        refresh_every: How often the list of jobs is asked for.
    """
    known: dict[str, Job] = {}
    with renewing(scheduler) as metronome:
        while not stop.is_set():
            known, is_current = _follow(scheduler, metronome, known)
            stop.wait(refresh_every.total_seconds() if is_current else AGAIN_S)
        end_heavy()
    scheduler.release()
    log.info("scheduler_stopped")


@contextmanager
def renewing(scheduler: Scheduler) -> Iterator[Metronome]:
    """Renew what a scheduler holds for the length of a ``with`` block.

    Args:
        scheduler: The scheduler.

    Yields:
        What calls it; it may call more.
    """
    metronome = Metronome()
    metronome.every(scheduler.claims.renew_every, "@renew", scheduler.renew)
    metronome.start()
    try:
        yield metronome
    finally:
        metronome.stop()


def _follow(scheduler: Scheduler, metronome: Metronome, known: dict[str, Job]) -> tuple[dict[str, Job], bool]:
    """Ask for the list of jobs, and call those that are on it and no others."""
    try:
        listed = {job.name: job for job in scheduler.refresh()}
    except OperationalError as error:
        scheduler.database_away(error)
        return known, False
    for name in known.keys() - listed.keys():
        metronome.drop(name)
        log.info("job_retired", job=name)
    for name, job in listed.items():
        if name not in known or known[name].trigger != job.trigger:
            metronome.every(_interval(scheduler, job), name, _caller(scheduler, job))
            log.info("job_scheduled", job=name, trigger=str(job.trigger))
    return listed, True


def _interval(scheduler: Scheduler, job: Job) -> timedelta:
    return job.trigger.interval if isinstance(job.trigger, Every) else scheduler.patience.look


def _caller(scheduler: Scheduler, job: Job) -> Callable[[], None]:
    def call() -> None:
        scheduler.turn(job)

    return call
