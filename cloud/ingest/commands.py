"""`dockledger ingest` and `dockledger quarantine …`."""

import argparse
import gc
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from cloud.ingest.demand_door import DemandDoor
from cloud.ingest.quarantine import commands as quarantine
from cloud.ingest.worker import Worker
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_EXAMPLES: Final = """examples:
  dockledger ingest                         one worker; start as many as you like, they share the sites out
  dockledger --config prod.toml ingest

For tests of faults, DOCKLEDGER_CRASH_AT=before_commit or after_commit makes the process kill itself there."""

_COLLECT_AFTER: Final = 200_000
"""Objects made beyond those freed until Python looks for cycles. Rows form none, and at the usual 700 every
group is walked dozens of times while it is decoded, which costs as much as decoding it."""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    ingest = subparsers.add_parser(
        "ingest",
        help="run one ingest worker, from the broker to the ledger",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    ingest.set_defaults(run=run_ingest)
    quarantine.add_commands(subparsers)


def run_ingest(_arguments: argparse.Namespace, settings: Settings) -> int:
    """Run one worker until SIGTERM or SIGINT.

    Args:
        _arguments: The command line.
        settings: ``ingest_dsn`` and ``broker_url``; with ``app_dsn`` too, published demand is stored.

    Returns:
        0 after an orderly stop, 1 if the worker should be replaced.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    broker_url = settings.needed("broker_url")
    worker = Worker(dsn=settings.needed("ingest_dsn"), broker_url=broker_url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    with ExitStack() as beside:
        if settings.app_dsn is not None:
            door = DemandDoor(dsn=settings.app_dsn, broker_url=broker_url)
            door.start()
            beside.callback(door.close)
        return 0 if worker.run() else 1
