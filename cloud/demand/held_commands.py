"""`dockledger demand held …`: demand that came and cannot be stored yet."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import Connection
from cloud.demand import held
from cloud.demand.domain import DemandError
from cloud.demand.shell import SHELL, database, reporting
from cloud.demand.waiting import Held, HeldState
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_PAGE: Final = 1000


def add_held_commands(group: "Subparsers") -> None:
    """Add this part's commands.

    Args:
        group: What `dockledger demand` collects its commands in.
    """
    summary = "demand that came and cannot be stored yet: an unknown item, a message that cannot be read"
    parser = group.add_parser("held", help=summary, description=summary)
    steps = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    summary = "list what waits, and why"
    listing = steps.add_parser("list", help=summary, description=summary)
    listing.add_argument("--site", help="only of this site")
    listing.add_argument("--source", help="only of this source")
    listing.add_argument("--all", action="store_true", help="what is settled too")
    listing.set_defaults(run=run_list)
    summary = "let it be tried again at the scheduler's next round"
    trying = steps.add_parser("retry", help=summary, description=summary)
    trying.set_defaults(run=run_retry)
    summary = "say that it is no demand; it stays on record"
    discarding = steps.add_parser("discard", help=summary, description=summary)
    discarding.add_argument("--reason", required=True)
    discarding.set_defaults(run=run_discard)
    for step in (trying, discarding):
        step.add_argument("number", type=int, nargs="?", help="as `list` shows it")
        step.add_argument("--site", help="of a source, all of which is meant")
        step.add_argument("--source", help="all of this source at the site")
    for step in steps.choices.values():
        step.add_argument("--json", action="store_true", help="print JSON, one object per line")


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List what waits."""

    def work() -> None:
        after = 0
        state = None if arguments.all else HeldState.HELD
        wanted = {"site": arguments.site, "source": arguments.source, "state": state}
        with database(settings) as conn:
            while found := held.listed(conn, SHELL, **wanted, after=after, limit=_PAGE):
                for one in found:
                    _tell(one, as_json=arguments.json)
                after = found[-1].held_id

    return reporting(work)


def run_retry(arguments: argparse.Namespace, settings: Settings) -> int:
    """Try it again."""
    now = datetime.now(UTC)
    return _with(
        arguments,
        settings,
        lambda conn, number: held.try_again(conn, SHELL, number, now=now),
        lambda conn, whose: held.try_source_again(conn, SHELL, **whose, now=now),
        "tried again",
    )


def run_discard(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say that it is no demand."""
    now, reason = datetime.now(UTC), arguments.reason
    return _with(
        arguments,
        settings,
        lambda conn, number: held.discard(conn, SHELL, number, reason=reason, now=now),
        lambda conn, whose: held.discard_source(conn, SHELL, **whose, reason=reason, now=now),
        "discarded",
    )


def _with(
    arguments: argparse.Namespace,
    settings: Settings,
    of_one: Callable[[Connection, int], Held],
    of_all: Callable[[Connection, dict[str, str]], int],
    done: str,
) -> int:
    def work() -> None:
        number, site, source = arguments.number, arguments.site, arguments.source
        if (number is None) == (site is None or source is None):
            raise DemandError("expected a number, or --site and --source")
        with database(settings) as conn:
            if number is not None:
                one = of_one(conn, number)
                _tell(one, as_json=arguments.json)
                return
            count = of_all(conn, {"site": site, "source": source})
        told = {"site": site, "source": source, "waiting": count}
        words = f"{count:,} of {source} at {site} are {done}"
        print(orjson.dumps(told).decode() if arguments.json else words)

    return reporting(work)


def _tell(one: Held, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(one._asdict() | {"payload": bytes(one.payload).decode(errors="replace")}).decode())
        return
    first = one.message.partition("\n")[0]
    print(f"{one.held_id:>4}  {one.source:<20} {one.site}  {one.state}  {one.reason}: {ascii(first)[1:-1]}")
