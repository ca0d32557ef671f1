"""A transfer's draft against what is set up and drafted: every fault of it in one answer."""

from cloud.db import Connection
from cloud.documents import store as documents
from cloud.documents.catalogue import faults_of
from cloud.documents.domain import Line
from cloud.documents.transfers import store
from cloud.documents.transfers.papers import TransferPaper
from cloud.faults import NO_GAPS, Fault, Gaps


def is_drafted(conn: Connection, paper: TransferPaper, *, gaps: Gaps = NO_GAPS) -> bool:
    """Tell whether a transfer stands there as it is stated; who drives it may have been said since it left.

    Args:
        conn: In a transaction that shows either site.
        paper: What is to go.
        gaps: What of it could not be read, which may be the same; both sites could.

    Returns:
        True if so; of one that was called off nothing will be sent, so that is another one.
    """
    sites = {"from_site": paper.from_site, "to_site": paper.to_site}
    heads = store.tuples(conn, "as_drafted", id=paper.id, **sites) if "id" not in gaps.whole else []
    for due_on, carrier, has_departed, is_cancelled in heads:
        is_driven = has_departed or carrier == paper.carrier or "carrier" in gaps.whole
        if is_cancelled or not is_driven or not (due_on == paper.due_on or "due_on" in gaps.whole):
            return False
    if not heads:
        return False
    of = {"type": "transfer", "id": paper.id}
    there = documents.rows(conn, Line, "lines_of_document", site=paper.from_site, **of)
    there = there or documents.rows(conn, Line, "lines_of_document", site=paper.to_site, **of)
    wanted = [
        line.as_stored("transfer", paper.id)
        for index, line in enumerate(paper.lines)
        if index not in gaps.lines
    ]
    if gaps.lines:
        return all(line in there for line in wanted) and len(there) == len(paper.lines)
    return there == wanted


def taken(conn: Connection, paper: TransferPaper, *, gaps: Gaps = NO_GAPS) -> list[Fault]:
    """Say that one of the sites has a transfer of that number that is another one.

    Args:
        conn: In a transaction that shows either site.
        paper: What is to go.
        gaps: What of it could not be read; both sites could.

    Returns:
        One fault, or none.
    """
    sites = [paper.from_site, paper.to_site]
    if "id" in gaps.whole or not store.tuples(conn, "transfer_is_there", sites=sites, id=paper.id)[0][0]:
        return []
    if is_drafted(conn, paper, gaps=gaps):
        return []
    return [Fault(None, "id", paper.id, already_there(paper))]


def already_there(paper: TransferPaper) -> str:
    """Say why a transfer cannot be drafted under its number.

    Args:
        paper: What is to go.

    Returns:
        Number and sites.
    """
    return f"there is a transfer {paper.id!r} at site {paper.from_site!r} or {paper.to_site!r} already"


def faults_of_draft(conn: Connection, paper: TransferPaper, *, gaps: Gaps = NO_GAPS) -> list[Fault]:
    """Find sites and items that there are not.

    Args:
        conn: In a transaction that shows either site.
        paper: What is to go.
        gaps: What of it could not be read; both sites could.

    Returns:
        Every fault.
    """
    where = f"transfer {paper.id!r}" if paper.id else "transfer"
    sites = {"from_site": paper.from_site, "to_site": paper.to_site}
    known = {site for (site,) in store.tuples(conn, "sites_known", sites=list(sites.values()))}
    faults = [
        Fault(None, field, site, f"{where}: there is no site {site!r}")
        for field, site in sites.items()
        if site not in known
    ]
    return faults + faults_of(conn, where, paper.lines, gaps=gaps)
