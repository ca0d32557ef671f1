"""`dockledger demand held …`: demand that came and cannot be stored yet."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from cloud.db import Connection
from cloud.demand import held
from cloud.demand.held import Held, HeldState
from cloud.demand.shell import SHELL, database, reporting
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

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
        step.add_argument("number", type=int, help="as `list` shows it")
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
    return _with(arguments, settings, lambda conn: held.try_again(conn, SHELL, arguments.number, now=now))


def run_discard(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say that it is no demand."""
    now = datetime.now(UTC)
    return _with(
        arguments,
        settings,
        lambda conn: held.discard(conn, SHELL, arguments.number, reason=arguments.reason, now=now),
    )


def _with(arguments: argparse.Namespace, settings: Settings, step: Callable[[Connection], Held]) -> int:
    def work() -> None:
        with database(settings) as conn:
            after = step(conn)
        _tell(after, as_json=arguments.json)

    return reporting(work)


def _tell(one: Held, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(one._asdict() | {"payload": bytes(one.payload).decode(errors="replace")}).decode())
        return
    first = one.message.partition("\n")[0]
    print(f"{one.held_id:>4}  {one.source:<20} {one.site}  {one.state}  {one.reason}: {ascii(first)[1:-1]}")
