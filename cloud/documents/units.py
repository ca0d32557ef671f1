"""SSCCs for goods that came without: a site's own serial references, each given out once (DOMAIN D4, D8)."""

from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import KEEPERS, DocumentError
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.sheets.fields import has_check_digit
from contracts.base import Site

_DIGITS: Final = 17
"""Of an SSCC without its check digit."""


class SeriesPaper(BaseModel):
    """Which SSCCs a site gives out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Site
    company_prefix: Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]
    extension_digit: Annotated[int, Field(strict=True, ge=0, le=9)] = 0
    first_serial: Annotated[int, Field(strict=True, ge=0, le=10**12)] = 1


class SeriesRow(NamedTuple):
    """A site's series as it stands."""

    site: str
    company_prefix: str
    extension_digit: int
    next_serial: int
    set_by: str
    set_at: datetime


def sscc_of(extension_digit: int, company_prefix: str, serial: int) -> str:
    """Form an SSCC (GS1 General Specifications 2.2.1, 7.9).

    Args:
        extension_digit: 0 to 9.
        company_prefix: 4 to 12 digits.
        serial: The serial reference; its digits fill the rest.

    Returns:
        18 digits, the check digit last.

    Raises:
        DocumentError: If the serial reference has more digits than are left.

    Examples:
        >>> sscc_of(3, "9521141", 123456789)
        '395211411234567893'
    """
    room = _DIGITS - 1 - len(company_prefix)
    digits = f"{extension_digit}{company_prefix}{serial:0{room}d}"
    if len(digits) != _DIGITS:
        raise DocumentError(
            f"serial reference {serial} of company prefix {company_prefix}: expected at most {room} digits; "
            "set the series on with another extension digit"
        )
    return digits + next(check for check in "0123456789" if has_check_digit(digits + check))


def put_series(conn: Connection, actor: Actor, paper: SeriesPaper) -> SeriesRow:
    """Say which SSCCs a site gives out from now on; within one series it only goes forward.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: The series.

    Returns:
        The series as it stands.

    Raises:
        NotAllowedError: If the actor may not.
        DocumentError: If the first serial has too many digits.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    sscc_of(paper.extension_digit, paper.company_prefix, paper.first_serial)
    changed = store.change(
        conn,
        "put_series",
        site=paper.site,
        prefix=paper.company_prefix,
        extension=paper.extension_digit,
        first=paper.first_serial,
        actor=actor.id,
    )
    if changed:
        detail = paper.model_dump(mode="json")
        audit(conn, actor.id, "sscc_series_set", f"site:{paper.site}", site=paper.site, detail=detail)
    return _series(conn, paper.site)


def issue(conn: Connection, *, site: str, count: int, receipt: str, actor: str) -> list[str]:
    """Give out SSCCs; whoever asks at the same time waits, and a transaction that fails gives none.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.
        count: How many; at least 1.
        receipt: The receipt that needs them.
        actor: Who asks.

    Returns:
        SSCCs that no unit of the network bears.

    Raises:
        DocumentError: If the site has no series, or it is used up.
    """
    made: list[str] = []
    while len(made) < count:
        taken = store.tuples(conn, "next_serials", site=site, count=count - len(made))
        if not taken:
            raise DocumentError(_no_series(site))
        ((prefix, extension, first),) = taken
        codes = [sscc_of(extension, prefix, first + step) for step in range(count - len(made))]
        known = {code for (code,) in store.tuples(conn, "units_known", codes=codes)}
        fresh = [code for code in codes if code not in known]
        added = store.tuples(
            conn, "add_issued", site=site, receipt=receipt, actor=actor, codes=fresh
        )  # what another site of the same prefix gave out is passed over
        made += sorted(code for (code,) in added)
    return made


def lacks_series(conn: Connection, site: str) -> str:
    """Say why no SSCC can be given out at a site.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        The reason; empty: there is a series, unless it is used up.
    """
    return "" if store.rows(conn, SeriesRow, "series", site=site) else _no_series(site)


def _no_series(site: str) -> str:
    return (
        f"site {site!r} has no series of SSCCs: set its company prefix "
        "(`dockledger units series`) before units are made here"
    )


def _series(conn: Connection, site: str) -> SeriesRow:
    (found,) = store.rows(conn, SeriesRow, "series", site=site)
    return found
