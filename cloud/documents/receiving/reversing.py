"""Taking a posted line of a receipt back: its movements are reversed, never erased."""

from cloud.db import Connection
from cloud.documents.domain import KEEPERS, ConflictingDocumentError, UnknownDocumentError
from cloud.documents.lines import lock_documents
from cloud.documents.movements import reverse_rows
from cloud.documents.receiving import store
from cloud.identity.actor import Actor
from cloud.identity.store import act_as


def reverse_line(
    conn: Connection, actor: Actor, *, site: str, name: str, line: str, reason: str
) -> int | None:
    """Reverse what a line of a receipt posted, what was judged of it since included.

    The document's line that a receipt ended is open again; one that a person closed stays closed.

    Args:
        conn: In a transaction that the caller commits directly after.
        actor: A supervisor or inventory controller of the site.
        site: Site id.
        name: The receipt's number.
        line: Its line.
        reason: Why, as a short text.

    Returns:
        The reversal's place in the ledger's order; None: nothing of it had moved.

    Raises:
        NotAllowedError: If the actor may not.
        UnknownDocumentError: If there is no such line.
        ConflictingDocumentError: If it was taken back before.
    """
    actor.require(*KEEPERS, site=site)
    act_as(conn, actor)
    found = store.tuples(conn, "line_to_reverse", site=site, id=name, line=line)
    if not found:
        raise UnknownDocumentError(f"there is no line {line!r} in receipt {name!r} at site {site!r}")
    documents = {(of_type, of_id) for of_type, of_id, _ in found if of_type}
    lock_documents(conn, site, {*documents, ("receipt", name)})
    ((_, _, is_taken_back),) = store.tuples(conn, "line_to_reverse", site=site, id=name, line=line)
    if is_taken_back:
        raise ConflictingDocumentError(f"line {line!r} of receipt {name!r} was taken back before")
    rows = store.tuples(conn, "rows_of_line", site=site, kind="receipt", id=name, line=line)
    kept = {"site": site, "id": name, "line": line, "reason": reason, "actor": actor.id}
    named = {"sites": actor.reach, "site": site, "id": name, "line": line}
    ((opened,),) = store.tuples(conn, "reopen_ended_lines", **named)
    if not rows:
        store.change(conn, "add_reversal", **kept, posting_id=None)
        return None
    posting = reverse_rows(conn, actor, [(row[0], row[1], row[2]) for row in rows], reason=reason)
    store.change(conn, "add_reversal", **kept, posting_id=posting.posting_id)
    detail = {"line": line, "reason": reason, "movements": len(rows), "is_open_again": opened > 0}
    posting.audit("receipt_line_reversed", f"receipt:{name}", site, detail)
    return posting.close().position
