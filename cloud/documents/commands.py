"""`dockledger documents …` registers what doors expect; `dockledger visits …` follows vehicles at them."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, get_args

from cloud.db import Connection
from cloud.documents import dock_commands, service, visits
from cloud.documents.appointment_rows import read_appointments
from cloud.documents.appointments import MovedVisit, appoint_all
from cloud.documents.domain import DocumentError, named_paper
from cloud.documents.import_file import ImportPaper, checked, read_import, read_visits
from cloud.documents.papers import DocumentType
from cloud.documents.sheet_rows import UnreadRowsError
from cloud.documents.shell import SHELL, add_file, conventions_of, reporting
from cloud.settings import Settings
from cloud.shell import MOST_LISTED, Run, command, group, once, present, show, show_all

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_DOCUMENT_EXAMPLES: Final = """examples:
  dockledger documents import dock.json      items, doors, ASNs, orders and visits, all or nothing
  dockledger documents import asn.csv --site leeds     type,id,line,gtin,quantity[,unit_seen,lot,unit,…]
  dockledger documents list --site leeds
  dockledger documents show asn ASN-4711 --site leeds"""
_VISIT_EXAMPLES: Final = """examples:
  dockledger visits import trucks.csv --site leeds     visit,door,direction,from_at[,to_at,documents]
  dockledger visits move windows.csv --site leeds      visit,door,from_at[,to_at,carrier]
  dockledger visits list --site leeds --state open
  dockledger visits open V-17 --site leeds --door dock-1 --direction inbound --document ASN-4711
  dockledger visits show V-17 --site leeds       what crossed, what is missing, what remains
  dockledger visits receive V-17 --site leeds    goods change hands: from the supplier into stock
  dockledger visits receive V-17 --site leeds --unit 395211411234567893    seen by a person, not by a reader
  dockledger visits depart V-18 --site leeds
  dockledger visits close V-17 --site leeds --reason 395211411234567893=short"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    papers = group(subparsers, "documents", "register what doors expect", _DOCUMENT_EXAMPLES)
    importing = command(papers, "import", "register everything in a file, or nothing of it", run_import)
    add_file(importing, "JSON, or documents' lines as .csv or .xlsx")
    importing.add_argument("--site", help="of what names none")
    listing = command(papers, "list", "list documents", run_list)
    listing.add_argument("--site")
    showing = command(papers, "show", "show a document's lines", run_show)
    showing.add_argument("type", choices=get_args(DocumentType))
    showing.add_argument("id")
    showing.add_argument("--site", required=True)
    visiting = group(subparsers, "visits", "follow vehicles at doors", _VISIT_EXAMPLES)
    expecting = command(visiting, "import", "expect every vehicle of a file, or none", run_import_visits)
    add_file(expecting, "visit, door, direction, from_at[, to_at, documents, site] as .csv or .xlsx")
    expecting.add_argument("--site", help="of what names none")
    moving = command(visiting, "move", "give every visit of a file its door and window, or none", run_move)
    add_file(moving, "visit, door, from_at[, to_at, carrier, site] as .csv or .xlsx")
    moving.add_argument("--site", help="of what names none")
    listing = command(visiting, "list", "list visits", run_visits)
    listing.add_argument("--site")
    listing.add_argument("--state", choices=("open", "closed", "cancelled"))
    opening = _of_visit(visiting, "open", "expect a vehicle at a door", run_open)
    opening.add_argument("--door", required=True)
    opening.add_argument("--direction", choices=("inbound", "outbound"), required=True)
    opening.add_argument("--from", dest="from_at", metavar="AT", help="RFC 3339 with offset; default: now")
    opening.add_argument("--to", dest="to_at", metavar="AT", help="default: no end")
    opening.add_argument(
        "--document", action="append", default=[], metavar="NAME", help="id of an ASN or order, or TYPE/ID"
    )
    _of_visit(visiting, "show", "say what crossed and what remains", run_story)
    for word, text in (
        ("receive", "confirm the receipt of an inbound visit's goods"),
        ("depart", "confirm the departure of an outbound visit's goods"),
    ):
        confirming = _of_visit(visiting, word, text, run_confirm)
        confirming.add_argument("--unit", action="append", default=[], help="is there, though not read")
    closing_parser = _of_visit(visiting, "close", "end a visit that is clear", run_close)
    closing_parser.add_argument(
        "--reason", action="append", default=[], metavar="NAME=REASON", help="of what remains"
    )
    _of_visit(visiting, "cancel", "end a visit that never happened", run_cancel)
    dock_commands.add_commands(subparsers)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import a file."""
    return _import(arguments, settings, read_import)


def run_import_visits(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import vehicles."""
    return _import(arguments, settings, read_visits)


