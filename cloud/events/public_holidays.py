"""Public holidays of a site, by the `holidays` package, which is imported only here."""

from datetime import UTC, date, datetime, time, timedelta
from types import ModuleType
from typing import Final, NamedTuple

from cloud.db import Connection
from cloud.events import service, store
from cloud.events.domain import AUTHORS, EventError, Kind, UnknownEventError
from cloud.events.papers import EventPaper
from cloud.events.service import Stated
from cloud.identity.actor import Actor
from cloud.identity.store import act_as

KNOWN_BEFORE: Final = timedelta(days=365)
"""A law's holidays are known at least so long before."""
MOST_YEARS: Final = 10
FIRST_YEAR, LAST_YEAR = 2000, 2100


class Region(NamedTuple):
    """Where a site lies, as holidays need it."""

    country: str | None
    region: str | None


def region_of(conn: Connection, actor: Actor, site: str) -> Region:
    """Tell where a site lies.

    Args:
        conn: In a transaction.
        actor: A planner, buyer or inventory controller of the site.
        site: Site id.

    Returns:
        Country and region, None where not stated.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownEventError: If there is no such site.
    """
    actor.require(*AUTHORS, site=site)
    act_as(conn, actor)
    found = store.tuples(conn, "known_site", site=site)
    if not found:
        raise UnknownEventError(f"there is no site {site!r}")
    return Region(found[0][1], found[0][2])


def set_region(conn: Connection, actor: Actor, site: str, wished: Region) -> bool:
    """Say where a site lies.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner, buyer or inventory controller of the site.
        site: Site id.
        wished: Country and region.

    Returns:
        Whether anything changed.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownEventError: If there is no such site.
        EventError: If the package knows no such country or region.
    """
    before = region_of(conn, actor, site)
    if wished.country is not None:
        _check(wished.country, wished.region)
    elif wished.region is not None:
        raise EventError(f"region {wished.region!r:.20}: expected a country with it")
    if before == wished:
        return False
    store.change(conn, "put_region", site=site, country=wished.country, region=wished.region)
    detail: dict[str, object] = {"before": before._asdict(), "after": wished._asdict()}
    store.audit(conn, actor.id, "site_region_set", f"site:{site}", site=site, detail=detail)
    return True


def add_holidays(
    conn: Connection, actor: Actor, site: str, *, first_year: int, last_year: int, now: datetime
) -> Stated:
    """State the public holidays of a site's country and region; again, it changes nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: A planner, buyer or inventory controller of the site.
        site: Site id.
        first_year: First year.
        last_year: Last year.
        now: The present.

    Returns:
        How many were new, were corrected, and were known.

    Raises:
        EventError: If the site's country is not stated, or the years cannot be.
    """
    where = region_of(conn, actor, site)
    if where.country is None:
        raise EventError(
            f"site {site!r} states no country: set it first, as with "
            f"`dockledger forecast events holidays --site {site} --country GB --region ENG`"
        )
    if not FIRST_YEAR <= first_year <= last_year <= LAST_YEAR or last_year - first_year >= MOST_YEARS:
        raise EventError(
            f"years {first_year} to {last_year}: expected {FIRST_YEAR} to {LAST_YEAR}, at most {MOST_YEARS}"
        )
    days = holidays_of(where.country, where.region, first_year, last_year)
    source = f"holidays:{where.country.lower()}" + (f".{where.region.lower()}" if where.region else "")
    papers = (
        EventPaper(
            site=site,
            from_day=day,
            to_day=day,
            kind=Kind.HOLIDAY,
            name=name,
            known_at=min(datetime.combine(day, time(), UTC) - KNOWN_BEFORE, now),
            source=source,
            reference=f"{site}/{day}/{name}"[:200],
        )
        for day, name in days
    )
    return service.add_all(conn, actor, papers, now=now)


def holidays_of(country: str, region: str | None, first_year: int, last_year: int) -> list[tuple[date, str]]:
    """List public holidays.

    Args:
        country: ISO 3166-1 alpha-2.
        region: As the package names it; None: those of the whole country.
        first_year: First year.
        last_year: Last year.

    Returns:
        Day and English name of each, by day; several on a day each by itself.

    Raises:
        EventError: If the package knows no such country or region.
    """
    _check(country, region)
    years = range(first_year, last_year + 1)
    found = _package().country_holidays(country, subdiv=region, years=years, language=_language(country))
    return sorted({(day, name.strip()) for day in found for name in found.get_list(day) if name.strip()})


def _check(country: str, region: str | None) -> None:
    known = _package().list_supported_countries(include_aliases=False)
    if country not in known:
        raise EventError(
            f"country {country!r:.20}: expected one of the {len(known)} that public holidays are known of, "
            "by its two letters, as GB, DE or US"
        )
    if region is not None and region not in known[country]:
        told = ", ".join(known[country]) or "none"
        raise EventError(f"region {region!r:.20} of {country}: expected one of {told}")


def _language(country: str) -> str | None:
    """English where the package has it, else the country's own."""
    known = _package().list_localized_countries().get(country, [])
    return next((one for one in ("en_GB", "en_US") if one in known), None)


def _package() -> ModuleType:
    try:
        import holidays  # noqa: PLC0415  an extra, and slow to load
    except ImportError as error:
        raise EventError(
            "public holidays need the package `holidays`: install the extra with `pip install "
            "'dockledger[forecast]'`, or import them from a file"
        ) from error
    return holidays
