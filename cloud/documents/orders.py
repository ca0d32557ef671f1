"""Purchase orders from approved to received; what is open of a line is derived from movements (DOMAIN D4)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import ConflictingDocumentError, FaultyDocumentError, UnknownDocumentError
from cloud.documents.lines import OF_UNITS, Goods, goods_of, in_base_units
from cloud.documents.order_papers import (
    ConfirmationRow,
    OrderLinePaper,
    OrderLineRow,
    OrderPaper,
    OrderRow,
    OrderStory,
    ReceiptRow,
)
from cloud.faults import NO_GAPS, Fault, Gaps, Wrong, of_line
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.ledger.store import audit
from cloud.master.domain import BASE_UNIT, IdentifierKey, UnresolvableError

BUYERS: Final = (Role.BUYER,)
READERS: Final = (
    Role.BUYER,
    Role.PLANNER,
    Role.APPROVER,
    Role.SUPERVISOR,
    Role.INVENTORY_CONTROLLER,
    Role.OPERATOR,
    Role.AUDITOR,
)


def register_order(
    conn: Connection, actor: Actor, paper: OrderPaper, *, now: datetime, says_when: bool = True
) -> bool:
    """Register an order that was placed elsewhere; it counts as sent.

    Args:
        conn: In a transaction that the caller commits.
        actor: A buyer of the site.
        paper: The order.
        now: The present.
        says_when: Whether somebody said when it was sent; else ``sent_at`` counts only if the order is new.

    Returns:
        Whether it was new; the same content again changes nothing.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such site.
        FaultyDocumentError: If it was sent in the future, its supplier or items are unknown, or a unit is not
            its item's; then also that it is registered with other content.
        ConflictingDocumentError: If it is registered with other content, and nothing else is wrong.
    """
    actor.require(*BUYERS, site=paper.site)
    act_as(conn, actor)
    store.tuples(conn, "lock_site", site=paper.site)  # of two at once the second finds the first's
    known = store.rows(conn, OrderRow, "orders", **_asked(paper.site, name=paper.id))
    taken = _taken(conn, paper, gaps=NO_GAPS if says_when else Gaps(frozenset({"sent_at"})))
    if known and not taken:
        return False
    _add(conn, actor, paper, decision_id=None, faults=_faults_of_time(paper, now), taken=taken)
    return True


def check_order(
    conn: Connection, actor: Actor, paper: OrderPaper, *, now: datetime, gaps: Gaps = NO_GAPS
) -> list[Fault]:
    """Say what is wrong with an order that was placed elsewhere, without registering it.

    Args:
        conn: In a transaction that is not committed.
        actor: A buyer of the site.
        paper: The order.
        now: The present.
        gaps: What of it could not be read; it may stand empty, except the site and the lines.

    Returns:
        Every fault; none: it can be registered.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*BUYERS, site=paper.site)
    act_as(conn, actor)
    faults = [] if "sent_at" in gaps.whole else _faults_of_time(paper, now)
    if not store.tuples(conn, "lock_site", site=paper.site):
        faults.append(Fault(None, "site", paper.site, f"there is no site {paper.site!r}"))
    if "supplier" not in gaps.whole and not store.tuples(conn, "supplier_currency", supplier=paper.supplier):
        faults.append(_no_supplier(paper))
    _, wrong = _ordered(conn, paper, gaps)
    return [*_taken(conn, paper, gaps=gaps), *faults, *wrong]


def add_order(conn: Connection, actor: Actor, paper: OrderPaper, *, decision_id: int | None) -> None:
    """Make the document of an order.

    Args:
        conn: In a transaction that shows the order's site.
        actor: Who makes it; the caller has checked that they may.
        paper: The order; its ``sent_at`` counts only without a decision.
        decision_id: The decision that approved it, still to be sent; None for an order placed elsewhere.

    Raises:
        UnknownDocumentError: If there is no such site.
        FaultyDocumentError: If its supplier or items are unknown, or a unit is not its item's.
        ConflictingDocumentError: If there is an order of that id.
    """
    _add(conn, actor, paper, decision_id=decision_id, faults=())