def run_move(arguments: argparse.Namespace, settings: Settings) -> int:
    """Move appointments."""

    def work() -> None:
        how = {"encoding": arguments.encoding, "sheet": arguments.sheet}
        file, conventions = arguments.file, conventions_of(arguments)
        unread: UnreadRowsError | None = None
        try:
            papers = read_appointments(file, site=arguments.site, conventions=conventions, **how)
        except UnreadRowsError as error:
            papers, unread = [line for line in error.lines if isinstance(line, MovedVisit)], error

        def move(conn: Connection) -> list[Any]:
            try:
                moved = appoint_all(conn, SHELL, papers, now=present())
            except DocumentError as error:
                raise DocumentError("\n".join(map(str, filter(None, (unread, error))))) from error
            if unread:
                raise unread
            return list(moved)

        show_all(arguments, once(settings, move))

    return reporting(work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List documents."""

    def work(conn: Connection) -> list[Any]:
        return service.documents(conn, SHELL, site=arguments.site, limit=MOST_LISTED)

    return reporting(lambda: show_all(arguments, once(settings, work)))


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a document."""

    def work(conn: Connection) -> list[Any]:
        told = service.document(conn, SHELL, site=arguments.site, kind=arguments.type, name=arguments.id)
        return list(told.lines)

    return reporting(lambda: show_all(arguments, once(settings, work)))


def run_visits(arguments: argparse.Namespace, settings: Settings) -> int:
    """List visits."""

    def work(conn: Connection) -> list[Any]:
        return visits.visits(conn, SHELL, site=arguments.site, state=arguments.state, limit=MOST_LISTED)

    return reporting(lambda: show_all(arguments, once(settings, work)))


def run_open(arguments: argparse.Namespace, settings: Settings) -> int:
    """Register a visit."""
    stated = {
        "site": arguments.site,
        "visit": arguments.visit,
        "door": arguments.door,
        "direction": arguments.direction,
        "from_at": arguments.from_at or present().isoformat(),
        "to_at": arguments.to_at,
        "documents": [named_paper(name, arguments.direction) for name in arguments.document],
    }

    def work() -> None:
        (paper,) = checked({"visits": [stated]}, "visits open", {}).visits
        once(settings, lambda conn: service.register_visit(conn, SHELL, paper, now=present()))
        show(arguments, paper)

    return reporting(work)


def run_story(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a visit."""

    def work(conn: Connection) -> visits.VisitStory:
        return visits.story(conn, SHELL, site=arguments.site, visit=arguments.visit)

    return reporting(lambda: show(arguments, once(settings, work)))


def run_confirm(arguments: argparse.Namespace, settings: Settings) -> int:
    """Confirm a receipt or a departure."""

    def work(conn: Connection) -> visits.Confirmed:
        return visits.confirm(
            conn,
            SHELL,
            site=arguments.site,
            visit=arguments.visit,
            direction="inbound" if arguments.word == "receive" else "outbound",
            confirmed_units=arguments.unit,
            now=present(),
        )

    return reporting(lambda: show(arguments, once(settings, work)))


def run_close(arguments: argparse.Namespace, settings: Settings) -> int:
    """Close a visit."""

    def work(conn: Connection) -> Any:
        reasons = dict(_pair(text) for text in arguments.reason)
        return visits.close(
            conn, SHELL, site=arguments.site, visit=arguments.visit, reasons=reasons, now=present()
        )

    return reporting(lambda: show(arguments, once(settings, work)))


def run_cancel(arguments: argparse.Namespace, settings: Settings) -> int:
    """Cancel a visit."""

    def work(conn: Connection) -> Any:
        return visits.cancel(conn, SHELL, site=arguments.site, visit=arguments.visit, now=present())

    return reporting(lambda: show(arguments, once(settings, work)))


def _import(arguments: argparse.Namespace, settings: Settings, read: Callable[..., ImportPaper]) -> int:
    def work() -> None:
        how = {"encoding": arguments.encoding, "sheet": arguments.sheet}
        papers = read(arguments.file, site=arguments.site, conventions=conventions_of(arguments), **how)
        show(arguments, once(settings, lambda conn: service.import_all(conn, SHELL, papers, now=present())))

    return reporting(work)


def _of_visit(group: "Subparsers", name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    parser = command(group, name, summary, run)
    parser.add_argument("visit")
    parser.add_argument("--site", required=True)
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, reason = text.rpartition("=")
    if not equals:
        raise DocumentError(f"--reason {text!r}: expected NAME=REASON")
    return name, reason
