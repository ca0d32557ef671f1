"""`dockledger gateway config list | show | set | again | history`."""

import argparse
import sys
import tomllib
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import JsonValue

from cloud import shell
from cloud.db import Connection
from cloud.gateways import service
from cloud.gateways.certificates import commands as certificates
from cloud.gateways.domain import ConfigError, ConfigState, DesiredRow, value_of
from cloud.gateways.enrolment import commands as enrolment
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

_reporting: Final = shell.reporting_with(ConfigError)

if TYPE_CHECKING:
    from cloud.shell import Subparsers


SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""

_EXAMPLES: Final = """examples:
  dockledger gateway config list                   who runs what, and who differs
  dockledger gateway config show dock-1            wished, running, and where they differ
  dockledger gateway config set dock-1 --set reader.r1.power_dbm=24.5 --reason "reads the next door"
  dockledger gateway config set dock-1 --file dock-1.toml --reason "two more antennas"
  dockledger gateway config history dock-1
  dockledger gateway config again dock-1 1764150000000      an earlier one once more"""


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands below `dockledger gateway`.

    Args:
        group: What `dockledger gateway` collects its commands in.
    """
    enrolment.add_commands(group)
    certificates.add_commands(group)
    parser = group.add_parser(
        "config",
        help="say what gateways are to run, and see what they run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    parts = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    shell.command(parts, "list", "list gateways with the state of their configuration", run_list)
    _of_gateway(parts, "show", "say what is wished, what runs, and where they differ", run_show)
    setting = _of_gateway(parts, "set", "wish a configuration", run_set)
    setting.add_argument("--file", type=Path, help="TOML or .json: all that the cloud is to set")
    setting.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="PLACE=VALUE",
        help="change one place of what is wished or runs, as in reader.r1.power_dbm=24.5",
    )
    setting.add_argument("--reason", required=True, help="for the history")
    again = _of_gateway(parts, "again", "wish once more what was wished before", run_again)
    again.add_argument("revision", type=int)
    _of_gateway(parts, "history", "list what was wished, the newest first", run_history)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List gateways with the state of their configuration."""

    def work(conn: Connection) -> list[ConfigState]:
        return service.configs(conn, SHELL, limit=shell.MOST_LISTED)

    def show() -> None:
        for each in shell.once(settings, work):
            line = {
                "gateway": each.gateway,
                "site": each.site,
                "state": each.state,
                "revision": each.desired.revision if each.desired else 0,
                "running_revision": each.reported.running_revision if each.reported else None,
                "differences": len(each.differences),
            }
            _print(arguments, line)

    return _reporting(show)


def run_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show one gateway's configuration."""

    def work(conn: Connection) -> ConfigState:
        return service.config(conn, SHELL, gateway=arguments.gateway)

    def show() -> None:
        told = shell.once(settings, work)
        if arguments.json:
            print(orjson.dumps({"state": told.state} | asdict(told)).decode())
            return
        desired, reported = told.desired, told.reported
        print(f"state     {told.state}")
        if desired is not None:
            when = f"{desired.set_at:%Y-%m-%d %H:%M:%S %Z}"
            print(f"wished    {desired.revision} by {desired.set_by} at {when}: {desired.reason}")
            for error in desired.errors:
                print(f"          {error}")
        if reported is not None:
            print(f"runs      {reported.running_revision}, heard {reported.heard_at:%Y-%m-%d %H:%M:%S %Z}")
            for name, value in sorted(reported.settings.items()):
                print(f"  {name} = {_text(value)}  ({reported.origins.get(name, '?')})")
        for each in told.differences:
            print(f"differs   {each.place}: runs {_text(each.before)}, wished {_text(each.after)}")

    return _reporting(show)


def run_set(arguments: argparse.Namespace, settings: Settings) -> int:
    """Wish a configuration."""

    def work(conn: Connection) -> DesiredRow:
        now = service.editable(conn, SHELL, gateway=arguments.gateway)
        given = now if arguments.file is None else replace(now, wished=_read(arguments.file), running={})
        for change in arguments.changes:
            place, is_change, value = change.partition("=")
            if not is_change:
                raise ConfigError(f"--set {change!r}: expected PLACE=VALUE")
            given = replace(given, wished=given.changed(place.strip(), value_of(value)))
        return service.set_config(
            conn,
            SHELL,
            gateway=arguments.gateway,
            settings=given.wished,
            reason=arguments.reason,
            seen_revision=now.revision,
            now=datetime.now(UTC),
        )

    if arguments.file is None and not arguments.changes:
        print("dockledger: nothing to set: give --file or --set", file=sys.stderr)
        return 2
    return _reporting(lambda: _print(arguments, _summary(shell.once(settings, work))))


def run_again(arguments: argparse.Namespace, settings: Settings) -> int:
    """Wish once more what was wished before."""

    def work(conn: Connection) -> DesiredRow:
        now = datetime.now(UTC)
        return service.set_again(conn, SHELL, gateway=arguments.gateway, revision=arguments.revision, now=now)

    return _reporting(lambda: _print(arguments, _summary(shell.once(settings, work))))


def run_history(arguments: argparse.Namespace, settings: Settings) -> int:
    """List what was wished."""

    def work(conn: Connection) -> list[DesiredRow]:
        return service.history(conn, SHELL, gateway=arguments.gateway, limit=shell.MOST_LISTED)

    def show() -> None:
        for each in shell.once(settings, work):
            _print(arguments, _summary(each))

    return _reporting(show)


def _summary(row: DesiredRow) -> dict[str, Any]:
    return {
        "gateway": row.gateway,
        "revision": row.revision,
        "outcome": row.outcome or "waiting",
        "set_by": row.set_by,
        "set_at": row.set_at,
        "settings": sorted(row.settings),
        "reason": row.reason,
        "errors": list(row.errors),
    }


def _read(file: Path) -> dict[str, JsonValue]:
    try:
        content = file.read_bytes()
        read: Any = orjson.loads(content) if file.suffix == ".json" else tomllib.loads(content.decode())
    except (OSError, ValueError) as error:
        raise ConfigError(f"file {str(file)!r} cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise ConfigError(f"file {str(file)!r} holds {type(read).__name__}: expected settings by name")
    return read


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _print(arguments: argparse.Namespace, fields: dict[str, Any]) -> None:
    if arguments.json:
        print(orjson.dumps(fields).decode())
        return
    words = (
        value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for value in fields.values()
    )
    print("  ".join("-" if word in (None, []) else str(word) for word in words))


def _of_gateway(group: "Subparsers", name: str, summary: str, run: shell.Run) -> argparse.ArgumentParser:
    parser = shell.command(group, name, summary, run)
    parser.add_argument("gateway")
    return parser
