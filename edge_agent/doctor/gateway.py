"""The machine and its outbox: configuration, clock, disk and file looked at; findings out."""

import os
import platform
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Final

from contracts.gateway import ReportedConfig
from edge_agent.certificates.domain import warning_of
from edge_agent.certificates.keeper import CertificateKeeper
from edge_agent.clock import OLDEST_PLAUSIBLE_AT, kernel_says_synchronised
from edge_agent.config.remote import REMOTE_FILE
from edge_agent.config.settings import AgentSettings, Loaded
from edge_agent.doctor.finding import Finding, note, problem, well
from edge_agent.floor import ASSIGNMENTS
from edge_agent.labels.shelf import SHELF_FILE
from edge_agent.outbox.beside import ASIDE
from edge_agent.outbox.errors import OutboxError
from edge_agent.outbox.inspect import examine, inspect
from edge_agent.outbox.store import SQLITE_VERSION
from edge_agent.page.status import FAR_OFF_S, LEAST_FREE_BYTES
from edge_agent.time_server import TimeServerError, ask_offset_s
from edge_agent.workflows.reference import REFERENCE_FILE
from edge_agent.workflows.tasks import TASKS_FILE

SLOW_SYNC_S: Final = 0.05
"""Nobody at a scanner minds a shorter wait for the beep."""
OLD: Final = timedelta(minutes=1)
_SYNCS: Final = 20
_BLOCK: Final = bytes(4096)
_MB: Final = 1024 * 1024
_DRIVERS: Final = ("sllurp", "pyserial", "paho-mqtt", "biip")


def about_versions() -> Iterator[Finding]:
    """Say what runs.

    Yields:
        One line, and a note for each part that is not installed.
    """
    found, missing = [], []
    for name in _DRIVERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    parts = [f"Python {platform.python_version()}", f"SQLite {SQLITE_VERSION}", *found]
    yield well("versions", f"dockledger {version('dockledger')}; {', '.join(parts)}")
    for name in missing:
        yield note(
            "versions",
            f"{name} is not installed",
            "install dockledger with the extra edge, or llrp for readers",
        )


def about_configuration(loaded: Loaded, reported: ReportedConfig, *, misfit: str = "") -> Iterator[Finding]:
    """Say where the settings come from, and what became of the cloud's last wish.

    Args:
        loaded: The settings in force.
        reported: As the agent would report them.
        misfit: Why the cloud's wish does not go with the gateway's own settings any more; empty if it does.

    Yields:
        Findings.
    """
    by_origin: dict[str, int] = {}
    for name in loaded.values:
        origin = loaded.origins.get(name, "default")
        by_origin[origin] = by_origin.get(origin, 0) + 1
    told = ", ".join(
        f"{count} from {origin}" for origin, count in sorted(by_origin.items()) if origin != "default"
    )
    revision = reported.running_revision
    yield well(
        "configuration",
        f"valid; {told}" + (f"; revision {revision} of the cloud runs" if revision and not misfit else ""),
    )
    if misfit:
        yield note(
            "configuration",
            f"revision {revision} of the cloud no longer fits the gateway's own settings: {misfit}",
            "the agent's next start undoes it and says so; set it again in the cloud",
        )
    elif reported.outcome != "applied":
        yield note(
            "configuration",
            f"revision {reported.revision} of the cloud was {reported.outcome.replace('_', ' ')}: "
            + "; ".join(reported.errors),
            "mend it in the cloud and set it again",
        )


def about_clock(settings: AgentSettings) -> Iterator[Finding]:
    """Look at the wall clock.

    Args:
        settings: The agent's.

    Yields:
        Findings.
    """
    now = datetime.now(UTC)
    mend = "set up time synchronisation: chrony or systemd-timesyncd"
    if now < OLDEST_PLAUSIBLE_AT:
        yield problem("clock", f"it says {now:%Y-%m-%d %H:%M}: it was never set", mend)
    elif settings.clock == "assumed":
        yield note("clock", 'clock = "assumed": nobody checks that the wall clock is synchronised', mend)
    elif not kernel_says_synchronised():
        yield problem("clock", "nothing keeps it: the kernel says that it is not synchronised", mend)
    else:
        yield well("clock", "synchronised, says the kernel")
    if settings.time_server is None:
        yield note("clock", "its offset is not measured", 'time_server = "HOST" of an NTP server')
        return
    try:
        offset_s = ask_offset_s(settings.time_server)
    except TimeServerError as error:
        yield note("clock", f"its offset is not known: {error}", "check time_server and UDP port 123")
        return
    if abs(offset_s) > FAR_OFF_S:
        yield problem("clock", f"it is {offset_s:+.3f} s off, by {settings.time_server}", mend)
    else:
        yield well("clock", f"{offset_s:+.3f} s off, by {settings.time_server}")


def about_disk(settings: AgentSettings, *, is_running: bool) -> Iterator[Finding]:
    """Look at the volume of the outbox; while the agent runs nothing is written.

    Args:
        settings: The agent's.
        is_running: Whether the agent runs.

    Yields:
        Findings.
    """
    directory = settings.outbox.absolute().parent
    while not directory.exists():
        directory = directory.parent
    usage = shutil.disk_usage(directory)
    room = f"{usage.free / _MB:,.0f} MB of {usage.total / _MB:,.0f} MB free"
    if usage.free < LEAST_FREE_BYTES:
        yield problem("disk", room, "make room: the outbox refuses scans when the disk is full")
    else:
        yield well("disk", room)
    if not os.access(directory, os.W_OK | os.X_OK):
        yield problem(
            "disk",
            f"{str(directory)!r} cannot be written by this user",
            "run as the agent's user, or give it the directory",
        )
    elif is_running:
        yield note("disk", "how fast it syncs is not measured while the agent runs")
    elif usage.free >= LEAST_FREE_BYTES:
        yield _about_syncs(directory)


