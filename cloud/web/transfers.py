"""*Transfers*: goods on their way between sites, as both see them."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from cloud.db import Connection, in_transaction
from cloud.documents.domain import KEEPERS, ConflictingDocumentError, DocumentError, UnknownDocumentError
from cloud.documents.shipping.service import SHIPPERS
from cloud.documents.transfers import service
from cloud.documents.transfers.papers import TransferPaper
from cloud.identity.gate import Gate
from cloud.inquiry import operations
from cloud.ledger.domain import LedgerError
from cloud.routes import LateRoute
from cloud.web.dock_papers import MOST_LINES, named_goods
from cloud.web.forms import may, refused, rows_of
from cloud.web.rendering import page
from cloud.web.visitors import Sender, TheGate, Viewer
from contracts.base import ID_PATTERN

router: Final = APIRouter(route_class=LateRoute)

SHOWN: Final = 100
EMPTY: Final = 4
SHORT_REASONS: Final = {
    "lost": "Lost on the way",
    "damaged": "Damaged on the way",
    "never_loaded": "Never loaded",
    "other": "Another reason",
}
STATES: Final = {
    "draft": ("draft", ""),
    "shipped": ("shipped", "warn"),
    "in_transit": ("in transit", "warn"),
    "received": ("received", "good"),
    "short": ("short", "bad"),
    "cancelled": ("cancelled", ""),
}
_CODE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_AFTER: Final = r"^([A-Za-z0-9_-]{1,64}\|[A-Za-z0-9_.-]{1,64})?$"

SiteId = Annotated[str, Path(pattern=ID_PATTERN)]
TransferId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$")]
Text = Annotated[str, Form(max_length=128, pattern=_CODE)]
Texts = Annotated[list[str] | None, Form(max_length=MOST_LINES)]
Step = Literal["departure", "cancel", "short"]


@router.get("/transfers")
def show_transfers(
    *,
    request: Request,
    gate: TheGate,
    visitor: Viewer,
    site: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(max_length=140, pattern=_AFTER)] = "",
) -> Response:
    """Show transfers from and to one's sites, and a form to draft one."""
    return _list(request, gate, visitor, site=site, after=after)


@router.post("/transfers")
def draft(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    from_site: Text = "",
    to_site: Text = "",
    id: Text = "",  # noqa: A002  the field's name
    due_on: Annotated[str, Form(max_length=10)] = "",
    carrier: Text = "",
    item: Texts = None,
    quantity: Texts = None,
) -> Response:
    """Draft a transfer."""
    typed = {"from_site": from_site, "to_site": to_site, "id": id, "carrier": carrier, "due_on": due_on}
    rows = list(zip_longest(item or (), quantity or (), fillvalue=""))

    def work(conn: Connection) -> None:
        stated: dict[str, Any] = {name: text.strip() or None for name, text in typed.items()}
        stated["lines"] = [
            {"line": str(number), "quantity": amount, **named_goods(name)}
            for number, (name, amount) in enumerate(
                (row for row in rows_of(item, quantity) if any(row)), start=1
            )
        ]
        service.draft(conn, visitor.actor, TransferPaper.model_validate(stated))

    problem = refused(lambda: in_transaction(gate.pool, work), DocumentError)
    if problem:
        return _list(request, gate, visitor, problem=problem, typed=typed, rows=rows)
    return RedirectResponse(f"/transfers/{from_site.strip()}/{id.strip()}", 303)


@router.get("/transfers/{site}/{transfer}")
def show_transfer(
    *, request: Request, gate: TheGate, visitor: Viewer, site: SiteId, transfer: TransferId
) -> Response:
    """Show a transfer with its lines and what can be done next."""
    return _one(request, gate, visitor, site, transfer)


@router.post("/transfers/{site}/{transfer}/{step}")
def take_step(
    *,
    request: Request,
    gate: TheGate,
    visitor: Sender,
    site: SiteId,
    transfer: TransferId,
    step: Step,
    reason: Annotated[Literal["", "lost", "damaged", "never_loaded", "other"], Form()] = "",
    carrier: Text = "",
) -> Response:
    """Let it depart, call it off, or expect nothing more of it."""
    where: dict[str, Any] = {"at": site, "name": transfer, "now": gate.clock()}
    steps: dict[str, Callable[[Connection], object]] = {
        "departure": lambda conn: service.depart(
            conn, visitor.actor, carrier=carrier.strip() or None, **where
        ),
        "cancel": lambda conn: service.cancel(conn, visitor.actor, **where),
        "short": lambda conn: service.give_up(conn, visitor.actor, reason=reason, **where),
    }
    if step == "short" and not reason:
        return _one(request, gate, visitor, site, transfer, problem="reason: say why it will not come")
    try:
        in_transaction(gate.pool, steps[step])
    except UnknownDocumentError as error:
        raise HTTPException(404, f"{error}") from error
    except ConflictingDocumentError:
        pass  # somebody was faster: the page tells how it stands
    except (DocumentError, LedgerError) as error:
        return _one(request, gate, visitor, site, transfer, problem=f"{error}")
    return RedirectResponse(f"/transfers/{site}/{transfer}", 303)


def _list(
    request: Request,
    gate: Gate,
    visitor: Viewer,
    *,
    site: str = "",
    after: str = "",
    problem: str = "",
    typed: dict[str, str] | None = None,
    rows: Sequence[tuple[str, str]] = (),
) -> Response:
    start_site, _, start_id = after.partition("|")
    with gate.acting(visitor.actor) as conn:
        found = service.transfers(
            conn, visitor.actor, site=site or None, after=(start_site, start_id), limit=SHOWN + 1
        )
        sites = [each.site for each in operations.sites(conn, visitor.actor)]
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    filled = [row for row in rows if any(text.strip() for text in row)]
    blank = [("", "")] * min(max(EMPTY - len(filled), 2), MOST_LINES - len(filled))
    return page(
        request,
        visitor,
        "transfers.html",
        tab="/transfers",
        status=422 if problem else 200,
        transfers=found[:SHOWN],
        following=f"{last.from_site}|{last.id}" if last else "",
        states=STATES,
        sites=sites,
        site=site,
        may_draft=bool(visitor.actor.roles_anywhere & set(service.DRAFTERS)),
        rows=filled + blank,
        typed={"from_site": site, "to_site": "", "id": "", "carrier": "", "due_on": ""} | (typed or {}),
        problem=problem,
    )


def _one(
    request: Request, gate: Gate, visitor: Viewer, site: str, name: str, *, problem: str = ""
) -> Response:
    actor = visitor.actor
    with gate.acting(actor) as conn:
        try:
            story = service.transfer(conn, actor, at=site, name=name)
        except UnknownDocumentError as error:
            raise HTTPException(404, f"{error}") from error
    told = story.transfer
    return page(
        request,
        visitor,
        "transfer.html",
        tab="/transfers",
        status=422 if problem else 200,
        transfer=told,
        lines=story.lines,
        states=STATES,
        reasons=SHORT_REASONS,
        may_ship=may(actor, told.from_site, *SHIPPERS),
        may_receive=may(actor, told.to_site, *SHIPPERS),
        may_cancel=any(may(actor, each, *service.DRAFTERS) for each in (told.from_site, told.to_site)),
        may_close=may(actor, told.to_site, *KEEPERS),
        problem=problem,
    )
