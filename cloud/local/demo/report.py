"""The demonstration's account of itself: what was scanned, what the ledger has, how fast, which versions."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from cloud.local.demo.dock import CrossingScore
from cloud.local.demo.domain import Judgement
from cloud.local.demo.store import Decided, Latency, Progress


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that does not hold."""

    check: str
    count: int
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the report is made of."""

    judgement: Judgement
    """Of what people scanned."""
    score: CrossingScore
    """Of what crossed the doors, in topmost units."""
    undecided: int
    raw_reads: int
    moved_by_doors: int
    """Movements and unit positions that doors posted, in the ledger."""
    progress: Progress
    decided: Decided
    latency: Latency
    published: int
    """Movements and unit positions that the gateways have handed over."""
    breaches: Sequence[Breach]
    """What `dockledger verify` found, and what went wrong with counts, plans and approvals."""
    seconds_to_ready: float
    seed: int
    postgres: str
    broker: str

    @property
    def in_ledger(self) -> int:
        """Movements of scans, and movements and unit positions of doors, that the ledger holds."""
        return self.judgement.ledger + self.moved_by_doors

    @property
    def lost(self) -> int:
        """What was handed over and is not there; scans that never were handed over too."""
        return max(0, self.published - self.in_ledger, self.judgement.missed)

    @property
    def duplicated(self) -> int:
        """What is there more often than it was handed over."""
        return max(0, self.in_ledger - self.published, self.judgement.duplicated)

    @property
    def is_good(self) -> bool:
        """Whether every scan is in the ledger as scanned, nothing is lost or doubled, and it verifies.

        What radio missed or left to a person is told, and is no fault of the ledger.
        """
        return self.judgement.is_clean and self.lost == self.duplicated == 0 and not self.breaches


def report(outcome: Outcome) -> Mapping[str, object]:
    """Write the report.

    Args:
        outcome: What happened.

    Returns:
        A JSON object.
    """
    judgement, score = outcome.judgement, outcome.score
    return {
        "raw_reads": outcome.raw_reads,
        "crossings": outcome.progress.crossings,
        "movements_published": outcome.published,
        "movements_in_ledger": outcome.in_ledger,
        "truth_movements": judgement.truth + score.truth,
        "missed": judgement.missed + score.missed,
        "wrong": judgement.wrong + score.wrong,
        "false_movements": judgement.false + score.false_movements,
        "held": score.held,
        "undecided": outcome.undecided,
        "duplicated": outcome.duplicated,
        "lost": outcome.lost,
        "balance_mismatches": sum(breach.count for breach in outcome.breaches if breach.check == "balances"),
        "quarantined": outcome.progress.quarantined,
        "seconds_to_ready": round(outcome.seconds_to_ready, 2),
        "scan_to_ledger_ms_p50": _rounded(outcome.latency.p50_ms),
        "scan_to_ledger_ms_p99": _rounded(outcome.latency.p99_ms),
        "seed": outcome.seed,
        "versions": {
            "dockledger": version("dockledger"),
            "python": platform.python_version(),
            "postgresql": outcome.postgres,
            "broker": outcome.broker,
        },
        "counts": outcome.decided.counts,
        "variances": outcome.decided.variances,
        "alerts": outcome.progress.alerts,
        "forecasts": outcome.decided.forecasts,
        "proposals": outcome.decided.proposals,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
