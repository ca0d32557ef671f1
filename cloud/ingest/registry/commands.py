"""`dockledger gateway add | list | secret | pause | retire | activate | abandon`."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from cloud.db import once
from cloud.gateways import commands as configuring
from cloud.ingest.command_line import SHELL, add_command, add_group, reporting, show, show_all
from cloud.ingest.registry import credentials, service
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_EXAMPLES: Final = """examples:
  dockledger gateway add dock-1 --site leeds
  dockledger gateway list --json
  dockledger gateway pause dock-1      its batches are taken, its silence holds no watermark back
  dockledger gateway retire dock-1     its batches are no longer taken
  dockledger gateway activate dock-1
  dockledger gateway secret dock-1     a new secret to show over HTTPS; the broker's password holds as well
  dockledger gateway config show dock-1
  dockledger gateway abandon dock-1    its former outbox is lost; completeness waits for it no longer"""

_STATES: Final = {
    "pause": service.GatewayState.PAUSED,
    "retire": service.GatewayState.RETIRED,
    "activate": service.GatewayState.ACTIVE,
}


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = add_group(subparsers, "gateway", "say which gateways may speak, and for which site", _EXAMPLES)
    add = add_command(group, "add", "register a gateway and print its credentials once", run_add)
    add.add_argument("gateway")
    add.add_argument("--site", required=True, help="made if it is new")
    add_command(group, "list", "list gateways", run_list)
    secret = add_command(
        group, "secret", "make a new secret to show over HTTPS, and print it once", run_secret
    )
    secret.add_argument("gateway")
    for word, state in _STATES.items():
        change = add_command(group, word, f"make a gateway {state}", run_set_state)
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
            lambda conn: service.register(conn, SHELL, gateway=arguments.gateway, site=arguments.site),
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


def run_secret(arguments: argparse.Namespace, settings: Settings) -> int:
    """Give a gateway a new secret.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if there is no such gateway.
    """

    def work() -> None:
        secret = once(
            settings.needed("app_dsn"),
            lambda conn: credentials.make_secret(conn, SHELL, gateway=arguments.gateway),
        )
        show(arguments, {"gateway": arguments.gateway, "secret": secret})

    return reporting(work)


def run_set_state(arguments: argparse.Namespace, settings: Settings) -> int:
    """Pause, retire or activate a gateway.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0, or 1 if there is no such gateway.
    """

    def work() -> None:
        once(
            settings.needed("app_dsn"),
            lambda conn: service.set_state(conn, SHELL, gateway=arguments.gateway, state=arguments.state),
        )
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
