"""Every drop, retry, reject and late arrival is a counter (keystone 5), as Prometheus reads them."""

from datetime import timedelta
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

LATE: Final = timedelta(hours=1)
"""A row posted longer than this after it happened counts as late."""

RECEIVED: Final = Counter("dockledger_ingest_deliveries", "Publishes received, by channel", ["channel"])
DROPPED: Final = Counter("dockledger_ingest_dropped", "Publishes dropped because the inbox was full")
HELD_BACK: Final = Counter("dockledger_ingest_held_back", "Times that gateways were told to wait")
BATCHES: Final = Counter("dockledger_ingest_batches", "Batches, by what they proved to be", ["judgement"])
ROWS: Final = Counter("dockledger_ingest_rows", "Rows posted")
LATE_ROWS: Final = Counter("dockledger_ingest_late_rows", "Rows posted over an hour after they happened")
REFUSED_ROWS: Final = Counter("dockledger_ingest_refused_rows", "Rows in quarantine, by reason", ["reason"])
QUARANTINED: Final = Counter("dockledger_ingest_quarantined", "Publishes put to quarantine whole", ["reason"])
RETRIES: Final = Counter("dockledger_ingest_retries", "Posting transactions begun again, by cause", ["cause"])
OUTAGES: Final = Counter("dockledger_ingest_outages", "Losses of the database or the broker", ["service"])
RENEWED: Final = Counter(
    "dockledger_ingest_connections_renewed", "Living connections to the broker that had stopped to carry"
)
UNREADABLE: Final = Counter(
    "dockledger_ingest_unreadable", "Statements about a gateway that could not be read", ["channel"]
)
DEMAND: Final = Counter("dockledger_ingest_demand", "Messages of demand, by what became of them", ["outcome"])
UNSENT: Final = Counter("dockledger_ingest_unsent", "Messages not sent because the broker was away")
REFUSED_BY_BROKER: Final = Counter("dockledger_ingest_refused_by_broker", "Messages and filters denied")
GROUP_ROWS: Final = Histogram(
    "dockledger_ingest_group_rows", "Rows per transaction", buckets=(1, 10, 100, 500, 1000, 2000, 5000, 10000)
)
COMMIT_SECONDS: Final = Histogram("dockledger_ingest_commit_seconds", "From reading a group to its commit")
SITES: Final = Gauge("dockledger_ingest_sites", "Sites this worker serves")


def begun_again(cause: str) -> None:
    """Count a posting transaction that the database wants run again.

    Args:
        cause: Why.
    """
    RETRIES.labels(cause).inc()


def snapshot() -> list[dict[str, object]]:
    """Read every counter of this process, as the table of workers holds them for the API's metrics.

    Returns:
        One mapping per sample: ``name``, ``kind``, ``labels`` and ``value``.
    """
    return [
        {"name": sample.name, "kind": family.type, "labels": sample.labels, "value": sample.value}
        for family in REGISTRY.collect()
        if family.name.startswith("dockledger_ingest")
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]
