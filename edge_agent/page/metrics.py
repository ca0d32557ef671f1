"""A status in, Prometheus exposition out; the only module that imports its client library."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from edge_agent.page.status import FIGURES, PageStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "dockledger_edge_"


def metrics(status: PageStatus) -> bytes:
    """Write a status for Prometheus.

    Args:
        status: One look at the agent.

    Returns:
        The text exposition; names begin with ``dockledger_edge_``, units are in them.
    """
    registry = CollectorRegistry()
    registry.register(_Look(status))
    return generate_latest(registry)


class _Look(Collector):
    def __init__(self, status: PageStatus) -> None:
        self._status = status

    @override
    def collect(self) -> Iterator[Metric]:
        status, health = self._status, self._status.health
        yield _gauge("uptime_seconds", "Since the agent started", health.uptime_s)
        yield _gauge("broker_connected", "1 while the broker is connected", status.way == "mqtt")
        yield _gauge("https_used", "1 while HTTPS is the way to the ledger", status.way == "https")
        yield from _outbox(status)
        yield _gauge("clock_ok", "1 while the wall clock is believed", health.clock.ok)
        yield _counter("clock_steps", "Steps of the wall clock", health.clock.steps)
        if health.clock.offset_s is not None:
            yield _gauge("clock_offset_seconds", "Time server less wall clock", health.clock.offset_s)
        if health.certificate is not None and health.certificate.not_after is not None:
            left_s = (health.certificate.not_after - health.sent_at).total_seconds()
            yield _gauge("certificate_left_seconds", "Until the gateway's own certificate ends", left_s)
        if "sscc_left" in health.counters:
            yield _gauge("sscc_left", "SSCCs left for new labels", health.counters["sscc_left"])
        yield from _devices(status)
        yield from _antennas(status)
        tags = GaugeMetricFamily(f"{_PREFIX}zone_tags", "Tags in a read zone now", labels=("zone",))
        for each in status.zones:
            tags.add_metric((each.id,), each.tags)
        yield tags
        if status.config is not None:
            yield _gauge("config_revision", "That runs; 0: its own file", status.config.running_revision)
            is_applied = status.config.outcome == "applied"
            yield _gauge("config_applied", "1 if the last wish of the cloud was kept", is_applied)
        events = CounterMetricFamily(
            f"{_PREFIX}events", "Every drop, retry, reject and late arrival, by name", labels=("event",)
        )
        for name, count in sorted(health.counters.items()):
            if not name.startswith("antenna_reads_") and name not in FIGURES:
                events.add_metric((name,), count)
        yield events


def _outbox(status: PageStatus) -> Iterator[Metric]:
    outbox = status.health.outbox
    yield _gauge("outbox_unacked_rows", "Rows that the ledger has not", outbox.unacked_rows)
    yield _gauge("outbox_unacked_batches", "Batches that the ledger has not", outbox.unacked_batches)
    yield _gauge("outbox_oldest_unacked_seconds", "Age of the oldest of them", outbox.oldest_unacked_age_s)
    yield _gauge("outbox_used_bytes", "What its rows take", outbox.used_bytes)
    yield _gauge("outbox_quota_bytes", "What they may take", outbox.quota_bytes)
    yield _gauge("outbox_full", "1 while it refuses rows", outbox.is_full)
    if status.disk is not None:
        yield _gauge("disk_free_bytes", "Of the outbox's volume", status.disk.free_bytes)
        yield _gauge("disk_total_bytes", "Of the outbox's volume", status.disk.total_bytes)


def _devices(status: PageStatus) -> Iterator[Metric]:
    labels = ("device", "kind")
    is_open = GaugeMetricFamily(f"{_PREFIX}device_open", "1 while it is connected and reads", labels=labels)
    reads = CounterMetricFamily(f"{_PREFIX}device_reads", "Reads or scans", labels=labels)
    for each in status.health.readers:
        is_open.add_metric((each.id, each.kind), each.state == "open")
        reads.add_metric((each.id, each.kind), each.reads)
    yield is_open
    yield reads


def _antennas(status: PageStatus) -> Iterator[Metric]:
    labels = ("reader", "antenna", "portal")
    reads = CounterMetricFamily(f"{_PREFIX}antenna_reads", "Reads of an antenna", labels=labels)
    mean = GaugeMetricFamily(f"{_PREFIX}antenna_mean_dbm", "Mean of the last seconds", labels=labels)
    strongest = GaugeMetricFamily(
        f"{_PREFIX}antenna_strongest_dbm", "Strongest of the last seconds", labels=labels
    )
    for each in status.antennas:
        where = (each.reader, str(each.antenna), each.portal or "")
        reads.add_metric(where, each.reads)
        if each.mean_dbm is not None and each.strongest_dbm is not None:
            mean.add_metric(where, each.mean_dbm)
            strongest.add_metric(where, each.strongest_dbm)
    yield reads
    yield mean
    yield strongest


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}{name}", text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{_PREFIX}{name}", text, value=value)
