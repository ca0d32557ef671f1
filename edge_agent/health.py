"""Makes the heartbeat: what outbox, clock, scanners and publisher say of themselves, as one contract."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from contracts.gateway import CertificateHealth, ClockHealth, Health, OutboxHealth, ReaderHealth
from edge_agent.outbox.domain import OutboxStats
from edge_agent.readers.iot.reader import IotReader
from edge_agent.readers.llrp.reader import LlrpReader
from edge_agent.readers.serial_port import SerialScanner


def describe_scanner(scanner: SerialScanner) -> ReaderHealth:
    """Say how one scanner is.

    Args:
        scanner: A started scanner.

    Returns:
        Its part of the heartbeat.
    """
    counters = scanner.counters
    return ReaderHealth(
        id=scanner.id,
        kind="scanner",
        state=counters.state,
        last_heard_at=counters.last_heard_at,
        reads=counters.frames,
    )


def describe_reader(reader: LlrpReader | IotReader) -> ReaderHealth:
    """Say how one RFID reader is.

    Args:
        reader: A started reader.

    Returns:
        Its part of the heartbeat.
    """
    counters = reader.counters
    return ReaderHealth(
        id=reader.id,
        kind="reader",
        state=counters.state,
        last_heard_at=counters.last_heard_at,
        reads=counters.reads,
    )


def describe_gateway(
    *,
    site: str,
    gateway: str,
    now: datetime,
    uptime_s: float,
    stats: OutboxStats,
    clock: ClockHealth,
    is_on_detour: bool = False,
    readers: Iterable[ReaderHealth],
    counters: Mapping[str, int],
    certificate: CertificateHealth | None = None,
) -> Health:
    """Say how the gateway is.

    Args:
        site: Site id.
        gateway: Gateway id.
        now: The wall clock.
        uptime_s: Seconds since the agent started.
        stats: The outbox's totals.
        clock: How far the clock is believed.
        is_on_detour: Whether HTTPS stands in for a broker that cannot be reached.
        readers: Every reader and scanner.
        counters: Every drop, retry, reject and late arrival outside the outbox, by name.
        certificate: How the gateway's own certificate is; None if it has none.

    Returns:
        The heartbeat.
    """
    oldest_at = stats.oldest_unacked_at
    return Health(
        site=site,
        gateway=gateway,
        sent_at=now,
        uptime_s=uptime_s,
        outbox=OutboxHealth(
            unacked_rows=stats.unacked_rows,
            unacked_batches=stats.unacked_batches,
            oldest_unacked_age_s=max(0.0, (now - oldest_at).total_seconds()) if oldest_at else 0.0,
            used_bytes=stats.used_bytes,
            quota_bytes=stats.quota_bytes,
            is_full=stats.is_full,
        ),
        clock=clock,
        is_on_detour=is_on_detour,
        readers=tuple(readers),
        counters=stats.counters | dict(counters),
        certificate=certificate,
    )
