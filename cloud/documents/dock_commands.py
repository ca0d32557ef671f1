"""`dockledger receipts …`, `shipments …`, `transfers …`, `inspection …`, `units …`: the dock from a shell."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cloud.db import Connection
from cloud.documents import units
from cloud.documents.domain import DocumentError
from cloud.documents.judging import service as judging
from cloud.documents.lines import RECEIVABLE, SHIPPABLE
from cloud.documents.receiving import reading as received
from cloud.documents.receiving import reversing
from cloud.documents.receiving import service as receiving
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.sheet import Delivered, UnreadDeliveryError, read_delivery
from cloud.documents.shell import SHELL, add_file, conventions_of, reporting
from cloud.documents.shipping import reading as shipped
from cloud.documents.shipping import service as shipping
from cloud.documents.shipping.sheet import Leaving, read_shipment
from cloud.documents.transfers import service as transfers
from cloud.documents.units import SeriesPaper
from cloud.settings import Settings
from cloud.shell import MOST_LISTED, Run, command, group, once, present, show, show_all

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_RECEIPT_EXAMPLES: Final = """examples:
  dockledger receipts import asn.csv --site leeds --receipt DN-77 --location STAGE-1 --against asn/ASN-4711
  dockledger receipts import count.xlsx --site leeds --receipt R-12 --location STAGE-1 --check    only look
  dockledger receipts list --site leeds
  dockledger receipts show DN-77 --site leeds
  dockledger receipts reverse DN-77 --site leeds --line 3 --reason wrong_quantity"""

_SHIPMENT_EXAMPLES: Final = """examples:
  dockledger shipments import out.csv --site leeds --shipment S-9 --against outbound_order/SO-8
  dockledger shipments list --site leeds
  dockledger shipments show S-9 --site leeds"""
_TRANSFER_EXAMPLES: Final = """examples:
  dockledger transfers list --site leeds
  dockledger transfers show T-7 --site leeds"""
_INSPECTION_EXAMPLES: Final = """examples:
  dockledger inspection list --site leeds"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add these commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    coming = group(subparsers, "receipts", "receive deliveries, and see what came", _RECEIPT_EXAMPLES)
    importing = command(coming, "import", "receive a file's lines, all or nothing", run_import)
    add_file(importing, "of_line, received[, damaged, rejected, gtin, sku, lot, sscc, …] as .csv or .xlsx")
    importing.add_argument("--site", required=True)
    importing.add_argument("--receipt", required=True, help="its own number, once at the site")
    importing.add_argument("--location", required=True, help="where it is put, unless a line says")
    importing.add_argument("--against", metavar="TYPE/ID", help="the document whose lines the file names")
    importing.add_argument("--note", help="the delivery note's number")
    importing.add_argument("--partner", help="the supplier or customer of what no document names")
    importing.add_argument("--last", action="store_true", help="nothing more comes of these documents")
    importing.add_argument("--check", action="store_true", help="say what is wrong, receive nothing")
    _listed(coming, "list receipts, the latest first", run_receipts)
    _named(coming, "show", "show what came of each line", run_receipt)
    back = _named(coming, "reverse", "take a line back", run_reverse)
    back.add_argument("--line", required=True)
    back.add_argument("--reason", required=True, help="a short word")
    leaving = group(subparsers, "shipments", "ship what a file names, and see what left", _SHIPMENT_EXAMPLES)
    sending = command(leaving, "import", "ship a file's lines, all or nothing", run_ship)
    add_file(sending, "of_line, quantity[, sscc, with_unit, location, lot, unit_seen, …] as .csv or .xlsx")
    sending.add_argument("--site", required=True)
    sending.add_argument("--shipment", required=True, help="its own number, once at the site")
    sending.add_argument("--location", help="where it is taken from, unless a line says")
    sending.add_argument("--against", metavar="TYPE/ID", help="the document whose lines the file names")
    sending.add_argument("--carrier")
    sending.add_argument("--departed", action="store_true", help="of transfers: the vehicle is on its way")
    _listed(leaving, "list shipments, the latest first", run_shipments)
    _named(leaving, "show", "show what left for each line", run_shipment)
    between = group(subparsers, "transfers", "see what is on its way between sites", _TRANSFER_EXAMPLES)
    _listed(between, "list transfers with their states", run_transfers)
    _named(between, "show", "show a transfer's lines", run_transfer)
    waiting = group(subparsers, "inspection", "see what waits for a person", _INSPECTION_EXAMPLES)
    _listed(waiting, "list goods in inspection, returned or on hold", run_waiting)


