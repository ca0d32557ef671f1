"""What can be said of doors from settings alone, without asking anybody."""

from collections.abc import Iterator

from contracts.vocabulary import VIRTUAL_PREFIX
from edge_agent.config.settings import AgentSettings
from edge_agent.doctor.finding import Finding, note, problem
from edge_agent.doors.belonging import ASSIGNED_AT_MOST
from edge_agent.filters.site import Portal


def about_settings(settings: AgentSettings) -> Iterator[Finding]:
    """Judge settings, without asking anybody.

    Args:
        settings: The agent's.

    Yields:
        Findings, door by door.
    """
    for portal in settings.portal:
        yield from _about_portal(portal, is_alone=len(settings.portal) == 1)
    ports = [port for portal in settings.portal for port in portal.ports]
    ports += [port for zone in settings.zone for port in zone.antennas]
    named = {port.partition(":")[0] for port in ports}
    for reader in settings.readers:
        if reader.id not in named:
            yield note(
                f"reader {reader.id}",
                "no [[portal]] names it, so its reads mean nothing",
                "name its antennas in a [[portal]], or take it out",
            )


def _about_portal(portal: Portal, *, is_alone: bool) -> Iterator[Finding]:
    subject = f"portal {portal.id}"
    if not portal.is_two_sided and not portal.beam_ports:
        yield _about_one_plane(portal, subject)
    for side in ("inside", "outside"):
        if portal.is_two_sided and len(getattr(portal, side)) == 1:
            yield note(
                subject,
                f"one antenna {side}",
                "a second one hears the label that looks away from the first",
            )
    if not is_alone and not portal.neighbours:
        yield note(
            subject,
            "no neighbours are named, so a tag of the next door is not told apart",
            "neighbours = [...] with the doors beside it",
        )
    if not portal.outside_location.startswith(VIRTUAL_PREFIX):
        yield note(
            subject,
            f"outside_location = {portal.outside_location!r} is a place of the site",
            f"a door to a vehicle wants a clearing account, as '@clearing/{portal.id}'",
        )
    if portal.feedback is None:
        yield note(
            subject,
            "no feedback, so nobody at the door is told of a wrong unit",
            "feedback = { ok_gpo = 1, wrong_gpo = 2 } with a lamp on the reader's outputs",
        )
    if portal.mode == "shadow":
        yield note(subject, "mode = 'shadow', it posts nothing", "mode = 'live' once its figures are trusted")
    if portal.posting_source == "handheld":
        yield note(subject, "posting_source = 'handheld', it only confirms what is scanned")


def _about_one_plane(portal: Portal, subject: str) -> Finding:
    blind = "one plane of antennas without beams cannot tell in from out. "
    mend = "mount antennas on two sides, or a pair of light beams: beams = [outer, inner]"
    if not portal.may_follow_assignment:
        return problem(subject, f"{blind}Every crossing will be undecided", mend)
    lent = (
        "a person confirms each crossing"
        if portal.post_at > ASSIGNED_AT_MOST
        else "it posts what that direction says"
    )
    return note(
        subject,
        f"{blind}A single open visit lends its direction, never surer than {ASSIGNED_AT_MOST:.2f}: "
        f"with post_at = {portal.post_at} {lent}",
        mend,
    )
