"""`warehouse-sim printer`: a label printer at a port, that says what it prints."""

import argparse
from typing import TYPE_CHECKING, Final

from simulators.zpl_printer.server import ZplPrinter

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

_EXAMPLES: Final = """examples:
  warehouse-sim printer                            then `host = "127.0.0.1"` in the agent's [[printer]]
  warehouse-sim printer --port 9101 --paper-out    see what an agent does about it
"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add the command.

    Args:
        subparsers: What `warehouse-sim` collects its commands in.
    """
    text = "stand in for a label printer: answer ~HS, write each label's ZPL to standard output"
    parser = subparsers.add_parser(
        "printer",
        help=text,
        description=text,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=9100, help="default: 9100; 0 is any free one")
    parser.add_argument("--paper-out", action="store_true", help="have no paper")
    parser.add_argument("--head-open", action="store_true", help="have the head open")
    parser.set_defaults(run=run_printer)


def run_printer(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    printer = ZplPrinter(arguments.port)
    printer.set_out(paper_out=arguments.paper_out, head_open=arguments.head_open)
    print(f"listening on 127.0.0.1:{printer.port}", flush=True)
    told = 0
    try:
        while True:
            with printer.printed:
                printer.printed.wait()
                fresh, told = printer.labels[told:], len(printer.labels)
            for label in fresh:
                print(label, flush=True)
    except KeyboardInterrupt:
        return 0
    finally:
        printer.close()
