"""A source of demand as values: what it is, what it may be, when it is asked again; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from cloud.demand.domain import READERS, DemandError
from cloud.identity.actor import Role
from contracts.base import is_valid_id

ADDERS: Final = (Role.ADMIN,)
"""Who may say where demand is fetched from: a source sends a secret to an address."""
KEEPERS: Final = (Role.ADMIN, Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.PLANNER)
"""Who may pause, resume, pull and back-fill one."""
VIEWERS: Final = (*READERS, Role.ADMIN)

MOST_ROWS: Final = 5000
"""Of one page."""
MOST_MINUTES: Final = 7 * 24 * 60
FIRST_WAIT: Final = timedelta(minutes=1)
LONGEST_WAIT: Final = timedelta(hours=6)
FAILURES_UNTIL_TICKET: Final = 3
"""Failures in a row that a person should hear of."""
SKIP: Final = "skip"
"""What a word of the source may mean beside a `Kind`: the row is no demand."""
TAKEN_BACK_AT: Final = "taken_back_at"
"""A field beside the columns of a file: when a row was cancelled or returned."""
_MOST_URL: Final = 2000
_ENVIRONMENT: Final = re.compile(r"env:DEMAND_SOURCE_(?P<site>[A-Z0-9_]{1,64})__[A-Z0-9]+(_[A-Z0-9]+)*")
"""The last two underscores in a row end the site: whoever adds a source names no other site's secret."""
_FILE: Final = re.compile(r"file:[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


class SourceKind(StrEnum):
    """How its lines come."""

    REST = "rest"
    DROP = "drop"
    PUSH = "push"
    ORDERS = "orders"
    """Outbound orders that are registered here."""
    MQTT = "mqtt"
    """Published at the broker."""

    @property
    def is_pulled(self) -> bool:
        """Whether it is asked; others come by themselves."""
        return self not in {SourceKind.PUSH, SourceKind.MQTT}


class SourceState(StrEnum):
    """Whether it is pulled."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By a person."""
    STOPPED = "stopped"
    """By what it said: a person must look."""


class SourceError(DemandError):
    """A wrong wish about a source; the message names value and expectation."""


class UnknownSourceError(SourceError):
    """The actor's sites hold no such source."""


class TakenSourceError(SourceError):
    """The site has another source of that name."""


class UnverifiedEventError(Exception):
    """An event that no source of ours signed just now; which of it is wrong is not told."""


class FaultyPageError(DemandError):
    """What a source said cannot be read; asking again will not help."""


class SourceAwayError(Exception):
    """A source does not answer, or not now; asking later may help."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        """Keep when it wants to be asked again.

        Args:
            message: What happened.
            retry_after: What it asked for; None: nothing.
        """
        super().__init__(message)
        self.retry_after = retry_after


class OvertakenError(Exception):
    """Somebody paused or back-filled the source, or pulls it too: what was read meanwhile is not stored."""


Path = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
Word = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class SourceSettings(BaseModel):
    """How a source is asked, and what its words mean; what is not for its kind is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: Path = Field(
        default="", description="Where the list of rows is, as `data.orders`; empty: at the top"
    )
    lines: Path | None = Field(
        default=None,
        description="Where a row's list of lines is; `..id` is then the row's, `...id` the page's",
    )
    fields: dict[Word, Path] = Field(
        default_factory=dict, description="Column of a demand file: where its value is"
    )
    constants: dict[Word, Word] = Field(default_factory=dict, description="Column: the value of every line")
    kinds: dict[Word, Literal["requested", "cancelled", "returned", "skip"]] = Field(
        default_factory=dict, description="Word of the source in `kind`: what it means"
    )
    zeros: Literal["refused", "skip"] = Field(
        default="refused",
        description="A row of quantity 0: `skip` takes it for nothing said, so what was requested stays",
    )
    cursor_parameter: Word | None = Field(default=None, description="Query parameter that carries the cursor")
    cursor_path: Path | None = Field(default=None, description="Where the answer tells the next cursor")
    watermark: Path | None = Field(
        default=None, description="Where a row tells when it last changed; rows come in its order"
    )
    overlap_s: int = Field(
        default=60, ge=0, le=86_400, description="How far before the watermark a pull begins"
    )
    from_parameter: Word | None = Field(default=None, description="Query parameter of a back-fill's begin")
    next_path: Path | None = Field(
        default=None, description="Where the answer tells the next page's URL; `Link`: in that header"
    )
    page_parameter: Word | None = Field(default=None, description="Query parameter that numbers pages from 1")
    page_size_parameter: Word | None = None
    page_size: int = Field(default=500, ge=1, le=MOST_ROWS)
    secret_header: Word = Field(default="Authorization", description="Header that carries the secret")
    secret_prefix: str = Field(default="Bearer ", max_length=32, pattern=r"^[\x20-\x7e]*$")
    encoding: Literal["utf-8", "windows-1252"] = "utf-8"
    decimal_comma: bool = False
    decimal_point: bool = Field(default=False, description="1.500 is 1.5, also in a file of semicolons")
    dates: Literal["ymd", "dmy", "mdy"] = "ymd"
    local_times: bool = False
    twice: Literal["first", "second"] | None = None
    new_items: bool = False


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source as it is asked for."""

    site: str
    name: str
    kind: SourceKind
    address: str | None
    settings: SourceSettings
    secret_from: str | None
    every_minutes: int
    from_at: datetime | None = None
    """Demand from then on is asked for; None: all there is."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it stands."""

    source_id: int
    site: str
    name: str
    kind: str
    address: str | None
    """URL of a REST source, path of a folder."""
    settings: Mapping[str, Any]
    secret_from: str | None
    """``env:NAME`` or ``file:NAME``, never the secret."""
    every_minutes: int
    state: str
    stopped_because: str | None
    cursor: str | None
    from_at: datetime | None
    page_sha256: str | None
    revision: int
    due_at: datetime
    failures: int
    """In a row."""
    pulled_at: datetime | None
    lines: int
    """New and corrected ones so far."""
    last_error: str | None
    recorded_at: datetime
    recorded_by: str

    @property
    def how(self) -> SourceSettings:
        """How it is asked, and what its words mean."""
        return SourceSettings.model_validate(self.settings)


def wait_after(failures: int, every: timedelta, asked: timedelta | None = None) -> timedelta:
    """Say how long to wait after a failure.

    Args:
        failures: In a row; > 0.
        every: How often it is pulled when all is well.
        asked: What the source asked for, if it did.

    Returns:
        Twice as long each time, up to six hours or its own interval; what was asked for if that is longer.

    Examples:
        >>> [str(wait_after(n, timedelta(minutes=5))) for n in (1, 2, 4, 20)]
        ['0:01:00', '0:02:00', '0:08:00', '6:00:00']
    """
    longest = max(LONGEST_WAIT, every)
    wait = min(FIRST_WAIT * (1 << min(failures - 1, 16)), longest)
    return max(wait, min(asked or timedelta(), longest))


def secret_faults(site: str, secret_from: str) -> list[str]:
    """Find what of a secret's name cannot be: it is of the source's own site.

    Args:
        site: Site id.
        secret_from: Where its secret is.

    Returns:
        Value and expectation of each fault.

    Examples:
        >>> secret_faults("york-2", "env:DEMAND_SOURCE_YORK_2__SHOP"), secret_faults("york-2", "file:shop")
        ([], [])
    """
    spelled = site.upper().replace("-", "_")
    found = _ENVIRONMENT.fullmatch(secret_from)
    if (found is not None and found["site"] == spelled) or _FILE.fullmatch(secret_from):
        return []
    expected = f"env:DEMAND_SOURCE_{spelled}__NAME or file:NAME, never the secret itself"
    return [f"secret_from {secret_from!r:.120}: expected {expected}"]


def faults_of(wished: NewSource) -> list[str]:
    """Find what of a source cannot be.

    Args:
        wished: It.

    Returns:
        Value and expectation of each fault.
    """
    faults = []
    if not is_valid_id(wished.name):
        faults.append(f"name {wished.name!r:.80}: expected 1-64 of A-Z a-z 0-9 _ -")
    if not 1 <= wished.every_minutes <= MOST_MINUTES:
        faults.append(f"every_minutes {wished.every_minutes}: expected 1 to {MOST_MINUTES}")
    if wished.secret_from is not None:
        faults += secret_faults(wished.site, wished.secret_from)
    kind = {
        SourceKind.REST: _rest_faults,
        SourceKind.DROP: _drop_faults,
        SourceKind.PUSH: _push_faults,
        SourceKind.ORDERS: _orders_faults,
        SourceKind.MQTT: _mqtt_faults,
    }
    return [*faults, *kind[wished.kind](wished), *_word_faults(wished.settings)]


def _rest_faults(wished: NewSource) -> list[str]:
    how = wished.settings
    faults = _url_faults(wished.address or "")
    if how.cursor_parameter is None:
        faults.append("cursor_parameter: expected the query parameter that carries the cursor")
    if (how.cursor_path is None) == (how.watermark is None):
        faults.append("cursor_path and watermark: expected one of them: where the next cursor is")
    if how.next_path is not None and how.page_parameter is not None:
        faults.append("next_path and page_parameter: expected at most one of them")
    if how.cursor_path is not None and (how.next_path is not None or how.page_parameter is not None):
        faults.append(
            "cursor_path: the next cursor is the next page; expected no next_path or page_parameter"
        )
    if how.watermark is not None and how.page_size_parameter and not (how.next_path or how.page_parameter):
        faults.append("page_size_parameter: expected next_path or page_parameter too, or rows are missed")
    if wished.from_at is not None and how.cursor_path is not None and how.from_parameter is None:
        faults.append("from: this source's cursor is its own word; expected a from_parameter for a date")
    if _HEADER.fullmatch(how.secret_header) is None:
        faults.append(f"secret_header {how.secret_header!r}: expected a header's name, like X-API-Key")
    return faults


def _drop_faults(wished: NewSource) -> list[str]:
    faults = []
    if not (wished.address or "").startswith("/") or not (wished.address or "").isprintable():
        faults.append(f"folder {wished.address!r:.200}: expected an absolute path")
    if wished.secret_from is not None:
        faults.append("secret_from: a folder needs none")
    if wished.from_at is not None:
        faults.append("from: a folder's files say what they hold; expected none")
    columns = "files have the columns of `dockledger demand import`; expected none"
    words = ("rows", "lines", "fields", "constants", "kinds", *_ASKING)
    return [*faults, *(f"{name}: {columns}" for name in words if getattr(wished.settings, name))]


def _push_faults(wished: NewSource) -> list[str]:
    faults = []
    if wished.address is not None:
        faults.append(f"address {wished.address!r:.80}: a shop that pushes has none")
    if wished.secret_from is None:
        faults.append("secret_from: expected where the secret is that signs its events")
    if wished.from_at is not None:
        faults.append("from: a shop that pushes is not asked; expected none")
    asked = "a shop that pushes is not asked; expected none"
    return [*faults, *(f"{name}: {asked}" for name in _ASKING if getattr(wished.settings, name))]


def _orders_faults(wished: NewSource) -> list[str]:
    faults = []
    if wished.address is not None or wished.secret_from is not None:
        faults.append("address and secret_from: outbound orders are registered here; expected neither")
    words = ("rows", "lines", "fields", "kinds", *_ASKING)
    told = "outbound orders say it themselves; expected none"
    faults += [f"{name}: {told}" for name in words if getattr(wished.settings, name)]
    if wished.settings.constants.keys() - {"channel"}:
        faults.append("constants: expected channel at most")
    return faults


def _mqtt_faults(wished: NewSource) -> list[str]:
    faults = []
    if wished.address is not None or wished.secret_from is not None:
        faults.append("address and secret_from: the broker knows who publishes; expected neither")
    if wished.from_at is not None:
        faults.append("from: who publishes is not asked; expected none")
    told = "who publishes is not asked; expected none"
    faults += [f"{name}: {told}" for name in _ASKING if getattr(wished.settings, name)]
    if not wished.settings.fields:
        own = "messages without fields are as contracts/schemas/demand_lines says; expected none"
        words = [name for name in ("rows", "lines", "kinds") if getattr(wished.settings, name)]
        faults += [f"{name}: {own}" for name in words]
        if wished.settings.constants.keys() - {"channel"}:
            faults.append("constants: expected channel at most, for messages without fields")
    return faults


_ASKING: Final = (
    "cursor_parameter",
    "cursor_path",
    "watermark",
    "from_parameter",
    "next_path",
    "page_parameter",
    "page_size_parameter",
)


def _word_faults(how: SourceSettings) -> list[str]:
    faults = []
    if how.zeros != "refused" and "quantity" not in how.fields:
        faults.append("zeros: expected fields to say where `quantity` is")
    if how.kinds and "kind" not in how.fields:
        faults.append("kinds: expected fields to say where `kind` is")
    if how.kinds and "of_document" in how.fields:
        faults.append("kinds: expected no of_document too; a row that was cancelled names its own request")
    faults += [
        f"{name}: every line is of the source's own site and name; expected no {name!r}"
        for name in ("site", "source")
        if name in how.fields or name in how.constants
    ]
    if both := sorted(how.fields.keys() & how.constants.keys()):
        faults.append(f"{', '.join(both)}: expected in fields or in constants, not in both")
    if TAKEN_BACK_AT in how.fields and not how.kinds:
        faults.append(f"{TAKEN_BACK_AT}: expected kinds with it")
    return faults


def _url_faults(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return [f"url {url!r:.100}: {error}"]
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return [f"url {url!r:.100}: expected https://host/path, or http inside the house"]
    if parts.username is not None or parts.fragment or port == 0 or len(url) > _MOST_URL:
        return [f"url {url!r:.100}: expected no user, no fragment, a port, at most {_MOST_URL} characters"]
    if not url.isascii() or not url.isprintable() or " " in url:
        return [f"url {url!r:.100}: expected ASCII without spaces"]
    return []
