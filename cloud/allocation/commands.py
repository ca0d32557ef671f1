"""`dockledger allocation …`: claim stock, release picks, see what is free and what may be promised."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from cloud import shell
from cloud.allocation import faces, reading, service, terms, work
from cloud.allocation.claiming import Allocated, Wish
from cloud.allocation.domain import AllocationError, ClaimKind
from cloud.allocation.following import JOB
from cloud.allocation.picking import release_picks
from cloud.allocation.upkeep import keep_up
from cloud.db import Connection, LastingConnection
from cloud.identity.actor import Actor, Role
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.shell import Subparsers

Row = Mapping[str, Any]
Ask = Callable[[Connection, argparse.Namespace], Iterable[Row]]

SHELL: Final = Actor("system:shell", frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}), all_sites=True)
"""Whoever can read the database's password allocates; the record says it was done here."""

_EXAMPLES: Final = """examples:
  dockledger allocation claim --site leeds --order SO-1 --order SO-2
  dockledger allocation release --site leeds --visit V-7 --to LANE-1      a wave of tasks for handhelds
  dockledger allocation free --site leeds --item TEA-500
  dockledger allocation promise --site leeds --item TEA-500               by date
  dockledger allocation lot TEA-500 L77 --expires 2027-03-01
  dockledger allocation life ACME --days 60
  dockledger allocation face --site leeds F-01 TEA-500 --min 5 --max 40"""


def add_commands(subparsers: "Subparsers") -> None:
    """Add this area's commands.

    Args:
        subparsers: What `dockledger` collects its commands in.
    """
    group = shell.group(subparsers, "allocation", "claim stock for orders and release their picks", _EXAMPLES)
    claiming = _add(group, "claim", "claim stock for orders, first expired first out", _claim)
    claiming.add_argument("--soft", action="store_true", help="a quantity only, of no bin yet")
    releasing = _add(group, "release", "claim bins and send pick tasks to handhelds", _release)
    releasing.add_argument("--to", required=True, metavar="PLACE", help="lane or staging place")
    releasing.add_argument("--gateway", help="default: the site's only one")
    for asking in (claiming, releasing):
        asking.add_argument("--site", required=True)
        asking.add_argument("--order", action="append", help="outbound order; may be repeated")
        asking.add_argument("--visit")
        asking.add_argument("--due-until", type=shell.instant, metavar="AT")
    letting_go = _add(group, "let-go", "let go of what an order has claimed and not picked", _let_go)
    letting_go.add_argument("--site", required=True)
    letting_go.add_argument("order")
    for name, text, ask in (
        ("claims", "list claims on stock", _claims),
        ("free", "tell what lies there, is claimed and is free", _free),
        ("tasks", "list tasks of handhelds, the latest first", _tasks),
        ("shorts", "list picks that found less than the book said", _shorts),
    ):
        listing = _add(group, name, text, ask)
        listing.add_argument("--site")
        if ask in {_claims, _free}:
            listing.add_argument("--item")
    promising = _add(group, "promise", "tell what may be promised of an item, by date", _promise)
    promising.add_argument("--site", required=True)
    promising.add_argument("--item", required=True)
    dating = _add(group, "lot", "say when a lot is no longer good", _lot)
    dating.add_argument("item")
    dating.add_argument("lot")
    dating.add_argument(
        "--expires",
        type=shell.day,
        metavar="DAY",
        help="default: its shelf life after --produced, else it keeps",
    )
    dating.add_argument("--produced", type=shell.day, metavar="DAY", help="as stands on the goods (AI 11)")
    dating.add_argument(
        "--take-back", action="store_true", help="what was said before counts no more: its labels say again"
    )
    dating.add_argument("--reason", default="", help="why it is said, or said otherwise")
    lasting = _add(group, "life", "say how long goods must last after they left for a customer", _life)
    lasting.add_argument("customer")
    lasting.add_argument("--item", help="default: every one without terms of its own")
    lasting.add_argument("--days", type=int, required=True)
    facing = _add(group, "face", "keep a bin as a pick face between two quantities", _face)
    facing.add_argument("--site", required=True)
    facing.add_argument("location")
    facing.add_argument("item")
    facing.add_argument("--min", dest="minimum", type=shell.amount, metavar="N")
    facing.add_argument(
        "--max", dest="maximum", type=shell.amount, metavar="N", help="neither: it is none any more"
    )
    shell.command(
        group, "keep", "let go, serve again and fill pick faces once; the scheduler does it by itself", _keep
    )


