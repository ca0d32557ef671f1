"""`dockledger user …` and `dockledger api-key …`: people, roles and keys from the command line."""

import argparse
import getpass
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cloud import shell
from cloud.db import Connection
from cloud.identity import service
from cloud.identity.actor import Actor, Role
from cloud.identity.domain import Grant, IdentityError
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Lines, Run, Subparsers

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN, Role.AUDITOR}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""

_USER_EXAMPLES: Final = """examples:
  dockledger user add ada --role supervisor@london --role auditor
  dockledger user add ada --role admin --password-stdin < password.txt
  dockledger user role ada --grant approver --revoke supervisor@london
  dockledger user password ada
  dockledger user bar ada
roles: operator supervisor inventory_controller planner buyer approver auditor admin device;
`role` holds at all sites, `role@site` at one"""

_KEY_EXAMPLES: Final = """examples:
  dockledger api-key create erp --role inventory_controller@london --days 90
  dockledger api-key create ada-desk --role approver@london --for ada
  dockledger api-key bind erp grace
  dockledger api-key list
  dockledger api-key revoke 5f2c1e9ab034
What a key does counts as done by the person it acts for. A key that acts for nobody is a machine's: it asks
for what its roles allow and approves nothing."""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    user = shell.group(subparsers, "user", "add people, set their roles and passwords", _USER_EXAMPLES)
    add = shell.command(user, "add", "add a person", _add_user)
    add.add_argument("name")
    add.add_argument("--role", action="append", default=[], metavar="ROLE[@SITE]")
    _take_password(add)
    shell.command(user, "list", "list people with their roles", _told(_list_users))
    role = shell.command(user, "role", "grant and revoke roles", _told(_change_roles))
    role.add_argument("name")
    role.add_argument("--grant", action="append", default=[], metavar="ROLE[@SITE]")
    role.add_argument("--revoke", action="append", default=[], metavar="ROLE[@SITE]")
    password = shell.command(
        user, "password", "set a password, ending the person's sessions", _change_password
    )
    password.add_argument("name")
    _take_password(password)
    bar = shell.command(user, "bar", "bar a person at once, or --undo it", _told(_bar_user))
    bar.add_argument("name")
    bar.add_argument("--undo", action="store_true")

    key = shell.group(subparsers, "api-key", "create, revoke and list API keys", _KEY_EXAMPLES)
    create = shell.command(key, "create", "create a key and print it once", _create_key)
    create.add_argument("name", help="what will use it")
    create.add_argument("--role", action="append", default=[], required=True, metavar="ROLE[@SITE]")
    create.add_argument("--days", type=int, default=90, help="how long it works, 1-366; default 90")
    create.add_argument("--for", dest="person", metavar="PERSON", help="for whom it acts; default: nobody")
    bind = shell.command(key, "bind", "say for whom the keys of a name act; it stays so", _told(_bind_key))
    bind.add_argument("name", help="the keys' name")
    bind.add_argument("person", help="as `user list` shows them")
    revoke = shell.command(key, "revoke", "revoke a key", _told(_revoke_key))
    revoke.add_argument("key_id")
    shell.command(key, "list", "list keys", _told(_list_keys))


def _told(work: "Lines") -> "Run":
    return shell.told(work, IdentityError)


def _take_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input, not a prompt"
    )


def _read_password(arguments: argparse.Namespace) -> str:
    """Read a password from a prompt or standard input; never from the arguments, which others can see."""
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"New password for {arguments.name}: ")
    if getpass.getpass("Again: ") != password:
        raise IdentityError("the two passwords differ")
    return password


def _grants(texts: list[str]) -> list[Grant]:
    return [Grant.parse(text) for text in texts]


def _add_user(arguments: argparse.Namespace, settings: Settings) -> int:
    def add() -> None:
        name, grants, password = arguments.name, _grants(arguments.role), _read_password(arguments)
        shell.once(
            settings, lambda conn: service.add_user(conn, SHELL, name=name, password=password, grants=grants)
        )
        held = tuple(map(str, grants))
        words = f"added {name}: {', '.join(held) or 'no roles yet'}"
        print(shell.line(arguments, {"name": name, "grants": held}, words))

    return shell.reporting(add, IdentityError)


def _change_password(arguments: argparse.Namespace, settings: Settings) -> int:
    def change() -> None:
        name, password = arguments.name, _read_password(arguments)
        shell.once(settings, lambda conn: service.change_password(conn, SHELL, name=name, password=password))
        words = f"changed the password of {name}; every session has ended"
        print(shell.line(arguments, {"name": name}, words))

    return shell.reporting(change, IdentityError)


def _list_users(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for user in service.list_users(conn, SHELL):
        seen = f"{user.last_seen_at:%Y-%m-%d %H:%M}Z" if user.last_seen_at else "-"
        state = "barred" if user.disabled_at else "active"
        words = f"{user.name:<24} {state:<7} {seen:<18} {' '.join(user.grants)}"
        yield shell.line(arguments, user, words)


def _change_roles(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    service.change_grants(
        conn, SHELL, name=arguments.name, grant=_grants(arguments.grant), revoke=_grants(arguments.revoke)
    )
    yield shell.line(arguments, {"name": arguments.name}, f"changed {arguments.name}")


def _bar_user(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    at = None if arguments.undo else shell.present()
    service.bar_user(conn, SHELL, name=arguments.name, at=at)
    words = f"{arguments.name} {'may log in again' if arguments.undo else 'is barred'}"
    yield shell.line(arguments, {"name": arguments.name, "disabled_at": at}, words)


def _create_key(arguments: argparse.Namespace, settings: Settings) -> int:
    def create(conn: Connection) -> str:
        return service.create_api_key(
            conn,
            SHELL,
            name=arguments.name,
            grants=_grants(arguments.role),
            life=timedelta(days=arguments.days),
            now=shell.present(),
            acts_for=arguments.person,
        )

    def tell() -> None:
        key = shell.once(settings, create)
        print("Send it as `Authorization: Bearer KEY`; it is not shown again:", file=sys.stderr)
        print(shell.line(arguments, {"key": key}, key))

    return shell.reporting(tell, IdentityError)


def _bind_key(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    service.bind_api_key(conn, SHELL, name=arguments.name, acts_for=arguments.person)
    words = f"keys named {arguments.name} act for {arguments.person}"
    yield shell.line(arguments, {"name": arguments.name, "person": arguments.person}, words)


def _revoke_key(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    service.revoke_api_key(conn, SHELL, key_id=arguments.key_id, now=shell.present())
    yield shell.line(arguments, {"key_id": arguments.key_id}, f"revoked {arguments.key_id}")


def _list_keys(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for key in service.list_api_keys(conn, SHELL):
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}"
        acts_for = f"for {key.person}" if key.person else "for nobody"
        words = f"{key.key_id}  {key.name:<24} {state:<19} {acts_for:<20} {' '.join(key.grants)}"
        yield shell.line(arguments, key, words)
