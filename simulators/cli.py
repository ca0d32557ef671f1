"""The `warehouse-sim` command: what stands in for scanners, warehouses and misfortune."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from simulators.faults import commands as faults
from simulators.iot_reader import commands as iot_reader
from simulators.llrp_reader import commands as llrp_reader
from simulators.retail import commands as retail
from simulators.retail.history import commands as pos_history
from simulators.warehouse import commands as warehouse
from simulators.warehouse.dock import commands as dock
from simulators.zpl_printer import commands as zpl_printer

AREAS: Final = (warehouse, dock, llrp_reader, iot_reader, retail, pos_history, zpl_printer, faults)
"""Modules with `add_commands(subparsers)`, in the order in which `--help` lists their commands."""
_EXAMPLES: Final = """examples:
  warehouse-sim pos-history --out pos.csv     real sales, for `dockledger demand import`
  warehouse-sim printer --port 9100           a label printer that shows what it is sent
  warehouse-sim COMMAND --help                has examples of each
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments without the program's name; by default the process's own.

    Returns:
        0 when all is well, 1 on a failure, 2 on wrong usage.
    """
    arguments = build_parser().parse_args(argv)
    return int(arguments.run(arguments))


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of every command; the documentation is generated from it too."""
    parser = argparse.ArgumentParser(
        prog="warehouse-sim",
        description="Warehouses, scanners and faults that are not real, with their truth.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"warehouse-sim {version('dockledger')}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for area in AREAS:
        area.add_commands(subparsers)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
