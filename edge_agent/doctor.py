"""``edge-agent doctor``: settings in; what a gateway lacks to do its work, as sentences, out."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TextIO

from contracts.vocabulary import VIRTUAL_PREFIX
from edge_agent.config.settings import AgentSettings
from edge_agent.doors.belonging import ASSIGNED_AT_MOST
from edge_agent.filters.site import Portal

CONNECT_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing somebody should know."""

    weight: Literal["problem", "note"]
    """A problem keeps something from working; a note says what cannot be expected."""
    text: str


def doctor(settings: AgentSettings, out: TextIO) -> bool:
    """Look at a gateway's settings and reach for its readers.

    Args:
        settings: The agent's.
        out: Gets a line per finding.

    Returns:
        True if nothing keeps it from working.
    """
    findings = [*about_settings(settings), *about_readers(settings)]
    for finding in findings:
        print(f"{finding.weight:7}  {finding.text}", file=out)
    if not findings:
        print("all is well", file=out)
    return all(finding.weight != "problem" for finding in findings)


def about_settings(settings: AgentSettings) -> Iterator[Finding]:
    """Judge settings, without asking anybody.

    Args:
        settings: The agent's.

    Yields:
        Findings, door by door.
    """
    for portal in settings.portal:
        yield from _about_portal(portal, is_alone=len(settings.portal) == 1)
    named = {port.partition(":")[0] for portal in settings.portal for port in portal.ports}
    for reader in settings.reader:
        if reader.id not in named:
            yield Finding("note", f"reader {reader.id!r}: no [[portal]] names it, so its reads mean nothing")
    if settings.clock == "assumed":
        yield Finding("note", 'clock = "assumed": nobody checks that the wall clock is synchronised')


def about_readers(settings: AgentSettings) -> Iterator[Finding]:
    """Reach for every reader.

    Args:
        settings: The agent's.

    Yields:
        A problem for each that does not answer.
    """
    for reader in settings.reader:
        host, port = reader.address
        try:
            socket.create_connection((host, port), timeout=CONNECT_S).close()
        except OSError as error:
            yield Finding("problem", f"reader {reader.id!r}: {host}:{port} does not answer: {error}")


def _about_portal(portal: Portal, *, is_alone: bool) -> Iterator[Finding]:
    name = f"portal {portal.id!r}"
    if not portal.is_two_sided and not portal.beam_ports:
        yield Finding(
            "note" if portal.may_follow_assignment else "problem",
            f"{name}: one plane of antennas without beams cannot tell in from out. "
            + (
                f"A single open visit lends its direction, never surer than {ASSIGNED_AT_MOST:.2f}: "
                f"with post_at = {portal.post_at} "
                + ("a person confirms each crossing." if portal.post_at > ASSIGNED_AT_MOST else "it posts.")
                if portal.may_follow_assignment
                else "Every crossing will be undecided."
            ),
        )
    for side in ("inside", "outside"):
        if portal.is_two_sided and len(getattr(portal, side)) == 1:
            yield Finding("note", f"{name}: one antenna {side}; two hear a label that looks away from one")
    if not is_alone and not portal.neighbours:
        yield Finding("note", f"{name}: no neighbours named, so a tag of the next door is not told apart")
    if not portal.outside_location.startswith(VIRTUAL_PREFIX):
        yield Finding(
            "note",
            f"{name}: outside_location = {portal.outside_location!r} is a place of the site; "
            f"a door to a vehicle wants a clearing account, as '@clearing/{portal.id}'",
        )
    if portal.feedback is None:
        yield Finding("note", f"{name}: no feedback, so nobody at the door is told of a wrong unit")
    if portal.mode == "shadow":
        yield Finding("note", f"{name}: mode = 'shadow', it posts nothing")
    if portal.posting_source == "handheld":
        yield Finding("note", f"{name}: posting_source = 'handheld', it only confirms what is scanned")
