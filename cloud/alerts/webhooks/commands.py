"""`dockledger webhooks …`: who is told of events, and what was delivered."""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from cloud import shell
from cloud.alerts.webhooks import service
from cloud.alerts.webhooks.domain import EVENTS, WebhookError
from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Lines, Run, Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
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
    group = shell.group(subparsers, "webhooks", "tell other programs what happens", _EXAMPLES)
    shell.command(group, "list", "list subscriptions", _told(_list))
    summary = "subscribe to events and print the secret, once"
    adding = shell.command(group, "add", summary, _told_once(_add))
    adding.add_argument("name", help="short, of a-z 0-9 . _ -")
    adding.add_argument("url", help="https://host/path, or http inside the house")
    adding.add_argument("--event", action="append", required=True, metavar="TYPE")
    adding.add_argument("--site", help="default: events of every site and of the network")
    for name, summary, run in (
        ("test", "send a test event", _told(_test)),
        ("rotate", "give a new secret; the old one signs beside it for a day", _told_once(_rotate)),
        ("stop", "stop sending; what happens meanwhile is not told", _told(_stop)),
        ("start", "go on sending", _told(_start)),
        ("remove", "end a subscription", _told(_remove)),
    ):
        shell.command(group, name, summary, run).add_argument("number", type=int, help="as `list` shows it")
    listing = shell.command(
        group, "deliveries", "list what was sent, waits or was given up", _told(_deliveries)
    )
    listing.add_argument("number", type=int, help="as `list` shows it")
    listing.add_argument("--state", choices=("pending", "delivered", "dead"))
    again = shell.command(group, "again", "send an event again, from the first attempt on", _told(_again))
    again.add_argument("number", type=int, help="as `list` shows it")
    again.add_argument("event", type=int, help="as `deliveries` shows it")


def _told(work: "Lines") -> "Run":
    return shell.told(work, WebhookError)


def _told_once(make: Callable[[Connection, argparse.Namespace], service.Subscribed]) -> "Run":
    """Make a command that tells a secret, which nobody can ask for again."""

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        def tell() -> None:
            made = shell.once(settings, lambda conn: make(conn, arguments))
            number = made.subscription.subscription_id
            print(f"webhook {number}; its secret is not shown again:", file=sys.stderr)
            print(shell.line(arguments, {"webhook": number, "secret": made.secret}, made.secret))

        return shell.reporting(tell, WebhookError)

    return run


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for row in service.subscriptions(conn, SHELL, limit=shell.MOST_LISTED):
        state = "sends" if row.is_active else f"stopped, {row.stopped_because}"
        events = " ".join(row.events)
        words = f"{row.subscription_id:>4}  {row.name:<20} {row.site or 'every site'}  {row.url}  {events}"
        yield shell.line(arguments, row, f"{words}  {state}; {row.pending} wait, {row.dead} given up")


def _add(conn: Connection, arguments: argparse.Namespace) -> service.Subscribed:
    return service.subscribe(
        conn, SHELL, name=arguments.name, url=arguments.url, events=arguments.event, site=arguments.site
    )


def _rotate(conn: Connection, arguments: argparse.Namespace) -> service.Subscribed:
    return service.rotate(conn, SHELL, arguments.number, now=shell.present())


def _test(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    event = service.ping(conn, SHELL, arguments.number)
    words = f"event {event} is on its way; `dockledger webhooks deliveries {arguments.number}` tells"
    yield shell.line(arguments, {"event": event}, words)


def _stop(conn: Connection, arguments: argparse.Namespace) -> tuple[str, ...]:
    service.set_active(conn, SHELL, arguments.number, is_active=False)
    return ()


def _start(conn: Connection, arguments: argparse.Namespace) -> tuple[str, ...]:
    service.set_active(conn, SHELL, arguments.number, is_active=True)
    return ()


def _remove(conn: Connection, arguments: argparse.Namespace) -> tuple[str, ...]:
    service.remove(conn, SHELL, arguments.number)
    return ()


def _deliveries(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    rows = service.deliveries(conn, SHELL, arguments.number, state=arguments.state, limit=shell.MOST_LISTED)
    for row in rows:
        when = f"{row.occurred_at:%Y-%m-%d %H:%M:%S}Z"
        ending = f"next {row.due_at:%Y-%m-%d %H:%M}Z" if row.state == "pending" else ""
        words = (f"{row.event_id:>8}", when, f"{row.type:<20}", row.state, f"{row.attempts} attempts")
        yield shell.line(arguments, row, "  ".join([*words, ending, row.last_error or ""]).rstrip())


def _again(conn: Connection, arguments: argparse.Namespace) -> tuple[str, ...]:
    service.redeliver(conn, SHELL, arguments.number, arguments.event)
    return ()
