"""`dockledger demo` from the command line."""

import argparse
import json
import os
import sys
import webbrowser
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from rich.live import Live

from cloud.db import DatabaseAwayError
from cloud.local.demo.dock import DockError
from cloud.local.demo.picture import Moment, draw, one_line
from cloud.local.demo.report import Outcome, report
from cloud.local.demo.run import Demo, DemoError
from cloud.local.demo.stage import APPROVER, PERSON
from cloud.local.interruption import interruptible
from cloud.local.stack import FAILURES, Stack
from cloud.settings import Settings, load

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's command.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    demo = subparsers.add_parser(
        "demo",
        help="start everything: people scan real transactions, goods cross dock doors with RFID readers",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  dockledger demo\n  dockledger demo --headless --seconds 60 --report report.json",
    )
    demo.add_argument("--headless", action="store_true", help="print lines instead of the live picture")
    demo.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help="end so long after goods begin to move (default: on Ctrl-C)",
    )
    demo.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
    demo.add_argument(
        "--seed", type=int, default=1, help="which scanner begins, and what happens at the doors (default: 1)"
    )
    demo.add_argument("--no-browser", action="store_true", help="only print the address")
    demo.set_defaults(run=run_demo)


def run_demo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the demonstration and judge it.

    Args:
        arguments: The command line.
        settings: The effective settings.

    Returns:
        0 if the ledger equals what was scanned and verifies, else 1.

    Raises:
        SettingsError: If the settings contradict each other.
    """
    configured = load({"data_dir": settings.data_dir}, file=arguments.config, with_running=False).settings
    is_live = not arguments.headless and sys.stdout.isatty()
    try:
        stack = Stack(configured, config=arguments.config, report=print)
        with interruptible(), (stack.logs / "demo.log").open("a", encoding="utf-8") as log_file, stack:
            structlog.configure(logger_factory=structlog.PrintLoggerFactory(log_file))
            outcome = _perform(stack, arguments, is_live=is_live)
    except KeyboardInterrupt:
        return 0
    except (*FAILURES, DemoError, DockError, DatabaseAwayError) as error:
        print(f"dockledger: {error}")
        return 1
    text = json.dumps(report(outcome), indent=2)
    print(text)
    for breach in outcome.breaches:
        print(f"BREACH {breach.check}: {breach.count}: {breach.text}")
    if arguments.report:
        arguments.report.write_text(text + "\n", "utf-8")
    return 0 if outcome.is_good else 1


def _perform(stack: Stack, arguments: argparse.Namespace, *, is_live: bool) -> Outcome:
    with Live(auto_refresh=False, transient=True) if is_live else nullcontext() as live:

        def show(moment: Moment) -> None:
            if live:
                live.update(draw(moment, stack.supervisor), refresh=True)
            else:
                print(one_line(moment), flush=True)

        demo = Demo(stack, seed=arguments.seed, show=show)
        urls = demo.start()
        url = urls[PERSON]
        print(f"\nDockledger is at {url}")
        print(f"What is asked for there, another person approves at {urls[APPROVER]}")
        print(f"(ready after {demo.seconds_to_ready:.1f} s; Ctrl-C stops everything)\n", flush=True)
        if is_live and not arguments.no_browser and _has_desktop():
            webbrowser.open(url)
        with suppress(KeyboardInterrupt):
            demo.play(arguments.seconds)
        return demo.finish()


def _has_desktop() -> bool:
    return "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
