"""`dockledger quarantine list | show | replay | discard`."""

import argparse
import base64
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from cloud.db import Connection, once
from cloud.ingest.command_line import SHELL, add_command, add_group, reporting, show, show_all
from cloud.ingest.quarantine import service
from cloud.ingest.quarantine.store import Entry
from cloud.settings import Settings
from contracts.base import epoch_from_int

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

SHOWN_BYTES: Final = 4096
"""Bytes of a payload that people are shown; `--json` gives all of them."""

_EXAMPLES: Final = """examples:
  dockledger quarantine list --gateway dock-1
  dockledger quarantine show 17
  dockledger quarantine replay 17 18 19
  dockledger quarantine replay 20 --under-new-identity     a fork whose rows did happen
  dockledger quarantine discard 21"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = add_group(subparsers, "quarantine", "see and settle what could not be posted", _EXAMPLES)
    listing = add_command(group, "list", "list entries", run_list)
    listing.add_argument("--state", choices=("held", "replayed", "discarded", "all"), default="held")
    listing.add_argument("--reason")
    listing.add_argument("--gateway")
    listing.add_argument("--after", type=int, default=0, metavar="ID", help="continue after this entry")
    listing.add_argument("--limit", type=int, default=100)
    add_command(group, "show", "show one entry with its bytes", run_show).add_argument("id", type=int)
    replay = add_command(group, "replay", "post entries through the usual path, each once", run_replay)
    replay.add_argument("id", type=int, nargs="+")
    replay.add_argument("--under-new-identity", action="store_true", help="post a fork's rows as the cloud's")
    discard = add_command(group, "discard", "decide that entries will never be posted", run_discard)
    discard.add_argument("id", type=int, nargs="+")


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List entries.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if the database cannot be asked.
    """

    def work() -> None:
        found = once(
            settings.needed("ingest_dsn"),
            lambda conn: service.entries(
                conn,
                SHELL,
                state=None if arguments.state == "all" else arguments.state,
                reason=arguments.reason,
                gateway=arguments.gateway,
                after=arguments.after,
                limit=arguments.limit,
            ),
        )
        show_all(arguments, map(_fields, found))

    return reporting(work)


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show one entry; its bytes are escaped, so that a terminal is safe from them.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if there is none.
    """

    def work() -> None:
        entry = once(settings.needed("ingest_dsn"), lambda conn: service.entry(conn, SHELL, arguments.id))
        payload = entry.payload
        shown = base64.b64encode(payload) if arguments.json else payload[:SHOWN_BYTES]
        show(arguments, _fields(entry) | {"payload": shown.decode("latin-1")})

    return reporting(work)


def run_replay(arguments: argparse.Namespace, settings: Settings) -> int:
    """Replay entries, each in a transaction of its own.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if one of them cannot be posted.
    """

    def replay(conn: Connection, number: int) -> dict[str, object]:
        as_new = bool(arguments.under_new_identity)
        posting_id = service.replay(conn, SHELL, number, under_new_identity=as_new)
        return {"quarantine_id": number, "state": "replayed", "posting_id": posting_id}

    return _settle_each(arguments, settings, replay)


def run_discard(arguments: argparse.Namespace, settings: Settings) -> int:
    """Discard entries.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if one of them is settled already.
    """

    def discard(conn: Connection, number: int) -> dict[str, object]:
        service.discard(conn, SHELL, number)
        return {"quarantine_id": number, "state": "discarded"}

    return _settle_each(arguments, settings, discard)


def _settle_each(
    arguments: argparse.Namespace,
    settings: Settings,
    settle: Callable[[Connection, int], dict[str, object]],
) -> int:
    dsn = settings.needed("ingest_dsn")

    def one(number: int) -> None:
        show(arguments, once(dsn, lambda conn: settle(conn, number)))

    return max([reporting(lambda each=number: one(each)) for number in arguments.id])  # type: ignore[misc]  # inference of a default


def _fields(entry: Entry) -> dict[str, object]:
    return asdict(entry) | {"epoch": None if entry.epoch is None else epoch_from_int(entry.epoch)}
