"""The demonstration's account of itself: what was scanned, what the ledger has, how fast, which versions."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from cloud.local.demo.domain import Judgement
from cloud.local.demo.store import Latency, Progress


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
    progress: Progress
    latency: Latency
    published: int
    """Movements that the gateways have handed over and the ledger has acknowledged."""
    breaches: Sequence[Breach]
    """What `dockledger verify` found."""
    seconds_to_ready: float
    seed: int
    postgres: str
    broker: str

    @property
    def is_good(self) -> bool:
        """Whether the ledger equals the truth and verifies."""
        return self.judgement.is_clean and not self.breaches


def report(outcome: Outcome) -> Mapping[str, object]:
    """Write the report.

    Args:
        outcome: What happened.

    Returns:
        A JSON object; null where a part is not built.
    """
    judgement = outcome.judgement
    return {
        "raw_reads": None,
        "crossings": None,
        "movements_published": outcome.published,
        "movements_in_ledger": judgement.ledger,
        "truth_movements": judgement.truth,
        "missed": judgement.missed,
        "wrong": judgement.wrong,
        "false_movements": judgement.false,
        "held": None,
        "undecided": None,
        "duplicated": judgement.duplicated,
        "lost": judgement.missed,
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
        "counts": None,
        "variances": None,
        "alerts": outcome.progress.alerts,
        "forecasts": None,
        "proposals": None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
