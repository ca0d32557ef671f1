"""`warehouse-sim scan-pos`: real transactions, scanned on pseudo-terminals, with their truth."""

import argparse
import json
import math
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from simulators.retail.lines import EXTRACT, LinesError, read_lines
from simulators.retail.operator import OutOfStepError
from simulators.retail.plan import plan
from simulators.retail.replay import Pace, Replay
from simulators.retail.truth import TruthFile
from simulators.scanner.device import LineStyle

_EXAMPLES: Final = """\
examples:
  two scanners, the extract that comes with the package, 100 scans a second, for a minute:
    warehouse-sim scan-pos --port run/scanner-1 --port run/scanner-2 --rate 100 --seconds 60 \\
        --truth truth.jsonl
  the whole file, as fast as the hosts answer:
    warehouse-sim scan-pos onlineretail_pos_lines.parquet --port run/scanner-1 --truth truth.jsonl

Each --port is a path where the device appears; a host opens it as it would /dev/serial/by-id/...
Hosts use the scanner profile generic_terminal. A line of JSON with the figures ends the output.
"""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        subparsers: Of `warehouse-sim`.
    """
    parser = subparsers.add_parser(
        "scan-pos",
        help="real retail transactions, scanned as receipts, shipments and returns",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", type=Path, nargs="?", default=EXTRACT, metavar="FILE", help="POS lines, .csv or .parquet"
    )
    parser.add_argument(
        "--port", type=Path, action="append", required=True, metavar="PATH", help="one per scanner"
    )
    parser.add_argument("--truth", type=Path, required=True, metavar="FILE", help="where the truth goes")
    parser.add_argument(
        "--rate", type=_above_zero, help="most scans a second, all scanners (default: no limit)"
    )
    parser.add_argument("--limit", type=_one_or_more, help="only the first LIMIT lines of the file")
    parser.add_argument("--seconds", type=_above_zero, help="stop after so long, the wait for hosts included")
    parser.add_argument(
        "--seed", type=int, default=1, help="which scanner gets the first document (default: 1)"
    )
    parser.add_argument(
        "--window", type=_one_or_more, default=32, help="most unanswered scans of a scanner (default: 32)"
    )
    parser.add_argument(
        "--counts",
        type=Path,
        metavar="FILE",
        help="bins to count between documents: JSON lines of port, location, item, quantity; may grow",
    )
    parser.add_argument(
        "--stay", action="store_true", help="once the time is up, count bins until asked to stop"
    )
    parser.add_argument("--badge", default="demo-operator", help="badge token (default: demo-operator)")
    parser.add_argument("--staging", default="STAGING", help="the hosts' staging location")
    parser.add_argument("--returns", default="RETURNS", help="the hosts' returns bin")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay, and print the figures.

    Args:
        arguments: As parsed.

    Returns:
        0 if every scan was answered and none refused, 1 otherwise; 2 if the file cannot be read.
    """
    is_stopped = _stop_on_signals()
    began_s = time.monotonic()
    until_s = None if arguments.seconds is None else began_s + arguments.seconds
    ports = [str(port) for port in arguments.port]
    places = {"staging": arguments.staging, "returns": arguments.returns}
    try:
        documents = plan(
            read_lines(arguments.file, arguments.limit), len(ports), first_port=arguments.seed % len(ports)
        )
        with TruthFile(arguments.truth, arguments.file, ports=ports, **places) as truth, _bar() as bar:
            replay = Replay(
                arguments.port,
                documents,
                truth,
                badge=arguments.badge,
                window=arguments.window,
                pace=Pace(arguments.rate),
                style=LineStyle.of_profile("generic_terminal"),
                errands=arguments.counts,
            )
            task = bar.add_task("waiting for hosts", total=None, rate="")
            replay.run(
                lambda: not is_stopped() and (until_s is None or time.monotonic() < until_s),
                lambda it: _show(bar, task, it),
                lambda: arguments.stay and not is_stopped(),
            )
            figures = _figures(replay, time.monotonic() - began_s)
            truth.end(arguments.limit, **figures)
    except (LinesError, OSError) as error:
        print(f"warehouse-sim scan-pos: {error}", file=sys.stderr)
        return 2
    except OutOfStepError as error:
        print(f"warehouse-sim scan-pos: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures))
    return 1 if figures["refused"] or figures["unanswered"] else 0


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above zero, got {text}")
    return value


def _one_or_more(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text}")
    return value


def _figures(replay: Replay, seconds: float) -> dict[str, object]:
    operators = [station.operator for station in replay.stations]
    refusals = [text for operator in operators for text in operator.refusals]
    scans = sum(operator.answered + operator.unheard for operator in operators)
    return {
        "scans": scans,
        "documents": sum(station.documents for station in replay.stations),
        "success_beeps": sum(operator.posted for operator in operators),
        "refused": len(refusals),
        "refusals": refusals[:10],
        "unanswered": sum(len(operator.unanswered) for operator in operators),
        "unheard": sum(operator.unheard for operator in operators),
        "hosts_resumed": sum(operator.resumed for operator in operators),
        "seconds": round(seconds, 3),
        "scans_per_s": round(scans / seconds, 1),
    }


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _show(bar: Progress, task: TaskID, replay: Replay) -> None:
    operators = [station.operator for station in replay.stations]
    answered = sum(operator.answered for operator in operators)
    heard = sum(station.is_heard for station in replay.stations)
    bar.update(
        task,
        description=f"scans at {heard} of {len(operators)} scanners",
        completed=answered,
        rate=f"{sum(station.documents for station in replay.stations)} documents",
    )


def _stop_on_signals() -> Callable[[], bool]:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped.is_set
