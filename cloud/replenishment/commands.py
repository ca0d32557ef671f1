"""`dockledger replenish …` plans and shows proposals; `dockledger suppliers …` keeps who sells what."""

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from cloud import shell
from cloud.db import Connection, LastingConnection
from cloud.documents import order_steps, orders
from cloud.documents.domain import DocumentError
from cloud.identity.actor import Actor, Role
from cloud.master import suppliers
from cloud.master.supplier_papers import SupplierFileError, read_suppliers
from cloud.master.suppliers import SupplierError
from cloud.replenishment import confirming, ordering, policies, reading
from cloud.replenishment.confirming import ConfirmationPaper, ConfirmationTolerance
from cloud.replenishment.domain import ReplenishmentError
from cloud.replenishment.policies import PolicyPaper
from cloud.settings import Settings
from cloud.sheets.fields import Conventions

_reporting: Final = shell.reporting_with(DocumentError, ReplenishmentError, SupplierError, SupplierFileError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers

Paper = TypeVar("Paper", bound=BaseModel)

SHELL: Final = Actor("system:shell", frozenset({Role.BUYER, Role.PLANNER, Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password buys; the record says it was done here."""

_REPLENISH_EXAMPLES: Final = """examples:
  dockledger replenish run --site leeds       propose what to order from the latest forecasts and the ledger
  dockledger replenish list --site leeds      proposals that wait, the most urgent first
  dockledger replenish show 4f0c… --json      one proposal with its arithmetic
  dockledger replenish parameters leeds       review, lead time, target; says what nobody chose
  dockledger replenish policy leeds --item TEA --target 0.98 --target-kind fill_rate --review-days 7
  dockledger replenish orders --site leeds    purchase orders
  dockledger replenish sent leeds PO-000012   the order went to its supplier: it counts as coming
  dockledger replenish confirm leeds PO-000012 --line 1 --quantity 96 --price 2.55 --reference AB-7
  dockledger replenish tolerance --site leeds --quantity 5 --price 2   percent; else it is approved"""
_SUPPLIER_EXAMPLES: Final = """examples:
  dockledger suppliers import terms.csv   supplier,item[,name,currency,price,lead_time_days,min_order,pack,…]
  dockledger suppliers list
  dockledger suppliers show ACME              its terms"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "suppliers", "keep who sells what on which terms", _SUPPLIER_EXAMPLES)
    importing = shell.command(
        group, "import", "set up every supplier and term of a CSV file, or none", run_import
    )
    importing.add_argument("--decimal-point", action="store_true", help="1.500 between semicolons is 1.5")
    importing.add_argument("file", type=Path)
    shell.command(group, "list", "list suppliers", run_suppliers)
    shell.command(group, "show", "list the terms of a supplier", run_terms).add_argument("supplier")
    group = shell.group(
        subparsers, "replenish", "propose what to order, and follow orders", _REPLENISH_EXAMPLES
    )
    running = shell.command(group, "run", "propose what to order", run_run)
    running.add_argument("--site", action="append", help="only this one; may be repeated")
    listing = shell.command(group, "list", "list proposals that wait", run_list)
    listing.add_argument("--site")
    shell.command(group, "show", "show a proposal with its arithmetic", run_show).add_argument("proposal")
    showing = shell.command(group, "parameters", "show planning parameters in force", run_parameters)
    showing.add_argument("site")
    showing.add_argument("--item")
    setting = shell.command(group, "policy", "set review and service target of a site or item", run_policy)
    setting.add_argument("site")
    setting.add_argument("--item", help="default: the whole site")
    setting.add_argument("--review-days", type=int)
    setting.add_argument("--target", type=float, help="a share, as 0.95; needs its kind")
    setting.add_argument("--target-kind", choices=("cycle_service", "fill_rate"))
    listing = shell.command(group, "orders", "list purchase orders", run_orders)
    listing.add_argument("--site")
    _of_order(group, "order", "show a purchase order: ordered, received, open", run_order)
    _of_order(group, "sent", "say that an approved order went to its supplier", run_sent)
    confirming = _of_order(group, "confirm", "record what the supplier confirmed of a line", run_confirm)
    confirming.add_argument("--line", default="1", help="default: 1")
    confirming.add_argument("--quantity", help="of the whole line, in base units; 0: nothing will come")
    confirming.add_argument("--price", help="of one base unit")
    confirming.add_argument("--due-on", metavar="DATE", help="as 2026-12-24")
    confirming.add_argument("--reference", default="", help="the supplier's own number")
    confirming.add_argument("--note", default="", help="for the approver")
    tolerating = shell.command(group, "tolerance", "say how far a confirmation may be off", run_tolerance)
    tolerating.add_argument("--site", help="default: every site without one of its own")
    tolerating.add_argument("--quantity", required=True, metavar="PERCENT", help="up or down")
    tolerating.add_argument("--price", required=True, metavar="PERCENT", help="up")
    ending = _of_order(group, "close", "expect nothing more of a sent order", run_close)
    ending.add_argument("--reason", required=True, choices=sorted(order_steps.END_REASONS))


def run_import(arguments: argparse.Namespace, settings: Settings) -> int:
    """Import suppliers' terms."""

    def work() -> None:
        file = arguments.file
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise SupplierFileError(f"{file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise SupplierFileError(f"{file}, line {line}: not UTF-8: save it as UTF-8") from error
        how = Conventions(has_decimal_point=arguments.decimal_point)
        papers = read_suppliers(text, str(file), conventions=how)
        done = shell.once(
            settings,
            lambda conn: suppliers.import_suppliers(conn, SHELL, papers, file=str(file)),
        )
        shell.show(arguments, done._asdict())

    return _reporting(work)


def run_suppliers(arguments: argparse.Namespace, settings: Settings) -> int:
    """List suppliers."""
    return _listing(
        arguments, settings, lambda conn: suppliers.suppliers(conn, SHELL, limit=shell.MOST_LISTED)
    )


def run_terms(arguments: argparse.Namespace, settings: Settings) -> int:
    """List a supplier's terms."""
    return _listing(
        arguments,
        settings,
        lambda conn: suppliers.supplier_items(
            conn, SHELL, supplier=arguments.supplier, limit=shell.MOST_LISTED
        ),
    )


def run_run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run replenishment."""
    from cloud.replenishment import service  # noqa: PLC0415  only this command computes, and loads numpy for it

    def work() -> None:
        with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-replenish")) as database:
            told = service.run_all(database, SHELL, shell.present(), None, sites=arguments.site)
        for site, outcome in told["sites"].items():
            shell.show(arguments, {"site": site, **outcome})

    return _reporting(work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List proposals."""

    def work(conn: Connection) -> list[Any]:
        return reading.proposals(conn, SHELL, site=arguments.site, only_unsent=True, limit=shell.MOST_LISTED)

    def told(row: Any) -> dict[str, Any]:
        shown = ("proposal_id", "site", "item", "kind", "supplier", "quantity", "value", "currency")
        return {name: getattr(row, name) for name in (*shown, "order_by", "needed_by", "state", "summary")}

    return _reporting(lambda: shell.show_all(arguments, [told(row) for row in shell.once(settings, work)]))


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a proposal."""

    def work() -> None:
        row = shell.once(settings, lambda conn: reading.proposal(conn, SHELL, arguments.proposal))
        if arguments.json:
            shell.show(arguments, row._asdict())
            return
        print(row.summary)
        for part in row.arithmetic["tree"]:
            _print_tree(part, 0)

    return _reporting(work)


def run_parameters(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show planning parameters."""
    return _listing(
        arguments,
        settings,
        lambda conn: policies.parameters(
            conn, SHELL, site=arguments.site, item=arguments.item, limit=shell.MOST_LISTED
        ),
    )


def run_policy(arguments: argparse.Namespace, settings: Settings) -> int:
    """Set a policy."""
    fields = ("site", "item", "review_days", "target_kind", "target")
    stated = {name: getattr(arguments, name) for name in fields}

    def work() -> None:
        paper = _checked(PolicyPaper, stated)
        shell.once(settings, lambda conn: policies.set_policy(conn, SHELL, paper))
        shell.show(arguments, paper.model_dump(mode="json"))

    return _reporting(work)


def run_orders(arguments: argparse.Namespace, settings: Settings) -> int:
    """List purchase orders."""
    return _listing(
        arguments,
        settings,
        lambda conn: orders.orders(conn, SHELL, site=arguments.site, limit=shell.MOST_LISTED),
    )


def run_order(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a purchase order."""

    def work() -> None:
        found = shell.once(
            settings,
            lambda conn: orders.order(conn, SHELL, site=arguments.site, name=arguments.order),
        )
        shell.show(arguments, found.order._asdict())
        lines = [row._asdict() | {"open": row.open_quantity} for row in found.lines]
        shell.show_all(arguments, [*lines, *(row._asdict() for row in found.receipts)])

    return _reporting(work)


def run_sent(arguments: argparse.Namespace, settings: Settings) -> int:
    """Mark an order as sent."""

    def work(conn: Connection) -> Any:
        return ordering.send(conn, SHELL, site=arguments.site, name=arguments.order, now=shell.present())

    return _reporting(lambda: shell.show(arguments, shell.once(settings, work).order._asdict()))


def run_confirm(arguments: argparse.Namespace, settings: Settings) -> int:
    """Record a supplier's confirmation of a line."""

    def work() -> None:
        line = {name: getattr(arguments, name) for name in ("line", "quantity", "price", "due_on")}
        stated = {"reference": arguments.reference, "note": arguments.note, "lines": [line]}
        paper = _checked(ConfirmationPaper, stated)
        where = {"site": arguments.site, "name": arguments.order}
        found = shell.once(settings, lambda conn: confirming.confirm(conn, SHELL, paper, **where))
        shell.show_all(
            arguments, [row._asdict() for row in found.confirmations if row.line == arguments.line]
        )

    return _reporting(work)


def run_tolerance(arguments: argparse.Namespace, settings: Settings) -> int:
    """Set how far confirmations may be off."""

    def work() -> None:
        stated = {"quantity_percent": arguments.quantity, "price_percent": arguments.price}
        paper = _checked(ConfirmationTolerance, stated | {"site": arguments.site})
        shell.once(settings, lambda conn: confirming.set_tolerance(conn, SHELL, paper))
        shell.show(arguments, paper.model_dump(mode="json"))

    return _reporting(work)


def run_close(arguments: argparse.Namespace, settings: Settings) -> int:
    """Close an order."""

    def work(conn: Connection) -> Any:
        where = {"site": arguments.site, "name": arguments.order}
        return ordering.close(conn, SHELL, reason=arguments.reason, now=shell.present(), **where)

    return _reporting(lambda: shell.show(arguments, shell.once(settings, work).order._asdict()))


def _of_order(group: "Subparsers", name: str, summary: str, run: shell.Run) -> argparse.ArgumentParser:
    parser = shell.command(group, name, summary, run)
    parser.add_argument("site")
    parser.add_argument("order")
    return parser


def _checked(kind: type[Paper], stated: dict[str, Any]) -> Paper:
    try:
        return kind.model_validate(stated)
    except ValidationError as error:
        faults = (fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise ReplenishmentError("\n".join(faults)) from error


def _listing(
    arguments: argparse.Namespace, settings: Settings, work: Callable[[Connection], list[Any]]
) -> int:
    return _reporting(
        lambda: shell.show_all(arguments, [row._asdict() for row in shell.once(settings, work)])
    )


def _print_tree(part: dict[str, Any], depth: int) -> None:
    at = f"  ({part['at']})" if "at" in part else ""
    print(f"{'  ' * depth}{part['name']}: {part['value']}  - {part['source']}{at}")
    for each in part.get("parts", ()):
        _print_tree(each, depth + 1)
