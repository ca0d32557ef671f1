"""`edge-agent label print | preview | status`: labels from the gateway's own command line."""

import argparse
import getpass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from contracts.labels import FIELDS, LabelError, LabelKind, LabelOrder
from edge_agent.clock import Clock
from edge_agent.labels.desk import LabelDesk
from edge_agent.labels.logbook import Logbook
from edge_agent.labels.printer import PrinterError, ask_status
from edge_agent.labels.settings import PrinterSettings
from edge_agent.labels.shelf import NoSerialsError

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

OK: Final = 0
FAILED: Final = 1
NEW: Final = "new"
"""As value of ``sscc``: the next one that is reserved here."""
_TERMINAL: Final = "@terminal"
_NOBODYS: Final = "0" * 18


def add_parser(commands: "Subparsers", common: argparse.ArgumentParser) -> None:
    """Add the commands.

    Args:
        commands: What ``edge-agent`` collects its commands in.
        common: Options that all have.
    """
    label = commands.add_parser("label", help="print labels").add_subparsers(required=True, metavar="COMMAND")
    text = "print a label; sscc=new takes the next reserved SSCC; the agent may run"
    printing = label.add_parser("print", parents=[common], help=text, description=text)
    _add_order(printing)
    printing.add_argument("--printer", help="its id; default: the first one")
    printing.add_argument("--reason", help="why an SSCC's label is printed once more")
    printing.add_argument("--actor", default="", help="who prints; default: this user")
    printing.set_defaults(command="label-print")
    text = "write a label's ZPL to standard output; nothing is printed"
    looking = label.add_parser("preview", parents=[common], help=text, description=text)
    _add_order(looking)
    looking.set_defaults(command="label-preview")
    text = "say how printers are, and how many SSCCs are left"
    asking = label.add_parser("status", parents=[common], help=text, description=text)
    asking.set_defaults(command="label-status")


def label_command(
    options: argparse.Namespace,
    *,
    outbox: Path,
    site: str,
    printers: tuple[PrinterSettings, ...],
    out: TextIO,
    err: TextIO,
) -> int:
    """Run one of them.

    Args:
        options: The command line.
        outbox: The outbox's file.
        site: Site id.
        printers: As set.
        out: Where results go.
        err: Where errors go.

    Returns:
        0, or 1 if nothing was printed or a printer is not well.
    """
    desk = LabelDesk(outbox, site, printers)
    try:
        if options.command == "label-status":
            return _status(desk, printers, out)
        order = _order(options)
        if options.command == "label-preview":
            print(desk.zpl(order), file=out)
        else:
            printer = _chosen(printers, options.printer)
            order, outcome = _numbered(desk, printer, order, options.reason)
            _print(desk, Logbook(outbox), printer, order, _Print(outcome, _actor(options), options.reason))
            print(f"{order.kind} {order.subject} {outcome} on {printer.id}", file=out)
    except (LabelError, PrinterError, NoSerialsError) as error:
        print(error, file=err)
        return FAILED
    return OK


class _Print(NamedTuple):
    outcome: str
    actor: str
    reason: str | None


def _numbered(
    desk: LabelDesk, printer: PrinterSettings, order: LabelOrder, reason: str | None
) -> tuple[LabelOrder, str]:
    """Check a label before anything is given out for it; then give a new unit its SSCC."""
    is_new = order.kind is LabelKind.SSCC and order.values.get("sscc") == NEW
    looked_at = replace(order, values={**order.values, "sscc": _NOBODYS}) if is_new else order
    desk.zpl(looked_at, dots_per_mm=printer.dots_per_mm)
    if is_new:
        sscc = desk.shelf.promise(_TERMINAL, None)
        return replace(order, values={**order.values, "sscc": sscc}), "printed"
    if order.kind is not LabelKind.SSCC:
        return order, "printed"
    if not reason:
        raise LabelError(
            f"the label of SSCC {order.subject} may be on a unit already: expected --reason, or sscc={NEW}"
        )
    return order, "reprinted"


def _print(desk: LabelDesk, book: Logbook, printer: PrinterSettings, order: LabelOrder, told: _Print) -> None:
    """Note, then print: a label that nobody recorded must not exist."""
    clock = Clock()

    def note(outcome: str, reason: str | None) -> None:
        book.note(
            clock.now(),
            kind=order.kind.value,
            outcome=outcome,
            actor=told.actor,
            subject=order.subject,
            copies=order.copies,
            printer=printer.id,
            reason=reason,
        )

    note(told.outcome, told.reason)
    try:
        desk.print_on(printer, order)
    except PrinterError as error:
        note("failed", str(error)[:500])
        raise


def _actor(options: argparse.Namespace) -> str:
    return options.actor or f"terminal:{getpass.getuser()}"


def _status(desk: LabelDesk, printers: tuple[PrinterSettings, ...], out: TextIO) -> int:
    is_well = True
    for printer in printers:
        try:
            faults = ask_status(printer).faults if printer.asks_status else ("not asked",)
        except PrinterError as error:
            faults = (str(error),)
        is_well &= faults in {(), ("not asked",)}
        print(f"{printer.id}  {', '.join(faults) or 'ready'}", file=out)
    if not printers:
        print("no [[printer]] is set", file=out)
    print(f"{desk.counters().get('sscc_left', 0)} SSCCs left", file=out)
    return OK if is_well else FAILED


def _chosen(printers: tuple[PrinterSettings, ...], name: str | None) -> PrinterSettings:
    found = [each for each in printers if name in {None, each.id}]
    if not found:
        known = ", ".join(each.id for each in printers) or "none is set: [[printer]] with id and host"
        raise PrinterError(f"printer {name!r}: expected one of {known}")
    return found[0]


def _order(options: argparse.Namespace) -> LabelOrder:
    values = {}
    for each in options.values:
        name, is_value, value = each.partition("=")
        if not is_value:
            raise LabelError(f"{each!r}: expected FIELD=VALUE")
        values[name] = value
    return LabelOrder(LabelKind(options.kind), values, options.copies, options.template)


def _add_order(parser: argparse.ArgumentParser) -> None:
    fields = "; ".join(f"{kind}: {', '.join(rules)}" for kind, rules in FIELDS.items())
    parser.add_argument("kind", choices=[kind.value for kind in LabelKind])
    parser.add_argument("values", nargs="+", metavar="FIELD=VALUE", help=fields)
    parser.add_argument("--template", default="", help="default: the one that bears the kind's name")
    parser.add_argument("--copies", type=int, default=1)
