"""`dockledger webhooks …`: who is told of events, and what was delivered."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from cloud.alerts.webhooks import service
from cloud.alerts.webhooks.domain import EVENTS, WebhookError
from cloud.db import Connection, DataError, IntegrityError, connect
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Work = Callable[[Connection, argparse.Namespace], None]

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
MOST_LISTED: Final = 10_000
_EXAMPLES: Final = f"""examples:
  dockledger webhooks add erp https://erp.example/hooks --event 'decision.*' --event ticket.opened
  dockledger webhooks test 1
  dockledger webhooks deliveries 1 --state dead
  dockledger webhooks again 1 4711
events: *, ticket.*, decision.*, {", ".join(EVENTS)}
Messages are signed as standardwebhooks.com says; `add` and `rotate` print the secret once."""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    parser = subparsers.add_parser(
        "webhooks",
        help="tell other programs what happens",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    group = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _command(group, "list", "list subscriptions", _list)
    adding = _command(group, "add", "subscribe to events and print the secret, once", _add)
    adding.add_argument("name", help="short, of a-z 0-9 . _ -")
    adding.add_argument("url", help="https://host/path, or http inside the house")
    adding.add_argument("--event", action="append", required=True, metavar="TYPE")
    adding.add_argument("--site", help="default: events of every site and of the network")
    for name, summary, work in (
        ("test", "send a test event", _test),
        ("rotate", "give a new secret; the old one signs beside it for a day", _rotate),
        ("stop", "stop sending; what happens meanwhile is not told", _stop),
        ("start", "go on sending", _start),
        ("remove", "end a subscription", _remove),
    ):
        _command(group, name, summary, work).add_argument("number", type=int, help="as `list` shows it")
    listing = _command(group, "deliveries", "list what was sent, waits or was given up", _deliveries)
    listing.add_argument("number", type=int, help="as `list` shows it")
    listing.add_argument("--state", choices=("pending", "delivered", "dead"))
    again = _command(group, "again", "send an event again, from the first attempt on", _again)
    again.add_argument("number", type=int, help="as `list` shows it")
    again.add_argument("event", type=int, help="as `deliveries` shows it")


def _command(group: "Subparsers", name: str, summary: str, work: Work) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        try:
            with connect(settings.needed("app_dsn"), "dockledger-webhooks") as conn:
                work(conn, arguments)
        except (WebhookError, DataError, IntegrityError) as error:
            print(f"dockledger: {error}", file=sys.stderr)
            return 1
        return 0

    parser.set_defaults(run=run)
    return parser


def _list(conn: Connection, arguments: argparse.Namespace) -> None:
    for row in service.subscriptions(conn, SHELL, limit=MOST_LISTED):
        state = "sends" if row.is_active else f"stopped, {row.stopped_because}"
        events = " ".join(row.events)
        line = f"{row.subscription_id:>4}  {row.name:<20} {row.site or 'every site'}  {row.url}  {events}"
        _print(row, f"{line}  {state}; {row.pending} wait, {row.dead} given up", arguments)


def _add(conn: Connection, arguments: argparse.Namespace) -> None:
    made = service.subscribe(
        conn, SHELL, name=arguments.name, url=arguments.url, events=arguments.event, site=arguments.site
    )
    _tell(made)


def _rotate(conn: Connection, arguments: argparse.Namespace) -> None:
    _tell(service.rotate(conn, SHELL, arguments.number, now=datetime.now(UTC)))


def _test(conn: Connection, arguments: argparse.Namespace) -> None:
    event = service.ping(conn, SHELL, arguments.number)
    print(f"event {event} is on its way; `dockledger webhooks deliveries {arguments.number}` tells")


def _stop(conn: Connection, arguments: argparse.Namespace) -> None:
    service.set_active(conn, SHELL, arguments.number, is_active=False)


def _start(conn: Connection, arguments: argparse.Namespace) -> None:
    service.set_active(conn, SHELL, arguments.number, is_active=True)


def _remove(conn: Connection, arguments: argparse.Namespace) -> None:
    service.remove(conn, SHELL, arguments.number)


def _deliveries(conn: Connection, arguments: argparse.Namespace) -> None:
    rows = service.deliveries(conn, SHELL, arguments.number, state=arguments.state, limit=MOST_LISTED)
    for row in rows:
        when = f"{row.occurred_at:%Y-%m-%d %H:%M:%S}Z"
        ending = f"next {row.due_at:%Y-%m-%d %H:%M}Z" if row.state == "pending" else ""
        words = (f"{row.event_id:>8}", when, f"{row.type:<20}", row.state, f"{row.attempts} attempts")
        _print(row, "  ".join([*words, ending, row.last_error or ""]).rstrip(), arguments)


def _again(conn: Connection, arguments: argparse.Namespace) -> None:
    service.redeliver(conn, SHELL, arguments.number, arguments.event)


def _tell(made: service.Subscribed) -> None:
    print(f"webhook {made.subscription.subscription_id}; its secret is not shown again:", file=sys.stderr)
    print(made.secret)


def _print(row: Any, words: str, arguments: argparse.Namespace) -> None:
    print(orjson.dumps(row, default=str).decode() if arguments.json else words)
