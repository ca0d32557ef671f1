"""`dockledger forecast reviews …`: which forecasts are odd, and how many of these are to be expected."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson
from pydantic import ValidationError

from cloud.db import Connection, DataError, connect
from cloud.forecasting.domain import ForecastError
from cloud.forecasting.reviewing import reading, service
from cloud.forecasting.reviewing.service import SettingPaper
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  argparse has no public name for it

Work = Callable[[Connection, argparse.Namespace], None]

SHELL: Final = Actor("system:shell", frozenset({Role.PLANNER}), all_sites=True)
MOST_LISTED: Final = 10_000
_EXAMPLES: Final = """examples:
  dockledger forecast reviews list --site leeds
  dockledger forecast reviews items --site leeds
  dockledger forecast reviews set --site leeds --most-per-week 20 --owner user:ada --due-days 5"""


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands to those of `forecast`.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    parser = group.add_parser(
        "reviews",
        help="which forecasts are odd, and how many of these are to be expected",
        description="which forecasts are odd, and how many of these are to be expected",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    own = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = _command(own, "list", "list the weeks' reviews, the latest first", _list)
    listing.add_argument("--site")
    items = _command(own, "items", "list what the latest reviews found odd, the oddest first", _items)
    items.add_argument("--site")
    setting = _command(own, "set", "say how a site is told", _set)
    setting.add_argument("--site", required=True)
    setting.add_argument("--nominal", default="0.05", help="share flagged in a week though nothing changed")
    setting.add_argument("--most-per-week", help="false reviews to be expected at most; lowers the share")
    setting.add_argument("--owner", help="who looks after the tickets, as user:ada")
    setting.add_argument("--due-days", default=7)


def _command(group: "Subparsers", name: str, summary: str, work: Work) -> argparse.ArgumentParser:
    parser = group.add_parser(name, help=summary, description=summary)
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")

    def run(arguments: argparse.Namespace, settings: Settings) -> int:
        try:
            with connect(settings.needed("app_dsn"), "dockledger-reviews") as conn:
                work(conn, arguments)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                print(f"dockledger: {'.'.join(map(str, fault['loc']))}: {fault['msg']}", file=sys.stderr)
            return 1
        except (ForecastError, NotAllowedError, DataError) as error:
            print(f"dockledger: {error}", file=sys.stderr)
            return 1
        return 0

    parser.set_defaults(run=run)
    return parser


def _list(conn: Connection, arguments: argparse.Namespace) -> None:
    for row in reading.reviews(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        if arguments.json:
            print(orjson.dumps(asdict(row)).decode())
            continue
        drift = "; more than chance explains" if row.is_drifting else ""
        print(
            f"{row.site} {row.last_day}: {row.flagged} of {row.judged} odd, {row.expected:.1f} expected "
            f"though nothing changed; {row.opened} new tickets, {row.still_open} open now{drift}"
        )


def _items(conn: Connection, arguments: argparse.Namespace) -> None:
    for row in reading.flagged(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        if arguments.json:
            print(orjson.dumps(asdict(row)).decode())
            continue
        ticket = f"ticket {row.ticket_id} {row.state}" if row.ticket_id else "no ticket"
        print(f"{row.site} {row.item}: {row.in_words}, one in {1 / row.chance:,.0f} weeks; {ticket}")


def _set(conn: Connection, arguments: argparse.Namespace) -> None:
    paper = SettingPaper.model_validate(
        {
            "site": arguments.site,
            "nominal": arguments.nominal,
            "most_per_week": arguments.most_per_week,
            "owner": arguments.owner,
            "due_days": arguments.due_days,
        }
    )
    found = service.put_setting(conn, SHELL, paper)
    if arguments.json:
        print(orjson.dumps(asdict(found), default=str).decode())
        return
    most = "" if found.most_per_week is None else f", at most {found.most_per_week} a week"
    print(
        f"{found.site}: {found.nominal.normalize():f} of the items{most}; owner {found.owner or 'nobody'}, "
        f"due after {found.due_days} days"
    )
