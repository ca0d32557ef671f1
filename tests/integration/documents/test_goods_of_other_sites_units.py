"""Goods on a pallet that another site filled first are judged where it stands, once, and shown there."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest

from cloud.db import LastingConnection, in_transaction
from cloud.documents.domain import DocumentError
from cloud.documents.judging import service as judging
from cloud.documents.judging.decided import decided
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.receiving.rules import RulePaper, put_rule
from cloud.identity.actor import INGEST, Actor, Role
from cloud.ledger.domain import PostingKind
from cloud.ledger.service import post
from cloud.master.places import add_location
from contracts.records import Movement, Side
from contracts.vocabulary import Disposition
from tests.integration.documents.dock import CASES, KEEPER, OTHER_SITE, PALLET, Dock, line, open_dock
from tests.integration.documents.test_pallets_of_visits import drafted, holds, sent_from_york
from tests.integration.documents.test_papers_of_visits import EVERYWHERE, named
from tests.integration.ledger.scenario import SITE, at, move

WAITS = Side(unit=PALLET, disposition=Disposition.INSPECTION)
AT_YORK = Actor("user:yan", frozenset({Role.SUPERVISOR}), frozenset({OTHER_SITE}))


@pytest.fixture
def dock(database: object) -> Iterator[Dock]:
    """A pallet that York filled and sent, and that waits here in inspection: two cases."""
    with open_dock(database) as dock:
        for site, code in ((SITE, "STAGE-1"), (OTHER_SITE, "Y-01")):
            place = {"site": site, "code": code, "kind": "bin", "parent": None}
            dock.ledger.as_app(lambda conn, place=place: add_location(conn, EVERYWHERE, **place))
        rule = RulePaper(site=SITE, supplier=None, item="TEA", inspects=True)
        dock.ledger.as_app(lambda conn: put_rule(conn, KEEPER, rule))
        drafted(dock, line(1, 3), sending=OTHER_SITE, receiving=SITE)
        sent_from_york(dock)
        dock.expect("V-1", **named("transfer", "T-1"))
        dock.crosses()
        dock.confirm(minute=20)
        assert holds(dock) == {(PALLET, None, "inspection"): 48}
        of = "SELECT DISTINCT c.site_id FROM cell c JOIN location l USING (location_id) WHERE l.code = %s"
        assert dock.ledger.query(of, PALLET) == [(OTHER_SITE,)], "first heard of there"
        yield dock
        assert dock.is_clean()


def graded(cases: int, *, minute: float = 30) -> Movement:
    """Say by handheld that cases on the pallet are sound."""
    return move(f"{cases}", WAITS, Side(unit=PALLET), item=CASES, unit_seen=CASES, minute=minute)


def judged_otherwise(dock: Dock, actor: Actor, site: str | None = None) -> list[tuple[Any, ...]]:
    rows = dock.ledger.as_app(lambda conn: decided(conn, actor, site=site, limit=50))
    return [(row.site, row.receipt, row.verdict, int(row.quantity)) for row in rows]


def test_what_a_handheld_finds_sound_on_it_is_shown_where_it_stands(dock: Dock) -> None:
    dock.doors.send(graded(1))
    assert judged_otherwise(dock, KEEPER, SITE) == [(SITE, None, "sellable", 24)]
    assert judged_otherwise(dock, KEEPER) == [(SITE, None, "sellable", 24)]
    assert judged_otherwise(dock, AT_YORK) == []
    assert judged_otherwise(dock, EVERYWHERE, OTHER_SITE) == []


def test_who_judges_it_while_a_handhelds_grade_is_posted_waits_and_judges_what_it_left(dock: Dock) -> None:
    stated = {"site": SITE, "receipt": "V-1~received", "line": "1", "waits_as": "inspection", "quantity": 48}
    paper = JudgementPaper.model_validate(stated | {"verdict": "sellable", "reason": "sound"})
    batch = dock.doors.outbox.seal([graded(1)])

    def judges() -> str:
        with closing(LastingConnection(dock.ledger.app_dsn, "test-apart")) as source:
            try:
                in_transaction(source, lambda conn: judging.judge(conn, KEEPER, paper, now=at(70)))
            except DocumentError as error:
                return f"{error}"
        return "done"

    def at_once(conn: psycopg.Connection, worker: ThreadPoolExecutor) -> Future[str]:
        post(conn, INGEST, kind=PostingKind.BATCH, batches=[batch])
        late = worker.submit(judges)
        until = time.monotonic() + 60
        while not dock.ledger.query("SELECT FROM pg_locks WHERE NOT granted") and not late.done():
            assert time.monotonic() < until
            time.sleep(0.01)
        return late

    with ThreadPoolExecutor(1) as worker:
        late = dock.ledger.as_ingest(lambda conn: at_once(conn, worker))
        assert "expected at most 24" in late.result(60)
    assert holds(dock) == {(PALLET, None, None): 24, (PALLET, None, "inspection"): 24}
