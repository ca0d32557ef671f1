"""Templates and what they share: times in a site's zone, quantities, ages, links to static files."""

import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from cloud.identity.gate import Visitor
from cloud.web.approval_words import money
from cloud.web.crossing_words import because
from cloud.web.files import file_links
from cloud.web.instants import age
from cloud.web.names import gateway, person, tag
from cloud.web.radiogram import radiogram
from cloud.web.sparkline import sparkline
from contracts.base import epoch_from_int

AREAS: Final = (
    (
        "Floor",
        (
            ("/live", "Live"),
            ("/doors", "Doors"),
            ("/dock-exceptions", "Dock exceptions"),
            ("/quarantine", "Quarantine"),
            ("/gateways", "Gateways"),
            ("/labels", "Labels"),
        ),
    ),
    (
        "Dock",
        (
            ("/receiving", "Receiving"),
            ("/inspection", "Inspection"),
            ("/returns", "Returns"),
            ("/picking", "Picking"),
            ("/shipping", "Shipping"),
            ("/transfers", "Transfers"),
        ),
    ),
    (
        "Stock",
        (
            ("/stock", "Stock"),
            ("/units", "Units"),
            ("/availability", "Available"),
            ("/lots", "Lot and recall"),
            ("/recipes", "Recipes"),
            ("/transformations", "Kits and repacks"),
            ("/expiring", "Expiring"),
            ("/counts", "Counts"),
            ("/variances", "Variances and alerts"),
            ("/periods", "Periods"),
        ),
    ),
    (
        "Planning",
        (
            ("/forecast", "Forecast"),
            ("/demand", "Demand"),
            ("/events", "Events"),
            ("/overrides", "Overrides"),
            ("/accuracy", "Accuracy"),
            ("/models", "Models"),
            ("/proposals", "Proposals"),
            ("/orders", "Orders"),
        ),
    ),
    ("Decisions", (("/approvals", "Approvals"), ("/tickets", "Tickets"), ("/runs", "Runs"))),
)
"""The pages by what they are about; the name of an area leads to its first page."""

_HOUR: Final = 60
_DAY: Final = 24 * 60
"""In minutes."""
_FORMS: Final = {"clock": "%H:%M:%S", "zone": "%Z", "short": "%d %b %H:%M:%S", "full": "%Y-%m-%d %H:%M:%S %Z"}


@cache
def zone_of(name: str) -> ZoneInfo:
    """Find a site's time zone; one that this machine does not know reads as UTC.

    Args:
        name: IANA name.

    Returns:
        The zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def quantity(value: Decimal, signed: bool = False) -> str:  # noqa: FBT001, FBT002  a template filter
    """Write a quantity: thousands apart, no trailing zeros, a true minus sign.

    Args:
        value: Any quantity.
        signed: Whether a plus is written.

    Returns:
        The text.

    Examples:
        >>> quantity(Decimal("12500.000000")), quantity(Decimal("2"), signed=True)
        ('12,500', '+2')
    """
    text = f"{abs(value):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign = "−" if value < 0 else "+" if signed and value > 0 else ""  # noqa: RUF001  typographic minus
    return f"{sign}{text}"


def _hours(span: timedelta) -> str:
    """Write how long something took: in minutes below an hour, in days above two."""
    minutes = span.total_seconds() / 60
    if minutes < _HOUR:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 2 * _DAY else f"{minutes / _DAY:.1f} days"


def _instant(at: datetime, zone: str, form: str = "short") -> str:
    return at.astimezone(zone_of(zone)).strftime(_FORMS[form])


def _moment(text: str, zone: str) -> str:
    """Write an instant that stands in JSON."""
    return _instant(datetime.fromisoformat(text), zone, "full")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


@cache
def static_url(name: str) -> str:
    """Give the address of a static file, which changes with its content.

    Args:
        name: File name.

    Returns:
        The path with a version.
    """
    content = files("cloud.web").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cloud.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        instant=_instant,
        utc=_utc,
        iso=datetime.isoformat,
        qty=quantity,
        hours=_hours,
        age=age,
        sparkline=sparkline,
        radiogram=radiogram,
        because=because,
        moment=_moment,
        person=person,
        gateway=gateway,
        tag=tag,
        money=money,
        epoch=epoch_from_int,
    )
    environment.globals.update(static=static_url, files=file_links)
    return environment


_TEMPLATES: Final = _environment()


def fragment(template: str, **content: Any) -> str:
    """Render a part of a page.

    Args:
        template: File name.
        **content: What the template names.

    Returns:
        HTML.
    """
    return _TEMPLATES.get_template(template).render(content)


def bare_page(request: Request, template: str, *, status: int = 200, **content: Any) -> HTMLResponse:
    """Render a page for somebody who is not logged in.

    Args:
        request: The request.
        template: File name.
        status: HTTP status.
        **content: What the template names.

    Returns:
        The response, not to be stored.
    """
    html = fragment(template, network=request.app.state.network, **content)
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})


def page(
    request: Request, visitor: Visitor, template: str, *, tab: str, status: int = 200, **content: Any
) -> HTMLResponse:
    """Render a page in its frame.

    Args:
        request: The request.
        visitor: Who looks.
        template: File name.
        tab: Path of the tab to mark as current.
        status: HTTP status.
        **content: What the template names.

    Returns:
        The response, not to be stored by anybody in between.
    """
    return bare_page(
        request,
        template,
        status=status,
        areas=AREAS,
        tab=tab,
        who=visitor.actor.id.partition(":")[2],
        roles=", ".join(sorted(visitor.actor.roles_anywhere)),
        csrf=visitor.csrf_token,
        **content,
    )
