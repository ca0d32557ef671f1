"""What the agent's page shows: plain values that the agent fills anew for every look."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from contracts.gateway import Health
from contracts.records import Crossing
from edge_agent.certificates.domain import warning_of
from edge_agent.page.zones import ZoneStatus

FAR_OFF_S: Final = 0.5
FEW_SERIALS: Final = 50
FIGURES: Final = frozenset({"sscc_left", "label_shelf", "reference_revision"})
"""Among the counters, those that count nothing."""
LEAST_FREE_BYTES: Final = 64 * 1024 * 1024
_SHOWN_OF_CROSSING = frozenset(
    {"portal", "epc", "unit", "direction", "confidence", "first_seen_at", "occurred_at_claimed", "reads",
     "posted", "because", "visit", "antennas", "trace"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AntennaStatus:
    """One antenna of a reader."""

    reader: str
    antenna: int
    reads: int = 0
    """Since the agent started."""
    last_read_at: datetime | None = None
    portal: str | None = None
    """The portal it belongs to; None if it belongs to none."""
    reads_per_s: float = 0.0
    """Over the last seconds, as are the strengths."""
    mean_dbm: float | None = None
    """None if there was nothing."""
    strongest_dbm: float | None = None


@dataclass(frozen=True, slots=True)
class SettingStatus:
    """One setting as it is in force."""

    name: str
    value: str
    """Without passwords."""
    origin: str


@dataclass(frozen=True, slots=True)
class ConfigStatus:
    """What runs, and what became of the cloud's last wish."""

    running_revision: int
    """0 while the gateway's own file says everything."""
    last_revision: int
    outcome: str
    errors: tuple[str, ...]
    settings: tuple[SettingStatus, ...]


@dataclass(frozen=True, slots=True)
class DiskStatus:
    """The volume that holds the outbox."""

    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class PageStatus:
    """One look at a running agent; nothing in it is secret."""

    version: str
    health: Health
    """The same that the heartbeat says: readers and scanners, outbox, clock, counters."""
    way: Literal["mqtt", "https"] | None
    """By which way messages go out: ``mqtt``, ``https``, or None while nothing does."""
    antennas: tuple[AntennaStatus, ...] = ()
    zones: tuple[ZoneStatus, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    """The last ones, newest first."""
    notes: Mapping[str, str] | None = None
    """By reader or scanner: why it is not what it should be, in its own words."""
    visits: Mapping[str, str] | None = None
    """By door with a visit: how far it is, as ``V-7: seen 57 of 60``."""
    config: ConfigStatus | None = None
    disk: DiskStatus | None = None


def as_json_object(status: PageStatus) -> dict[str, Any]:
    """Lay a status out for programs.

    Args:
        status: One look.

    Returns:
        JSON values; of a crossing only what the page shows too.
    """
    return {
        "version": status.version,
        "is_connected": status.way is not None,
        "way": status.way,
        "health": status.health.model_dump(mode="json"),
        "antennas": [
            {
                "reader": each.reader,
                "antenna": each.antenna,
                "portal": each.portal,
                "reads": each.reads,
                "reads_per_s": each.reads_per_s,
                "mean_dbm": each.mean_dbm,
                "strongest_dbm": each.strongest_dbm,
                "last_read_at": None if each.last_read_at is None else each.last_read_at.isoformat(),
            }
            for each in status.antennas
        ],
        "zones": [asdict(each) for each in status.zones],
        "crossings": [
            crossing.model_dump(mode="json", include=set(_SHOWN_OF_CROSSING)) for crossing in status.crossings
        ],
        "notes": dict(status.notes or {}),
        "visits": dict(status.visits or {}),
        "config": None if status.config is None else asdict(status.config),
        "disk": None if status.disk is None else asdict(status.disk),
        "problems": list(problems(status)),
    }


def problems(status: PageStatus) -> tuple[str, ...]:
    """Say what somebody should look after.

    Args:
        status: One look.

    Returns:
        One sentence each; none if all is well.
    """
    health = status.health
    found = []
    if health.outbox.is_full:
        found.append("The outbox is full: scans and crossings are refused until the ledger takes rows.")
    if status.way is None:
        found.append("No connection to the broker: rows are kept here and go out later.")
    if health.is_on_detour:
        found.append("No connection to the broker: rows go out over HTTPS until there is one.")
    if not health.clock.ok:
        found.append("The clock is not believed: times are marked until it is synchronised.")
    offset_s = health.clock.offset_s
    if offset_s is not None and abs(offset_s) > FAR_OFF_S:
        found.append(f"The clock is {offset_s:+.1f} s off, says the time server.")
    if status.disk is not None and status.disk.free_bytes < LEAST_FREE_BYTES:
        found.append("The disk is nearly full: scans will be refused.")
    if status.config is not None and status.config.outcome != "applied":
        outcome = status.config.outcome.replace("_", " ")
        found.append(f"Configuration {status.config.last_revision} of the cloud was {outcome}.")
    notes = status.notes or {}
    for device in health.readers:
        if device.state != "open":
            because = f": {notes[device.id]}" if notes.get(device.id) else ""
            found.append(f"{device.kind.capitalize()} {device.id} is {device.state}{because}.")
    return (*found, *_about_certificate(health), *_about_labels(health))


def _about_certificate(health: Health) -> Iterator[str]:
    said = health.certificate
    if said is None:
        return
    warning = None if said.not_after is None else warning_of(said.not_after, health.sent_at)
    if warning:
        yield f"{warning[0].upper()}{warning[1:]}."
    if said.problem:
        yield f"Certificate: {said.problem}."


def _about_labels(health: Health) -> Iterator[str]:
    left = health.counters.get("sscc_left", FEW_SERIALS)
    if left < FEW_SERIALS:
        yield f"Only {left} SSCCs are left for new labels: the cloud sends more when it is reached."
