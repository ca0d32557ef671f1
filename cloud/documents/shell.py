"""What commands of documents share: who gives them, the files they take, whose errors they tell."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cloud import shell
from cloud.documents.domain import DocumentError
from cloud.documents.import_file import ImportFileError
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import LedgerError
from cloud.sheets.fields import Conventions

SHELL: Final = Actor(
    "system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.BUYER}), all_sites=True
)
"""Whoever can read the database's password keeps its documents; the record says it was done here."""


def add_file(parser: argparse.ArgumentParser, what: str) -> None:
    """Let a command take a spreadsheet, and be told how it is written.

    Args:
        parser: Of the command.
        what: What the file holds.
    """
    parser.add_argument("file", type=Path, help=what)
    shell.add_decimal_sign(parser)
    parser.add_argument(
        "--dates", choices=("ymd", "dmy", "mdy"), default="ymd", help="how 02/03/2026 is read; default: not"
    )
    parser.add_argument("--encoding", choices=("utf-8", "windows-1252"), default="utf-8", help="of a CSV")
    parser.add_argument("--sheet", help="of a workbook with several")


def conventions_of(arguments: argparse.Namespace) -> Conventions:
    """Tell how a file is written.

    Args:
        arguments: Of a command that takes one.

    Returns:
        Its conventions.
    """
    return Conventions(arguments.decimal_comma, arguments.decimal_point, dates=arguments.dates)


def reporting(work: Callable[[], object]) -> int:
    """Do something, and say on standard error what is wrong with it.

    Args:
        work: What to do.

    Returns:
        The exit code: 0 if it was done.
    """
    return shell.reporting(work, DocumentError, ImportFileError, LedgerError)