def _add(
    conn: Connection,
    actor: Actor,
    paper: OrderPaper,
    *,
    decision_id: int | None,
    faults: Iterable[Fault],
    taken: Sequence[Fault] = (),
) -> None:
    """Make the document of an order, unless it has these faults or others, or its id is taken."""
    if not store.tuples(conn, "lock_site", site=paper.site):
        raise UnknownDocumentError(f"order {paper.id!r}: there is no site {paper.site!r}")
    currency = store.tuples(conn, "supplier_currency", supplier=paper.supplier)
    ordered, wrong = _ordered(conn, paper)
    if told := [*faults, *([] if currency else [_no_supplier(paper)]), *wrong]:
        raise FaultyDocumentError(f"order {paper.id!r}", [*taken, *told])
    if taken:
        raise ConflictingDocumentError(f"{taken[0]}")
    name = {"site": paper.site, "id": paper.id, "supplier": paper.supplier, "actor": actor.id}
    if not store.change(conn, "add_order_document", **name):
        raise ConflictingDocumentError(f"there is an order {paper.id!r} at site {paper.site!r} already")
    lines = {
        "lines": [line.line for line in paper.lines],
        "schemes": [line.key[0] for line in paper.lines],
        "identifiers": [line.key[1] for line in paper.lines],
        "stated": [line.quantity for line in paper.lines],
        "units_seen": [line.unit_seen for line in paper.lines],
        "item_ids": [item_id for item_id, _ in ordered],
        "quantities": [base for _, base in ordered],
        "prices": [line.price for line in paper.lines],
        "due_on": [line.due_on for line in paper.lines],
    }
    store.change(conn, "add_order_document_lines", **name, **lines)
    is_elsewhere = decision_id is None
    store.change(
        conn,
        "add_order",
        **name,
        currency=currency[0][0],
        origin="elsewhere" if is_elsewhere else "decision",
        decision_id=decision_id,
        state="sent" if is_elsewhere else "approved",
        sent_at=paper.sent_at if is_elsewhere else None,
        sent_by=actor.id if is_elsewhere else None,
    )
    store.change(conn, "add_order_lines", **name, **lines)
    detail = {"lines": len(paper.lines), "supplier": paper.supplier, "decision_id": decision_id}
    subject = f"purchase_order:{paper.id}"
    audit(conn, actor.id, "purchase_order_made", subject, site=paper.site, detail=detail)


def orders(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    state: str | None = None,
    supplier: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[OrderRow]:
    """List purchase orders by site and id.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only of this site.
        state: Only in this state.
        supplier: Only of this supplier.
        after: The last one of the page before.
        limit: Most to give.

    Returns:
        The orders.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    asked = _asked(site, after=after, limit=limit) | {"state": state, "supplier": supplier}
    return store.rows(conn, OrderRow, "orders", **asked)


def order(conn: Connection, actor: Actor, *, site: str, name: str) -> OrderStory:
    """Give one order with its lines, receipts and what was confirmed.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        name: The order's id.

    Returns:
        The order.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor.narrowed(*READERS))
    found = store.rows(conn, OrderRow, "orders", **_asked(site, name=name))
    if not found:
        raise UnknownDocumentError(f"there is no purchase order {name!r} at site {site!r}")
    lines = store.rows(conn, OrderLineRow, "order_lines", site=site, id=name)
    receipts = store.rows(conn, ReceiptRow, "order_receipts", site=site, id=name)
    confirmed = store.rows(conn, ConfirmationRow, "order_confirmations", site=site, id=name)
    return OrderStory(found[0], tuple(lines), tuple(receipts), tuple(confirmed))


def locked(conn: Connection, actor: Actor, site: str, name: str, *, only: str) -> OrderStory:
    """Hold an order until the transaction ends.

    Args:
        conn: In a transaction.
        actor: Who wants to change it.
        site: Site id.
        name: The order's id.
        only: The state it must be in.

    Returns:
        The order.

    Raises:
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If it is in another state.
    """
    act_as(conn, actor)
    store.tuples(conn, "lock_order", site=site, id=name)
    found = order(conn, actor, site=site, name=name)
    if found.order.state != only:
        raise ConflictingDocumentError(
            f"purchase order {name!r} is {found.order.state}: expected one that is {only}"
        )
    return found


def _faults_of_time(paper: OrderPaper, now: datetime) -> list[Fault]:
    if paper.sent_at <= now:
        return []
    told = paper.sent_at.isoformat()
    return [Fault(None, "sent_at", told, f"sent_at {told} lies in the future")]


def _no_supplier(paper: OrderPaper) -> Fault:
    return Fault(None, "supplier", paper.supplier, f"there is no supplier {paper.supplier!r}")


