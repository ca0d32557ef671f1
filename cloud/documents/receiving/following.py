"""Goods that wait follow to where handhelds carried them as sellable ones (DOMAIN D1, D4)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from cloud.alerts import service as alerts
from cloud.alerts.domain import Notice, Severity
from cloud.db import Connection
from cloud.documents.judging import overdrawn
from cloud.documents.lines import base_identifier, lock_documents
from cloud.documents.movements import moved
from cloud.documents.receiving import store
from cloud.documents.receiving.carrying import Carried, carried_from
from cloud.documents.receiving.domain import NOTHING
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.corrections import lock_cells
from cloud.ledger.domain import CloudStatement, PostingKind
from cloud.ledger.posting import Posting
from contracts.base import SiteId
from contracts.records import DocumentRef, Identifier, Side
from contracts.vocabulary import BizStep, Disposition

CARRIED: Final = "carried"
"""Why goods that wait are at another place now."""
LEFT: Final = "left"
"""Why they wait no longer: they are not there."""
LEFT_WAITING: Final = "held_goods_left"
_WAITED: Final = {
    Disposition.HOLD: ("on hold", "/inspection"),
    Disposition.INSPECTION: ("in inspection", "/inspection"),
    Disposition.RETURNED: ("returned", "/returns"),
}
"""How they waited, and on which page."""


class Standing(NamedTuple):
    """Goods that wait where sellable ones lack; in base units."""

    site: str
    item_id: int
    item: str
    base_unit: str
    location: str | None
    unit: str | None
    lot: str | None
    owner: str | None
    disposition: str
    stands: str
    """The place itself, or where the unit stands."""
    held_cells: list[int]
    cells: list[int]
    """Of the sellable ones."""
    lies: Decimal
    """What waits there."""
    lacks: Decimal
    """Of sellable ones; at most what waits."""

    def side(self, disposition: Disposition | None) -> Side:
        """Write the place as a movement does."""
        return Side(
            location=self.location, unit=self.unit, lot=self.lot, owner=self.owner, disposition=disposition
        )


class WaitingLine(NamedTuple):
    """What waits there of a receipt's line, in base units."""

    receipt: str | None
    """None: what no receipt brought, as a handheld's return."""
    line: str | None
    quantity: Decimal
    since_at: datetime
    """Since when it may have been carried on."""
    numbers: tuple[str, ...] = ()
    """Of returns, as handhelds named them, where no receipt brought it."""


class Followed(NamedTuple):
    """What of a line was carried on."""

    line: WaitingLine
    quantity: Decimal
    to: Carried | None
    """None: it is not in stock any more."""


def share(lacks: Decimal, lines: Iterable[WaitingLine], carried: Sequence[Carried]) -> list[Followed]:
    """Say of which lines the goods were that a place lacks, and where they are.

    The first that came was taken first. What lies where it was carried to is there: first where exactly as
    many were carried as wait, for those were put aside; then the nearest. The rest of what left is gone.

    Args:
        lacks: Sellable goods that the place lacks, in base units.
        lines: What waits there.
        carried: Where goods were carried from there.

    Returns:
        Parts of lines, at most what lacks.
    """
    there = [(each, min(each.came, each.lying.quantity)) for each in carried if not each.is_gone]
    gone = sum((each.came for each in carried if each.is_gone), NOTHING)
    ends = [*((each, some) for each, some in there if some > 0), (None, gone)]
    left, found, lines = lacks, list[Followed](), list(lines)
    all_that_wait = sum((line.quantity for line in lines), NOTHING)
    for line in lines:
        rest, aside = line.quantity, (line.quantity, all_that_wait)
        for nth in sorted(range(len(ends)), key=lambda nth: not _came(ends[nth][0], aside)):
            to, some = ends[nth]
            taken = min(left, rest, some)
            if taken > 0:
                found.append(Followed(line, taken, to))
                ends[nth] = (to, some - taken)
                left, rest = left - taken, rest - taken
    return found


def _came(to: Carried | None, numbers: Iterable[Decimal]) -> bool:
    return to is not None and to.came in numbers


def still_there(lies: Decimal, lines: Sequence[WaitingLine]) -> list[WaitingLine]:
    """Say what waits of each line: what came first was judged by handhelds, or taken, first.

    Args:
        lies: What lies there in all, in base units.
        lines: What papers put there of each, the first that came first.

    Returns:
        The lines of which something lies there, in their order.

    Examples:
        >>> since_at = datetime(2026, 1, 1)
        >>> lines = [WaitingLine(name, "1", Decimal(4), since_at) for name in ("R-1", "R-2")]
        >>> [(each.receipt, int(each.quantity)) for each in still_there(Decimal(5), lines)]
        [('R-1', 1), ('R-2', 4)]
    """
    found = list[WaitingLine]()
    for line in reversed(lines):
        there = min(line.quantity, lies)
        if there > 0:
            found.insert(0, line._replace(quantity=there))
            lies -= there
    return found


