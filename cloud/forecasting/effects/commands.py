"""`dockledger forecast events …`: what moves demand, what it did, and what a planned event would do."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from cloud import shell
from cloud.db import Connection
from cloud.events import public_holidays, service
from cloud.events import reading as events
from cloud.events.csv_file import read_csv
from cloud.events.domain import EventRow, Kind
from cloud.events.papers import EventPaper, Withdrawal
from cloud.events.public_holidays import Region
from cloud.forecasting.shell import SHELL, told

if TYPE_CHECKING:
    from cloud.forecasting.effects.reading import Expected, Told
    from cloud.shell import Subparsers

_PAGE: Final = 1000
_EXAMPLES: Final = """examples:
  dockledger forecast events import promotions.csv --site leeds --source crm
      from_day,to_day,kind,name[,item,category,effect_prior,known_at,reference,depth,feature,...]
  dockledger forecast events holidays --site leeds --country GB --region ENG --from-year 2024 --to-year 2027
  dockledger forecast events effects --site leeds
  dockledger forecast events whatif --site leeds --item MUG-01 --kind promotion --set depth=0.2 \\
      --from 2026-12-07 --to 2026-12-13"""


def add_command(group: "Subparsers") -> None:
    """Add this part's commands.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "promotions, holidays, disruptions, weather, prices: stated, learned from, tried out"
    kinds = shell.group(group, "events", summary, _EXAMPLES)
    stating = _stating(kinds)
    learning, trying = _learning(kinds)
    for command in (stating[1], trying):
        _describe(command, needs_site=command is trying)
    for command in (*stating, learning, trying):
        command.add_argument("--json", action="store_true", help="print JSON")


def _stating(kinds: "Subparsers") -> tuple[argparse.ArgumentParser, ...]:
    summary = "list events"
    listing = kinds.add_parser("list", help=summary, description=summary)
    listing.add_argument("--site")
    listing.add_argument("--item", help="only what concerns it")
    listing.add_argument("--kind", choices=[kind.value for kind in Kind])
    listing.add_argument("--known-at", type=shell.instant, help="as known then, as 2026-03-02T08:00Z")
    listing.set_defaults(run=told(_list))
    summary = "state an event"
    adding = kinds.add_parser("add", help=summary, description=summary)
    adding.add_argument("--name", required=True)
    adding.add_argument("--prior", type=float, help="factor on demand that is expected, as 1.3")
    adding.add_argument("--known-at", type=shell.instant, help="default: now")
    adding.set_defaults(run=told(_add))
    summary = "say that an event does not take place"
    withdrawing = kinds.add_parser("withdraw", help=summary, description=summary)
    withdrawing.add_argument("event", type=int, help="its number")
    withdrawing.add_argument("--revision", type=int, required=True, help="that you have seen")
    withdrawing.add_argument("--reason", required=True)
    withdrawing.set_defaults(run=told(_withdraw))
    summary = "state the events of a file, or none of them; again, it changes nothing"
    importing = kinds.add_parser("import", help=summary, description=summary)
    importing.add_argument("file", type=Path, help="CSV; further columns are attributes")
    importing.add_argument("--site", help="of rows that name none; without it these concern every site")
    importing.add_argument("--source", help="of rows that name none")
    importing.set_defaults(run=told(_import))
    summary = "state the public holidays where a site lies"
    feasts = kinds.add_parser("holidays", help=summary, description=summary)
    feasts.add_argument("--site", required=True)
    feasts.add_argument("--country", help="two letters; kept with the site")
    feasts.add_argument("--region", help="part of the country, as ENG, BY or CA")
    feasts.add_argument("--from-year", type=int, default=datetime.now(UTC).year - 2)
    feasts.add_argument("--to-year", type=int, default=datetime.now(UTC).year + 1)
    feasts.set_defaults(run=told(_holidays))
    return listing, adding, withdrawing, importing, feasts


def _learning(kinds: "Subparsers") -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    summary = "tell what events do to demand at a site, as learned"
    learning = kinds.add_parser("effects", help=summary, description=summary)
    learning.add_argument("--site", required=True)
    learning.set_defaults(run=told(_effects))
    summary = "tell what a planned event would do to the forecast in force"
    trying = kinds.add_parser("whatif", help=summary, description=summary)
    trying.add_argument("--name", default="", help="of a holiday, or another named event")
    trying.set_defaults(run=told(_what_if))
    return learning, trying


def _describe(command: argparse.ArgumentParser, *, needs_site: bool) -> None:
    command.add_argument("--site", required=needs_site, help=None if needs_site else "default: every site")
    command.add_argument("--item")
    command.add_argument("--category")
    command.add_argument("--from", dest="from_day", type=shell.day, required=True, metavar="DAY")
    command.add_argument("--to", dest="to_day", type=shell.day, required=True, metavar="DAY", help="included")
    command.add_argument("--kind", choices=[kind.value for kind in Kind], required=True)
    command.add_argument(
        "--set", action="append", type=_attribute, default=[], metavar="NAME=VALUE", help="as depth=0.2"
    )


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    after = 0
    while True:
        rows = events.events(
            conn,
            SHELL,
            site=arguments.site,
            item=arguments.item,
            kind=None if arguments.kind is None else Kind(arguments.kind),
            known_at=arguments.known_at,
            after=after,
            limit=_PAGE,
        )
        for row in rows:
            yield _shown(row, as_json=arguments.json)
        if len(rows) < _PAGE:
            return
        after = rows[-1].event_id