def _ordered(
    conn: Connection, paper: OrderPaper, gaps: Gaps = NO_GAPS
) -> tuple[list[tuple[int, Decimal]], list[Fault]]:
    """Find each line's item and how many of its base units it asks for; else say what of which is wrong."""
    wrong = _wrong_codes(conn, {line.item for line in paper.lines if line.item})
    keys = {line.key for line in paper.lines if line.item not in wrong}
    units = {("gtin", line.unit_seen) for line in paper.lines if line.unit_seen != BASE_UNIT}
    known = goods_of(conn, keys | units)
    found: list[tuple[int, Decimal]] = []
    faults: list[Fault] = []
    for index, line in enumerate(paper.lines):
        told: Wrong | tuple[int, Decimal] = (
            Wrong("item", line.item, wrong[line.item], ("item",))
            if line.item in wrong
            else _in_base(line, known)
        )
        if isinstance(told, Wrong):
            faults += of_line(index, line.line, [told], gaps.of_line(index))
        else:
            found.append(told)
    return found, faults


def _wrong_codes(conn: Connection, codes: set[str]) -> dict[str, str]:
    """Say which codes name no item, or another, and why; the others name theirs from here on."""
    asked = sorted(codes)
    kept = {code: name for code, _, name in store.tuples(conn, "items_by_code", codes=asked)}
    known = store.known_names(conn, [("sku", code) for code in asked])
    wrong: dict[str, str] = {}
    for code in asked:
        name = known.get(("sku", code))
        if code not in kept:
            wrong[code] = f"there is no item {code!r}: register it first"
        elif name is not None and (name.code != kept[code] or name.ratio != 1):
            wrong[code] = f"sku {code!r} names {name.ratio} of item {name.code!r}, not one of it"
    return wrong


def _in_base(line: OrderLinePaper, known: dict[IdentifierKey, Goods]) -> Wrong | tuple[int, Decimal]:
    """Give the item and the base units that a line asks for."""
    goods = known.get(line.key)
    named = f"{line.key[0]} {line.key[1]!r}"
    if goods is None:
        message = f"{named} names no item: register its item first"
        return Wrong("item" if line.item else "identifier", line.key[1], message, ("item", "identifier"))
    if goods.is_provisional and line.item is None:
        message = f"{named} is known from readings only: merge {goods.item!r} into a registered item"
        return Wrong("identifier", line.key[1], message, ("item", "identifier"))
    if line.unit_seen == BASE_UNIT or not line.quantity:
        return goods.item_id, line.quantity
    try:
        return goods.item_id, in_base_units(line.quantity, line.unit_seen, goods, known)
    except UnresolvableError as error:
        rests_on = ("item", "identifier", "unit_seen")
        if error.reason in OF_UNITS:
            return Wrong("unit_seen", line.unit_seen, f"{error}", rests_on)
        return Wrong("quantity", f"{line.quantity}", f"{error}", (*rests_on, "quantity"))


def _taken(conn: Connection, paper: OrderPaper, *, gaps: Gaps) -> list[Fault]:
    """Say that the id is another order's, as far as it can be told of what could be read."""
    known = (
        []
        if "id" in gaps.whole
        else store.rows(conn, OrderRow, "orders", **_asked(paper.site, name=paper.id))
    )
    if not known:
        return []
    lines = store.rows(conn, OrderLineRow, "order_lines", site=paper.site, id=paper.id)
    terms = [(each.line, each.ordered_price, each.ordered_for) for each in lines]
    stated = [
        (each.identifier_scheme, each.identifier, each.stated_quantity, each.unit_seen) for each in lines
    ]
    there = list(zip(terms, stated, strict=True))
    wanted = [
        None
        if index in gaps.lines
        else ((each.line, each.price, each.due_on), (*each.key, each.quantity, each.unit_seen))
        for index, each in enumerate(paper.lines)
    ]
    heads = {"supplier": (known[0].supplier, paper.supplier), "sent_at": (known[0].sent_at, paper.sent_at)}
    is_same = len(there) == len(wanted) and all(
        mine in {None, theirs} for mine, theirs in zip(wanted, there, strict=True)
    )
    if is_same and all(here == told for name, (here, told) in heads.items() if name not in gaps.whole):
        return []
    message = (
        f"purchase order {paper.id!r} is registered at site {paper.site!r} with other content: "
        "expected the same, or another id"
    )
    return [Fault(None, "id", paper.id, message)]


def _asked(
    site: str | None, *, name: str | None = None, after: tuple[str, str] = ("", ""), limit: int = 1
) -> dict[str, Any]:
    keys = {"after_site": after[0], "after_id": after[1], "limit": limit}
    return {"site": site, "id": name, "state": None, "supplier": None} | keys