def ready(conn: Connection, actor: Actor) -> list[tuple[str, int]]:
    """List goods that wait of which a watermark has passed something that must be looked at.

    Args:
        conn: In a transaction.
        actor: A job with all sites.

    Returns:
        Site and cell of each.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    return [(site, cell) for site, cell in store.tuples(conn, "held_ready")]


def follow(conn: Connection, actor: Actor, *, cell: int, now: datetime) -> int:
    """Let goods that wait be where they were carried, as far as sellable ones lack, as one posting.

    A handheld takes what is there: sellable goods as long as there are any, then those that wait. Where
    those lie now as sellable they wait from now on; of what has left the book says so, and a ticket. So does
    one of goods that were judged twice.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A job with all sites.
        cell: Where they wait.
        now: Since when they wait elsewhere.

    Returns:
        Movements that were posted.

    Raises:
        NotAllowedError: If the actor is no job.
    """
    actor.require(Role.DEVICE)
    act_as(conn, actor)
    if not store.tuples(conn, "take_held_due", cell=cell)[0][0]:
        return 0
    overdrawn.tell(conn, cell)
    standing, lines = _locked(conn, actor, cell)
    if standing is None or not lines:
        return 0
    followed = share(standing.lacks, lines, _carried(conn, standing, lines))
    if not followed:
        return 0
    name = base_identifier(conn, ("sku", standing.item), standing.item)
    statements = [
        each for part in followed for each in _statements(actor, standing, part, name=name, now=now)
    ]
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.write(statements=statements)
    gone = sum((each.quantity for each in followed if each.to is None), NOTHING)
    told = {"item": standing.item, "place": standing.stands, "parts": len(followed), "gone": f"{gone:f}"}
    posting.audit("holds_followed", f"item:{standing.item}", standing.site, told)
    if gone:
        receipts = {each.line.receipt or "of no receipt" for each in followed if each.to is None}
        _tell(conn, posting.posting_id, standing, gone, receipts)
    posting.close()
    return len(statements)


def _locked(conn: Connection, actor: Actor, cell: int) -> tuple[Standing | None, list[WaitingLine]]:
    """Find what waits, kept from being judged and moved until the transaction ends."""
    locked = set[str]()
    standing, lines = _there(conn, cell)
    while standing is not None and not locked.issuperset(
        receipts := {each.receipt for each in lines if each.receipt}
    ):
        lock_documents(conn, standing.site, [("receipt", each) for each in receipts])
        locked |= receipts
        carried = _carried(conn, standing, lines)
        elsewhere = (some for each in carried for some in each.lying.cells)
        cells = {*standing.cells, *standing.held_cells, *elsewhere}
        keeper = Actor(actor.id, frozenset({Role.INVENTORY_CONTROLLER}), frozenset({SiteId(standing.site)}))
        lock_cells(conn, keeper, sorted(cells))
        standing, lines = _there(conn, cell)
    return standing, lines


def _there(conn: Connection, cell: int) -> tuple[Standing | None, list[WaitingLine]]:
    for standing in store.rows(conn, Standing, "held_standing", cell=cell):
        lines = still_there(
            standing.lies, store.rows(conn, WaitingLine, "held_lines", cells=standing.held_cells)
        )
        rest = standing.lies - sum((each.quantity for each in lines), NOTHING)
        if rest > 0:
            ((since_at, numbers),) = store.tuples(
                conn, "held_unbrought", cells=standing.held_cells, rest=rest
            )
            lines.append(WaitingLine(None, None, rest, since_at, tuple(numbers)))
        return standing, sorted(lines, key=lambda each: each.since_at)
    return None, []


def _carried(conn: Connection, standing: Standing, lines: Iterable[WaitingLine]) -> list[Carried]:
    since_at = min(each.since_at for each in lines)
    return carried_from(conn, standing.site, standing.cells, since_at)


def _statements(
    actor: Actor, standing: Standing, part: Followed, *, name: Identifier, now: datetime
) -> Iterator[CloudStatement]:
    """Let what waits be where it is, and what lacks be back; or lack no longer, where it is gone."""
    waits = Disposition(standing.disposition)
    here, held = standing.side(None), standing.side(waits)
    ways = [(held, here)]
    if part.to is not None:
        there = part.to.lying
        ways = [(held, there._replace(lot=standing.lot).side(waits)), (there.side(None), here)]
    for source, destination in ways:
        yield moved(
            standing.site,
            name,
            part.quantity,
            "base",
            source=source,
            destination=destination,
            documents=_named(part.line),
            occurred_at=max(now, part.line.since_at),
            actor=actor.id,
            biz_step=BizStep.HOLDING,
            reason=CARRIED if part.to is not None else LEFT,
        )


def _named(line: WaitingLine) -> list[DocumentRef]:
    if line.receipt:
        return [DocumentRef(type="receipt", id=line.receipt, line=line.line)]
    return [DocumentRef(type="customer_return", id=number) for number in line.numbers]


def _tell(
    conn: Connection, posting_id: int, standing: Standing, gone: Decimal, receipts: Iterable[str]
) -> None:
    waited, page = _WAITED[Disposition(standing.disposition)]
    named = ", ".join(sorted(receipts))
    summary = (
        f"{gone.normalize():f} {standing.base_unit} of {standing.item} that were {waited} at "
        f"{standing.stands} were taken as sellable and left, or are in another condition by now: {named}"
    )
    key = f"{LEFT_WAITING}:{standing.site}/{posting_id}"
    detail = {
        "item": standing.item,
        "place": standing.stands,
        "page_url": f"{page}?site={standing.site}",
    }
    alerts.notice(conn, [Notice(key, LEFT_WAITING, Severity.WARNING, summary, standing.site, {**detail})])
