"""`dockledger demand supersede` and `supersessions`: items that take another's place."""

import argparse
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import orjson

from cloud import shell
from cloud.decisions.domain import DecisionError
from cloud.demand import supersession
from cloud.demand.calendar import calendar
from cloud.demand.domain import DemandError
from cloud.demand.shell import SHELL, database, reporting
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_EXAMPLES: Final = """examples:
  dockledger demand supersede MUG-BLUE MUG-NAVY --site leeds --from 2026-04-01
  dockledger demand supersede TEA-500 TEA-250 --site leeds --from 2026-04-01 --factor 2"""
_PAGE: Final = 1000


def add_supersession_commands(group: "Subparsers") -> None:
    """Add this part's commands.

    Args:
        group: What `dockledger demand` collects its commands in.
    """
    summary = "ask that an item take another's place, and its history; somebody has to approve it"
    asking = group.add_parser(
        "supersede",
        help=summary,
        description=summary,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_EXAMPLES,
    )
    asking.add_argument("old", help="code of the item that goes")
    asking.add_argument("new", help="code of the item that comes")
    asking.add_argument("--site", required=True)
    asking.add_argument("--from", dest="from_day", type=shell.day, required=True, metavar="DAY")
    asking.add_argument(
        "--factor",
        type=_factor,
        default=Decimal(1),
        help="base units of the new one in place of an old one",
    )
    asking.add_argument("--note", default="", help="for the approver")
    asking.add_argument("--json", action="store_true", help="print JSON")
    asking.set_defaults(run=run_supersede)
    summary = "list what took whose place"
    listing = group.add_parser("supersessions", help=summary, description=summary)
    listing.add_argument("--site", help="only at this site")
    listing.add_argument("--json", action="store_true", help="print JSON, one object per line")
    listing.set_defaults(run=run_supersessions)


def run_supersede(arguments: argparse.Namespace, settings: Settings) -> int:
    """Ask for a supersession."""

    def work() -> None:
        with database(settings) as conn:
            zone = ZoneInfo(calendar(conn, SHELL, site=arguments.site).time_zone)
            try:
                decision = supersession.propose(
                    conn,
                    SHELL,
                    site=arguments.site,
                    from_item=arguments.old,
                    to_item=arguments.new,
                    from_day=arguments.from_day,
                    factor=arguments.factor,
                    note=arguments.note,
                    today=datetime.now(UTC).astimezone(zone).date(),
                )
            except DecisionError as error:
                raise DemandError(str(error)) from error
        if arguments.json:
            print(orjson.dumps({"decision_id": decision.decision_id, "state": decision.state}).decode())
        else:
            print(f"decision {decision.decision_id} waits for approval: {decision.summary}")

    return reporting(work)


def run_supersessions(arguments: argparse.Namespace, settings: Settings) -> int:
    """List supersessions."""

    def work() -> None:
        after = 0
        with database(settings) as conn:
            while found := supersession.supersessions(
                conn, SHELL, site=arguments.site, after=after, limit=_PAGE
            ):
                for one in found:
                    ended = "" if one.ended_at is None else f"  (ended by {one.ended_by})"
                    print(
                        orjson.dumps(one._asdict() | {"factor": str(one.factor)}).decode()
                        if arguments.json
                        else f"{one.site}  {one.from_item} -> {one.to_item}  from {one.from_day}  "
                        f"x {one.factor.normalize():f}  decision {one.decision_id}{ended}"
                    )
                after = found[-1].supersession_id

    return reporting(work)


def _factor(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number like 2 or 0.5") from error
