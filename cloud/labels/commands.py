"""`dockledger labels …`: templates, labels as PDF or ZPL, prints, and SSCCs reserved for gateways."""

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from cloud import shell
from cloud.db import Connection
from cloud.identity.actor import Actor, Role
from cloud.labels import printing, references, service
from cloud.labels.domain import BLOCK, TemplateRow
from cloud.settings import Settings
from contracts.labels import LabelKind, LabelOrder, LabelTemplate

_reporting: Final = shell.reporting_with(ValueError, OSError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers


SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""

_EXAMPLES: Final = """examples:
  dockledger labels template list leeds
  dockledger labels template show leeds bin > bin.zpl
  dockledger labels template edit leeds bin --file bin.zpl --reason "larger letters"
  dockledger labels template again leeds bin 0                       as it ships
  dockledger labels preview leeds bin location=A-01-1 > label.zpl
  dockledger labels print leeds bin location=A-01-1 --pdf label.pdf
  dockledger labels print leeds item item=TEA-50 quantity=12 --copies 3 --zpl - | nc printer 9100
  dockledger labels reserve dock-1 --size 2000                 SSCCs for long without the cloud"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    parser = subparsers.add_parser(
        "labels",
        help="templates of labels, labels as PDF or ZPL, SSCCs for printing offline",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    parts = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    template = parts.add_parser("template", help="how labels look")
    group = template.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _at_site(group, "list", "list a site's templates", run_templates)
    showing = _of_template(group, "show", "write a template's ZPL to standard output", run_show)
    showing.add_argument("--version", type=int, help="default: the one in force")
    editing = _of_template(group, "edit", "change a template, or add one", run_edit)
    editing.add_argument("--file", type=Path, required=True, help="the ZPL")
    editing.add_argument(
        "--kind", choices=[kind.value for kind in LabelKind], help="default: the one of that name"
    )
    editing.add_argument("--dots-per-mm", type=int, choices=(6, 8, 12, 24), default=8)
    editing.add_argument("--reason", required=True, help="for the history")
    again = _of_template(group, "again", "have an earlier version again; 0 is what ships", run_again)
    again.add_argument("version", type=int)
    _of_template(group, "history", "list what a template was, the newest first", run_history)
    _of_label(parts, "preview", "write a label's ZPL to standard output; nothing is noted", run_preview)
    making = _of_label(parts, "print", "make labels to be printed, and note it", run_print)
    way = making.add_mutually_exclusive_group(required=True)
    way.add_argument("--pdf", type=Path, metavar="FILE")
    way.add_argument("--zpl", metavar="FILE", help="- is standard output")
    making.add_argument("--reason", default="", help="why an SSCC's label is printed once more")
    _at_site(parts, "prints", "list labels that were printed, the latest first", run_prints)
    reserving = shell.command(parts, "reserve", "reserve SSCCs for a gateway, and send it them", run_reserve)
    reserving.add_argument("gateway")
    reserving.add_argument("--size", type=int, default=BLOCK, help=f"how many, default {BLOCK}")
    _at_site(parts, "blocks", "list reserved SSCCs, the latest first", run_blocks)


def run_templates(arguments: argparse.Namespace, settings: Settings) -> int:
    """List a site's templates."""

    def show() -> None:
        for row in shell.once(settings, lambda conn: service.templates(conn, SHELL, site=arguments.site)):
            _print(arguments, _summary(row))

    return _reporting(show)


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write a template's ZPL."""

    def work(conn: Connection) -> TemplateRow:
        return service.template(
            conn, SHELL, site=arguments.site, name=arguments.name, version=arguments.version
        )

    return _reporting(lambda: print(shell.once(settings, work).zpl))


def run_edit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Change a template."""

    def work(conn: Connection) -> TemplateRow:
        given = LabelTemplate(
            name=arguments.name,
            kind=LabelKind(arguments.kind or arguments.name),
            dots_per_mm=arguments.dots_per_mm,
            zpl=arguments.file.read_text("utf-8").strip(),
        )
        now = datetime.now(UTC)
        return service.set_template(
            conn, SHELL, site=arguments.site, given=given, reason=arguments.reason, now=now
        )

    return _reporting(lambda: _print(arguments, _summary(shell.once(settings, work))))


def run_again(arguments: argparse.Namespace, settings: Settings) -> int:
    """Have an earlier version again."""

    def work(conn: Connection) -> TemplateRow:
        return service.set_again(
            conn,
            SHELL,
            site=arguments.site,
            name=arguments.name,
            version=arguments.version,
            now=datetime.now(UTC),
        )

    return _reporting(lambda: _print(arguments, _summary(shell.once(settings, work))))


def run_history(arguments: argparse.Namespace, settings: Settings) -> int:
    """List what a template was."""

    def work(conn: Connection) -> list[TemplateRow]:
        return service.versions(
            conn, SHELL, site=arguments.site, name=arguments.name, limit=shell.MOST_LISTED
        )

    def show() -> None:
        for row in shell.once(settings, work):
            _print(arguments, _summary(row))

    return _reporting(show)


def run_preview(arguments: argparse.Namespace, settings: Settings) -> int:
    """Write a label's ZPL."""

    def work(conn: Connection) -> str:
        return printing.preview(conn, SHELL, site=arguments.site, order=_order(arguments))[1].zpl

    return _reporting(lambda: print(shell.once(settings, work)))


def run_print(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make labels."""

    def work(conn: Connection) -> bytes:
        return printing.print_label(
            conn,
            SHELL,
            site=arguments.site,
            order=_order(arguments),
            way="pdf" if arguments.pdf else "zpl",
            reason=arguments.reason,
        )

    def make() -> None:
        made = shell.once(settings, work)
        if arguments.zpl == "-":
            sys.stdout.buffer.write(made)
        else:
            Path(arguments.pdf or arguments.zpl).write_bytes(made)

    return _reporting(make)


def run_prints(arguments: argparse.Namespace, settings: Settings) -> int:
    """List prints."""

    def show() -> None:
        now = datetime.now(UTC)
        for row in shell.once(
            settings,
            lambda conn: printing.prints(
                conn, SHELL, site=arguments.site, before_at=now, limit=shell.MOST_LISTED
            ),
        ):
            _print(arguments, asdict(row))

    return _reporting(show)


def run_reserve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Reserve SSCCs."""

    def work(conn: Connection) -> dict[str, Any]:
        now = datetime.now(UTC)
        return asdict(
            references.reserve(conn, SHELL, gateway=arguments.gateway, size=arguments.size, now=now)
        )

    return _reporting(lambda: _print(arguments, shell.once(settings, work)))


def run_blocks(arguments: argparse.Namespace, settings: Settings) -> int:
    """List reserved SSCCs."""

    def show() -> None:
        for row in shell.once(
            settings,
            lambda conn: references.blocks(conn, SHELL, site=arguments.site, limit=shell.MOST_LISTED),
        ):
            _print(arguments, asdict(row))

    return _reporting(show)


def _order(arguments: argparse.Namespace) -> LabelOrder:
    values = {}
    for each in arguments.values:
        name, is_value, value = each.partition("=")
        if not is_value:
            raise ValueError(f"{each!r}: expected FIELD=VALUE")
        values[name] = value
    return LabelOrder(LabelKind(arguments.kind), values, arguments.copies, arguments.template)


def _summary(row: TemplateRow) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name not in {"site", "zpl"}}


def _print(arguments: argparse.Namespace, fields: dict[str, Any]) -> None:
    if arguments.json:
        print(orjson.dumps(fields).decode())
        return
    words = (
        value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for value in fields.values()
    )
    print("  ".join("-" if word in (None, "") else str(word) for word in words))


def _at_site(group: "Subparsers", name: str, summary: str, run: shell.Run) -> argparse.ArgumentParser:
    parser = shell.command(group, name, summary, run)
    parser.add_argument("site")
    return parser


def _of_template(group: "Subparsers", name: str, summary: str, run: shell.Run) -> argparse.ArgumentParser:
    parser = _at_site(group, name, summary, run)
    parser.add_argument("name")
    return parser


def _of_label(group: "Subparsers", name: str, summary: str, run: shell.Run) -> argparse.ArgumentParser:
    parser = _at_site(group, name, summary, run)
    parser.add_argument("kind", choices=[kind.value for kind in LabelKind])
    parser.add_argument("values", nargs="+", metavar="FIELD=VALUE")
    parser.add_argument("--template", default="", help="default: the one that bears the kind's name")
    parser.add_argument("--copies", type=int, default=1)
    return parser
