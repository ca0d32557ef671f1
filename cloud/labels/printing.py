"""Labels made by the cloud: an order in, a picture, a PDF or ZPL out; each print is noted."""

from datetime import datetime
from typing import Literal

import orjson

from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.labels import store
from cloud.labels.domain import (
    MOST_REASON,
    PRINTERS,
    READERS,
    ItemRow,
    LabelWishError,
    PrintRow,
    TemplateRow,
)
from cloud.labels.reportlab_door import pdf
from cloud.labels.service import template
from contracts.labels import LabelKind, LabelOrder
from contracts.zpl import Drawn, draw

Way = Literal["pdf", "zpl"]


def preview(conn: Connection, actor: Actor, *, site: str, order: LabelOrder) -> tuple[TemplateRow, Drawn]:
    """Fill a label in; nothing is noted, for nothing is printed.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Whose templates.
        order: The label.

    Returns:
        The template and the label.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownTemplateError: If there is no such template.
        LabelWishError: If the template is of another kind.
        LabelError: If a value is not as it must be.
    """
    found = template(conn, actor, site=site, name=order.template or order.kind)
    if found.kind != order.kind:
        raise LabelWishError(f"template {found.name!r} is of kind {found.kind}, got {order.kind}")
    return found, draw(found.template, order.values, copies=order.copies)


def print_label(
    conn: Connection, actor: Actor, *, site: str, order: LabelOrder, way: Way, reason: str = ""
) -> bytes:
    """Make labels to be printed, and note it.

    Args:
        conn: In a transaction that the caller commits.
        actor: An operator, supervisor, inventory controller or admin of the site; of badges an admin.
        site: Whose labels.
        order: What to print.
        way: As a PDF, or as a printer's ZPL.
        reason: Why an SSCC's label is printed once more.

    Returns:
        The file.

    Raises:
        NotAllowedError: If the actor may not.
        LabelWishError: If an SSCC's label was printed before and no reason is given, or one is too long.
    """
    allowed = (Role.ADMIN,) if order.kind is LabelKind.BADGE else PRINTERS
    actor.require(*allowed, site=site)
    found, drawn = preview(conn, actor, site=site, order=order)
    reason = reason.strip()
    if len(reason) > MOST_REASON:
        raise LabelWishError(f"reason of {len(reason)} characters: expected at most {MOST_REASON}")
    is_reprint = order.kind is LabelKind.SSCC and bool(
        store.tuples(conn, "printed_before", site=site, subject=order.subject)
    )
    if is_reprint and not reason:
        raise LabelWishError(
            f"SSCC {order.subject} was printed before: expected a reason; two units under one SSCC are one "
            "to the ledger"
        )
    fields = {"kind": order.kind.value, "subject": order.subject, "copies": order.copies, "way": way}
    store.change(
        conn,
        "add_print",
        site=site,
        template=found.name,
        version=found.version,
        reason=reason if is_reprint else None,
        actor=actor.id,
        **fields,
    )
    if is_reprint:
        detail = orjson.dumps(fields | {"reason": reason}).decode()
        target = f"label:{order.subject}"
        store.tuples(
            conn, "audit", actor=actor.id, action="label_reprinted", target=target, site=site, detail=detail
        )
    if way == "zpl":
        return drawn.zpl.encode()
    return pdf([(drawn, found.dots_per_mm, order.copies)], title=f"{order.kind} {order.subject}")


def prints(
    conn: Connection,
    actor: Actor,
    *,
    site: str,
    before_at: datetime,
    before_key: str = "~",
    limit: int,
) -> list[PrintRow]:
    """List labels printed at a site, by the cloud and by its gateways, the latest first.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Site id.
        before_at: Instant of the last one of the page before, or the present.
        before_key: Its key.
        limit: Most to give.

    Returns:
        The prints.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    act_as(conn, actor)
    return store.rows(
        conn, PrintRow, "prints", site=site, before_at=before_at, before_key=before_key, limit=limit
    )


def items(conn: Connection, actor: Actor, *, text: str, limit: int) -> list[ItemRow]:
    """Find goods to label that bear no label of their own.

    Args:
        conn: In a transaction.
        actor: Who asks.
        text: Part of a code or name.
        limit: Most to give.

    Returns:
        Items by code.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS)
    act_as(conn, actor.narrowed(*READERS))
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return store.rows(conn, ItemRow, "items", wanted=f"%{escaped}%", limit=limit)
