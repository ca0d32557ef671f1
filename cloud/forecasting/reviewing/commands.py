"""`dockledger forecast reviews …`: which forecasts are odd, and how many of these are to be expected."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson

from cloud import shell
from cloud.db import Connection
from cloud.forecasting.reviewing import reading, service
from cloud.forecasting.reviewing.service import SettingPaper
from cloud.forecasting.shell import SHELL, command
from cloud.shell import MOST_LISTED

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_EXAMPLES: Final = """examples:
  dockledger forecast reviews list --site leeds
  dockledger forecast reviews items --site leeds
  dockledger forecast reviews set --site leeds --most-per-week 20 --owner user:ada --due-days 5"""


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands to those of `forecast`.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    summary = "which forecasts are odd, and how many of these are to be expected"
    own = shell.group(group, "reviews", summary, _EXAMPLES)
    listing = command(own, "list", "list the weeks' reviews, the latest first", _list)
    listing.add_argument("--site")
    items = command(own, "items", "list what the latest reviews found odd, the oddest first", _items)
    items.add_argument("--site")
    setting = command(own, "set", "say how a site is told", _set)
    setting.add_argument("--site", required=True)
    setting.add_argument("--nominal", default="0.05", help="share flagged in a week though nothing changed")
    setting.add_argument("--most-per-week", help="false reviews to be expected at most; lowers the share")
    setting.add_argument("--owner", help="who looks after the tickets, as user:ada")
    setting.add_argument("--due-days", default=7)


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for row in reading.reviews(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        if arguments.json:
            yield orjson.dumps(asdict(row)).decode()
            continue
        drift = "; more than chance explains" if row.is_drifting else ""
        yield (
            f"{row.site} {row.last_day}: {row.flagged} of {row.judged} odd, {row.expected:.1f} expected "
            f"though nothing changed; {row.opened} new tickets, {row.still_open} open now{drift}"
        )


def _items(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for row in reading.flagged(conn, SHELL, site=arguments.site, limit=MOST_LISTED):
        if arguments.json:
            yield orjson.dumps(asdict(row)).decode()
            continue
        ticket = f"ticket {row.ticket_id} {row.state}" if row.ticket_id else "no ticket"
        yield f"{row.site} {row.item}: {row.in_words}, one in {1 / row.chance:,.0f} weeks; {ticket}"


def _set(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
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
        yield orjson.dumps(asdict(found), default=str).decode()
        return
    most = "" if found.most_per_week is None else f", at most {found.most_per_week} a week"
    yield (
        f"{found.site}: {found.nominal.normalize():f} of the items{most}; owner {found.owner or 'nobody'}, "
        f"due after {found.due_days} days"
    )