def about_certificate(settings: AgentSettings, *, now: datetime) -> Iterator[Finding]:
    """Look at the gateway's own certificate.

    Args:
        settings: The agent's.
        now: The present.

    Yields:
        How long it lasts; nothing if the broker asks for none.
    """
    path = settings.broker_certificate
    if path is None:
        return
    facts = CertificateKeeper(path, settings.gateway, renew_link=lambda: None).facts()
    mend = "`edge-agent certificate request`, have it signed, then `edge-agent certificate install`"
    if facts is None:
        yield problem("certificate", f"{str(path)!r} holds none that can be read", mend)
        return
    if facts.subject != settings.gateway:
        yield problem(
            "certificate", f"it is of {facts.subject!r}, this gateway is {settings.gateway!r}", mend
        )
    warning = warning_of(facts.not_after, now)
    if facts.not_after <= now:
        yield problem("certificate", warning or "it has ended", mend)
    elif warning:
        yield note("certificate", warning, f"it should have been renewed by now; if it is not: {mend}")
    else:
        yield well("certificate", f"it lasts until {facts.not_after:%Y-%m-%d %H:%M} UTC")


def about_outbox(settings: AgentSettings, *, is_running: bool, now: datetime) -> Iterator[Finding]:
    """Look at the outbox file.

    Args:
        settings: The agent's.
        is_running: Whether the agent runs.
        now: The present.

    Yields:
        Findings.
    """
    path = settings.outbox
    if not path.exists():
        yield note("outbox", f"{str(path)!r} is not there yet: the agent has never run")
        return
    try:
        held, condition = inspect(path), examine(path, is_in_use=is_running)
    except (OutboxError, IndexError) as error:
        yield problem(
            "outbox",
            f"{str(path)!r} cannot be read: {error}",
            "start the agent: it sets a damaged file aside and saves what it can",
        )
        return
    if (held.site, held.gateway) != (settings.site, settings.gateway):
        yield problem(
            "outbox",
            f"it is of gateway {held.gateway!r} of {held.site!r}, "
            f"the settings say {settings.gateway!r} of {settings.site!r}",
            "never copy an outbox: give this gateway a file of its own",
        )
    if condition.fault is not None:
        yield problem(
            "outbox",
            f"damaged: {condition.fault}",
            "restart the agent: it saves what it can; replace the disk",
        )
    age = None if condition.oldest_unacked_at is None else now - condition.oldest_unacked_at
    waits = f"{condition.unacked_rows:,} rows wait" + (f", the oldest for {_duration(age)}" if age else "")
    checked = "sound" if condition.is_checked else "not checked: large, and in use"
    if age is not None and age > OLD:
        yield problem("outbox", waits, "is the broker reachable, and does ingest run in the cloud?")
    elif condition.fault is None:
        yield well("outbox", f"{checked}; {waits}; {held.used_bytes / _MB:,.1f} MB used")
    if condition.conflict_batches:
        yield problem(
            "outbox",
            f"{condition.conflict_batches} batches are refused as another branch of this gateway",
            "find the twin: two machines run as one gateway",
        )
    for name in held.given_up_files:
        yield problem(
            "outbox",
            f"damaged file {name} was given up: a later damaged file had taken over a part of it, and cannot "
            "say which; the ledger has a gap for it",
            "keep it and its later ones; a person compares `edge-agent outbox export` with it",
        )
    for name in (each for each in held.damaged_files if each not in held.given_up_files):
        yield note(
            "outbox",
            f"a damaged file was set aside: {name}",
            "replace the disk; keep the file until support has seen it",
        )


def about_kept_files(settings: AgentSettings) -> Iterator[Finding]:
    """Look at what is kept of the cloud's messages beside the outbox.

    Args:
        settings: The agent's.

    Yields:
        Findings; nothing while all can be read.
    """
    for name in (REMOTE_FILE, REFERENCE_FILE, TASKS_FILE, ASSIGNMENTS, SHELF_FILE):
        path = settings.outbox.with_name(name)
        try:
            path.read_bytes()
        except FileNotFoundError:
            pass
        except OSError as error:
            yield problem(
                "kept",
                f"{str(path)!r} cannot be read: {error}",
                "give it to the agent's user, or replace the disk; the agent takes what the broker retains",
            )
        if path.with_name(name + ASIDE).exists():
            yield note(
                "kept",
                f"{name} was damaged and set aside: {name}{ASIDE}",
                "replace the disk if it happens again; what the cloud said came anew, so remove the file",
            )


def _about_syncs(directory: Path) -> Finding:
    probe = directory / ".doctor-sync-probe"
    took_s = []
    try:
        with probe.open("wb") as file:
            for _ in range(_SYNCS):
                began_s = time.perf_counter()
                file.write(_BLOCK)
                file.flush()
                os.fsync(file.fileno())
                took_s.append(time.perf_counter() - began_s)
    except OSError as error:
        return problem("disk", f"it cannot be written: {error}", "make room, or replace it")
    finally:
        probe.unlink(missing_ok=True)
    text = f"a synced write takes {median(took_s) * 1000:.1f} ms, at most {max(took_s) * 1000:.1f} ms"
    if median(took_s) > SLOW_SYNC_S:
        return problem("disk", text, "use an SSD or eMMC: every scan waits for it")
    return well("disk", text)


def _duration(age: timedelta) -> str:
    return str(timedelta(seconds=max(0, int(age.total_seconds()))))
