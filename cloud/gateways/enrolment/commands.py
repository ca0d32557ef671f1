"""`dockledger gateway invite | invites | revoke-invite`."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from cloud import shell
from cloud.db import Connection
from cloud.gateways.domain import ConfigError, ingest_account
from cloud.gateways.enrolment import service
from cloud.gateways.enrolment.domain import LIFE, Invite
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

_reporting: Final = shell.reporting_with(ConfigError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
MOST_LISTED: Final = 200


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands below `dockledger gateway`.

    Args:
        group: What `dockledger gateway` collects its commands in.
    """
    text = "make a one-time code for a gateway, and print the one command to type there"
    inviting = _of_gateway(group, "invite", text, run_invite)
    inviting.add_argument("--site", help="registers the gateway there, if it is new")
    inviting.add_argument(
        "--minutes", type=int, default=int(LIFE.total_seconds() // 60), help="how long the code holds"
    )
    _of_gateway(group, "invites", "list a gateway's codes and what became of them", run_invites)
    _of_gateway(
        group,
        "revoke-invite",
        "call back a code, and what came of it",
        run_revoke,
    )


def run_invite(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make a code and print it once."""

    def work(conn: Connection) -> service.Invited:
        return service.invite(
            conn,
            SHELL,
            gateway=arguments.gateway,
            site=arguments.site,
            life=timedelta(minutes=arguments.minutes),
            accounts={ingest_account(settings.broker_url)},
            now=datetime.now(UTC),
        )

    def show() -> None:
        made = shell.once(settings, work)
        url = settings.public_url or "https://…"
        command = f"edge-agent enrol --url {url} --code {made.code}"
        if arguments.json:
            told = {"gateway": made.invite.gateway, "site": made.invite.site, "code": made.code}
            print(orjson.dumps(told | {"expires_at": made.invite.expires_at, "command": command}).decode())
            return
        print(f"code      {made.code}")
        print(f"holds     once, until {made.invite.expires_at:%Y-%m-%d %H:%M} UTC")
        print(f"type      {command}")
        if settings.public_url is None:
            print(
                "dockledger: public_url is not set: put this server's address in",
                file=sys.stderr,
            )

    return _reporting(show)


def run_invites(arguments: argparse.Namespace, settings: Settings) -> int:
    """List codes."""

    def work(conn: Connection) -> list[Invite]:
        return service.invites(conn, SHELL, gateway=arguments.gateway, limit=MOST_LISTED)

    def show() -> None:
        for each in shell.once(settings, work):
            _print(arguments, each)

    return _reporting(show)


def run_revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    """Call the open code back."""

    def work(conn: Connection) -> Invite:
        return service.revoke(conn, SHELL, gateway=arguments.gateway, now=datetime.now(UTC))

    return _reporting(lambda: _print(arguments, shell.once(settings, work)))


def _print(arguments: argparse.Namespace, row: Invite) -> None:
    state = row.state(datetime.now(UTC))
    fields: dict[str, Any] = {
        "invite": row.invite_id,
        "state": state,
        "made_at": row.made_at,
        "made_by": row.made_by,
        "expires_at": row.expires_at,
        "used_at": row.used_at,
    }
    if arguments.json:
        print(orjson.dumps(fields).decode())
        return
    used = "" if row.used_at is None else f"  used {row.used_at:%Y-%m-%d %H:%M} UTC"
    print(f"{row.invite_id}  {state}  by {row.made_by}  until {row.expires_at:%Y-%m-%d %H:%M} UTC{used}")


def _of_gateway(
    group: "Subparsers", name: str, summary: str, run: Callable[[argparse.Namespace, Settings], int]
) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=summary)
    parser.add_argument("gateway")
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run)
    return parser
