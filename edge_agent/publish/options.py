"""Who publishes, where to, and how fast."""

from dataclasses import dataclass

from edge_agent.publish.address import BrokerAddress, LedgerAddress


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """Who publishes, where to, and how fast."""

    site: str
    gateway: str
    agent: str
    broker: BrokerAddress | None
    """None: nothing is sent through a broker."""
    window: int = 16
    """Batches on their way that the ledger has not acknowledged."""
    drain_rows_per_s: float = 8000.0
    """How fast a backlog drains; live rows are not held back."""
    ledger: LedgerAddress | None = None
    """Where batches go over HTTPS while the broker cannot be reached; None: nowhere."""
    detour_after_s: float = 30.0
    """How long the broker must be out of reach before they do."""
