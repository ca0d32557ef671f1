"""Instants for people: a site's wall clock in, UTC out, and back as texts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class InstantError(ValueError):
    """A date and time that names no instant at the site."""


def instant_of(local: str, zone: ZoneInfo) -> datetime:
    """Read the value of a ``datetime-local`` input as an instant at a site.

    A time that the clocks passed twice in autumn is its first; one they skipped in spring does not exist.

    Args:
        local: ``2026-11-23T14:05``, with seconds or without; or an instant with an offset.
        zone: The site's time zone.

    Returns:
        The instant, in UTC.

    Raises:
        InstantError: If the text is not a time, or the clocks skipped it.

    Examples:
        >>> instant_of("2026-07-01T14:05", ZoneInfo("Europe/Madrid")).isoformat()
        '2026-07-01T12:05:00+00:00'
    """
    try:
        written = datetime.fromisoformat(local)
    except ValueError as error:
        raise InstantError(f"{local!r} is not a date and time, expected 2026-11-23T14:05") from error
    try:
        instant = (written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC)
        back = instant.astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:
        raise InstantError(f"{local!r} lies outside the calendar") from error
    if written.tzinfo is None and back != written:
        raise InstantError(f"{local!r} does not exist in {zone.key}: the clocks skipped that hour")
    return instant


def moved_to(local: str, zone: ZoneInfo, before: datetime | None) -> datetime:
    """Read the value of a ``datetime-local`` input that showed an instant.

    Args:
        local: As `instant_of` reads it.
        zone: The site's time zone.
        before: What it showed; None: nothing.

    Returns:
        That instant to its microsecond, in whichever pass of an autumn hour, where the value is still what
        `wall_clock` made of it; else what `instant_of` reads.

    Raises:
        InstantError: If the text is not a time, or the clocks skipped it.
    """
    read = instant_of(local, zone)
    if before is None or datetime.fromisoformat(local).isoformat() != wall_clock(before, zone):
        return read
    return before


def wall_clock(instant: datetime, zone: ZoneInfo) -> str:
    """Write an instant as a ``datetime-local`` input wants it.

    Args:
        instant: Aware.
        zone: The site's time zone.

    Returns:
        ``2026-11-23T14:05:00``.
    """
    return instant.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat()


def age(span: timedelta) -> str:
    """Write how long ago something was, in its one or two largest units.

    Args:
        span: Any length; a negative one reads as none.

    Returns:
        The text.

    Examples:
        >>> [age(timedelta(seconds=s)) for s in (0.4, 75, 7_300, 200_000)]
        ['now', '1 min 15 s', '2 h 1 min', '2 d 7 h']
    """
    seconds = int(span.total_seconds())
    if seconds < 1:
        return "now"
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)
