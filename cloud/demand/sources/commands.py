"""`dockledger demand sources …`: where demand comes from by itself."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import ValidationError

from cloud import shell
from cloud.db import Connection, open_pool
from cloud.demand.shell import SHELL as READER
from cloud.demand.shell import database, reporting
from cloud.demand.sources import service
from cloud.demand.sources.domain import NewSource, Source, SourceError, SourceKind, SourceSettings
from cloud.demand.sources.shorts import shorts
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

Step = Callable[[Connection], Source]

SHELL: Final = Actor("system:shell", frozenset({Role.ADMIN}), all_sites=True)
"""Whoever can read the database's password can administer it; the record says it was done here."""
_WHERE: Final = {
    SourceKind.PUSH.value: "pushes to /v1/demand/events",
    SourceKind.ORDERS.value: "outbound orders",
    SourceKind.MQTT.value: "publishes at the broker",
}
_MOST_DAYS: Final = 3660
_PAGE: Final = 1000
_EXAMPLES: Final = """examples:
  dockledger demand sources add shop --site leeds --url https://shop.example/api/orders \\
      --settings shop.json --secret env:DEMAND_SOURCE_LEEDS__SHOP --every 5 --from 2026-01-01
  dockledger demand sources add till --site leeds --folder /srv/demand/leeds/till
  dockledger demand sources add webshop --site leeds --push --settings shop.json --secret file:webshop
  dockledger demand sources add eshop --site leeds --mqtt
  dockledger demand sources pull 1
  dockledger demand sources backfill 1 --from 2026-01-01
The scheduler's process reads secrets and folders: DEMAND_SOURCE_LEEDS__… are its environment variables,
DEMAND_SOURCE_SECRETS the directory whose folder leeds holds secrets' files, DEMAND_SOURCE_FOLDERS the one
whose folder leeds holds folders of demand."""


def add_source_commands(group: "Subparsers") -> None:
    """Add this part's commands.

    Args:
        group: What `dockledger demand` collects its commands in.
    """
    summary = "where demand comes from by itself: REST sources, folders, shops that push"
    steps = shell.group(group, "sources", summary, _EXAMPLES)
    summary = "say where demand comes from"
    adding = steps.add_parser("add", help=summary, description=summary)
    adding.add_argument("name", help="the `source` of its lines")
    adding.add_argument("--site", required=True)
    where = adding.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="of a REST source; http or https, redirects are refused")
    where.add_argument("--folder", help="of CSV and Parquet files, an absolute path")
    where.add_argument("--orders", action="store_true", help="outbound orders that are registered here")
    where.add_argument("--push", action="store_true", help="a shop posts signed events to /v1/demand/events")
    where.add_argument("--mqtt", action="store_true", help="it publishes at dl/demand/v1/SITE/NAME/lines")
    adding.add_argument("--settings", type=Path, metavar="FILE", help="JSON: how it is asked, what it means")
    adding.add_argument(
        "--secret", metavar="WHERE", help="env:DEMAND_SOURCE_SITE__… or file:NAME, never the secret"
    )
    adding.add_argument("--every", type=int, default=15, metavar="MINUTES", help="default: 15")
    adding.add_argument(
        "--from", dest="from_day", type=shell.day, metavar="DAY", help="default: all there is"
    )
    adding.set_defaults(run=run_add)
    summary = "list sources: where each is, and what went wrong"
    listing = steps.add_parser("list", help=summary, description=summary)
    listing.add_argument("--site", help="only of this site")
    listing.set_defaults(run=run_list)
    for name, summary, run in (
        ("pull", "pull a source now", run_pull),
        ("pause", "stop pulling a source; where it was is kept", run_pause),
        ("resume", "go on pulling a source, from where it was", run_resume),
        ("backfill", "ask a source for all since a day again", run_backfill),
    ):
        step = steps.add_parser(name, help=summary, description=summary)
        step.add_argument("number", type=int, help="as `list` shows it")
        step.set_defaults(run=run)
    steps.choices["backfill"].add_argument(
        "--from", dest="from_day", type=shell.day, required=True, metavar="DAY", help="from 00:00 UTC"
    )
    summary = "measure what outbound orders asked for and what of it left, by item"
    measuring = steps.add_parser("shorts", help=summary, description=summary)
    measuring.add_argument("--site", required=True)
    measuring.add_argument("--days", type=int, default=28, metavar="N", help="back from now; default: 28")
    measuring.set_defaults(run=run_shorts)
    for step in steps.choices.values():
        step.add_argument("--json", action="store_true", help="print JSON, one object per line")


