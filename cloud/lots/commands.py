"""`dockledger lots …`: where a lot is, who got it; recalls, expiry, and what nobody stated."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cloud import shell
from cloud.db import Connection, LastingConnection
from cloud.identity.actor import Actor, Role
from cloud.lots import dates_commands, expiry, reading, recalls, stating
from cloud.lots.domain import END_REASONS, RECALL_REASONS, LotError
from cloud.lots.expiry import DAYS
from cloud.lots.resolver import RESOLVER, resolve
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

Row = Mapping[str, Any]
Ask = Callable[[Connection, argparse.Namespace], Iterable[Row]]

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
MOST_LISTED: Final = 10_000
_EXAMPLES: Final = """examples:
  dockledger lots list --item TEA-500
  dockledger lots show TEA-500 L77            what it was made of, what was made of it, where all that is
  dockledger lots recipients TEA-500 L77      which customers got any of it
  dockledger lots recall TEA-500 L77 --reason contaminated --note "glass in a jar"
  dockledger lots expiring --site leeds --days 14
  dockledger lots watch --site leeds --days 30 --owner user:ada
  dockledger lots dates TEA-500 L77                       who said what of its dates; its labels too
  dockledger lots import-dates dates.csv                  item,lot,expires_on,produced_on,reason; also .xlsx
  dockledger lots policy TEA-500 --known --rule fefo"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    parser = subparsers.add_parser(
        "lots",
        help="tell where a lot is and who got it; recall it",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_subparsers(required=True, metavar="ACTION")
    listing = _add(group, "list", "list lots with what lies there of each", _list)
    listing.add_argument("--item")
    listing.add_argument("--all", action="store_true", help="those that are gone too")
    recalling = _add(group, "recall", "recall a lot with everything made of it, at every site", _recall)
    recalling.add_argument("--reason", required=True, choices=list(RECALL_REASONS))
    recalling.add_argument("--note", default="")
    recalling.add_argument(
        "--only-sure", action="store_true", help="leave goods that are only possibly of it"
    )
    for name, text, ask in (
        ("show", "tell what a lot was made of, what was made of it, and where that is", _show),
        ("recipients", "tell which customers got a lot, or something made of it", _recipients),
    ):
        _of_lot(_add(group, name, text, ask))
    _of_lot(recalling)
    listing = _add(group, "recalls", "list recalls with how each stands at its sites", _recalls)
    listing.add_argument("--all", action="store_true", help="ended ones too")
    ending = _add(group, "end-recall", "hold nothing more for a recall", _end_recall)
    ending.add_argument("recall", type=int)
    ending.add_argument("--reason", required=True, choices=list(END_REASONS))
    ending.add_argument("--note", default="")
    dating = _add(group, "expiring", "list lots on hand that have expired or will soon", _expiring)
    dating.add_argument("--site")
    dating.add_argument("--item")
    dating.add_argument("--days", type=int, default=DAYS)
    watching = _add(group, "watch", "say how long before people of a site are told, and whom", _watch)
    watching.add_argument("--site", required=True)
    watching.add_argument("--days", type=int, default=DAYS)
    watching.add_argument("--owner", help="as user:ada; default: whoever stated the lot's date")
    using = _add(group, "policy", "say whether an item's lots are known, and how they are used", _policy)
    using.add_argument("item")
    known = using.add_mutually_exclusive_group(required=True)
    known.add_argument("--known", action="store_true", dest="is_known", help="receipts ask for the lot")
    known.add_argument("--not-known", action="store_false", dest="is_known")
    using.add_argument("--rule", choices=("fefo", "fifo"), help="default: none")
    dates_commands.add_commands(group)
    _add(group, "unstated", "list goods of which nobody knows the lot", _unstated)
    resolving = group.add_parser(
        "resolve", help="infer what was not stated once; the scheduler does it by itself"
    )
    resolving.add_argument("--json", action="store_true", help="print JSON, one object per line")
    resolving.set_defaults(run=_resolve)


def _of_lot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("item")
    parser.add_argument("lot")


