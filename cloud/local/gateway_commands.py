"""`dockledger gateway …`: the registry's commands, and the embedded broker's accounts that follow them."""

import argparse
from typing import TYPE_CHECKING

from cloud.ingest.registry import commands as registry
from cloud.local import accounts

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    registry.add_commands(subparsers, accounts)
