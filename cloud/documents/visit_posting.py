"""What a visit's goods post when their receipt or departure is confirmed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cloud.db import Connection
from cloud.documents import store
from cloud.documents.domain import Line, VisitRow
from cloud.documents.leaving import require_departable
from cloud.documents.lines import LineNow
from cloud.documents.receiving.arriving import keep_inspected, to_inspect
from cloud.documents.shipping.with_vehicle import keep_sent, to_send
from cloud.documents.statements import Leg, business_leg
from cloud.documents.visit_papers import LinesNow, conditions_of, whole
from cloud.documents.whole_lines import claim_whole
from cloud.identity.actor import Actor
from cloud.ledger.domain import PostingKind
from cloud.ledger.posting import Posting


def post_due(
    conn: Connection,
    actor: Actor,
    visit: VisitRow,
    due: Sequence[Line],
    *,
    now: LinesNow,
    aboard: Mapping[str, str],
    unseen: frozenset[str],
    detail: Mapping[str, object],
    at: datetime,
) -> int:
    """Let lines change hands, in one posting.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: Who confirmed it.
        visit: The visit.
        due: What changes hands; at least one line.
        now: How each line stands.
        aboard: By unit that no document declares the one that crossed: itself, or the one it stands in.
        unseen: Units that no reader saw.
        detail: What the audit trail says beside.
        at: When.

    Returns:
        The posting's place in the ledger's order.

    Raises:
        ConflictingDocumentError: If something of it may not leave, or lies in several conditions.
    """
    items = [now[line.type, line.id, line.line].item_id for line in due]
    require_departable(conn, visit, due, items, aboard=aboard, at=at)
    conditions = conditions_of(conn, visit, due, now)
    waiting, sent = to_inspect(conn, visit, due, now, at=at), to_send(conn, visit, due, now)
    posting = Posting(conn, actor, PostingKind.STATEMENT)
    posting.claim([*(each.claim for each in waiting), *(each.claim for each in sent)])
    claim_whole(conn, posting, visit.site, whole(due, now))
    papers = {line: ref for each in waiting for line, ref in each.refs.items()}
    papers |= {line: ref for each in sent for line, ref in each.refs.items()}
    leg = Leg(visit, actor.id, at, unseen=unseen, papers=papers, conditions=conditions)
    posting.write(statements=business_leg(leg, due))
    for inspected in waiting:
        places = _stand(conn, inspected.lines)
        keep_inspected(conn, actor, inspected, places, occurred_at=at, posting_id=posting.posting_id)
    for shipment in sent:
        keep_sent(conn, actor, shipment, occurred_at=at, posting_id=posting.posting_id)
    action = "receipt_confirmed" if visit.is_inbound else "departure_confirmed"
    posting.audit(action, f"visit:{visit.visit}", visit.site, detail)
    return posting.close().position


def _stand(conn: Connection, lines: Iterable[tuple[Line, LineNow]]) -> dict[str, str]:
    units = sorted({f"{line.unit}" for line, _ in lines})
    rows = store.tuples(conn, "where_units_stand", units=units) if units else ()
    return {unit: location for unit, _, location, *_ in rows}
