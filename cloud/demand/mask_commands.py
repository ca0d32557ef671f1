"""`dockledger demand mask …`: days that forecasts shall not learn from."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson

from cloud import shell
from cloud.demand import masks
from cloud.demand.masks import Mask, MaskKind
from cloud.demand.shell import SHELL, database, reporting
from cloud.identity.store import act_as
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

_EXAMPLES: Final = """examples:
  dockledger demand mask unusual --site leeds
  dockledger demand mask add --site leeds --item MUG-01 --from 2026-03-02 --until 2026-03-04 --kind one_off \\
      --reason "a hotel's opening, ordered once"
  dockledger demand mask add --site leeds --from 2026-02-10 --until 2026-02-12 --kind disruption \\
      --reason flood
  dockledger demand mask withdraw 7 --reason "they order every spring\""""
_PAGE: Final = 1000
_LOOKED_BACK_DAYS: Final = 728


def add_mask_commands(group: "Subparsers") -> None:
    """Add this part's commands.

    Args:
        group: What `dockledger demand` collects its commands in.
    """
    summary = "days that forecasts shall not learn from; the demand itself stays"
    kinds = shell.group(group, "mask", summary, _EXAMPLES)
    summary = "mask days"
    adding = kinds.add_parser("add", help=summary, description=summary)
    adding.add_argument("--site", required=True)
    adding.add_argument("--item", help="code; without it every item of the site")
    adding.add_argument("--from", dest="from_day", type=shell.day, required=True, metavar="DAY")
    adding.add_argument(
        "--until", dest="until_day", type=shell.day, required=True, metavar="DAY", help="included"
    )
    adding.add_argument("--kind", choices=[kind.value for kind in MaskKind], required=True)
    adding.add_argument("--reason", required=True)
    adding.set_defaults(run=run_add)
    summary = "list masks"
    listing = kinds.add_parser("list", help=summary, description=summary)
    listing.add_argument("--site", help="only of this site")
    listing.add_argument("--item", help="only those that cover it")
    listing.set_defaults(run=run_list)
    summary = "let forecasts learn from the days again"
    withdrawing = kinds.add_parser("withdraw", help=summary, description=summary)
    withdrawing.add_argument("mask", type=int, help="its number")
    withdrawing.add_argument("--reason", required=True)
    withdrawing.set_defaults(run=run_withdraw)
    summary = "show days that do not fit those around them; nothing is masked"
    finding = kinds.add_parser("unusual", help=summary, description=summary)
    finding.add_argument("--site", required=True)
    finding.set_defaults(run=run_unusual)
    for command in (adding, listing, withdrawing, finding):
        command.add_argument("--json", action="store_true", help="print JSON, one object per line")


def run_add(arguments: argparse.Namespace, settings: Settings) -> int:
    """Mask days."""

    def work() -> None:
        with database(settings) as conn:
            made = masks.add_mask(
                conn,
                SHELL,
                site=arguments.site,
                item=arguments.item,
                from_day=arguments.from_day,
                until_day=arguments.until_day,
                kind=MaskKind(arguments.kind),
                reason=arguments.reason,
            )
        _tell(made, as_json=arguments.json)

    return reporting(work)


def run_list(arguments: argparse.Namespace, settings: Settings) -> int:
    """List masks."""

    def work() -> None:
        after = 0
        with database(settings) as conn:
            while found := masks.masks(
                conn, SHELL, site=arguments.site, item=arguments.item, after=after, limit=_PAGE
            ):
                for mask in found:
                    _tell(mask, as_json=arguments.json)
                after = found[-1].mask_id

    return reporting(work)


def run_withdraw(arguments: argparse.Namespace, settings: Settings) -> int:
    """Withdraw a mask."""

    def work() -> None:
        with database(settings) as conn:
            mask = masks.withdraw_mask(conn, SHELL, arguments.mask, reason=arguments.reason)
        _tell(mask, as_json=arguments.json)

    return reporting(work)


def run_unusual(arguments: argparse.Namespace, settings: Settings) -> int:
    """Show days that look like accidents."""

    def work() -> None:
        from cloud.demand.outliers import unusual_days  # noqa: PLC0415  numpy is an extra
        from cloud.demand.reading import daily_matrix  # noqa: PLC0415  the same

        today = datetime.now(UTC).date()
        first = today - timedelta(days=_LOOKED_BACK_DAYS)
        with database(settings) as conn:
            act_as(conn, SHELL)
            demand = daily_matrix(conn, arguments.site, first, today)
        for one in unusual_days(demand.quantity, demand.censored | demand.masked):
            item, day = demand.items[one.row].code, demand.days[one.day]
            if arguments.json:
                told = {"item": item, "day": day, "quantity": one.quantity, "usual": one.usual}
                print(orjson.dumps(told).decode())
            else:
                print(f"{item}  {day}  {one.quantity:g}, usually {one.usual:g}")

    return reporting(work)


def _tell(mask: Mask, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(mask._asdict()).decode())
        return
    state = "" if mask.is_in_force else f"  (withdrawn by {mask.withdrawn_by}: {mask.withdrawn_because})"
    print(
        f"{mask.mask_id}  {mask.site}  {mask.item or 'every item'}  {mask.from_day} to {mask.until_day}  "
        f"{mask.kind}: {mask.reason}, by {mask.recorded_by}{state}"
    )
