"""`dockledger units …` and `dockledger serials …`: where a thing is, what is in it, what is known of it."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cloud.db import Connection
from cloud.documents.dock_commands import add_series
from cloud.documents.domain import DocumentError
from cloud.documents.shell import SHELL, reporting
from cloud.settings import Settings
from cloud.shell import MOST_LISTED, Run, command, group, once, show_all
from cloud.units import reading
from cloud.units.domain import LATEST, Fact
from cloud.units.gs1 import NamingError
from cloud.units.names import Serial, Tag, Unit, named, unit_named
from cloud.units.reading import AsOf

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_Found = TypeVar("_Found")

_UNITS: Final = """examples:
  dockledger units show 395211411234567893                     where it stands, what is in it
  dockledger units show 395211411234567893 --as-of 2026-10-01T06:00:00Z
  dockledger units story 395211411234567893 --json             all that is known of it
  dockledger units series --site leeds --company-prefix 9521141"""
_SERIALS: Final = """examples:
  dockledger serials show "80614141123458 6789"                a GTIN and a serial
  dockledger serials story 3074257BF7194E4000001A85            as a tag holds it
  dockledger serials story "(01)80614141123458(21)6789" --json"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    units = group(subparsers, "units", "follow logistic units, and give out SSCCs", _UNITS)
    _of_thing(units, "show", "say where a unit stands and what is in it", run_unit)
    _of_thing(units, "story", "say all that is known of a unit, the latest first", run_unit_story)
    add_series(units)
    serials = group(subparsers, "serials", "follow one instance of an item", _SERIALS)
    _of_thing(serials, "show", "say where a serial is", run_serial)
    _of_thing(serials, "story", "say all that is known of a serial, the latest first", run_serial_story)


def run_unit(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a unit."""

    def work(conn: Connection) -> list[Any]:
        now = reading.unit_now(conn, SHELL, _unit(arguments), moment=_moment(arguments))
        rows = [*now.around, *(each for each in now.content if each.item), *now.instances]
        return _known(arguments, rows)

    return reporting(lambda: show_all(arguments, once(settings, work)))


def run_unit_story(arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell a unit's story."""

    def work(conn: Connection) -> list[dict[str, Any]]:
        moment = _moment(arguments)
        facts = reading.unit_story(conn, SHELL, _unit(arguments), moment=moment, limit=MOST_LISTED)
        return list(_lines(_known(arguments, facts)))

    return reporting(lambda: show_all(arguments, once(settings, work)))


def run_serial(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show a serial."""

    def work(conn: Connection) -> list[Any]:
        thing = _serial(arguments)
        if isinstance(thing, Tag):
            raise DocumentError(f"{arguments.name!r:.80} names no serial; its story tells where it was read")
        now = reading.serial_now(conn, SHELL, thing, moment=_moment(arguments))
        return _known(arguments, [each for each in (now.standing, *now.around) if each is not None])

    return reporting(lambda: show_all(arguments, once(settings, work)))


def run_serial_story(arguments: argparse.Namespace, settings: Settings) -> int:
    """Tell a serial's story."""

    def work(conn: Connection) -> list[dict[str, Any]]:
        thing, moment = _serial(arguments), _moment(arguments)
        facts = reading.serial_story(conn, SHELL, thing, moment=moment, limit=MOST_LISTED)
        return list(_lines(_known(arguments, facts)))

    return reporting(lambda: show_all(arguments, once(settings, work)))


def _of_thing(group: "Subparsers", name: str, summary: str, run: Run) -> None:
    parser = command(group, name, summary, run)
    parser.add_argument("name", help="an SSCC, GTIN and serial, EPC, element string or Digital Link")
    parser.add_argument("--as-of", metavar="AT", help="what had occurred by then; RFC 3339 with offset")
    parser.add_argument("--position", type=int, help="as the ledger knew it at this position")


def _moment(arguments: argparse.Namespace) -> AsOf:
    at = LATEST.occurred_at
    if arguments.as_of:
        try:
            at = datetime.fromisoformat(arguments.as_of)
        except ValueError as error:
            raise DocumentError(
                f"--as-of {arguments.as_of!r:.40}: expected an instant as 2026-10-01T00:00:00Z"
            ) from error
        if at.tzinfo is None:
            raise DocumentError(
                f"--as-of {arguments.as_of!r:.40} has no offset: expected one as 2026-10-01T00:00:00Z"
            )
    return AsOf(
        at.astimezone(UTC), reading.NOW.position if arguments.position is None else arguments.position
    )


def _named(arguments: argparse.Namespace) -> Serial | Unit | Tag:
    try:
        return named(arguments.name)
    except NamingError as error:
        raise DocumentError(f"{error}") from error


def _unit(arguments: argparse.Namespace) -> Unit:
    thing = unit_named(arguments.name)
    if not isinstance(thing, Unit):
        raise DocumentError(f"{arguments.name!r:.80} names no unit: ask `dockledger serials`")
    return thing


def _serial(arguments: argparse.Namespace) -> Serial | Tag:
    thing = _named(arguments)
    if isinstance(thing, Unit):
        raise DocumentError(f"{arguments.name!r:.80} names no serial: ask `dockledger units`")
    return thing


def _known(arguments: argparse.Namespace, found: list[_Found]) -> list[_Found]:
    if not found:
        then = " as of then" if arguments.as_of or arguments.position is not None else ""
        raise DocumentError(f"{arguments.name!r:.80}: nothing is known of it{then}")
    return found


def _lines(facts: list[Fact]) -> Iterator[dict[str, Any]]:
    for fact in facts:
        yield {
            "occurred_at": fact.occurred_at,
            "kind": fact.kind,
            "site": fact.site,
            "from": fact.from_place,
            "to": fact.to_place,
            "quantity": fact.quantity,
            "item": fact.item,
            "unit": fact.unit,
            "taken_back": ("in itself" if fact.is_unfollowed else "taken back") if fact.is_void else None,
            "by": fact.actor or fact.device or fact.gateway,
            "recorded_at": fact.recorded_at,
            "position": fact.position,
        }
