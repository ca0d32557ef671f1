"""The command itself: everything looked at in turn, printed for people or programs; it changes nothing."""

import http.client
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TextIO

from edge_agent.config.remote import REMOTE_FILE, RemoteConfig
from edge_agent.config.settings import AgentSettings, Loaded, SettingsError, load
from edge_agent.doctor.devices import about_broker, about_iot_reader, about_reader, about_scanner
from edge_agent.doctor.doors import about_settings
from edge_agent.doctor.finding import Finding, note, problem, well
from edge_agent.doctor.gateway import (
    about_certificate,
    about_clock,
    about_configuration,
    about_disk,
    about_kept_files,
    about_outbox,
    about_versions,
)
from edge_agent.doctor.ledger import about_ledger
from edge_agent.outbox.inspect import is_in_use
from edge_agent.page.server import ADDRESS

IS_WELL: Final = 0
HAS_PROBLEMS: Final = 1
BAD_SETTINGS: Final = 2
ANSWER_S: Final = 3.0


def doctor(file: Path | None, out: TextIO, *, as_json: bool = False) -> int:
    """Look at a gateway and say what is wrong and what to do.

    Args:
        file: Its settings file; the default one if None.
        out: Where to print.
        as_json: One JSON object instead of lines.

    Returns:
        0 if nothing keeps it from working, 1 if something does, 2 if its settings cannot be used at all.
    """
    now = datetime.now(UTC)
    try:
        given = load(file)
        kept = given.settings.outbox.with_name(REMOTE_FILE)
        remote = RemoteConfig(kept, given, now=now, is_looking=True)
        found: Iterable[Finding] = list(examine(remote.effective(), remote, now=now))
        code = HAS_PROBLEMS if any(each.weight == "problem" for each in found) else IS_WELL
    except SettingsError as error:
        advice = "`edge-agent check` names every setting with its origin"
        found, code = (
            [problem("configuration", line, advice) for line in str(error).splitlines()],
            BAD_SETTINGS,
        )
    if as_json:
        print(json.dumps(_as_object(found, code, now), indent=2), file=out)
    else:
        for line in _lines(found):
            print(line, file=out)
    return code


def examine(loaded: Loaded, remote: RemoteConfig, *, now: datetime) -> Iterator[Finding]:
    """Look at everything in turn.

    Args:
        loaded: The settings in force.
        remote: What is kept of the cloud's wishes.
        now: The present.

    Yields:
        Findings.
    """
    settings = loaded.settings
    is_running = is_in_use(settings.outbox)
    yield from about_versions()
    yield from about_configuration(loaded, remote.last_report(), misfit=remote.misfit)
    yield from about_clock(settings)
    yield from about_disk(settings, is_running=is_running)
    yield from about_outbox(settings, is_running=is_running, now=now)
    yield from about_kept_files(settings)
    yield from about_certificate(settings, now=now)
    yield from about_broker(settings, is_running=is_running)
    yield from about_ledger(settings)
    for scanner in settings.scanner:
        yield about_scanner(scanner, is_running=is_running)
    if is_running:
        yield from _what_the_agent_says(settings)
    else:
        yield well("agent", "it does not run: readers and broker were asked under its name")
        for reader in settings.reader:
            yield about_reader(reader)
        for iot_reader in settings.iot_reader:
            yield about_iot_reader(iot_reader)
    yield from about_settings(settings)


def _what_the_agent_says(settings: AgentSettings) -> Iterator[Finding]:
    """Ask the agent itself about its connections: a reader takes one client at a time."""
    if not settings.page_port:
        advice = "page_port = 8740 lets it say how they are; or stop it and ask again"
        yield note("agent", "it runs: its readers were left alone", advice)
        return
    try:
        told = _status(settings.page_port)
    except (OSError, ValueError, http.client.HTTPException) as error:
        advice = "restart the agent; another program may have its port"
        yield problem(
            "agent", f"it runs, and its page on port {settings.page_port} does not answer: {error}", advice
        )
        return
    yield well("agent", f"it runs since {told['health']['uptime_s'] / 3600:.1f} h")
    for sentence in told["problems"]:
        yield problem(
            "agent", sentence.removesuffix("."), f"see its page: http://{ADDRESS}:{settings.page_port}/"
        )


def _status(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/status.json")
        told: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return told


def _lines(found: Iterable[Finding]) -> Iterator[str]:
    counts = {"problem": 0, "note": 0, "well": 0}
    for each in found:
        counts[each.weight] += 1
        yield f"{each.weight:7}  {each.subject}: {each.text}"
        if each.advice:
            yield f"{'':7}  -> {each.advice}"
    yield f"{counts['problem']} problems, {counts['note']} notes, {counts['well']} things are well"


def _as_object(found: Iterable[Finding], code: int, now: datetime) -> dict[str, Any]:
    return {
        "version": version("dockledger"),
        "looked_at": now.isoformat(),
        "is_well": code == IS_WELL,
        "findings": [asdict(each) for each in found],
    }
