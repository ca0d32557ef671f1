"""`python -m benchmarks NAME --json`, or `all` for the table."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Final, Protocol

from benchmarks import (
    accuracy,
    asof,
    backlog,
    buckets,
    counts,
    demand,
    demo,
    doors,
    edge,
    edge_soak,
    feedback,
    forecast,
    ingest,
    latency,
    memory,
    million,
    outbox,
    planning,
    receipt,
    reconcile,
    verify,
)
from benchmarks.result import Result, Verdict


class Benchmark(Protocol):
    """A module of this package."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the input can be sized by."""

    def run(self, arguments: argparse.Namespace) -> Result:
        """Measure."""


BENCHMARKS: Final[dict[str, Benchmark]] = {
    "ingest": ingest,
    "backlog": backlog,
    "latency": latency,
    "counts": counts,
    "asof": asof,
    "verify": verify,
    "reconcile": reconcile,
    "outbox": outbox,
    "edge": edge,
    "edge_soak": edge_soak,
    "doors": doors,
    "feedback": feedback,
    "memory": memory,
    "demand": demand,
    "receipt": receipt,
    "planning": planning,
    "accuracy": accuracy,
    "forecast": forecast,
    "buckets": buckets,
    "million": million,
    "demo": demo,
}
"""In the order of the table."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one benchmark or all.

    Args:
        argv: Arguments without the program's name; by default the process's own. None at all means `all`.

    Returns:
        0 if every figure meets its must, else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    subparsers = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, benchmark in BENCHMARKS.items():
        one = subparsers.add_parser(name, help=(benchmark.__doc__ or "").partition("\n")[0])
        one.add_argument("--json", action="store_true", help="print one JSON object")
        benchmark.add_arguments(one)
    subparsers.add_parser("all", help="every benchmark with its default input, as a table")
    arguments = parser.parse_args(list(sys.argv[1:] if argv is None else argv) or ["all"])
    if arguments.name != "all":
        return _finish([BENCHMARKS[arguments.name].run(arguments)], as_json=arguments.json)
    results = []
    for name, benchmark in BENCHMARKS.items():
        print(f"measuring {name} …", file=sys.stderr)
        results.append(benchmark.run(parser.parse_args([name])))
    return _finish(results, as_json=False)


def _finish(results: Sequence[Result], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(results[0].to_json(), indent=2))
    else:
        _print_table(results)
    return 1 if any(Verdict.MISSED in result.verdicts.values() for result in results) else 0


def _print_table(results: Sequence[Result]) -> None:
    print(f"{'benchmark':<10} {'figure':<32} {'measured':>12} {'must':>10} {'goal':>10}  verdict")
    for result in results:
        for name, value in result.measured.items():
            limit, verdict = result.limits.get(name), result.verdicts.get(name)
            limits = f"{limit.must:>10g} {limit.goal:>10g}" if limit else f"{'':>10} {'':>10}"
            print(f"{result.benchmark:<10} {name:<32} {value:>12,.4g} {limits}  {verdict or ''}")
        for note in result.notes:
            print(f"{'':<10} {note}")


if __name__ == "__main__":
    sys.exit(main())
