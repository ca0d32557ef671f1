"""The resolver: what movements did not say is inferred behind the watermark, and posted (D6, P5)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

from cloud.db import Connection, in_transaction
from cloud.db.apart import each_apart
from cloud.db.retry import Source
from cloud.documents.movements import moved
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.domain import Claim, CloudStatement, PostingKind
from cloud.ledger.posting import Posting
from cloud.lots import store
from cloud.lots.domain import UNSPECIFIED
from cloud.lots.fact_rows import NEAR, FactRow, netted, received_near
from cloud.lots.holding import own_identifiers
from cloud.lots.inferring import (
    End,
    Fact,
    Holdings,
    Inferred,
    Key,
    Policy,
    RowName,
    Side,
    differences,
    infer,
)
from cloud.lots.labelled import note_for
from contracts import records
from contracts.vocabulary import Disposition, VirtualLocation

RESOLVER: Final = Actor("job:resolver", frozenset({Role.DEVICE}), all_sites=True)
REASON: Final = "inferred"
MOST_FACTS: Final = 20_000
"""Movements that are looked at in one posting."""
_POSITIONS: Final = 10_000
_LABELS_FOR: Final = timedelta(seconds=10)
"""How long a run looks at labels before it infers: they date the lots of which is inferred."""
_SHELVES: Final = (VirtualLocation.TRANSIT, VirtualLocation.CLEARING)
"""Accounts whose content tells what is taken out of them."""


Receipts: TypeAlias = Mapping[int, Mapping[str, Sequence[datetime]]]
"""By dock account and lot, when it came."""


def resolve(source: Source, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """Infer what has not been said of movements that the watermarks have passed, and post it.

    Args:
        source: Gives connections of `dockledger_app`.
        actor: A job with all sites.
        now: The present.

    Returns:
        ``items`` looked at, and movements ``posted``.

    Raises:
        NotAllowedError: If the actor is no job.
        PartsFailedError: If labels could not be read or items not be resolved, with what each met; the others
            are.
    """
    del now  # watermarks are the database's own
    actor.require(Role.DEVICE)
    told: Counter[str] = Counter(items=0, posted=0)

    def one(item_id: int) -> None:
        work = partial(resolve_item, actor=actor, item_id=item_id)
        while (posted := in_transaction(source, work)) is not None:
            told["posted"] += posted
        told["items"] += 1

    def parts() -> Iterator[tuple[str, Callable[[], object]]]:
        yield "labels", partial(note_for, source, actor, _LABELS_FOR)
        for step in (keep_on_hand, mark):
            while in_transaction(source, partial(step, actor=actor)):
                pass
        for item_id in in_transaction(source, partial(ready_items, actor=actor)):
            yield f"item {item_id}", partial(one, item_id)

    each_apart(parts(), told)
    return dict(told)


def mark(conn: Connection, actor: Actor) -> bool:
    """Note what must be looked at, by what was posted, said by documents and dated since the last time.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job with all sites.

    Returns:
        Whether there was anything; then there may be more.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    store.tuples(conn, "resolver_mark_papers")
    store.tuples(conn, "resolver_mark_dates")
    return bool(store.tuples(conn, "resolver_mark", most=_POSITIONS)[0][0])


def keep_on_hand(conn: Connection, actor: Actor) -> bool:
    """Note which dated lots lie anywhere, by what was posted since the last time.

    Args:
        conn: In a transaction that the caller commits.
        actor: A job with all sites.

    Returns:
        Whether there may be more to look at.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    looked = int(store.tuples(conn, "keep_on_hand", most=_POSITIONS)[0][0])
    return looked >= _POSITIONS


def ready_items(conn: Connection, actor: Actor) -> list[int]:
    """List the items of which a watermark has passed something that must be looked at.

    Args:
        conn: In a transaction.
        actor: A job with all sites.

    Returns:
        The items, as their cells have them.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    return [row[0] for row in store.tuples(conn, "ready_items")]


