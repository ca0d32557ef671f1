"""Questions about lots: where each is, what was made of it, who got it.

Every function checks its actor and shows the actor's sites only, on a connection inside a transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple, TypeAlias

from cloud.db import Connection
from cloud.identity.actor import Actor
from cloud.identity.store import act_as
from cloud.lots import store
from cloud.lots.domain import READERS, HistoryRow, LotKey, LotRow, RecipientRow, StockRow, UnknownLotError
from cloud.lots.genealogy import Genealogy, Relative, trace

ExpiresBy: TypeAlias = Literal["stated", "label", "best_before", "shelf_life"]
LATEST: Final = (datetime.max.replace(tzinfo=UTC), 2**31 - 1, 2**63 - 1, 2**63 - 1)
"""Where a history begins: before this."""


class FoundLot(NamedTuple):
    """A lot and its item."""

    item_id: int
    code: str
    name: str | None
    base_unit: str
    is_lot_controlled: bool
    lot: str
    expires_on: date | None
    stated_by: str | None
    """Who said when it expires."""
    produced_on: date | None = None
    expires_by: ExpiresBy | None = None
    """Who says when it expires: ``stated`` by people, a ``label``, a label's ``best_before``, or its item's
    ``shelf_life`` after its production; None: nobody."""

    @property
    def is_inferred(self) -> bool:
        """Whether it expires by its item's shelf life from its production on, for nobody said when."""
        return self.expires_by == "shelf_life"

    @property
    def key(self) -> LotKey:
        """Names it."""
        return LotKey(self.item_id, self.lot)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a lot, and what was made of it, is now and who got it."""

    relative: Relative
    stock: tuple[StockRow, ...]
    """At real places and in units."""
    accounts: tuple[StockRow, ...]
    """In virtual accounts: what is on its way, in clearing, consumed, scrapped or gone."""
    recipients: tuple[RecipientRow, ...]

    @property
    def on_hand(self) -> Decimal:
        """What lies there, whatever its condition."""
        return sum((row.quantity for row in self.stock), Decimal(0))

    @property
    def sent(self) -> Decimal:
        """What customers got and did not send back."""
        return sum((row.quantity for row in self.recipients), Decimal(0))


@dataclass(frozen=True, slots=True)
class LotStory:
    """A lot with everything that follows from it."""

    lot: FoundLot
    genealogy: Genealogy
    forward: tuple[Whereabouts, ...]
    """The lot itself, then what was made of it."""

    @property
    def recipients(self) -> list[RecipientRow]:
        """Who got it, or something made of it."""
        return [row for each in self.forward for row in each.recipients]


def lots(
    conn: Connection,
    actor: Actor,
    *,
    item: str | None = None,
    text: str | None = None,
    only_held: bool = False,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[LotRow]:
    """List lots by item and name.

    Args:
        conn: In a transaction.
        actor: Who asks.
        item: Only of this item.
        text: Only those whose name holds this.
        only_held: Only those of which something lies there.
        after: Item and lot of the last one of the page before.
        limit: Most to give.

    Returns:
        The lots.

    Raises:
        NotAllowedError: If the actor may not.
    """
    act_as(conn, actor.narrowed(*READERS))
    pattern = None if not text else f"%{_literal(text)}%"
    asked = {"item": item, "pattern": pattern, "only_held": only_held}
    return store.rows(conn, LotRow, "lots", **asked, after_item=after[0], after_lot=after[1], limit=limit)


def find_lot(conn: Connection, actor: Actor, *, item: str, lot: str) -> FoundLot:
    """Find a lot.

    Args:
        conn: In a transaction.
        actor: Who asks.
        item: Its item's code, or that of one that reads as it.
        lot: Its name.

    Returns:
        The lot.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If nothing ever named it.
    """
    act_as(conn, actor.narrowed(*READERS))
    found = store.row(conn, FoundLot, "find_lot", item=item, lot=lot)
    if found is None:
        raise UnknownLotError(f"nothing ever named lot {lot!r:.140} of item {item!r:.140}")
    return found


def story(conn: Connection, actor: Actor, *, item: str, lot: str) -> LotStory:
    """Tell where a lot is, what was made of it and of what, and who got any of it.

    Args:
        conn: In a transaction.
        actor: Who asks; what lies at sites out of reach is not told.
        item: Its item's code.
        lot: Its name.

    Returns:
        The story.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If nothing ever named it.
        LotError: If too many lots are related.
    """
    found = find_lot(conn, actor, item=item, lot=lot)
    made = genealogy_of(conn, found.key, found.code, found.base_unit)
    return LotStory(found, made, whereabouts(conn, made.forward()))


def genealogy_of(
    conn: Connection, key: LotKey, item: str, base_unit: str, *, with_unknown: bool = False
) -> Genealogy:
    """Walk from a lot to everything made of it and everything it was made of.

    Args:
        conn: In a transaction that shows the sites to look at.
        key: The lot.
        item: Its item's code.
        base_unit: Its item's base unit.
        with_unknown: Whether goods of the item of which nobody knows the lot are walked from too: they may be
            of this one from when it was first seen on.

    Returns:
        The genealogy.
    """
    asked = {"item_id": key.item_id, "lot": key.lot}
    unknown = [
        Relative(LotKey(key.item_id, lot), item, base_unit, 0, is_possible=True, since=since)
        for lot, since in (store.tuples(conn, "unknown_lots", **asked) if with_unknown else ())
    ]
    return trace(
        key,
        item,
        base_unit,
        lambda keys, is_forward: store.links(conn, keys, are_consumed=is_forward),
        unknown=unknown,
    )


def whereabouts(conn: Connection, relatives: Sequence[Relative]) -> tuple[Whereabouts, ...]:
    """Tell where lots are now and who got them.

    Args:
        conn: In a transaction that shows the actor's sites.
        relatives: The lots.

    Returns:
        One for each, in their order.
    """
    keys = [each.key for each in relatives]
    stock = store.rows(conn, StockRow, "stock", **store.named(keys))
    since = [each.since for each in relatives]
    got = store.rows(conn, RecipientRow, "recipients", **store.named(keys), since=since)
    return tuple(
        Whereabouts(
            relative,
            tuple(row for row in stock if row.nth == nth and not row.is_virtual),
            tuple(row for row in stock if row.nth == nth and row.is_virtual),
            tuple(row for row in got if row.nth == nth),
        )
        for nth, relative in enumerate(relatives, start=1)
    )


def history(
    conn: Connection,
    actor: Actor,
    *,
    item: str,
    lot: str,
    before: tuple[datetime, int, int, int] = LATEST,
    limit: int,
) -> list[HistoryRow]:
    """Tell where a lot has been, the latest occurrence first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        item: Its item's code.
        lot: Its name.
        before: Instant, gateway, epoch and seq of the last row of the page before.
        limit: Most to give.

    Returns:
        Its movements.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownLotError: If nothing ever named it.
    """
    found = find_lot(conn, actor, item=item, lot=lot)
    at, gateway, epoch, seq = before
    place = {"below_at": at, "below_gateway": gateway, "below_epoch": epoch, "below_seq": seq}
    return store.rows(conn, HistoryRow, "history", **store.named([found.key]), **place, limit=limit)


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
