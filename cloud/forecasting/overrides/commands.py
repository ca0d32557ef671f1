"""`dockledger forecast override …`: adjust a forecast, see who did and what it was worth, take it back."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from cloud import shell
from cloud.db import Connection
from cloud.forecasting.overrides import reading, service
from cloud.forecasting.overrides.domain import REASONS, OverrideRow
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.forecasting.overrides.value_added import BY, Worth, worths
from cloud.forecasting.shell import SHELL, command
from cloud.shell import MOST_LISTED

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_EXAMPLES: Final = """examples:
  dockledger forecast override add --site leeds --item local:85123A --from 2026-05-04 --to 2026-05-17 \\
      --percent 40 --reason promotion --evidence "mail of the account manager, 20 April"
  dockledger forecast override add --site leeds --item TEA --from 2026-05-04 --to 2026-05-10 \\
      --replace 120 --per week --reason customer_order --evidence "order 4711"
  dockledger forecast override list --site leeds
  dockledger forecast override value --by author
  dockledger forecast override withdraw 12 --note "the promotion is off"
An adjustment counts once somebody whose limit covers it has approved it (see `dockledger limits`, kind
forecast_override), from the next run on, and ends by itself with its last day."""


def add_commands(group: "Subparsers") -> None:
    """Add this area's commands to those of `forecast`.

    Args:
        group: What `dockledger forecast` collects its commands in.
    """
    own = shell.group(group, "override", "adjust forecasts, with a name and an approval on it", _EXAMPLES)
    adding = command(own, "add", "ask for an adjustment", _add)
    adding.add_argument("--site", required=True)
    scope = adding.add_mutually_exclusive_group(required=True)
    scope.add_argument("--item", help="the item's code")
    scope.add_argument("--category", help="every item of it; in percent only")
    adding.add_argument("--from", dest="from_day", required=True, metavar="DAY", help="as 2026-05-04")
    adding.add_argument("--to", dest="to_day", required=True, metavar="DAY", help="last day")
    adding.add_argument("--expires", dest="expires_on", metavar="DAY", help="an earlier last day")
    size = adding.add_mutually_exclusive_group(required=True)
    size.add_argument("--percent", metavar="NUMBER", help="more than the system says; negative: less")
    size.add_argument("--add", metavar="UNITS", help="base units more; negative: less")
    size.add_argument("--replace", metavar="UNITS", help="base units instead")
    adding.add_argument("--per", choices=("day", "week"), help="what units are for")
    adding.add_argument("--reason", required=True, help=", ".join(REASONS))
    adding.add_argument("--evidence", required=True, help="what it rests on: a mail, an order number")
    adding.add_argument("--note", default="")
    adding.add_argument("--confirm-small", action="store_true", help="though it is smaller than what pays")
    listing = command(own, "list", "list adjustments, the latest first", _list)
    listing.add_argument("--site")
    listing.add_argument("--item")
    worth = command(own, "value", "what adjustments were worth after their days", _value)
    worth.add_argument("--site")
    worth.add_argument("--by", choices=BY, default="override")
    withdrawing = command(own, "withdraw", "take an adjustment back", _withdraw)
    withdrawing.add_argument("number", type=int, help="as `list` shows it")
    withdrawing.add_argument("--note", default="")


def _add(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    modes = {"percent": arguments.percent, "add": arguments.add, "replace": arguments.replace}
    ((mode, amount),) = [(name, given) for name, given in modes.items() if given is not None]
    paper = OverridePaper.model_validate(
        {
            "site": arguments.site,
            "item": arguments.item,
            "category": arguments.category,
            "from_day": arguments.from_day,
            "to_day": arguments.to_day,
            "expires_on": arguments.expires_on,
            "mode": mode,
            "amount": amount,
            "per": arguments.per,
            "reason": arguments.reason,
            "evidence": arguments.evidence,
            "note": arguments.note,
            "confirm_small": arguments.confirm_small,
        }
    )
    yield _shown(service.add(conn, SHELL, paper, now=datetime.now(UTC)), arguments)


def _list(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    now = datetime.now(UTC)
    rows = reading.overrides(
        conn, SHELL, now=now, site=arguments.site, item=arguments.item, limit=MOST_LISTED
    )
    for row in rows:
        yield _shown(row, arguments)


def _withdraw(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    now = datetime.now(UTC)
    yield _shown(service.withdraw(conn, SHELL, arguments.number, note=arguments.note, now=now), arguments)


def _value(conn: Connection, arguments: argparse.Namespace) -> Iterator[str]:
    for worth in worths(conn, SHELL, now=datetime.now(UTC), by=arguments.by, site=arguments.site):
        if arguments.json:
            yield orjson.dumps(asdict(worth) | {"added": worth.added}).decode()
        else:
            yield _worth_line(worth)


def _worth_line(worth: Worth) -> str:
    share = "" if worth.share is None else f" ({worth.share:+.1%} of what came)"
    saved = (
        "" if worth.cost_saved is None else f", stock cost {worth.cost_saved:+,.2f} {worth.currency} saved"
    )
    naive = "naive not known"
    if worth.naive_error is not None:
        within = "" if worth.naive_blocks == worth.blocks else f" in {worth.naive_blocks} of them"
        naive = f"naive{within} {worth.naive_error:,.1f} ({worth.over_naive:+,.1f} over it)"
    return (
        f"{worth.name}: {worth.overrides} overrides, {worth.blocks} weeks; error of the system "
        f"{worth.system_error:,.1f}, with it {worth.override_error:,.1f}, {naive}; "
        f"value added {worth.added:+,.1f}{share}{saved}"
    )


def _shown(row: OverrideRow, arguments: argparse.Namespace) -> str:
    if arguments.json:
        told: dict[str, Any] = asdict(row)
        return orjson.dumps(told, default=str).decode()
    decided = f", decision {row.decision_id}" if row.decision_id else ""
    days = f"{row.from_day} to {row.expires_on}"
    return (
        f"{row.override_id:>4}  {row.standing:<9} {row.site} {row.scope}, {days}: {row.in_words}; "
        f"{row.reason}, {row.author}{decided}"
    )
