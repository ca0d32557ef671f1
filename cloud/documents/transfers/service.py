"""Transfers between sites: drafted, shipped, in transit, received or short (DOMAIN D4)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import orjson

from cloud.db import Connection
from cloud.documents.domain import (
    KEEPERS,
    READERS,
    ConflictingDocumentError,
    FaultyDocumentError,
    UnknownDocumentError,
)
from cloud.documents.lines import base_identifier, end_lines, lines_now, lock_documents
from cloud.documents.movements import moved
from cloud.documents.transfers import store
from cloud.documents.transfers.checking import already_there, faults_of_draft, is_drafted, taken
from cloud.documents.transfers.domain import State, state_of
from cloud.documents.transfers.papers import TransferPaper
from cloud.faults import NO_GAPS, Fault, Gaps
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.store import act_as
from cloud.ledger.closing import require_open, tell_late
from cloud.ledger.domain import PostingKind
from cloud.ledger.posting import Posting
from cloud.ledger.store import audit
from contracts.records import DocumentRef, Side
from contracts.vocabulary import BizStep, VirtualLocation

DRAFTERS: Final = (*KEEPERS, Role.PLANNER)
"""Who may draft a transfer, at either of its sites."""
_SENDERS: Final = (*KEEPERS, Role.OPERATOR)


class TransferRow(NamedTuple):
    """A transfer in a list; quantities in base units over all its lines."""

    from_site: str
    id: str
    to_site: str
    carrier: str | None
    departed_at: datetime | None
    departed_by: str | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    created_at: datetime
    created_by: str
    due_on: date | None
    from_zone: str
    to_zone: str
    lines: int
    ordered: Decimal
    shipped: Decimal
    received: Decimal
    missing: Decimal

    @property
    def state(self) -> State:
        """Where it stands; derived."""
        return state_of(
            shipped=self.shipped,
            received=self.received,
            missing=self.missing,
            departed_at=self.departed_at,
            cancelled_at=self.cancelled_at,
        )


class TransferLineRow(NamedTuple):
    """A line of a transfer; quantities in base units."""

    line: str
    item: str | None
    item_name: str | None
    base_unit: str | None
    unit_seen: str
    lot: str | None
    ordered: Decimal | None
    shipped: Decimal
    received: Decimal
    missing: Decimal

    @property
    def in_transit(self) -> Decimal:
        """What left and neither came nor was given up."""
        return max(Decimal(0), self.shipped - self.received - self.missing)


@dataclass(frozen=True, slots=True)
class TransferStory:
    """A transfer with its lines in order."""

    transfer: TransferRow
    lines: tuple[TransferLineRow, ...]


def draft(conn: Connection, actor: Actor, paper: TransferPaper) -> TransferStory:
    """Draft a transfer; its document stands at both sites from then on. The same again changes nothing.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of either site.
        paper: What is to go.

    Returns:
        The transfer.

    Raises:
        NotAllowedError: If the actor may not at either site.
        DocumentError: If a site or item is unknown, naming every line that is wrong.
        ConflictingDocumentError: If there is another transfer of that number from or to one of them, and
            nothing else is wrong.
    """
    _require_either(actor, paper.from_site, paper.to_site, DRAFTERS)
    act_as(conn, actor)
    lock_documents(conn, paper.from_site, [("transfer", paper.id)])  # of two the second finds the first's
    if not is_drafted(conn, paper):
        add_transfer(conn, actor, paper)
    return transfer(conn, actor, at=paper.from_site, name=paper.id)


def check_draft(conn: Connection, actor: Actor, paper: TransferPaper, *, gaps: Gaps = NO_GAPS) -> list[Fault]:
    """Say what is wrong with a transfer, without drafting it.

    Args:
        conn: In a transaction that is not committed.
        actor: A supervisor, inventory controller or planner of either site.
        paper: What is to go.
        gaps: What of it could not be read; it may stand empty, except the sites and the lines.

    Returns:
        Every fault; none: it can be drafted.

    Raises:
        NotAllowedError: If the actor may not at either site.
    """
    _require_either(actor, paper.from_site, paper.to_site, DRAFTERS)
    act_as(conn, actor)
    return [*taken(conn, paper, gaps=gaps), *faults_of_draft(conn, paper, gaps=gaps)]


def add_transfer(conn: Connection, actor: Actor, paper: TransferPaper) -> None:
    """Make the document of a transfer at both sites.

    Args:
        conn: In a transaction that shows either site.
        actor: Who makes it; the caller has checked that they may.
        paper: What is to go.

    Raises:
        DocumentError: If a site or item is unknown, naming every line that is wrong.
        ConflictingDocumentError: If there is a transfer of that number from or to one of them, and nothing
            else is wrong.
    """
    if faults := faults_of_draft(conn, paper):
        raise FaultyDocumentError("", [*taken(conn, paper), *faults])
    name = {"site": paper.from_site, "to_site": paper.to_site, "id": paper.id, "actor": actor.id}
    lines = orjson.dumps([line.model_dump(mode="json") for line in paper.lines]).decode()
    is_free = store.change(conn, "add_transfer", **name, carrier=paper.carrier) > 0
    if is_free:
        ((is_free,),) = store.tuples(conn, "add_transfer_documents", **name, due_on=paper.due_on, lines=lines)
    if not is_free:
        raise ConflictingDocumentError(already_there(paper))
    detail = {"to_site": paper.to_site, "lines": len(paper.lines)}
    subject = f"transfer:{paper.id}"
    audit(conn, actor.id, "transfer_drafted", subject, site=paper.from_site, detail=detail)


def transfers(
    conn: Connection,
    actor: Actor,
    *,
    site: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int,
) -> list[TransferRow]:
    """List transfers from or to the actor's sites, by the sending site and number.

    Args:
        conn: In a transaction.
        actor: Who asks.
        site: Only from or to this site.
        after: Sending site and number of the last one of the page before.
        limit: Most to give.

    Returns:
        The transfers.

    Raises:
        NotAllowedError: If the actor may not.
    """
    actor.require(*READERS, site=site)
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    keys = {"after_site": after[0], "after_id": after[1], "limit": limit}
    return store.rows(conn, TransferRow, "transfers", sites=within.reach, site=site, id=None, **keys)


def transfer(conn: Connection, actor: Actor, *, at: str, name: str) -> TransferStory:
    """Give one transfer with its lines.

    Args:
        conn: In a transaction.
        actor: Who asks; at the sending or the receiving site.
        at: The sending or the receiving site.
        name: Its number, which is the only one of its kind at both.

    Returns:
        The transfer.

    Raises:
        NotAllowedError: If the actor may not read stock anywhere.
        UnknownDocumentError: If the actor's sites send and receive none of that name.
    """
    within = actor.narrowed(*READERS)
    act_as(conn, within)
    asked = {"sites": within.reach, "site": at, "id": name, "after_site": "", "after_id": "", "limit": 1}
    found = store.rows(conn, TransferRow, "transfers", **asked)
    if not found:
        raise UnknownDocumentError(f"there is no transfer {name!r} from or to site {at!r}")
    lines = store.rows(conn, TransferLineRow, "transfer_lines", site=found[0].from_site, id=name)
    return TransferStory(found[0], tuple(lines))


def depart(
    conn: Connection, actor: Actor, *, at: str, name: str, carrier: str | None = None, now: datetime
) -> TransferStory:
    """Say that the vehicle is on its way.

    Args:
        conn: In a transaction that the caller commits.
        actor: An operator, supervisor or inventory controller of either site.
        at: The sending or the receiving site.
        name: Its number.
        carrier: Who drives; None: as before.
        now: When.

    Returns:
        The transfer.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If nothing was shipped, or it left or was called off before.
    """
    actor.require(*_SENDERS)
    found = _locked(conn, actor, at, name)
    _require_either(actor, found.from_site, found.to_site, _SENDERS)
    if found.state is not State.SHIPPED or not store.change(
        conn, "depart", site=found.from_site, id=name, at=now, actor=actor.id, carrier=carrier
    ):
        raise ConflictingDocumentError(f"transfer {name!r} is {found.state}: expected one that is shipped")
    site = found.from_site
    audit(conn, actor.id, "transfer_departed", f"transfer:{name}", site=site, detail={})
    return transfer(conn, actor, at=at, name=name)


def cancel(conn: Connection, actor: Actor, *, at: str, name: str, now: datetime) -> TransferStory:
    """Call a transfer off before anything left.

    Args:
        conn: In a transaction that the caller commits.
        actor: A supervisor, inventory controller or planner of either site.
        at: The sending or the receiving site.
        name: Its number.
        now: The present.

    Returns:
        The transfer.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If something left, or it was called off before.
    """
    actor.require(*DRAFTERS)
    found = _locked(conn, actor, at, name)
    _require_either(actor, found.from_site, found.to_site, DRAFTERS)
    return call_off(conn, actor, at=at, name=name, now=now)


def call_off(conn: Connection, actor: Actor, *, at: str, name: str, now: datetime) -> TransferStory:
    """Do the same where the caller has checked that the actor may.

    Args:
        conn: In a transaction that the caller commits.
        actor: Who calls it off.
        at: The sending or the receiving site.
        name: Its number.
        now: The present.

    Returns:
        The transfer.

    Raises:
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If something left, or it was called off before.
    """
    found = _locked(conn, actor, at, name)
    if found.state is not State.DRAFT:
        raise ConflictingDocumentError(f"transfer {name!r} is {found.state}: expected a draft")
    site = found.from_site
    store.change(conn, "cancel", site=site, id=name, at=now, actor=actor.id)
    audit(conn, actor.id, "transfer_cancelled", f"transfer:{name}", site=site, detail={})
    return transfer(conn, actor, at=at, name=name)


def give_up(
    conn: Connection, actor: Actor, *, at: str, name: str, reason: str, now: datetime
) -> TransferStory:
    """Give up what of a transfer is on its way: it moves to the account of the unknown.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the receiving site.
        at: The sending or the receiving site.
        name: Its number.
        reason: Why, as a short text.
        now: The present.

    Returns:
        The transfer as it was before the posting closed; its state is short.

    Raises:
        NotAllowedError: If the actor may not, or not into a closed period.
        UnknownDocumentError: If there is none.
        ConflictingDocumentError: If nothing of it is on its way.
    """
    actor.require(*KEEPERS)
    found = _locked(conn, actor, at, name)
    actor.require(*KEEPERS, site=found.to_site)
    is_late = require_open(conn, actor, found.to_site, now)
    left = [line for line in transfer(conn, actor, at=at, name=name).lines if line.in_transit > 0]
    if not left:
        raise ConflictingDocumentError(f"transfer {name!r} is {found.state}: nothing of it is on its way")
    act_as(conn, actor)
    here = {line.line: line for line in lines_now(conn, site=found.to_site, kind="transfer", ids=[name])}
    end_lines(
        conn,
        found.to_site,
        [(here[line.line].name, line.in_transit) for line in left],
        reason=reason,
        actor=actor.id,
    )
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.write(
        statements=[
            moved(
                found.to_site,
                base_identifier(conn, here[line.line].key, here[line.line].item or ""),
                line.in_transit,
                "base",
                source=Side(location=VirtualLocation.TRANSIT),
                destination=Side(location=VirtualLocation.UNKNOWN),
                documents=[DocumentRef(type="transfer", id=name, line=line.line)],
                occurred_at=now,
                actor=actor.id,
                biz_step=BizStep.RECEIVING,
                reason="short",
            )
            for line in left
        ]
    )
    detail = {"reason": reason, "short": {line.line: f"{line.in_transit:f}" for line in left}}
    if is_late:
        tell_late(posting, found.to_site, now, reason)
    posting.audit("transfer_closed_short", f"transfer:{name}", found.to_site, detail)
    told = transfer(conn, actor, at=at, name=name)
    posting.close()
    return told


def _locked(conn: Connection, actor: Actor, at: str, name: str) -> TransferRow:
    found = transfer(conn, actor, at=at, name=name).transfer
    act_as(conn, actor)
    lock_documents(conn, found.from_site, [("transfer", name)])
    lock_documents(conn, found.to_site, [("transfer", name)])
    return transfer(conn, actor, at=at, name=name).transfer


def _require_either(actor: Actor, sending: str, receiving: str, roles: tuple[Role, ...]) -> None:
    try:
        actor.require(*roles, site=sending)
    except NotAllowedError:
        actor.require(*roles, site=receiving)
