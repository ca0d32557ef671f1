"""The two clocks of a form: what had occurred by an instant, as the ledger knew it then or at a position."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.inquiry import past
from cloud.inquiry.domain import GREATEST, SiteRow
from cloud.inquiry.past import FOREVER, Moment
from cloud.web.instants import InstantError, instant_of, wall_clock
from cloud.web.rendering import zone_of

_NAMES: Final = ("site", "as_of", "known_at", "position")


@dataclass(frozen=True, slots=True)
class MomentForm:
    """A moment as it was typed, and as it reads."""

    site: str
    as_of: str
    """On the wall clock of the site asked for, or of the first of several."""
    known_at: str
    """As `as_of`: what had been recorded by then; empty if a position says so."""
    position: str
    zone: str
    until_at: datetime | None
    """None: everything that occurred."""
    until_position: int | None
    """None: everything that was posted."""
    problem: str = ""

    @property
    def moment(self) -> Moment:
        """The same for a question to the past."""
        return Moment(
            FOREVER if self.until_at is None else self.until_at,
            GREATEST if self.until_position is None else self.until_position,
        )

    @property
    def asked(self) -> dict[str, str]:
        """What was typed and is not empty, by the fields' names."""
        return {name: str(getattr(self, name)) for name in _NAMES if getattr(self, name)}


def moment_form(
    conn: Connection,
    actor: Actor,
    sites: Sequence[SiteRow],
    *,
    site: str,
    as_of: str,
    known_at: str,
    position: str,
) -> MomentForm:
    """Read the fields of a moment; an instant that does not exist is told and left out.

    Args:
        conn: In a transaction.
        actor: Who asks.
        sites: Those within the actor's reach.
        site: Site id, or empty for all.
        as_of: A ``datetime-local`` value on the site's wall clock, or an instant with offset.
        known_at: As `as_of`.
        position: Digits, or empty; if there are any, `known_at` is not looked at.

    Returns:
        The form.

    Raises:
        NotAllowedError: If the actor may not see stock.
    """
    zones = {row.site: row.time_zone for row in sites}
    zone = zones.get(site) or (sites[0].time_zone if sites else "UTC")
    problems = []
    read: dict[str, datetime | None] = {}
    for name, text in (("as_of", as_of), ("known_at", "" if position else known_at)):
        read[name] = None
        if text:
            try:
                read[name] = instant_of(text, zone_of(zone))
            except InstantError as error:
                problems.append(f"{error}.")
    until_position = min(int(position), GREATEST) if position else None
    if read["known_at"] is not None:
        until_position = past.position_at(conn, actor, recorded_at=read["known_at"])
    return MomentForm(
        site,
        _typed(read["as_of"], zone),
        _typed(read["known_at"], zone),
        position,
        zone,
        read["as_of"],
        until_position,
        " ".join(problems),
    )


def _typed(instant: datetime | None, zone: str) -> str:
    return "" if instant is None else wall_clock(instant, zone_of(zone))