def add_series(numbering: "Subparsers") -> None:
    """Add the command that says which SSCCs a site gives out.

    Args:
        numbering: Where the commands of units go.
    """
    series = command(numbering, "series", "say which SSCCs a site gives out", run_series)
    series.add_argument("--site", required=True)
    series.add_argument("--company-prefix", required=True, help="4 to 12 digits, of GS1")
    series.add_argument("--extension-digit", type=int, default=0)
    series.add_argument("--first-serial", type=int, default=1)


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Receive a file."""

    def work() -> None:
        head = Delivered(
            arguments.site,
            arguments.receipt,
            arguments.location,
            _against(arguments.against, RECEIVABLE),
            arguments.note,
            arguments.partner,
            arguments.last,
        )
        how = {"encoding": arguments.encoding, "sheet": arguments.sheet}
        try:
            paper = read_delivery(arguments.file, head, conventions=conventions_of(arguments), **how)
        except UnreadDeliveryError as error:
            rest = error.rest
            more = once(settings, lambda conn: receiving.check(conn, SHELL, rest, now=present()))
            raise DocumentError("\n".join(map(str, (error, *more)))) from error
        if arguments.check:
            _check(settings, paper)
            return
        done = once(settings, lambda conn: receiving.receive(conn, SHELL, paper, now=present()))
        told = {"receipt": done.id, "position": done.position, "lines": len(done.lines)}
        over = [each.line.paper.line for each in done.lines if each.outcome.over > 0]
        short = [each.line.paper.line for each in done.lines if each.outcome.short > 0]
        unexpected = [each.line.paper.line for each in done.lines if each.outcome.is_unexpected]
        show(arguments, told | {"over": over, "short": short, "unexpected": unexpected, "sscc": done.issued})

    return reporting(work)


def run_receipts(arguments: argparse.Namespace, settings: Settings) -> int:
    """List receipts."""
    return _show_rows(
        arguments,
        settings,
        lambda conn: received.receipts(conn, SHELL, site=arguments.site, limit=MOST_LISTED),
    )


def run_receipt(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a receipt's lines."""
    return _show_rows(
        arguments,
        settings,
        lambda conn: received.receipt(conn, SHELL, site=arguments.site, name=arguments.name).lines,
    )


def run_reverse(arguments: argparse.Namespace, settings: Settings) -> int:
    """Take a line back."""
    where = {"site": arguments.site, "name": arguments.name, "line": arguments.line}

    def work() -> None:
        position = once(
            settings,
            lambda conn: reversing.reverse_line(conn, SHELL, reason=arguments.reason, **where),
        )
        show(arguments, where | {"position": position})

    return reporting(work)


def run_ship(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ship a file's lines."""

    def work() -> None:
        head = Leaving(
            arguments.site,
            arguments.shipment,
            arguments.location,
            _against(arguments.against, SHIPPABLE),
            arguments.carrier,
            arguments.departed,
        )
        how = {"encoding": arguments.encoding, "sheet": arguments.sheet}
        paper = read_shipment(arguments.file, head, conventions=conventions_of(arguments), **how)
        done = once(settings, lambda conn: shipping.ship(conn, SHELL, paper, now=present()))
        show(arguments, {"shipment": done.id, "position": done.position, "lines": len(done.lines)})

    return reporting(work)


def run_shipments(arguments: argparse.Namespace, settings: Settings) -> int:
    """List shipments."""
    return _show_rows(
        arguments,
        settings,
        lambda conn: shipped.shipments(conn, SHELL, site=arguments.site, limit=MOST_LISTED),
    )


def run_shipment(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a shipment's lines."""
    return _show_rows(
        arguments,
        settings,
        lambda conn: shipped.shipment(conn, SHELL, site=arguments.site, name=arguments.name).lines,
    )


def run_transfers(arguments: argparse.Namespace, settings: Settings) -> int:
    """List transfers."""

    def work(conn: Connection) -> list[dict[str, Any]]:
        rows = transfers.transfers(conn, SHELL, site=arguments.site, limit=MOST_LISTED)
        return [{"state": str(row.state)} | row._asdict() for row in rows]

    return _show_rows(arguments, settings, work)


def run_transfer(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a transfer's lines."""
    return _show_rows(
        arguments,
        settings,
        lambda conn: transfers.transfer(conn, SHELL, at=arguments.site, name=arguments.name).lines,
    )


def run_waiting(arguments: argparse.Namespace, settings: Settings) -> int:
    """List goods that wait."""
    return _show_rows(
        arguments,
        settings,
        lambda conn: judging.waiting(conn, SHELL, site=arguments.site, limit=MOST_LISTED),
    )


def run_series(arguments: argparse.Namespace, settings: Settings) -> int:
    """Set a site's series of SSCCs."""

    def work() -> None:
        paper = SeriesPaper(
            site=arguments.site,
            company_prefix=arguments.company_prefix,
            extension_digit=arguments.extension_digit,
            first_serial=arguments.first_serial,
        )
        show(arguments, once(settings, lambda conn: units.put_series(conn, SHELL, paper)))

    return reporting(work)


def _check(settings: Settings, paper: DeliveryPaper) -> None:
    faults = once(settings, lambda conn: receiving.check(conn, SHELL, paper, now=present()))
    if faults:
        raise DocumentError("\n".join(map(str, faults)))
    print(f"{len(paper.lines)} lines can be received")


def _against(text: str | None, kinds: Sequence[str]) -> tuple[str, str] | None:
    if text is None:
        return None
    kind, _, name = text.partition("/")
    if kind not in kinds or not name:
        raise DocumentError(f"--against {text!r}: expected TYPE/ID, TYPE one of {', '.join(kinds)}")
    return kind, name


def _show_rows(arguments: argparse.Namespace, settings: Settings, read: Any) -> int:
    def work() -> None:
        rows: Sequence[Any] = once(settings, read)
        show_all(arguments, list(rows))

    return reporting(work)


def _listed(parent: "Subparsers", summary: str, run: Run) -> None:
    command(parent, "list", summary, run).add_argument("--site")


def _named(parent: "Subparsers", name: str, summary: str, run: Run) -> argparse.ArgumentParser:
    parser = command(parent, name, summary, run)
    parser.add_argument("name")
    parser.add_argument("--site", required=True)
    return parser
