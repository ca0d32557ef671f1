"""From a scan to the ledger: how old a movement is when its posting commits.

People at scanners on pseudo-terminals scan real transactions at edge agents; the age is the posting's
`recorded_at` less the instant at which the agent read the label, both of this machine's clock. The first
seconds, in which everything is new, do not count.
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from benchmarks.edges import Edge, scan_pos
from benchmarks.ground import own_folder
from benchmarks.mayhem import wait_until
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage

_WARM_UP_S: Final = 5
_SCANS_PER_MOVEMENT: Final = 2
"""Quantity and item; measured on the transactions."""

_AGES: Final = """
WITH aged AS (
    SELECT m.occurred_at_claimed AS at,
        extract(epoch FROM e.recorded_at - m.occurred_at_claimed)::float8 AS age_s,
        min(m.occurred_at_claimed) OVER () AS first_at, max(m.occurred_at_claimed) OVER () AS last_at
    FROM movement m JOIN ledger_entry e USING (posting_id)
)
SELECT count(*), extract(epoch FROM max(last_at) - max(first_at))::float8 - %(warm_up_s)s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY age_s), percentile_cont(0.99) WITHIN GROUP (ORDER BY age_s),
    max(age_s)
FROM aged WHERE at >= first_at + %(warm_up_s)s * interval '1 second'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument("--rate", type=float, default=500.0, help="movements a second, default: 500")
    parser.add_argument("--seconds", type=float, default=30.0, help="default: 30")
    parser.add_argument("--edges", type=int, default=4, help="agents, one scanner each; default: 4")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Ages of movements at their posting.
    """
    gateways = tuple(Gateway(f"shop-{n % 2 + 1}", f"edge-{n + 1}") for n in range(arguments.edges))
    with own_folder() as directory, Stage(directory, gateways) as stage:
        edges = [Edge(stage, gateway, gateway.name) for gateway in gateways]
        for edge in edges:
            edge.start()
        figures = _scan(edges, arguments.rate * _SCANS_PER_MOVEMENT, arguments.seconds)
        wait_until(lambda: not any(edge.waiting_rows for edge in edges), within_s=60, what="drained")
        with psycopg.connect(stage.dsn("dockledger_migrator")) as connection:
            connection.execute("SET ROLE dockledger_owner")
            rows = connection.execute(_AGES, {"warm_up_s": _WARM_UP_S}).fetchall()
    movements, seconds, p50_s, p99_s, longest_s = rows[0]
    return Result(
        benchmark="latency",
        headline="scan_to_ledger_p99_s",
        figures={
            "scan_to_ledger_p99_s": p99_s,
            "scan_to_ledger_p50_s": p50_s,
            "scan_to_ledger_max_s": longest_s,
            "movements_per_s": movements / seconds,
            "scans_per_s": figures["scans_per_s"],
        },
        limits={
            "scan_to_ledger_p99_s": Limit(must=1.0, goal=0.3, better="lower"),
            "movements_per_s": Limit(must=0.9 * arguments.rate, goal=arguments.rate, better="higher"),
        },
        input={
            "movements": movements,
            "wanted_movements_per_s": arguments.rate,
            "agents": arguments.edges,
            "ingest_workers": 2,
            "warm_up_s": _WARM_UP_S,
            "scans": "warehouse-sim scan-pos, the extract of real transactions, pseudo-terminals",
            "age": "ledger_entry.recorded_at - movement.occurred_at_claimed",
        },
    )


def _scan(edges: Sequence[Edge], rate: float, seconds: float) -> dict[str, Any]:
    asked = scan_pos(edges, edges[0].directory / "truth.jsonl", rate=rate, seconds=seconds)
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