def _add(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    paper = EventPaper(
        site=arguments.site,
        item=arguments.item,
        category=arguments.category,
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        kind=Kind(arguments.kind),
        name=arguments.name,
        attributes=dict(arguments.set),
        effect_prior=arguments.prior,
        known_at=arguments.known_at,
    )
    yield _shown(service.add(conn, SHELL, paper, now=datetime.now(UTC)), as_json=arguments.json)


def _withdraw(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    paper = Withdrawal(revision=arguments.revision, reason=arguments.reason)
    row = service.withdraw(conn, SHELL, arguments.event, paper, now=datetime.now(UTC))
    yield _shown(row, as_json=arguments.json)


def _import(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    papers = read_csv(arguments.file, site=arguments.site, source=arguments.source)
    yield _stated(service.add_all(conn, SHELL, papers, now=datetime.now(UTC)), as_json=arguments.json)


def _holidays(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.country is not None or arguments.region is not None:
        wished = Region(arguments.country, arguments.region)
        public_holidays.set_region(conn, SHELL, arguments.site, wished)
    stated = public_holidays.add_holidays(
        conn,
        SHELL,
        arguments.site,
        first_year=arguments.from_year,
        last_year=arguments.to_year,
        now=datetime.now(UTC),
    )
    yield _stated(stated, as_json=arguments.json)


def _effects(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    from cloud.forecasting.effects import reading, words  # noqa: PLC0415  numpy is an extra

    found = reading.site_effects(conn, SHELL, site=arguments.site, now=datetime.now(UTC))
    if arguments.json:
        yield orjson.dumps(words.effects_as_json(found)).decode()
    else:
        yield from _effect_lines(found)


def _what_if(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    from cloud.forecasting.effects import reading  # noqa: PLC0415  numpy is an extra

    effects = reading.site_effects(conn, SHELL, site=arguments.site, now=datetime.now(UTC))
    found = reading.what_if(
        effects,
        conn,
        kind=Kind(arguments.kind),
        attributes=dict(arguments.set),
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        item=arguments.item,
        category=arguments.category,
        name=arguments.name,
    )
    if arguments.json:
        yield orjson.dumps([asdict(one) for one in found]).decode()
    else:
        yield from _expected_lines(found)


def _line(row: EventRow) -> str:
    told = " ".join(f"{name}={value}" for name, value in row.attributes.items())
    return (
        f"{row.event_id}.{row.revision} {row.from_day} to {row.to_day} {row.kind} {row.name!r}, {row.scope}"
        f"{', ' + told if told else ''}, known {row.known_at:%Y-%m-%d %H:%M} UTC, {row.source}"
        f"{', withdrawn: ' + row.reason if row.is_withdrawn else ''}"
    )


def _effect_lines(told: "Told") -> Iterator[str]:
    yield (
        f"{told.site}: {told.first_day} to {told.last_day}, {told.items} of {told.of_items} items; "
        "factors on demand with their 95 % interval"
    )
    if usual := told.effects.usual_promotion:
        yield f"  {usual.name}: x {usual.factor:.2f} ({usual.low:.2f} to {usual.high:.2f})"
    beside = [told.effects.cannibalisation] if told.effects.cannibalisation else []
    for one in (*told.effects.learned, *beside):
        effect = one.effect
        course = f", {one.course.verdict.value}" if one.course else ""
        day = f", on its days x {one.day.factor:.2f}" if one.day else ""
        yield (
            f"  {effect.name}: x {effect.factor:.2f} ({effect.low:.2f} to {effect.high:.2f}), "
            f"{one.weeks} item-weeks of {one.items} items{day}{course}"
        )


def _expected_lines(found: "list[Expected]") -> Iterator[str]:
    for one in found:
        yield (
            f"{one.item}{'' if one.is_own else ' (same category)'}: "
            f"{one.base:,.1f} {one.base_unit} as forecast, "
            f"{one.expected:,.1f} with it ({one.expected_low:,.1f} to {one.expected_high:,.1f}), "
            f"x {one.factor:.2f} ({one.low:.2f} to {one.high:.2f})"
        )


def _shown(row: EventRow, *, as_json: bool) -> str:
    return orjson.dumps(asdict(row)).decode() if as_json else _line(row)


def _stated(stated: service.Stated, *, as_json: bool) -> str:
    if as_json:
        return orjson.dumps(stated._asdict()).decode()
    return f"{stated.added} new, {stated.corrected} corrected, {stated.unchanged} known as they are"


def _attribute(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE, as depth=0.2")
    if value.lower() in {"true", "false"}:
        return name, value.lower() == "true"
    try:
        return name, float(value)
    except ValueError:
        return name, value