def resolve_item(conn: Connection, actor: Actor, *, item_id: int) -> int | None:
    """Look once more at the movements of an item from where something changed, as one posting.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job with all sites.
        item_id: The item, as its cells have it.

    Returns:
        How many movements were posted; None if nothing was due.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    due = store.tuples(conn, "take_due", item_id=item_id)
    if not due:
        return None
    position = store.tuples(conn, "position")[0][0]
    from_at = min(at for _, at in due)
    found, rest_at = _window(conn, item_id, from_at)
    rows = netted(found)
    held = _held(conn, item_id, rows, from_at)
    facts = _facts(conn, item_id, rows)
    code, policy = _policy(conn, item_id, _lots(facts, held), from_at)
    wanted = infer(facts, held, policy)
    until_at = rest_at or datetime.max.replace(tzinfo=from_at.tzinfo)
    posted = _posted(conn, item_id, from_at, until_at)
    statements = list(_statements(conn, item_id, rows, differences(wanted, posted)))
    store.change(conn, "settle_due", item_id=item_id, sites=[site for site, _ in due])
    waiting = _waiting(rows, [site for site, _ in due], rest_at)
    store.change(conn, "put_due", item_id=item_id, sites=list(waiting), **{"from": list(waiting.values())})
    if statements:
        posting = Posting(conn, actor, PostingKind.STATEMENT)
        posting.claim([Claim("resolution", f"{code}/{position}")])
        posting.write(statements=statements)
        posting.close()
    return len(statements)


def _window(conn: Connection, item_id: int, from_at: datetime) -> tuple[list[FactRow], datetime | None]:
    """Read movements from an instant on; all of them, or up to an instant at which the next window begins."""
    limit = MOST_FACTS
    while True:
        asked = {"item_id": item_id, "from_at": from_at, "limit": limit + 1}
        rows = store.rows(conn, FactRow, "resolver_facts", **asked)
        if len(rows) <= limit:
            return rows, None
        rest_at = rows[-1].occurred_at
        kept = [row for row in rows if row.occurred_at < rest_at]
        if kept:
            return kept, rest_at
        limit *= 2


def _lots(facts: Iterable[Fact], held: Holdings) -> set[str]:
    """Give every lot that may be named."""
    told = {lot for shelf in held.values() for lot, _ in shelf}
    for fact in facts:
        told |= {fact.source.lot, fact.destination.lot}
        told.update(fact.serial_lots, fact.document_lots, fact.unit_lots, fact.receipt_lots)
    return {lot for lot in told if lot not in {None, UNSPECIFIED}}


def _policy(conn: Connection, item_id: int, lots: Iterable[str], from_at: datetime) -> tuple[str, Policy]:
    code, is_lot_controlled, rule, dates = store.tuples(conn, "item_policy", item_id=item_id)[0]
    first_at: dict[str, datetime] = {}
    if rule is not None:
        asked = {"item_id": item_id, "lots": sorted(lots), "before_at": from_at}
        first_at = dict(store.tuples(conn, "resolver_firsts", **asked))
    expires_on = {lot: date.fromisoformat(day) for lot, day in dates.items()}
    return code, Policy(is_lot_controlled, rule, expires_on, first_at)


def _held(conn: Connection, item_id: int, rows: Sequence[FactRow], from_at: datetime) -> Holdings:
    places = sorted({place for row in rows for place in (row.from_place, row.to_place)})
    asked = {"item_id": item_id, "places": places, "before_at": from_at}
    held: defaultdict[tuple[int, str | None], dict[tuple[str | None, str | None], Decimal]] = defaultdict(
        dict
    )
    for place, disposition, lot, owner, quantity in store.tuples(conn, "resolver_state", **asked):
        held[place, disposition][lot, owner] = quantity
    return held


def _receipts(conn: Connection, item_id: int, rows: Sequence[FactRow]) -> Receipts:
    """Read what came into dock accounts about when something left them whose lot is not said."""
    asking = [row for row in rows if row.is_open and row.from_code.startswith(VirtualLocation.CLEARING)]
    found: defaultdict[int, defaultdict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    if asking:
        asked = {
            "item_id": item_id,
            "places": sorted({row.from_place for row in asking}),
            "from_at": asking[0].occurred_at - NEAR,
            "until_at": asking[-1].occurred_at + NEAR,
        }
        for place, lot, came_at in store.tuples(conn, "resolver_receipts", **asked):
            found[place][lot].append(came_at)
    return found


def _facts(conn: Connection, item_id: int, rows: Sequence[FactRow]) -> list[Fact]:
    receipts = _receipts(conn, item_id, rows)
    serials = sorted({serial for row in rows for serial in row.serials})
    lots: defaultdict[str, set[str]] = defaultdict(set)
    for serial, lot in store.tuples(conn, "serial_lots", serials=serials) if serials else ():
        lots[serial].add(lot)
    return [
        Fact(
            row.name,
            row.occurred_at,
            row.quantity,
            _end(row, "source"),
            _end(row, "destination"),
            row.is_due,
            row.is_taken_back,
            Counter(next(iter(lots[serial])) for serial in row.serials if len(lots[serial]) == 1),
            row.document_lots,
            row.unit_lots,
            received_near(receipts.get(row.from_place, {}), row.occurred_at) if row.is_open else (),
        )
        for row in rows
    ]


def _end(row: FactRow, side: Side) -> End:
    stated = _stated(row, side)
    is_shelf = stated.kind != "virtual" or stated.code.startswith(_SHELVES)
    is_unit = stated.kind == "unit"
    return End(stated.place, is_shelf, stated.lot, stated.disposition, stated.owner, is_unit)


def _posted(conn: Connection, item_id: int, from_at: datetime, until_at: datetime) -> dict[Key, Decimal]:
    asked = {"item_id": item_id, "from_at": from_at, "until_at": until_at}
    return {
        Key(RowName(gateway, epoch, seq), side, lot, owner): quantity
        for gateway, epoch, seq, side, lot, owner, quantity in store.tuples(conn, "resolver_posted", **asked)
    }


def _waiting(rows: Iterable[FactRow], sites: Iterable[str], rest_at: datetime | None) -> dict[str, datetime]:
    """Say from when on each site is to be looked at again: what no watermark has passed, and the rest."""
    found: dict[str, datetime] = {}
    for row in rows:
        if not row.is_due:
            found.setdefault(row.site, row.occurred_at)
    if rest_at is not None:
        found |= {site: min(rest_at, found.get(site, rest_at)) for site in sites}
    return found


def _statements(
    conn: Connection, item_id: int, rows: Sequence[FactRow], found: Mapping[Key, Inferred]
) -> Iterable[CloudStatement]:
    if not found:
        return
    identifier = own_identifiers(conn, [item_id])[item_id]
    by_name = {row.name: row for row in rows}
    for key, (quantity, rule) in found.items():
        row = by_name[key.name]
        end = _stated(row, key.side)
        stated, known = _written(end), _written(end._replace(lot=key.lot, owner=key.owner))
        # What was taken was taken of the known lot, and what was put was put as it.
        is_forward = (quantity > 0) == (key.side == "source")
        yield moved(
            row.site,
            identifier,
            abs(quantity),
            "base",
            source=known if is_forward else stated,
            destination=stated if is_forward else known,
            documents=(),
            occurred_at=row.occurred_at,
            actor=RESOLVER.id,
            reason=REASON,
            inferred={
                "rule": rule.value,
                "of": {"gateway": row.gateway, "epoch": row.epoch, "seq": row.seq},
                "side": key.side,
                "lot": key.lot,
                "owner": key.owner,
            }
            | ({"withdraws": True} if quantity < 0 else {}),
        )


class _Stated(NamedTuple):
    place: int
    kind: str
    code: str
    lot: str | None
    disposition: str | None
    owner: str | None


def _stated(row: FactRow, side: Side) -> _Stated:
    if side == "source":
        place = row.from_place, row.from_kind, row.from_code
        return _Stated(*place, row.from_lot, row.from_disposition, row.from_owner)
    place = row.to_place, row.to_kind, row.to_code
    return _Stated(*place, row.to_lot, row.to_disposition, row.to_owner)


def _written(stated: _Stated) -> records.Side:
    place = {"unit": stated.code} if stated.kind == "unit" else {"location": stated.code}
    disposition = None if stated.disposition is None else Disposition(stated.disposition)
    return records.Side(**place, lot=stated.lot, disposition=disposition, owner=stated.owner)
