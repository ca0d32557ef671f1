"""`dockledger scheduler | jobs`: what runs by itself, from the command line."""

import argparse
import os
import signal
import socket
import sys
from datetime import UTC, datetime
from secrets import token_hex
from threading import Event
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import in_transaction, open_pool
from cloud.gateways.broker.files import BrokerFiles
from cloud.gateways.domain import ingest_account
from cloud.identity.actor import Actor, Role
from cloud.ledger.heads.service import KEY_FILE
from cloud.runs import jobs as readings
from cloud.scheduling import jobs, store
from cloud.scheduling.domain import Daily
from cloud.scheduling.processes import Processes
from cloud.scheduling.service import Scheduler, Turn
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

MOST_SAID: Final = 300
"""Characters of an outcome that are printed."""
SHELL: Final = Actor("system:shell", frozenset({Role.AUDITOR}), all_sites=True)


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    scheduler = subparsers.add_parser(
        "scheduler",
        help="run the jobs: settle counts, deliver webhooks, plan each night; until SIGTERM",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="As many as you like may run on one database; each slot of a job is run once.\n\n"
        "examples:\n  dockledger scheduler\n  dockledger scheduler --once planning\n"
        "  dockledger scheduler --once forecast/Europe/Madrid --slot 2026-03-02T01:30:00+00:00",
    )
    scheduler.add_argument(
        "--once",
        metavar="JOB",
        help="run one job now and end; `forecast` runs it for every time zone, `planning` the whole chain",
    )
    scheduler.add_argument(
        "--slot", type=_instant, metavar="T", help="with --once: the slot to run, unless it is over"
    )
    scheduler.set_defaults(run=run_scheduler)
    listing = subparsers.add_parser(
        "jobs",
        help="list the jobs: when each is next, and what came of it last",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  dockledger jobs",
    )
    listing.set_defaults(run=run_jobs)


def run_scheduler(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the jobs until SIGTERM, or one of them once.

    Args:
        arguments: The command line.
        settings: ``app_dsn``, ``planning_at``.

    Returns:
        0; with ``--once`` 1 if the job failed, 2 if there is no such job.
    """
    from cloud.scheduling.running import keep_running  # noqa: PLC0415  APScheduler is of no use to other commands

    if arguments.slot is not None and arguments.once is None:
        return _usage("--slot without --once: expected both")
    processes = Processes(_command(arguments))
    name = f"{socket.gethostname()}:{os.getpid()}:{token_hex(2)}"
    ours = ingest_account(settings.broker_url)
    with open_pool(settings.needed("app_dsn"), "dockledger-scheduler", max_size=8) as pool:
        scheduler = Scheduler(
            pool,
            lambda conn: jobs.listed(
                store.zones(conn),
                planning_at=settings.planning_at,
                head_key=settings.data_dir / KEY_FILE,
                broker=BrokerFiles(settings.broker_dir, settings.broker_reload, ours),
            ),
            name=name,
            launch=processes.launch,
        )
        if arguments.once is not None:
            return _run_once(scheduler, arguments.once, arguments.slot)
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        keep_running(scheduler, stop, end_heavy=processes.stop)
    return 0


def run_jobs(_arguments: argparse.Namespace, settings: Settings) -> int:
    """List the jobs."""
    with open_pool(settings.needed("app_dsn"), "dockledger-jobs", max_size=1) as pool:
        rows = in_transaction(pool, lambda conn: readings.jobs(conn, SHELL))
    width = max((len(row.job) for row in rows), default=3)
    for row in rows:
        next_at = f"next {row.next_at:%Y-%m-%d %H:%M} UTC" if row.next_at else ""
        print(f"{row.job:<{width}}  {row.trigger:<28}  {row.said:<48}  {next_at}".rstrip())
    if not rows:
        print("no scheduler has run on this database yet: dockledger scheduler")
    return 0


def _run_once(scheduler: Scheduler, name: str, slot: datetime | None) -> int:
    from cloud.scheduling.running import renewing  # noqa: PLC0415  the same

    listed = scheduler.refresh()
    chosen = jobs.named(listed, name)
    if not chosen:
        return _usage(f"job {name!r}: expected one of {', '.join(job.name for job in listed)}")
    for job in chosen:
        if slot and not (isinstance(job.trigger, Daily) and job.trigger.latest(slot) == slot):
            return _usage(f"--slot {slot.isoformat()}: expected a slot of {job.name}, {job.trigger}")
    at = slot or datetime.now(UTC).replace(microsecond=0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with renewing(scheduler):
            turns = [scheduler.once(job, at, asked_by=None if slot else SHELL.id) for job in chosen]
    except KeyboardInterrupt:
        print("dockledger: interrupted; the slot is left to the next scheduler", file=sys.stderr)
        return 0
    for turn in turns:
        print(_said(turn), flush=True)
    return 1 if any(turn.error for turn in turns) else 0


def _said(turn: Turn) -> str:
    if turn.error is not None:
        return f"{turn.job.name} failed: {turn.error}"
    if turn.claim is None:
        return f"{turn.job.name}: the slot is over, or another scheduler runs it"
    outcome = orjson.dumps(turn.outcome, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    shown = outcome if len(outcome) <= MOST_SAID else f"{outcome[:MOST_SAID]}… (the page Runs shows all)"
    return f"{turn.job.name} done in {turn.took_s:.1f} s: {shown}"


def _command(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Spell our own command line up to its subcommand, with this process's settings."""
    config = ("--config", str(arguments.config)) if arguments.config else ()
    place = ("--data-dir", str(arguments.data_dir)) if arguments.data_dir else ()
    return (sys.executable, "-m", "cloud", *config, *place)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected an ISO 8601 instant") from error
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r}: expected an offset, as in 2026-03-02T01:30:00+00:00")
    return instant.astimezone(UTC)


def _usage(message: str) -> int:
    print(f"dockledger: {message}", file=sys.stderr)
    return 2
