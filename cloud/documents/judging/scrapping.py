"""Goods that wait are scrapped: asked for by one person, approved by whose limit covers it (DOMAIN D8)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cloud.db import Connection
from cloud.decisions import service as decisions
from cloud.decisions.domain import Applied, Changed, Decision, Draft, Json, WrongStateError
from cloud.documents.domain import KEEPERS, ConflictingDocumentError, DocumentError
from cloud.documents.judging import store
from cloud.documents.judging.papers import WaitingGoodsPaper
from cloud.documents.judging.service import (
    WaitingRow,
    carry_out,
    still_waiting,
)
from cloud.documents.lines import lock_documents
from cloud.documents.movements import reverse_rows
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from contracts.base import SiteId, epoch_to_int
from contracts.records import RowRef, Side
from contracts.vocabulary import VirtualLocation

SCRAP_KIND: Final = "scrap"


class ScrapPaper(WaitingGoodsPaper):
    """What of goods that wait is to be scrapped, and why."""


def ask_to_scrap(conn: Connection, actor: Actor, paper: ScrapPaper) -> Decision:
    """Ask for goods that wait to be scrapped; until somebody approves it they wait on.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor or inventory controller of the site.
        paper: What, and why.

    Returns:
        The decision, submitted; worth what the goods cost, unknown where nobody knows that.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If none of those goods wait so.
        ConflictingDocumentError: If scrapping goods of that line, or of that item which no receipt brought,
            has been asked for and is not decided.
        DocumentError: If less waits, several lots or owners do, or a place is unknown.
    """
    actor.require(*KEEPERS, site=paper.site)
    act_as(conn, actor)
    lock_documents(conn, paper.site, paper.locks)
    found = still_waiting(conn, paper)
    goods = f"{paper.receipt}/{paper.line}" if paper.receipt else f"item/{paper.item}"
    line = f"{SCRAP_KIND}/{paper.site}/{goods}"
    ((made, is_open),) = store.tuples(conn, "scrap_asked", kind=SCRAP_KIND, site=paper.site, line=line)
    if is_open:
        raise ConflictingDocumentError(f"scrapping goods of {paper.named} waits for approval already")
    cost, currency = _cost(conn, paper.site, found.item)
    wanted = Draft(
        kind=SCRAP_KIND,
        site=paper.site,
        subject=f"{line}/{made + 1}",
        reason=paper.reason,
        effect=_effect(paper, found),
        evidence={"page_url": _page(paper)},
        inputs={"cost": None if cost is None else f"{cost:f}", "waiting": f"{found.quantity:f}"},
        value=None if cost is None else -round(paper.quantity * cost, 2),
        currency=currency,
        item=found.item,
    )
    return decisions.submit(conn, actor, decisions.draft(conn, actor, wanted).decision_id)


@dataclass(frozen=True, slots=True)
class Scrap:
    """The carrier of `scrap` decisions."""

    kind: str = SCRAP_KIND

    def apply(self, conn: Connection, actor: Actor, decision: Decision) -> Applied | Changed:
        """Move the goods to the account of scrap.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who approved it.
            decision: Approved.

        Returns:
            What was done.

        Raises:
            WrongStateError: If they do not wait any more.
        """
        paper = ScrapPaper.model_validate(decision.effect["paper"])
        act_as(conn, actor)
        lock_documents(conn, paper.site, paper.locks)
        try:
            found = still_waiting(conn, paper)
        except DocumentError as error:
            raise WrongStateError(f"decision {decision.decision_id}: {error}") from error
        ((now,),) = store.tuples(conn, "now")
        posted = carry_out(
            conn,
            _at_site(actor, paper.site),
            paper,
            found,
            verdict=SCRAP_KIND,
            there=Side(location=VirtualLocation.SCRAP, lot=found.lot, owner=found.owner),
            now=now,
            decision_id=decision.decision_id,
        )
        (row,) = posted.rows
        return Applied({"position": posted.position, "row": row.model_dump(mode="json")})

    def reverse(self, conn: Connection, actor: Actor, decision: Decision, reason: str) -> Json:
        """Take the goods back to where they waited.

        Args:
            conn: In a transaction that the caller commits directly after.
            actor: Who reverses it.
            decision: Applied.
            reason: Reason code.

        Returns:
            The reversal's place in the ledger's order.
        """
        ref = RowRef.model_validate((decision.outcome or {})["row"])
        key = (ref.gateway, epoch_to_int(ref.epoch), ref.seq)
        act_as(conn, actor)
        posting = reverse_rows(conn, _at_site(actor, decision.site), [key], reason=reason)
        posting.audit("scrap_reversed", f"decision:{decision.decision_id}", decision.site, {"reason": reason})
        return {"position": posting.close().position}


SCRAP: Final = Scrap()


def _at_site(actor: Actor, site: str) -> Actor:
    """Let whom the approval machine let past act at the decision's site only."""
    at = SiteId(site)
    held = actor.roles | {role for where, role in actor.site_roles if where == at}
    roles = {Role.APPROVER, *held.intersection(KEEPERS)}
    return Actor(actor.id, frozenset(), frozenset({at}), site_roles=frozenset((at, role) for role in roles))


def _cost(conn: Connection, site: str, item: str) -> tuple[Decimal | None, str | None]:
    found = store.tuples(conn, "cost_of", item=item, site=site)
    return (found[0][0], found[0][1]) if found else (None, None)


def _effect(paper: ScrapPaper, found: WaitingRow) -> Json:
    lot = f" lot {found.lot}" if found.lot else ""
    owner = f" owned by {found.owner}" if found.owner else ""
    what = f"{paper.quantity.normalize():f} {found.base_unit} of {found.item}{lot}{owner}"
    where = f"line {paper.line} of receipt {paper.receipt}" if paper.receipt else "which no receipt brought"
    return {
        "summary": f"Scrap {what}, {where}",
        "paper": paper.model_dump(mode="json") | {"owner": found.owner or ""},
    }


def _page(paper: ScrapPaper) -> str:
    if paper.receipt:
        return f"/receiving/{paper.site}/receipts/{paper.receipt}"
    return f"{'/returns' if paper.waits_as == 'returned' else '/inspection'}?site={paper.site}"