def run_add(arguments: argparse.Namespace, settings: Settings) -> int:
    """Say where demand comes from."""

    def work(conn: Connection) -> Source:
        chosen = {
            SourceKind.REST: arguments.url,
            SourceKind.DROP: arguments.folder,
            SourceKind.ORDERS: arguments.orders,
            SourceKind.PUSH: arguments.push,
            SourceKind.MQTT: arguments.mqtt,
        }
        kind = next(kind for kind, is_wished in chosen.items() if is_wished)
        wished = NewSource(
            arguments.site,
            arguments.name,
            kind,
            arguments.url or arguments.folder,
            _settings(arguments.settings),
            arguments.secret,
            arguments.every,
            _instant(arguments),
        )
        return service.add_source(conn, SHELL, wished, site=arguments.site, now=datetime.now(UTC))

    return _with(arguments, settings, work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List sources."""

    def work() -> None:
        after = 0
        with database(settings) as conn:
            while found := service.sources(conn, SHELL, site=arguments.site, after=after, limit=_PAGE):
                for one in found:
                    _tell(one, as_json=arguments.json)
                after = found[-1].source_id

    return reporting(work)


def run_pull(arguments: argparse.Namespace, settings: Settings) -> int:
    """Pull a source now."""

    def work() -> None:
        from cloud.demand.sources.pulling import pull_now  # noqa: PLC0415  it brings httpx

        with open_pool(settings.needed("app_dsn"), "dockledger-demand") as pool:
            after = pull_now(pool, SHELL, arguments.number, now=datetime.now(UTC))
        _tell(after, as_json=arguments.json)
        if after.last_error is not None:
            raise SourceError(f"source {after.name!r}: {after.last_error}")

    return reporting(work)


def run_pause(arguments: argparse.Namespace, settings: Settings) -> int:
    """Stop pulling a source."""
    now = datetime.now(UTC)
    return _with(
        arguments, settings, lambda conn: service.pause_source(conn, SHELL, arguments.number, now=now)
    )


def run_resume(arguments: argparse.Namespace, settings: Settings) -> int:
    """Go on pulling a source."""
    now = datetime.now(UTC)
    return _with(
        arguments, settings, lambda conn: service.resume_source(conn, SHELL, arguments.number, now=now)
    )


def run_backfill(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask a source for all since a day again."""

    def work(conn: Connection) -> Source:
        begin = _instant(arguments) or datetime.now(UTC)
        return service.backfill_source(conn, SHELL, arguments.number, from_at=begin, now=datetime.now(UTC))

    return _with(arguments, settings, work)


def run_shorts(arguments: argparse.Namespace, settings: Settings) -> int:
    """Measure what did not leave."""

    def work() -> None:
        if not 1 <= arguments.days <= _MOST_DAYS:
            raise SourceError(f"--days {arguments.days}: expected 1 to {_MOST_DAYS}")
        now = datetime.now(UTC)
        begin = now - timedelta(days=arguments.days)
        with database(settings) as conn:
            rows = shorts(conn, READER, site=arguments.site, from_at=begin, until_at=now)
        for row in rows:
            if arguments.json:
                print(orjson.dumps(row._asdict() | {"fill": row.fill}, default=str).decode())
                continue
            fill = "nothing settled yet" if row.fill is None else f"{row.fill:.1%} filled"
            print(
                f"{row.item:<20}  requested {row.requested.normalize():f}  left {row.left_with.normalize():f}"
                f"  short {row.short.normalize():f} in {row.short_lines} of {row.lines} lines  {fill}"
            )

    return reporting(work)


def _with(arguments: argparse.Namespace, settings: Settings, step: Step) -> int:
    def work() -> None:
        with database(settings) as conn:
            after = step(conn)
        _tell(after, as_json=arguments.json)

    return reporting(work)


def _settings(file: Path | None) -> SourceSettings:
    if file is None:
        return SourceSettings()
    try:
        return SourceSettings.model_validate_json(file.read_bytes())
    except ValidationError as error:
        faults = [
            f"{file}: {'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise SourceError("\n".join(faults)) from error


def _instant(arguments: argparse.Namespace) -> datetime | None:
    day = arguments.from_day
    return None if day is None else datetime.combine(day, time(), UTC)


def _tell(source: Source, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(source, default=dict).decode())
        return
    where = source.address or _WHERE[source.kind]
    at = "" if source.cursor is None else f", at {source.cursor}"
    pulled = "never" if source.pulled_at is None else f"{source.pulled_at:%Y-%m-%d %H:%M}Z"
    error = "" if source.last_error is None else f"; {source.last_error}"
    print(
        f"{source.source_id:>4}  {source.name:<20} {source.site}  {where}  {source.state}, "
        f"{source.lines} lines, last {pulled}{at}{error}"
    )
