"""`dockledger local | check | demo`: the one-machine services from the command line."""

import argparse
from typing import TYPE_CHECKING

from cloud.settings import Settings, load, masked

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    check = subparsers.add_parser(
        "check",
        help="print the effective configuration, with the origin of each value",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  dockledger check\n  DOCKLEDGER_HTTP_PORT=9000 dockledger check",
    )
    check.set_defaults(run=run_check)


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
