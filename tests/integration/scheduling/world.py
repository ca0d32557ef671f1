"""Schedulers as processes with jobs of a test, a clock that the test turns, and effects that it counts.

The clock is a file: every scheduler reads the present from it, and nobody but the test writes it.
"""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from threading import Event
from typing import Any

from cloud.db import Connection, connect, in_transaction, open_pool
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.runs import service as runs
from cloud.runs.domain import RunId, RunOverError, SlotDoneError
from cloud.scheduling.domain import Daily, Patience
from cloud.scheduling.job import Job, Occasion
from cloud.scheduling.running import keep_running
from cloud.scheduling.service import Scheduler
from tests.patience import PATIENCE_S

PATIENCE = Patience(
    lease=timedelta(seconds=0.6), retries=(timedelta(seconds=0.1),) * 50, look=timedelta(seconds=0.1)
)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
WORK_S = 0.04
JOB = Actor("job:test", frozenset({Role.PLANNER}), all_sites=True)
PROCESSES = multiprocessing.get_context("forkserver")

DDL = """
CREATE TABLE effect (job text NOT NULL, slot timestamptz NOT NULL, pid integer NOT NULL);
CREATE TABLE begun (job text NOT NULL, slot timestamptz NOT NULL, pid integer NOT NULL);
GRANT SELECT, INSERT ON effect, begun TO dockledger_app;
"""


@dataclass(frozen=True)
class Clock:
    """Reads the present from a file."""

    file: Path

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self.file.read_text("ascii"))

    def set(self, now: datetime) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(now.isoformat(), "ascii")
        fresh.replace(self.file)


def jobs_of_a_test(conn: Connection) -> list[Job]:
    jobs = []
    for zone in ZONES:
        early = Daily(wall_time(2, 30), zone)
        jobs += [
            Job(f"close/{zone}", early, posting(f"close/{zone}")),
            Job(f"plan/{zone}", early, planning(f"plan/{zone}"), after=f"close/{zone}"),
            Job(f"noon/{zone}", Daily(wall_time(12), zone), posting(f"noon/{zone}")),
        ]
    return jobs


def posting(name: str) -> Callable[[Occasion], Mapping[str, Any]]:
    """A job with one transaction: its effect and its slot are committed together."""

    def run(occasion: Occasion) -> Mapping[str, Any]:
        note(occasion, "begun", name)

        def work(conn: Connection) -> None:
            conn.execute("INSERT INTO effect VALUES (%s, %s, %s)", (name, occasion.slot, os.getpid()))
            conn.execute("SELECT pg_sleep(%s)", (WORK_S,))
            occasion.finish(conn, {})

        in_transaction(occasion.source, work)
        return {}

    return run


def planning(name: str) -> Callable[[Occasion], Mapping[str, Any]]:
    """A job of several transactions that is idempotent by its slot, as planning is."""
    kind = name.replace("/", "_").lower()

    def run(occasion: Occasion) -> Mapping[str, Any]:
        note(occasion, "begun", name)

        def begin(conn: Connection) -> RunId:
            return runs.begin(conn, JOB, kind=kind, slot=occasion.slot, inputs={}, parameters={})

        def write(conn: Connection) -> None:
            act_as(conn, JOB)
            conn.execute("SELECT pg_sleep(%s)", (WORK_S,))
            conn.execute("INSERT INTO effect VALUES (%s, %s, %s)", (name, occasion.slot, os.getpid()))
            runs.finish(conn, run_id, {})

        try:
            run_id = in_transaction(occasion.source, begin)
            in_transaction(occasion.source, write)
        except (SlotDoneError, RunOverError) as error:
            return {"skipped": str(error)}
        return {"run": run_id}

    return run


def note(occasion: Occasion, table: str, name: str) -> None:
    row = (name, occasion.slot, os.getpid())
    in_transaction(
        occasion.source, lambda conn: conn.execute(f"INSERT INTO {table} VALUES (%s, %s, %s)", row)
    )


def schedule(dsn: str, clock: Clock, name: str) -> None:
    """Be a scheduler until SIGTERM."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with open_pool(dsn, "test-scheduler", max_size=4) as pool:
        keep_running(Scheduler(pool, jobs_of_a_test, name=name, clock=clock, patience=PATIENCE), stop)


@dataclass
class World:
    """Schedulers at one database, and the test's look at what they did."""

    dsn: str
    clock: Clock
    conn: Connection
    chance: random.Random
    processes: list[Any] = field(default_factory=list)
    killed: int = 0
    _names: int = 0

    def start(self, count: int) -> None:
        for _ in range(count):
            self._names += 1
            process = PROCESSES.Process(target=schedule, args=(self.dsn, self.clock, f"s-{self._names}"))
            process.start()
            self.processes.append(process)

    def kill_one_that_works(self) -> bool:
        """SIGKILL a scheduler that has begun and not finished, if there is one, and start another."""
        rows = self.query(
            "SELECT pid FROM begun b WHERE NOT EXISTS "
            "(SELECT FROM effect e WHERE (e.job, e.slot) = (b.job, b.slot)) ORDER BY pid"
        )
        busy = [process for process in self.processes if (process.pid,) in rows and process.is_alive()]
        if not busy:
            return False
        victim = self.chance.choice(busy)
        victim.kill()
        victim.join()
        self.processes.remove(victim)
        self.killed += 1
        self.start(1)
        return True

    def settled(self) -> bool:
        """Tell whether every slot that is due is over."""
        now = self.clock()
        due = {(job.name, job.trigger.latest(now)) for job in jobs_of_a_test(self.conn)}
        known = dict(self.query("SELECT job, known_since FROM job"))
        over = set(self.query("SELECT job, slot FROM job_run WHERE finished_at IS NOT NULL"))
        return len(known) == len(due) and all(slot < known[job] or (job, slot) in over for job, slot in due)

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        return self.conn.execute(statement, arguments).fetchall()

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join()


@contextmanager
def open_world(database: object, folder: Path, *, seed: int) -> Iterator[World]:
    PROCESSES.set_forkserver_preload([__name__])
    clock = Clock(folder / "clock")
    with connect(database.owner_dsn, "test-owner", autocommit=True) as conn:
        conn.execute("SET ROLE dockledger_owner")
        conn.execute(DDL)
        world = World(database.app_dsn, clock, conn, random.Random(seed))
        try:
            yield world
        finally:
            world.stop()


def live_through(world: World, begin: datetime, until: datetime, *, step: timedelta, kills: int) -> None:
    """Turn the clock on step by step; at each step some who work are killed, and all slots come to an end."""
    world.clock.set(begin)
    world.start(5)
    now = begin
    while True:
        left, deadline = kills, time.monotonic() + PATIENCE_S
        while not world.settled():
            if left and world.kill_one_that_works():
                left -= 1
            assert time.monotonic() < deadline, world.query("SELECT * FROM job_run WHERE finished_at IS NULL")
            time.sleep(0.01)
        if now == until:
            return
        now = min(now + step, until)
        world.clock.set(now)
