"""`dockledger documents …` registers what doors expect; `dockledger visits …` follows vehicles at them."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from pydantic import BaseModel

from cloud.db import Connection, ContentRefusedError, DatabaseAwayError, LastingConnection, in_transaction
from cloud.documents import service, visits
from cloud.documents.domain import DocumentError
from cloud.documents.papers import ImportFileError, checked, read_import
from cloud.identity.actor import Actor, Role
from cloud.ledger.domain import LedgerError
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

T = TypeVar("T")
Run = Callable[[argparse.Namespace, Settings], int]

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password keeps its documents; the record says it was done here."""
MOST_LISTED: Final = 10_000

_DOCUMENT_EXAMPLES: Final = """examples:
  dockledger documents import dock.json      items, doors, ASNs, orders and visits, all or nothing
  dockledger documents import asn.csv --site leeds     type,id,line,gtin,quantity[,unit_seen,lot,unit,partner]
  dockledger documents list --site leeds
  dockledger documents show asn ASN-4711 --site leeds"""
_VISIT_EXAMPLES: Final = """examples:
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
    papers = _group(subparsers, "documents", "register what doors expect", _DOCUMENT_EXAMPLES)
    importing = _add(papers, "import", "register everything in a file, or nothing of it", run_import)
    importing.add_argument("file", type=Path, help="JSON, or documents' lines as .csv")
    importing.add_argument("--site", help="of what names none")
    listing = _add(papers, "list", "list documents", run_list)
    listing.add_argument("--site")
    showing = _add(papers, "show", "show a document's lines", run_show)
    showing.add_argument("type", choices=("asn", "outbound_order"))
    showing.add_argument("id")
    showing.add_argument("--site", required=True)
    group = _group(subparsers, "visits", "follow vehicles at doors", _VISIT_EXAMPLES)
    listing = _add(group, "list", "list visits", run_visits)
    listing.add_argument("--site")
    listing.add_argument("--state", choices=("open", "closed", "cancelled"))
    opening = _of_visit(group, "open", "expect a vehicle at a door", run_open)
    opening.add_argument("--door", required=True)
    opening.add_argument("--direction", choices=("inbound", "outbound"), required=True)
    opening.add_argument("--from", dest="from_at", metavar="AT", help="RFC 3339 with offset; default: now")
    opening.add_argument("--to", dest="to_at", metavar="AT", help="default: no end")
    opening.add_argument("--document", action="append", default=[], metavar="ID", help="an ASN or order")
    _of_visit(group, "show", "say what crossed and what remains", run_story)
    for word, text in (
        ("receive", "confirm the receipt of an inbound visit's goods"),
        ("depart", "confirm the departure of an outbound visit's goods"),
    ):
        confirming = _of_visit(group, word, text, run_confirm)
        confirming.add_argument("--unit", action="append", default=[], help="is there, though not read")
    closing_parser = _of_visit(group, "close", "end a visit that is clear", run_close)
    closing_parser.add_argument(
        "--reason", action="append", default=[], metavar="NAME=REASON", help="of what remains"
    )
    _of_visit(group, "cancel", "end a visit that never happened", run_cancel)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import a file."""

    def work() -> None:
        papers = read_import(arguments.file, site=arguments.site)
        done = _once(settings, lambda conn: service.import_all(conn, SHELL, papers, now=_now()))
        _show(arguments, done)

    return _reporting(work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List documents."""

    def work(conn: Connection) -> list[Any]:
        return service.documents(conn, SHELL, site=arguments.site, limit=MOST_LISTED)

    return _reporting(lambda: _show_all(arguments, _once(settings, work)))


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a document."""

    def work(conn: Connection) -> list[Any]:
        told = service.document(conn, SHELL, site=arguments.site, kind=arguments.type, name=arguments.id)
        return list(told.lines)

    return _reporting(lambda: _show_all(arguments, _once(settings, work)))


def run_visits(arguments: argparse.Namespace, settings: Settings) -> int:
    """List visits."""

    def work(conn: Connection) -> list[Any]:
        return visits.visits(conn, SHELL, site=arguments.site, state=arguments.state, limit=MOST_LISTED)

    return _reporting(lambda: _show_all(arguments, _once(settings, work)))


def run_open(arguments: argparse.Namespace, settings: Settings) -> int:
    """Register a visit."""
    kind = "asn" if arguments.direction == "inbound" else "outbound_order"
    stated = {
        "site": arguments.site,
        "visit": arguments.visit,
        "door": arguments.door,
        "direction": arguments.direction,
        "from_at": arguments.from_at or _now().isoformat(),
        "to_at": arguments.to_at,
        "documents": [{"type": kind, "id": name} for name in arguments.document],
    }

    def work() -> None:
        (paper,) = checked({"visits": [stated]}, "visits open", {}).visits
        _once(settings, lambda conn: service.register_visit(conn, SHELL, paper, now=_now()))
        _show(arguments, paper)

    return _reporting(work)


def run_story(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a visit."""

    def work(conn: Connection) -> visits.VisitStory:
        return visits.story(conn, SHELL, site=arguments.site, visit=arguments.visit)

    return _reporting(lambda: _show(arguments, _once(settings, work)))


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
            now=_now(),
        )

    return _reporting(lambda: _show(arguments, _once(settings, work)))


def run_close(arguments: argparse.Namespace, settings: Settings) -> int:
    """Close a visit."""

    def work(conn: Connection) -> Any:
        reasons = dict(_pair(text) for text in arguments.reason)
        return visits.close(
            conn, SHELL, site=arguments.site, visit=arguments.visit, reasons=reasons, now=_now()
        )

    return _reporting(lambda: _show(arguments, _once(settings, work)))


def run_cancel(arguments: argparse.Namespace, settings: Settings) -> int:
    """Cancel a visit."""

    def work(conn: Connection) -> Any:
        return visits.cancel(conn, SHELL, site=arguments.site, visit=arguments.visit, now=_now())

    return _reporting(lambda: _show(arguments, _once(settings, work)))


def _group(subparsers: "Subparsers", name: str, summary: str, examples: str) -> "Subparsers":
    parser = subparsers.add_parser(
        name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=examples
    )
    return parser.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _add(group: "Subparsers", name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    parser.set_defaults(run=run, word=name)
    return parser


def _of_visit(group: "Subparsers", name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    parser = _add(group, name, summary, run)
    parser.add_argument("visit")
    parser.add_argument("--site", required=True)
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, reason = text.rpartition("=")
    if not equals:
        raise DocumentError(f"--reason {text!r}: expected NAME=REASON")
    return name, reason


def _once(settings: Settings, work: Callable[[Connection], T]) -> T:
    with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-command")) as database:
        return in_transaction(database, work)


def _reporting(work: Callable[[], object]) -> int:
    try:
        work()
    except (DocumentError, ImportFileError, LedgerError, ContentRefusedError, DatabaseAwayError) as error:
        for line in str(error).splitlines():
            print(f"dockledger: {line}", file=sys.stderr)
        return 1
    return 0


def _now() -> datetime:
    return datetime.now(UTC)


def _fields(row: Any) -> dict[str, Any]:
    match row:
        case BaseModel():
            return row.model_dump()
        case tuple() if hasattr(row, "_asdict"):
            return dict(row._asdict())
        case _:
            return asdict(row)


def _show(arguments: argparse.Namespace, row: Any) -> None:
    fields = _fields(row)
    if arguments.json:
        print(orjson.dumps(fields, default=_as_json).decode())
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        parts = value if isinstance(value, tuple | frozenset | list) else (value,)
        for number, part in enumerate(parts or ("-",)):
            print(f"{name if number == 0 else '':<{width}}  {_readable(part)}")


def _show_all(arguments: argparse.Namespace, rows: list[Any]) -> None:
    for row in rows:
        fields = _fields(row)
        if arguments.json:
            print(orjson.dumps(fields, default=_as_json).decode())
        else:
            print("  ".join(map(_readable, fields.values())))


def _as_json(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)


def _readable(value: object) -> str:
    match value:
        case None:
            return "-"
        case dict():
            return "  ".join(_readable(part) for part in value.values()) or "-"
        case Decimal():
            return f"{value.normalize():f}"
        case datetime():
            return value.isoformat(timespec="seconds")
        case tuple() | list():
            return " ".join(map(str, value)) or "-"
        case _:
            return ascii(str(value))[1:-1]
