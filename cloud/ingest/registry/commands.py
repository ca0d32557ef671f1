"""`dockledger gateway add | list | secret | pause | retire | activate | abandon`."""

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from cloud.db import once
from cloud.gateways import commands as configuring
from cloud.gateways.broker.files import PASSWORDS_FILE
from cloud.gateways.credentials.service import make_secret
from cloud.gateways.domain import ingest_account
from cloud.ingest.command_line import SHELL, add_command, add_group, reporting, show, show_all
from cloud.ingest.registry import service
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_EXAMPLES: Final = """examples:
  dockledger gateway invite dock-1 --site leeds    a one-time code, and the one command to type there
  dockledger gateway add dock-1 --site leeds       registers it only: the rest by hand
  dockledger gateway list --json
  dockledger gateway pause dock-1      its batches are taken, its silence holds no watermark back
  dockledger gateway retire dock-1     its batches are no longer taken
  dockledger gateway activate dock-1
  dockledger gateway secret dock-1     a new secret and password; what it had before no longer holds
  dockledger gateway config show dock-1
  dockledger gateway abandon dock-1    its former outbox is lost; completeness waits for it no longer"""

_STATES: Final = {
    "pause": service.GatewayState.PAUSED,
    "retire": service.GatewayState.RETIRED,
    "activate": service.GatewayState.ACTIVE,
}


class BrokerAccounts(Protocol):
    """Accounts of gateways at a broker that takes passwords from us, and not from the ledger."""

    def replace_password(self, data_dir: Path, gateway: str, password: str) -> bool:
        """Let a gateway log in with this password and no other; False: it has no account there."""

    def withdraw(self, data_dir: Path, gateway: str) -> bool:
        """Let a gateway log in no more; False: it has no account there."""


def add_commands(subparsers: "Subparsers", accounts: BrokerAccounts) -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
        accounts: Those of the embedded broker.
    """
    group = add_group(subparsers, "gateway", "say which gateways may speak, and for which site", _EXAMPLES)
    add = add_command(group, "add", "register a gateway and print its credentials once", run_add)
    add.add_argument("gateway")
    add.add_argument("--site", required=True, help="made if it is new")
    add_command(group, "list", "list gateways", run_list)
    secret = add_command(
        group,
        "secret",
        "make a new secret, also its password at the broker, and print it once; no other holds any more",
        partial(run_secret, accounts=accounts),
    )
    secret.add_argument("gateway")
    for word, state in _STATES.items():
        change = add_command(
            group, word, f"make a gateway {state}", partial(run_set_state, accounts=accounts)
        )
        change.add_argument("gateway")
        change.set_defaults(state=state)
    configuring.add_commands(group)
    abandon = add_command(group, "abandon", "wait no longer for what its former outboxes held", run_abandon)
    abandon.add_argument("gateway")


def run_add(arguments: argparse.Namespace, settings: Settings) -> int:
    """Register a gateway.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if it cannot be registered.
    """

    def work() -> None:
        enrolment = once(
            settings.needed("app_dsn"),
            lambda conn: service.register(
                conn,
                SHELL,
                gateway=arguments.gateway,
                site=arguments.site,
                accounts={ingest_account(settings.broker_url)},
            ),
        )
        show(arguments, asdict(enrolment))

    return reporting(work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List gateways.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if the database cannot be asked.
    """

    def work() -> None:
        found = once(settings.needed("app_dsn"), lambda conn: service.gateways(conn, SHELL))
        show_all(arguments, map(asdict, found))

    return reporting(work)


def run_secret(arguments: argparse.Namespace, settings: Settings, *, accounts: BrokerAccounts) -> int:
    """Give a gateway a new secret.

    Args:
        arguments: The command line.
        settings: The effective settings.
        accounts: Those of the embedded broker.

    Returns:
        0, or 1 if there is no such gateway.
    """

    def work() -> None:
        secret = once(
            settings.needed("app_dsn"),
            lambda conn: make_secret(conn, SHELL, gateway=arguments.gateway),
        )
        is_embedded = accounts.replace_password(settings.data_dir, arguments.gateway, secret)
        show(arguments, {"gateway": arguments.gateway, "secret": secret})
        if not is_embedded:
            print(f"dockledger: {_of_broker(settings)}", file=sys.stderr)

    return reporting(work)


def run_set_state(arguments: argparse.Namespace, settings: Settings, *, accounts: BrokerAccounts) -> int:
    """Pause, retire or activate a gateway; a retired one has no account at the embedded broker any more.

    Args:
        arguments: The command line.
        settings: The effective settings.
        accounts: Those of the embedded broker.

    Returns:
        0, or 1 if there is no such gateway.
    """

    def work() -> None:
        once(
            settings.needed("app_dsn"),
            lambda conn: service.set_state(conn, SHELL, gateway=arguments.gateway, state=arguments.state),
        )
        if arguments.state is service.GatewayState.RETIRED:
            accounts.withdraw(settings.data_dir, arguments.gateway)
        show(arguments, {"gateway": arguments.gateway, "state": str(arguments.state)})

    return reporting(work)


def run_abandon(arguments: argparse.Namespace, settings: Settings) -> int:
    """Let a gateway's former epochs hold completeness back no longer.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if the database cannot be asked.
    """

    def work() -> None:
        epochs = once(
            settings.needed("app_dsn"),
            lambda conn: service.abandon_epochs(conn, SHELL, gateway=arguments.gateway),
        )
        show(arguments, {"gateway": arguments.gateway, "epochs": epochs})

    return reporting(work)


def _of_broker(settings: Settings) -> str:
    """Say what becomes of the password that a broker of one's own was told before."""
    if settings.broker_dir is not None:
        return f"the scheduler tells the broker by {settings.broker_dir / PASSWORDS_FILE}, within 15 s"
    return (
        "a broker that was given its former password by hand still takes that: change its password file, "
        "and let it read it again (or set broker_dir)"
    )
