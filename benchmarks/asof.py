"""What questions to the ledger cost as history grows tenfold: balances, the past, an item's history.

The history is made in the database by the posting functions themselves, 5,000 movements a posting over cells
drawn by Zipf's law, each up to a day late, and folded by the job's own function. Then the same questions are
asked of the short history and of the long one: twenty cells as of an instant and a position drawn anew each
time; by the services that the API calls, as the application's role, one cell now and then, and a page of an
item's history; beside each, in turn, a bare look-up of one row by its key. The long history is asked over
HTTP, too. At last movements are posted that happened before all of the history, and others that happened
now. As many other questions warm the caches. The database has a server's share of memory, not a laptop's.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

import psycopg

from benchmarks.asof_served import Question, ask, key_to_ask
from benchmarks.ground import own_folder
from benchmarks.result import Limit, Result
from benchmarks.stage import Gateway, Stage
from cloud.identity.actor import Actor, Role
from cloud.identity.store import act_as
from cloud.inquiry import past, stock
from cloud.ledger.domain import CloudStatement, EffectiveRow, PostingKind
from cloud.ledger.service import post
from contracts.base import SiteId
from contracts.occurrence import TimeBasis
from contracts.records import Identifier, Movement, Side

GROWTH: Final = 10
_SITE: Final = "bench"
_MOST_CELLS: Final = 20_000
_ROWS_PER_POSTING: Final = 5_000
_CELLS_PER_QUESTION: Final = 20
_PAGE: Final = 100
_ITEMS: Final = 2_000
_POSTS_TO_WARM_UP: Final = 10
_SERVICES: Final = ("balance", "balance_as_of")
_ASKED: Final = ("as_of", *_SERVICES, "item_history")
_ACTOR: Final = Actor("user:bench", frozenset({Role.INVENTORY_CONTROLLER, Role.DEVICE}), all_sites=True)
_SEED: Final = 1
_WARM_UP_SEED: Final = 2
_SHARED_BUFFERS: Final = "4GB"
_START_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)
_SPAN: Final = timedelta(days=365)

_WORLD: Final = """
INSERT INTO item (code, is_provisional) SELECT 'item-' || n, true FROM generate_series(1, 2000) n;
INSERT INTO location (site_id, code, kind)
SELECT 'bench', CASE n WHEN 0 THEN '@customer' ELSE 'bin-' || n END,
    CASE n WHEN 0 THEN 'virtual' ELSE 'bin' END
FROM generate_series(0, 10) n;
INSERT INTO cell (item_id, location_id, site_id, posting_id)
SELECT i.item_id, l.location_id, 'bench', 0 FROM location l CROSS JOIN item i
ORDER BY l.location_id, i.item_id;
INSERT INTO identifier (scheme, value, item_id)
SELECT 'sku', 'bench-' || n - 1, i.item_id FROM generate_series(1, 10) n JOIN item i ON i.code = 'item-' || n
"""
_POSTING: Final = """
INSERT INTO movement (
    gateway_id, epoch, seq, occurred_at, posting_id, item_id, from_cell, to_cell, quantity, site_id,
    identifier_scheme, identifier, quantity_seen, unit_seen, occurred_at_claimed, time_basis, detail)
SELECT 1, 1, %(first)s + n, at.occurred_at, %(posting)s, c.item_id, c.cell_id, (c.cell_id - 1) %% 2000 + 1,
    1 + n %% 9, 'bench', 'local', 'item', 1 + n %% 9, 'base', at.occurred_at, 'claimed', '{}'
