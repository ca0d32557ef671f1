"""`dockledger local | check | bootstrap | admit`: the services of one machine by command."""

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from cloud.db import bootstrap, once
from cloud.gateways.credentials.service import keep_secret
from cloud.gateways.domain import UnknownGatewayError
from cloud.ingest.command_line import SHELL
from cloud.local.accounts import admit
from cloud.local.broker import BrokerError
from cloud.local.demo import commands as demo
from cloud.local.interruption import interruptible
from cloud.local.stack import FAILURES, Stack
from cloud.settings import Settings, SettingsError, load, masked

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_TICK_S: Final = 0.2


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    _command(
        subparsers,
        "local",
        "start everything on this machine; Ctrl-C stops it",
        run_local,
        "examples:\n  dockledger local\n  dockledger --data-dir /srv/dockledger local\n"
        "  DOCKLEDGER_ADMIN_DSN=postgresql://postgres:secret@db/postgres dockledger local",
    )
    demo.add_commands(subparsers)
    _command(
        subparsers,
        "check",
        "print the effective configuration, with the origin of each value",
        run_check,
        "examples:\n  dockledger check\n  dockledger --config /etc/dockledger.toml check",
    )
    _command(
        subparsers,
        "bootstrap",
        "make roles and database on a PostgreSQL server of your own; once, by its administrator",
        run_bootstrap,
        "needs admin_dsn; roles get the passwords that owner_dsn, ingest_dsn and app_dsn name\n\n"
        "examples:\n  dockledger bootstrap && dockledger migrate",
    )
    admitting = _command(
        subparsers,
        "admit",
        "give a gateway an account at the embedded broker and print its URL",
        run_admit,
        "examples:\n  dockledger admit leeds dock-1",
    )
    admitting.add_argument("site")
    admitting.add_argument("gateway")


def run_local(arguments: argparse.Namespace, settings: Settings) -> int:
    """Start everything and look after it until SIGINT or SIGTERM.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0 after a clean stop, 1 if something could not be started.

    Raises:
        SettingsError: If the settings contradict each other.
    """
    configured = load({"data_dir": settings.data_dir}, file=arguments.config, with_running=False).settings
    try:
        with interruptible(), Stack(configured, config=arguments.config, report=print) as stack:
            stack.start()
            print(f"\nDockledger is at {stack.url}  (Ctrl-C stops everything)\n", flush=True)
            while True:
                time.sleep(_TICK_S)
                stack.tick()
    except KeyboardInterrupt:
        return 0
    except FAILURES as error:
        print(f"dockledger: {error}")
        return 1


def run_check(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print every setting, its value without passwords, and where it came from.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0.
    """
    origins = load({"data_dir": arguments.data_dir}, file=arguments.config).origins
    width = max(map(len, Settings.model_fields))
    for name in Settings.model_fields:
        print(f"{name:<{width}}  {masked(name, getattr(settings, name))}  ({origins[name]})")
    return 0


def run_bootstrap(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make the roles and the database that the connection settings name.

    Args:
        arguments: The command line.
        settings: ``admin_dsn`` and the three connections of the roles.

    Returns:
        0.

    Raises:
        SettingsError: If a connection is not set, or they name several databases.
    """
    del arguments
    roles = [urlsplit(settings.needed(name)) for name in ("owner_dsn", "ingest_dsn", "app_dsn")]
    databases = sorted({role.path.removeprefix("/") for role in roles})
    if len(databases) != 1:
        raise SettingsError(f"the connections name databases {databases}: expected one and the same")
    bootstrap(
        settings.needed("admin_dsn"),
        databases[0],
        {unquote(role.username): unquote(role.password) for role in roles if role.username and role.password},
    )
    print(f"database {databases[0]} and its roles are there")
    return 0


def run_admit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Admit a gateway to the embedded broker; its password there shows over HTTPS too who it is.

    Args:
        arguments: The command line, with ``site`` and ``gateway``.
        settings: The effective settings.

    Returns:
        0, or 2 if an id is not valid.

    Raises:
        SettingsError: If no broker runs.
    """
    try:
        account = admit(settings.data_dir, arguments.site, arguments.gateway)
    except BrokerError as error:
        print(f"dockledger: {error}")
        return 2
    address = settings.needed("broker_url").rpartition("@")[2]
    print(f"mqtt://{account.gateway}:{account.password}@{address}")
    try:
        once(
            settings.needed("app_dsn"),
            lambda conn: keep_secret(
                conn, SHELL, gateway=account.gateway, secret=account.password, kept_by="broker"
            ),
        )
    except UnknownGatewayError as error:
        again = "admit it once more when it is, for its password to hold over HTTPS too"
        print(f"dockledger: {error}; {again}", file=sys.stderr)
    return 0


def _command(
    subparsers: "Subparsers",
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace, Settings], int],
    examples: str,
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=examples
    )
    parser.set_defaults(run=run)
    return parser
