"""What gateways need to print without the cloud: templates and serial references in, messages out (P10)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from pydantic import JsonValue

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection, in_transaction
from cloud.db.retry import Source
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.labels import store
from cloud.labels.cookbook import Cookbook, cookbook, fitting_recipes
from cloud.labels.domain import (
    BLOCK,
    BLOCKS_SENT,
    KEEPERS,
    LOW,
    MOST_BLOCK,
    READERS,
    SERIES_LOW,
    BlockRow,
    LabelWishError,
    TemplateRow,
    left_in_series,
    shipped,
)
from cloud.labels.pickable import fitting_lots, pickable_at, told_last
from contracts.base import SiteId
from contracts.labels import LabelKind
from contracts.offline import PickableItem, ReferenceSnapshot, SsccBlock

JOB = Actor("job:labels", frozenset({Role.DEVICE}), all_sites=True)
_NEWEST = 2**62
MOST_UNITS: Final = 3000
"""Those that moved last; a message also holds templates and recipes."""


class _Printing(NamedTuple):
    gateway: str
    site: str
    shelf: int
    sscc_left: int
    revision: int
    sent_revision: int | None
    last_shelf: int | None
    """Of the last block that was reserved for it."""

    @property
    def is_told(self) -> bool:
        """Whether it has what was sent last, so that what it says is left counts that too."""
        return self.last_shelf != self.shelf or self.revision >= (self.sent_revision or 0)


class _Reader(NamedTuple):
    """A gateway that gets reference data."""

    site: str
    gateway: str
    shelf: int | None
    """Of the labels that it prints; None: it has not said that it prints."""


def reserve(conn: Connection, actor: Actor, *, gateway: str, size: int = BLOCK, now: datetime) -> BlockRow:
    """Reserve serial references for a gateway, and send it them.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or admin of its site.
        gateway: The gateway.
        size: How many.
        now: The present.

    Returns:
        The block.

    Raises:
        NotAllowedError: If the actor may not.
        LabelWishError: If there is no such gateway, the size is out of range, or the series gives none.
    """
    actor.require(*KEEPERS)
    act_as(conn, actor.narrowed(*KEEPERS))
    return _reserve(conn, gateway, size, actor.id, now)


def blocks(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    gateway: str | None = None,
    before: int = _NEWEST,
    limit: int,
) -> list[BlockRow]:
    """List reserved serial references, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        gateway: Only of this one.
        before: The last block of the page before.
        limit: Most to give.

    Returns:
        The blocks.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    return store.rows(
        conn, BlockRow, "blocks", site=site, gateway=gateway, shelf=None, before=before, limit=limit
    )


