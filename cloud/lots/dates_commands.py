"""`dockledger lots dates` and `import-dates`: who said what of lots' dates, and many said at once."""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cloud import shell
from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.lots import dates_file, dating
from cloud.lots.domain import LotError
from cloud.settings import Settings
from cloud.sheets.table import TableError

if TYPE_CHECKING:
    from cloud.shell import Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)


def add_commands(group: "Subparsers") -> None:
    """Add these commands.

    Args:
        group: What `dockledger lots` collects its commands in.
    """
    showing = shell.command(group, "dates", "tell who said what of a lot's dates", run_dates)
    showing.add_argument("item")
    showing.add_argument("lot")
    importing = shell.command(group, "import-dates", "keep every lot's dates of a file, or none", run_import)
    importing.add_argument(
        "file", type=Path, help="CSV or .xlsx: item,lot,expires_on,produced_on,reason; none: it keeps"
    )
    importing.add_argument(
        "--dates", choices=("ymd", "dmy", "mdy"), default="ymd", help="order of a day's parts in the file"
    )
    importing.add_argument("--encoding", choices=("utf-8", "windows-1252"), default="utf-8", help="of a CSV")
    importing.add_argument("--sheet", help="of a workbook with several")


def run_dates(arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell who said what of a lot's dates."""

    def work(conn: Connection) -> list[Mapping[str, Any]]:
        named = {"item": arguments.item, "lot": arguments.lot}
        return list(_told(dating.story(conn, SHELL, **named, limit=shell.MOST_LISTED)))

    return shell.reporting(lambda: shell.show_named(arguments, shell.once(settings, work)), LotError)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Keep every lot's dates of a file, or none."""

    def work() -> None:
        how = {"dates": arguments.dates, "encoding": arguments.encoding, "sheet": arguments.sheet}
        papers = dates_file.read_dates(arguments.file, **how)
        new = shell.once(settings, lambda conn: dates_file.put_dates(conn, SHELL, papers))
        shell.show_all(arguments, [{"lots": len(papers), "new": new}])

    return shell.reporting(work, OSError, LotError, TableError)


def _told(story: dating.DatesStory) -> Iterable[Mapping[str, Any]]:
    lot = story.lot
    yield {"holds": lot.expires_by, "expires": lot.expires_on, "produced": lot.produced_on}
    for said in story.statements:
        yield {
            "said_by": said.stated_by,
            "at": said.stated_at,
            "expires": said.expires_on or said.expiry,
            "produced": said.produced_on or said.production,
            "why": said.reason,
        }
    for label in story.labels:
        yield {
            "label_at": label.site,
            "at": label.occurred_at,
            "produced": label.produced_on,
            "packed": label.packed_on,
            "best_before": label.best_before,
            "sell_by": label.sell_by,
            "use_by": label.use_by,
            "movements": label.said,
        }