def _list(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in reading.lots(conn, SHELL, item=asked.item, only_held=not asked.all, limit=MOST_LISTED):
        yield {
            "item": row.item,
            "lot": row.lot,
            "on_hand": row.on_hand,
            "expires": row.expires_on,
            "sites": row.sites,
        }


def _show(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    told = reading.story(conn, SHELL, item=asked.item, lot=asked.lot)
    for each in told.genealogy.backward():
        if each.steps:
            yield {"made_of": each.item, "lot": each.key.lot, "steps": -each.steps}
    for found in told.forward:
        relative = found.relative
        named = {"item": relative.item, "lot": relative.key.lot, "steps": relative.steps or None}
        certainty = {"only": "possible"} if relative.is_possible else {}
        yield named | certainty | {"on_hand": found.on_hand, "sent": found.sent}
        for row in found.stock:
            yield {
                "  at": row.unit or row.location,
                "site": row.site,
                "quantity": row.quantity,
                "condition": row.disposition,
            }


def _recipients(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    told = reading.story(conn, SHELL, item=asked.item, lot=asked.lot)
    for each in told.forward:
        for row in each.recipients:
            yield {
                "customer": row.partner,
                "document": row.papers,
                "item": row.item,
                "lot": row.lot,
                "quantity": row.quantity,
                "last": row.last_at,
                "only": "possible" if each.relative.is_possible else None,
            }


def _recall(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    named = {"item": asked.item, "lot": asked.lot, "reason": asked.reason, "note": asked.note}
    made = recalls.open_recall(conn, SHELL, **named, with_possible=not asked.only_sure)
    yield {"recall": made.recall_id, "lots": made.lots}
    yield from _sites(conn, made.recall_id)


def _recalls(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in recalls.recalls(conn, SHELL, with_ended=asked.all, limit=MOST_LISTED):
        state = row.ended_because or "open"
        yield {"recall": row.recall_id, "item": row.item, "lot": row.lot, "lots": row.lots, "state": state}
        yield from _sites(conn, row.recall_id)


def _sites(conn: Connection, recall_id: int) -> Iterable[Row]:
    for site in recalls.recall_sites(conn, SHELL, recall_id=recall_id):
        yield {"  site": site.site, "decision": site.decision_id, "state": site.state}


def _end_recall(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    ended = recalls.close_recall(conn, SHELL, recall_id=asked.recall, reason=asked.reason, note=asked.note)
    yield {"recall": ended.recall_id, "ended": ended.ended_because}


def _expiring(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    place = {"site": asked.site, "item": asked.item}
    for row in expiry.expiring(conn, SHELL, **place, days=asked.days, now=_now(), limit=MOST_LISTED):
        yield {
            "expires": row.expires_on,
            "days_left": row.days_left,
            "site": row.site,
            "item": row.item,
            "lot": row.lot,
            "on_hand": row.on_hand,
            "could_leave": row.shippable_quantity,
            "value": row.value,
            "currency": row.currency,
        }


def _watch(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    yield {"new": expiry.put_watch(conn, SHELL, site=asked.site, days=asked.days, owner=asked.owner)}


def _policy(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    asked_for = {"item": asked.item, "is_lot_controlled": asked.is_known, "rule": asked.rule}
    yield {"new": stating.set_policy(conn, SHELL, **asked_for)}


def _unstated(conn: Connection, _asked: argparse.Namespace) -> Iterable[Row]:
    for row in stating.unstated(conn, SHELL, limit=MOST_LISTED):
        yield {
            "site": row.site,
            "at": row.unit or row.location,
            "item": row.item,
            "quantity": row.quantity,
            "state": "nothing tells" if row.is_resolved else "gateways may still tell",
        }


def _resolve(asked: argparse.Namespace, settings: Settings) -> int:
    def resolved() -> None:
        with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-command")) as source:
            shell.show_named(asked, [resolve(source, RESOLVER, _now())])

    return shell.reporting(resolved, LotError)


def _add(group: "Subparsers", name: str, text: str, ask: Ask) -> argparse.ArgumentParser:
    def say(conn: Connection, asked: argparse.Namespace) -> Iterable[str]:
        return shell.named_lines(asked, ask(conn, asked))

    return shell.command(group, name, text, shell.told(say, LotError))


def _now() -> datetime:
    return datetime.now(UTC)