def follow(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Give gateways that print a further block before the last is used up; tell people if there is none.

    Every gateway is told when there are other recipes, or plans of its site by them.

    Args:
        source: Where transactions come from.
        actor: The job.
        now: The present.

    Returns:
        How many blocks were reserved, and how many gateways were told of recipes.

    Raises:
        NotAllowedError: If somebody else asks.
    """
    actor.require(Role.DEVICE)
    told = in_transaction(source, partial(_tell_recipes, actor=actor, now=now))
    reserved = 0
    for each in in_transaction(source, lambda conn: _printing(conn, actor)):
        if each.sscc_left < LOW and each.is_told:
            reserved += in_transaction(source, partial(_follow_one, actor=actor, each=each, now=now))
    return {"reserved": reserved, "told": told}


def follow_stock(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Tell gateways with doors which units their site has, if these are others than they were told.

    What came since is known to the gateway that received it, and to doors by their visits.

    Args:
        source: Where transactions come from.
        actor: The job.
        now: The present.

    Returns:
        How many were told.

    Raises:
        NotAllowedError: If somebody else asks.
    """
    actor.require(Role.DEVICE)
    return {"told": in_transaction(source, partial(_tell_stock, actor=actor, now=now))}


def follow_lots(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Tell gateways with handhelds which lots could be picked at their site, if they were told of others.

    Whatever else they are told meanwhile says the same of lots.

    Args:
        source: Where transactions come from.
        actor: The job.
        now: The present.

    Returns:
        How many were told.

    Raises:
        NotAllowedError: If somebody else asks.
    """
    actor.require(Role.DEVICE)
    return {"told": in_transaction(source, partial(_tell_lots, actor=actor, now=now))}


def in_force(conn: Connection, site: str) -> list[TemplateRow]:
    """List a site's templates as they are in force.

    Args:
        conn: In a transaction that shows the site.
        site: Site id.

    Returns:
        By kind and name; of kinds that the site never changed, what ships.
    """
    own = {row.name: row for row in store.rows(conn, TemplateRow, "templates", site=site, name=None)}
    rows = {kind.value: shipped(site, kind) for kind in LabelKind} | own
    return sorted(rows.values(), key=lambda row: (row.kind, row.name))


def send_to_site(conn: Connection, site: str, *, sent_by: str, now: datetime) -> None:
    """Send a site's gateways that print what changed.

    Args:
        conn: In a transaction that has changed it.
        site: Site id.
        sent_by: Who changed it.
        now: The present.
    """
    known = cookbook(conn, site, now)
    for each in store.rows(conn, _Printing, "printing_gateways", site=site, gateway=None):
        _send(conn, _Reader(site, each.gateway, each.shelf), known, sent_by=sent_by, now=now)


def _printing(conn: Connection, actor: Actor) -> list[_Printing]:
    act_as(conn, actor)
    return store.rows(conn, _Printing, "printing_gateways", site=None, gateway=None)


def _follow_one(conn: Connection, *, actor: Actor, each: _Printing, now: datetime) -> int:
    act_as(conn, actor)
    key = f"sscc_series:{each.site}"
    try:
        _reserve(conn, each.gateway, BLOCK, actor.id, now)
    except LabelWishError as error:
        is_near = each.sscc_left < LOW // 5
        severity = Severity.CRITICAL if is_near else Severity.WARNING
        detail: dict[str, JsonValue] = {"gateway": each.gateway, "left": each.sscc_left}
        alerts.notice(conn, [Notice(key, "sscc_series_used_up", severity, f"{error}", each.site, detail)])
        return 0
    (series,) = store.tuples(conn, "series", site=each.site)
    left = left_in_series(series[0], series[2])
    if left < SERIES_LOW:
        text = f"Site {each.site} has {left} serial references of SSCCs left: set another series in time"
        alerts.notice(
            conn, [Notice(key, "sscc_series_low", Severity.WARNING, text, each.site, {"left": left})]
        )
    else:
        alerts.resolve(conn, [key])
    return 1


def _reserve(conn: Connection, gateway: str, size: int, actor: str, now: datetime) -> BlockRow:
    if not 1 <= size <= MOST_BLOCK:
        raise LabelWishError(f"block of {size}: expected 1 to {MOST_BLOCK} serial references")
    if not store.tuples(conn, "gateway_site", gateway=gateway):
        raise LabelWishError(f"there is no gateway {gateway!r:.80}")
    printing = store.row(conn, _Printing, "printing_gateways", site=None, gateway=gateway)
    if printing is None:
        raise LabelWishError(
            f"gateway {gateway!r} has not said that it prints: expected a [[printer]] in its settings, and a "
            "heartbeat"
        )
    site = printing.site
    made = store.row(conn, BlockRow, "reserve", gateway=gateway, shelf=printing.shelf, size=size, actor=actor)
    if made is None:
        series = store.tuples(conn, "series", site=site)
        if not series:
            raise LabelWishError(
                f"site {site!r} has no series of SSCCs: set its company prefix (`dockledger units series`)"
            )
        left = left_in_series(series[0][0], series[0][2])
        raise LabelWishError(
            f"site {site!r} has {left} serial references of company prefix {series[0][0]} left, expected "
            f"{size}: set the series on with another extension digit or prefix"
        )
    reader = _Reader(site, gateway, printing.shelf)
    _send(conn, reader, cookbook(conn, site, now), sent_by=actor, now=now)
    return made


def _tell_recipes(conn: Connection, *, actor: Actor, now: datetime) -> int:
    act_as(conn, actor)
    told = 0
    for (site,) in store.tuples(conn, "sites_of_gateways"):
        known = cookbook(conn, site, now)
        for reader in store.rows(conn, _Reader, "not_told", site=site, sha256=known.sha256):
            _send(conn, reader, known, sent_by=actor.id, now=now)
            told += 1
    return told


def _tell_stock(conn: Connection, *, actor: Actor, now: datetime) -> int:
    act_as(conn, actor)
    told = 0
    for (site,) in store.tuples(conn, "sites_of_doors"):
        units, known = _units_at(conn, site), cookbook(conn, site, now)
        for reader in store.rows(conn, _Reader, "gateways_of_doors", site=site):
            if _units_told(conn, reader.gateway) != units:
                _send(conn, reader, known, sent_by=actor.id, now=now)
                told += 1
    return told


def _tell_lots(conn: Connection, *, actor: Actor, now: datetime) -> int:
    act_as(conn, actor)
    told = 0
    for (site,) in store.tuples(conn, "sites_of_handhelds"):
        lots, known = pickable_at(conn, site, now), cookbook(conn, site, now)
        for reader in store.rows(conn, _Reader, "gateways_of_handhelds", site=site):
            message = _message(conn, reader, known, lots, now)
            if told_last(conn, reader.gateway) != list(message.pickable):
                _leave(conn, reader, message, sent_by=actor.id)
                told += 1
    return told


def _units_at(conn: Connection, site: str) -> list[str]:
    ((units,),) = store.tuples(conn, "units_known_at", site=site, limit=MOST_UNITS)
    return sorted(units)


def _units_told(conn: Connection, gateway: str) -> list[str]:
    said = store.tuples(conn, "units_told", gateway=gateway)
    return sorted(said[0][0]) if said else []


def _send(conn: Connection, to: _Reader, known: Cookbook, *, sent_by: str, now: datetime) -> None:
    """Send what changed; of lots what was told last, for all that could be picked is much to look at."""
    has_handhelds = store.tuples(conn, "has_handhelds", gateway=to.gateway)
    lots = told_last(conn, to.gateway) if has_handhelds else []
    _leave(conn, to, _message(conn, to, known, lots, now), sent_by=sent_by)


def _leave(conn: Connection, to: _Reader, message: ReferenceSnapshot, *, sent_by: str) -> None:
    """Leave a gateway's message for ingest to publish."""
    told = {"gateway": to.gateway, "revision": message.revision, "payload": message.model_dump_json()}
    store.change(conn, "send_reference", **told, actor=sent_by)


def _message(
    conn: Connection, to: _Reader, known: Cookbook, lots: Sequence[PickableItem], now: datetime
) -> ReferenceSnapshot:
    """Write what a gateway is to know; its revision grows even over a restored ledger.

    It is the instant, or one more than what was sent last, or than what the gateway says that it has: the
    clock may have been ahead then.
    """
    site, gateway = to.site, to.gateway
    store.tuples(conn, "lock_reference", gateway=gateway)
    ((last,),) = store.tuples(conn, "last_reference", gateway=gateway)
    revision = max(int(last) + 1, int(now.timestamp() * 1000))
    held: list[BlockRow] = []
    if to.shelf is not None:
        asked = {"site": site, "gateway": gateway, "shelf": to.shelf, "before": _NEWEST, "limit": BLOCKS_SENT}
        held = store.rows(conn, BlockRow, "blocks", **asked)
    message = ReferenceSnapshot(
        site=SiteId(site),
        revision=revision,
        issued_at=now,
        sscc_blocks=tuple(
            SsccBlock(
                company_prefix=each.company_prefix,
                extension_digit=each.extension_digit,
                first_serial=each.first_serial,
                last_serial=each.last_serial,
                shelf=to.shelf,
            )
            for each in reversed(held)
        ),
        label_templates=tuple(row.template for row in in_force(conn, site)),
        known_units=tuple(_units_at(conn, site)) if store.tuples(conn, "has_doors", gateway=gateway) else (),
        is_complete=False,
    )
    return fitting_lots(fitting_recipes(message, known), lots)