def _claim(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    kind = ClaimKind.SOFT if asked.soft else ClaimKind.HARD
    return _allocated(service.allocate(conn, SHELL, _wish(asked), kind=kind, now=shell.present()))


def _release(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    place = {"to_location": asked.to, "gateway": asked.gateway}
    done = release_picks(conn, SHELL, _wish(asked), **place, now=shell.present())
    yield {"wave": done.wave, "gateway": done.gateway, "tasks": " ".join(done.tasks)}
    yield from _allocated(done.allocated)


def _let_go(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    document = f"outbound_order/{asked.order}"
    place = {"site": asked.site, "document": document}
    yield {"let_go": service.release(conn, SHELL, **place, because="released", now=shell.present())}


def _claims(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in reading.claims(conn, SHELL, site=asked.site, item=asked.item, limit=shell.MOST_LISTED):
        yield {
            "claim": row.allocation_id,
            "site": row.site,
            "line": str(row.name),
            "item": row.item,
            "kind": row.kind,
            "quantity": row.quantity,
            "place": row.unit or row.location,
            "lot": row.lot,
            "expires": row.expires_on,
            "needed": row.needed_on,
            "task": row.task,
        }


def _free(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    limits = {"site": asked.site, "item": asked.item}
    for row in reading.availability(conn, SHELL, **limits, now=shell.present(), limit=shell.MOST_LISTED):
        yield {name: value for name, value in row._asdict().items() if name not in {"name", "item_id"}}


def _promise(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in reading.promise(conn, SHELL, site=asked.site, item=asked.item, now=shell.present()).rows:
        yield {
            "on": row.on,
            "promise": row.available,
            "projected": row.projected,
            "comes": row.receipts,
            "due": row.orders,
            "expires": row.expiring,
        }


def _tasks(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in work.tasks(conn, SHELL, site=asked.site, limit=shell.MOST_LISTED):
        yield {
            "task": row.task,
            "site": row.site,
            "gateway": row.gateway,
            "kind": row.kind,
            "for": row.documents,
            "done": f"{row.done_lines}/{row.lines}",
            "short": row.short_lines,
            "state": row.ended_because or "open",
            "expires_at": row.expires_at,
        }


def _shorts(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    for row in work.shorts(conn, SHELL, site=asked.site, limit=shell.MOST_LISTED):
        yield {
            "at": row.occurred_at,
            "site": row.site,
            "place": row.location,
            "item": row.item,
            "short": row.quantity,
            "why": row.reason,
            "task": row.task,
            "doubted": row.is_doubted,
        }


def _lot(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    says = asked.expires is not None or (asked.produced is None and not asked.take_back)
    if len(asked.reason) > terms.MOST_REASON:
        raise AllocationError(f"--reason: expected at most {terms.MOST_REASON} characters")
    back: tuple[terms.Said, ...] = ("expires_on", "produced_on") if asked.take_back else ()
    is_new = terms.put_lot(
        conn,
        SHELL,
        item=asked.item,
        lot=asked.lot,
        expires_on=asked.expires,
        produced_on=asked.produced,
        states_expiry=says,
        taken_back=back,
        reason=asked.reason or None,
    )
    yield {"new": is_new}


def _life(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    if asked.days < 0:
        raise AllocationError(f"--days {asked.days}: expected zero or more")
    yield {"new": terms.put_life(conn, SHELL, partner=asked.customer, item=asked.item, days=asked.days)}


def _face(conn: Connection, asked: argparse.Namespace) -> Iterable[Row]:
    names = {"site": asked.site, "location": asked.location, "item": asked.item}
    limits = {"minimum": asked.minimum, "maximum": asked.maximum}
    yield {"new": faces.put_face(conn, SHELL, **names, **limits)}


def _keep(asked: argparse.Namespace, settings: Settings) -> int:
    def keep() -> None:
        with closing(LastingConnection(settings.needed("app_dsn"), "dockledger-command")) as source:
            shell.show_named(asked, [keep_up(source, JOB, shell.present())])

    return shell.reporting(keep, AllocationError)


def _allocated(done: Allocated) -> Iterable[Row]:
    for claim in done.claims:
        cell = claim.cell
        yield {
            "line": str(claim.name),
            "claimed": claim.quantity,
            "place": cell.unit or cell.location,
            "lot": cell.lot,
            "expires": cell.expires_on,
            "why": claim.why["rule"],
        }
    for short in done.shortfalls:
        yield {"line": str(short.name), "short": short.quantity, "passed_over": dict(short.passed_over)}


def _wish(asked: argparse.Namespace) -> Wish:
    orders = None if asked.order is None else tuple(f"outbound_order/{name}" for name in asked.order)
    return Wish(asked.site, orders, asked.visit, asked.due_until)


def _add(group: "Subparsers", name: str, text: str, ask: Ask) -> argparse.ArgumentParser:
    def say(conn: Connection, asked: argparse.Namespace) -> Iterable[str]:
        return shell.named_lines(asked, ask(conn, asked))

    return shell.command(group, name, text, shell.told(say, AllocationError))