FROM generate_series(1, %(rows)s) n
CROSS JOIN LATERAL (SELECT 2001 + floor(exp(random() * ln(%(cells)s + 0 * n)))::bigint - 1 AS cell_id) drawn
CROSS JOIN LATERAL (SELECT %(at)s::timestamptz - random() * interval '1 day' AS occurred_at) at
JOIN cell c ON c.cell_id = drawn.cell_id
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the input can be sized by.

    Args:
        parser: Of this benchmark.
    """
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="movements of the long history, default: 1000000"
    )
    parser.add_argument(
        "--cells",
        type=int,
        default=2_000,
        help="stock cells, at most 20000; default: 2000, so that 1000000 rows make cells as deep as"
        " 10000000 rows make 20000",
    )
    parser.add_argument("--questions", type=int, default=300, help="of each history, default: 300")


def run(arguments: argparse.Namespace) -> Result:
    """Measure.

    Args:
        arguments: As parsed.

    Returns:
        Median costs of a question, and their ratio.
    """
    cells = min(arguments.cells, _MOST_CELLS)
    postings = max(arguments.rows // _ROWS_PER_POSTING, GROWTH)
    options = {
        "synchronous_commit": "off",
        "maintenance_work_mem": "256MB",
        "shared_buffers": _SHARED_BUFFERS,
        "max_wal_size": "4GB",
    }
    with (
        own_folder() as directory,
        Stage(directory, (Gateway(_SITE, "bench-gw"),), 0, postgres_options=options) as stage,
        psycopg.connect(stage.dsn("dockledger_migrator"), autocommit=True) as connection,
        psycopg.connect(stage.dsn("dockledger_app"), autocommit=True) as app,
    ):
        connection.execute("SET ROLE dockledger_owner")
        connection.execute(_WORLD)
        connection.execute("SELECT setseed(0.5)")
        began = time.perf_counter()
        _grow(connection, range(postings // GROWTH), postings, cells)
        short = _ask((connection, app), arguments.questions, _SPAN / GROWTH, cells)
        _grow(connection, range(postings // GROWTH, postings), postings, cells)
        made_s = time.perf_counter() - began
        long = _ask((connection, app), arguments.questions, _SPAN, cells)
        served = _ask_served(stage, app, arguments.questions, cells)
        posted = _post(app, arguments.questions // 4)
    growth = {
        f"{name}_ratio_as_history_grows_tenfold": statistics.median(long[name])
        / statistics.median(short[name])
        for name in _ASKED
    }
    over_bare = {f"{name}_p99_over_bare": _p99(long[name]) / _p99(long["bare"]) for name in _SERVICES}
    http = {
        f"http_{name}_p99_ms_over_bare": _p99(times) - _p99(served["bare"])
        for name, times in served.items()
        if name != "bare"
    }
    back = statistics.median(posted["back_dated"]) / statistics.median(posted["present"])
    return Result(
        benchmark="asof",
        headline="ratio_as_history_grows_tenfold",
        figures={
            **{f"short_{name}_ms_p50": statistics.median(times) for name, times in short.items()},
            **{f"long_{name}_ms_p50": statistics.median(times) for name, times in long.items()},
            **{f"long_{name}_ms_p99": _p99(times) for name, times in long.items()},
            **{f"http_{name}_ms_p50": statistics.median(times) for name, times in served.items()},
            **http,
            **{f"post_{name}_ms_p50": statistics.median(times) for name, times in posted.items()},
            "seconds_to_make": made_s,
        },
        ratios={
            "ratio_as_history_grows_tenfold": max(growth.values()),
            **growth,
            **over_bare,
            "back_dated_over_present": back,
        },
        limits={
            "ratio_as_history_grows_tenfold": Limit(must=1.5, goal=1.2, better="lower"),
            **{name: Limit(must=1.5, goal=1.2, better="lower") for name in growth},
            **{name: Limit(must=3, goal=2, better="lower") for name in over_bare},
            **{name: Limit(must=15, goal=8, better="lower") for name in http},
            "back_dated_over_present": Limit(must=1.5, goal=1.2, better="lower"),
        },
        input={
            "short_history_rows": postings // GROWTH * _ROWS_PER_POSTING,
            "long_history_rows": postings * _ROWS_PER_POSTING,
            "cells": cells,
            "items": _ITEMS,
            "demand": "Zipf, exponent 1, over the cells",
            "lateness": "uniform, up to a day",
            "questions": arguments.questions,
            "cells_per_question": f"{_CELLS_PER_QUESTION} of as_of, one of the services, drawn like demand",
            "history_page": _PAGE,
            "instants": "uniform over the history's span",
            "positions": "uniform over its postings; of an item's history those after the instant",
            "unfolded_positions": 0,
            "warm_up": "as many other questions",
            "bare": "SELECT quantity FROM balance by its key, in a transaction as the services'",
            "http": "GET /v1/balances of one cell and /v1/item-history on loopback, one connection kept",
            "back_dated": "to the hour before the history's first row, into the deepest cells",
            "shared_buffers": _SHARED_BUFFERS,
            "seed": _SEED,
        },
    )


def _grow(connection: psycopg.Connection, numbers: range, postings: int, cells: int) -> None:
    for number in numbers:
        with connection.transaction():
            (posting,) = connection.execute("SELECT posting_id FROM begin_posting()").fetchall()[0]
            connection.execute(
                _POSTING,
                {
                    "first": number * _ROWS_PER_POSTING,
                    "rows": _ROWS_PER_POSTING,
                    "posting": posting,
                    "cells": cells,
                    "at": _START_AT + _SPAN * (number + 1) / postings,
                },
            )
            connection.execute("SELECT close_posting(%s, 'import', 'benchmark')", [posting])
        connection.execute("SELECT fold(1)")
    connection.execute("VACUUM ANALYZE")


def _ask(
    connections: tuple[psycopg.Connection, psycopg.Connection], questions: int, span: timedelta, cells: int
) -> dict[str, list[float]]:
    _time(connections, questions, span, cells, random.Random(_WARM_UP_SEED))
    return _time(connections, questions, span, cells, random.Random(_SEED))


def _time(
    connections: tuple[psycopg.Connection, psycopg.Connection],
    questions: int,
    span: timedelta,
    cells: int,
    dice: random.Random,
) -> dict[str, list[float]]:
    owner, app = connections
    (last,) = owner.execute("SELECT position FROM ledger_head").fetchall()[0]
    asked_ms: dict[str, list[float]] = {name: [] for name in (*_ASKED, "bare")}
    for _ in range(questions):
        some = [2000 + int(cells ** dice.random()) for _ in range(_CELLS_PER_QUESTION)]
        at, position = _START_AT + span * dice.random(), dice.randint(1, last)
        item = f"item-{(some[0] - 1) % _ITEMS + 1}"
        later = dice.randint(min(last, 1 + int(last * ((at - _START_AT) / span))), last)
        works: dict[str, Callable[[], object]] = {
            "bare": partial(_bare, app, some[0]),
            "as_of": partial(_as_of, owner, some, at, position),
            "balance": partial(stock.balance, app, _ACTOR, cell_id=some[0]),
            "balance_as_of": partial(
                stock.balance, app, _ACTOR, cell_id=some[0], until_at=at, until_position=position
            ),
            "item_history": partial(
                past.item_history, app, _ACTOR, item=item, until=past.Moment(at, later), limit=_PAGE
            ),
        }
        for name, work in works.items():
            began = time.perf_counter()
            with (owner if name == "as_of" else app).transaction():
                work()
            asked_ms[name].append((time.perf_counter() - began) * 1e3)
    return asked_ms


def _ask_served(stage: Stage, app: psycopg.Connection, questions: int, cells: int) -> dict[str, list[float]]:
    (last,) = app.execute("SELECT position FROM ledger_head").fetchall()[0]

    def cell(dice: random.Random) -> dict[str, str | int]:
        place, item = divmod(int(cells ** dice.random()) - 1, _ITEMS)
        return {"site": _SITE, "item": f"item-{item + 1}", "location": f"bin-{place + 1}", "zero": "true"}

    def balance_as_of(dice: random.Random) -> Question:
        at, position = _START_AT + _SPAN * dice.random(), dice.randint(1, last)
        return "/v1/balances", cell(dice) | {"as_of": at.isoformat(), "position": position}

    def history(dice: random.Random) -> Question:
        share = dice.random()
        position = dice.randint(min(last, 1 + int(last * share)), last)
        until: dict[str, str | int] = {"as_of": (_START_AT + _SPAN * share).isoformat(), "position": position}
        return "/v1/item-history", {"item": cell(dice)["item"], "limit": _PAGE} | until

    return ask(
        stage.add_api(),
        key_to_ask(app),
        {
            "balance": lambda dice: ("/v1/balances", cell(dice)),
            "balance_as_of": balance_as_of,
            "item_history": history,
        },
        lambda: _look_up(app, _ITEMS + 1),
        times=questions,
        seeds=(_WARM_UP_SEED, _SEED),
    )


def _look_up(app: psycopg.Connection, cell: int) -> None:
    with app.transaction():
        _bare(app, cell)


def _bare(connection: psycopg.Connection, cell_id: int) -> None:
    act_as(connection, _ACTOR)
    connection.execute("SELECT quantity FROM balance WHERE cell_id = %s", [cell_id]).fetchall()


def _as_of(connection: psycopg.Connection, cells: list[int], at: datetime, position: int) -> None:
    connection.execute("SELECT * FROM as_of(%s, %s, %s)", [cells, at, position]).fetchall()


def _post(connection: psycopg.Connection, times: int) -> dict[str, list[float]]:
    """Post movements that happened before all others, and movements that happened now, in turn."""
    posted_ms: dict[str, list[float]] = {"present": [], "back_dated": []}
    instants = {"present": _START_AT + _SPAN * 2, "back_dated": _START_AT - timedelta(days=2)}
    for number in range(times + _POSTS_TO_WARM_UP):
        for name, at in instants.items():
            record = Movement(
                seq=1,
                occurred_at_claimed=at + timedelta(seconds=number),
                mono_ns=0,
                boot_id="bench",
                clock_ok=True,
                identifier=Identifier(scheme="sku", value=f"bench-{number % 10}"),
                quantity_seen=Decimal(1),
                source=Side(location="@customer"),
                destination=Side(location="bin-1"),
            )
            row = EffectiveRow(record, record.occurred_at_claimed, TimeBasis.CLAIMED)
            began = time.perf_counter()
            with connection.transaction():
                post(
                    connection,
                    _ACTOR,
                    kind=PostingKind.STATEMENT,
                    statements=[CloudStatement(SiteId(_SITE), row)],
                )
            if number >= _POSTS_TO_WARM_UP:
                posted_ms[name].append((time.perf_counter() - began) * 1e3)
    return posted_ms


def _p99(times: list[float]) -> float:
    return sorted(times)[len(times) * 99 // 100]
