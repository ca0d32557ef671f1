"""Figures of one process in a registry of its own, and of the ledger at the moment of a scrape."""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cloud.inquiry.domain import GatewayRow, SiteCompleteness
from cloud.runs.jobs import JobRow


class Metrics:
    """What `/metrics` shows; names begin with `dockledger_`, units are in them."""

    def __init__(self) -> None:
        """Make an empty registry, so that two applications in one process do not meet."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "dockledger_http_requests",
            "Requests answered",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.seconds = Histogram(
            "dockledger_http_request_seconds",
            "Time to the last byte",
            ("method", "route"),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self._registry,
        )
        self.shed = Counter(
            "dockledger_http_shed", "Requests refused because too many were open", registry=self._registry
        )
        self._position = self._gauge("ledger_position", "Position of the ledger's head")
        self._complete = self._gauge("site_incomplete_seconds", "Age of a site's watermark", "site")
        self._online = self._gauge("gateway_online", "1 while a gateway is connected", "site", "gateway")
        self._unacked = self._gauge(
            "gateway_unacked_rows", "Rows a gateway holds that the ledger has not", "site", "gateway"
        )
        self._gaps = self._gauge("open_gaps", "Coverage gaps that have not ended")
        self._held = self._gauge("quarantine_held", "Things in quarantine that wait for somebody")
        self._failing = self._gauge("job_failing", "1 while a job fails or its last slot was given up", "job")
        self._overdue = self._gauge("job_overdue_seconds", "Since when a job should have run", "job")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"dockledger_{name}", text, labels, registry=self._registry)

    def observe_ledger(
        self,
        position: int,
        sites: Sequence[SiteCompleteness],
        gateways: Sequence[GatewayRow],
        open_gaps: int,
        held: int,
        *,
        now: datetime,
    ) -> None:
        """Set the ledger's gauges.

        Args:
            position: Position of the head.
            sites: Completeness of sites.
            gateways: Gateways as they last spoke.
            open_gaps: Gaps that have not ended.
            held: Things in quarantine.
            now: The present.
        """
        self._position.set(position)
        self._gaps.set(open_gaps)
        self._held.set(held)
        for gauge in (self._complete, self._online, self._unacked):
            gauge.clear()
        for site in sites:
            age = (now - site.complete_until).total_seconds() if site.complete_until else float("inf")
            self._complete.labels(site.site).set(age)
        for gateway in gateways:
            self._online.labels(gateway.site, gateway.gateway).set(gateway.presence == "online")
            self._unacked.labels(gateway.site, gateway.gateway).set(gateway.unacked_rows or 0)

    def observe_jobs(self, jobs: Sequence[JobRow], *, now: datetime) -> None:
        """Set the jobs' gauges.

        Args:
            jobs: What schedulers run.
            now: The present.
        """
        for gauge in (self._failing, self._overdue):
            gauge.clear()
        for job in jobs:
            self._failing.labels(job.job).set(job.condition in {"failing", "failed"})
            self._overdue.labels(job.job).set(max(0.0, (now - job.due_at).total_seconds()))

    def exposition(self) -> bytes:
        """Write every figure.

        Returns:
            Prometheus text.
        """
        return generate_latest(self._registry)
