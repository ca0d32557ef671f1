"""What a gateway says of itself: status, health, reported configuration (DESIGN §5, PROTOCOL P6)."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, JsonValue, StrictBool

from contracts.base import (
    SCHEMA_VERSION,
    STORABLE,
    Code,
    Contract,
    Epoch,
    Gateway,
    MonotonicNs,
    SchemaVersion,
    Site,
    UtcDatetime,
    WholeNumber,
)


class Presence(StrEnum):
    """Whether a gateway is connected; ``offline`` is also its last will."""

    ONLINE = "online"
    OFFLINE = "offline"


class Status(Contract):
    """Retained on the status topic; its last will is the same with ``presence = offline``."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    site: Site
    gateway: Gateway
    presence: Presence
    epoch: Epoch
    last_batch_no: WholeNumber
    complete_until: UtcDatetime
    """Counts only once ``last_batch_no`` is contiguous in the ledger."""
    boot_id: Code
    sent_mono_ns: MonotonicNs
    sent_at: UtcDatetime
    agent: Code
    config_revision: WholeNumber = 0


class ReaderHealth(Contract):
    """One reader or scanner as the gateway sees it."""

    id: Code
    kind: Code
    state: Code
    last_heard_at: UtcDatetime | None = None
    reads: WholeNumber = 0


class OutboxHealth(Contract):
    """How much the gateway holds that the ledger has not acknowledged."""

    unacked_rows: WholeNumber
    unacked_batches: WholeNumber
    oldest_unacked_age_s: Annotated[float, Field(ge=0)] = 0.0
    used_bytes: WholeNumber
    quota_bytes: WholeNumber
    is_full: StrictBool = False


class ClockHealth(Contract):
    """How far the gateway's clock is believed."""

    ok: StrictBool
    offset_s: float | None = None
    steps: WholeNumber = 0


def _absent(value: object) -> bool:
    return value is None


_Pem = Annotated[str, Field(min_length=1, max_length=32_768, pattern=r"^[ -~\n\r]*$")]


class CertificateHealth(Contract):
    """The gateway's own certificate, and its request for another."""

    not_after: UtcDatetime | None = None
    """None: it has none yet."""
    serial: Code | None = None
    """In hexadecimal."""
    request: _Pem | None = None
    """PKCS #10 in PEM: a certificate for this is wanted; the key never leaves the gateway."""
    is_on_trial: StrictBool = False
    """Whether no broker has accepted it yet; if none does, the one before comes back."""
    problem: Annotated[str, STORABLE] | None = None


class IssuedCertificate(Contract):
    """Retained: the certificate for a gateway's last request."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    gateway: Gateway
    revision: Annotated[int, Field(strict=True, ge=1, le=2**53)]
    issued_at: UtcDatetime
    certificate: _Pem
    """PEM: the gateway's first, then who signed it."""


class Health(Contract):
    """A heartbeat, not retained, every 10 s."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    site: Site
    gateway: Gateway
    sent_at: UtcDatetime
    uptime_s: Annotated[float, Field(ge=0)]
    outbox: OutboxHealth
    clock: ClockHealth
    readers: tuple[ReaderHealth, ...] = ()
    counters: Annotated[dict[str, int], STORABLE] = Field(default_factory=dict)
    """Every drop, retry, reject and late arrival, by name."""
    is_on_detour: StrictBool = False
    """It sends over HTTPS because the broker cannot be reached."""
    certificate: Annotated[CertificateHealth | None, Field(exclude_if=_absent)] = None


REMOTE_SETTINGS: Final = frozenset(
    {"workflow", "scanner", "reader", "portal", "zone", "tags", "drain_rows_per_s"}
)
"""What the cloud may set. Identity, broker and outbox belong to whoever stands before the machine."""


class ConfigOutcome(StrEnum):
    """How a desired configuration ended."""

    APPLIED = "applied"
    REJECTED = "rejected"
    """It is not valid for this gateway; nothing was changed."""
    ROLLED_BACK = "rolled_back"
    """The gateway was not healthy with it, or stopped before it was, and went back to what it had."""
    REFUSED = "refused"
    """Its revision is not above one that the gateway has seen; nothing was changed."""


class DesiredConfig(Contract):
    """What the cloud wants a gateway to run; a lower revision is refused (PROTOCOL P10)."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    revision: Annotated[int, Field(strict=True, ge=1, le=2**53)]
    issued_at: UtcDatetime
    settings: Annotated[dict[str, JsonValue], STORABLE]


class ReportedConfig(Contract):
    """What a gateway runs, and what became of the last wish; retained, so the last one is always there."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    revision: Annotated[int, Field(strict=True, ge=0, le=2**52)]
    """Of the wish that this is about; 0 while there was none. Bounded, so that a higher one can follow."""
    outcome: ConfigOutcome
    reported_at: UtcDatetime
    """When it was decided, so that the same report said again is the same."""
    settings: Annotated[dict[str, JsonValue], STORABLE]
    """What runs now of all that the cloud may set, badges left out."""
    errors: Annotated[tuple[str, ...], STORABLE] = ()
    running_revision: WholeNumber | None = None
    """Of the wish that runs; 0 while what its own file says runs. None: an agent that does not say so."""
    origins: Annotated[dict[str, str], STORABLE] = Field(default_factory=dict)
    """Where each of ``settings`` comes from: ``cloud``, ``file …`` or ``environment …``."""
