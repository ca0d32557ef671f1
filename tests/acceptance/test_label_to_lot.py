"""A label is scanned on a serial line and its lot has its dates: agent, broker and ingest as they ship."""

import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

from benchmarks.edges import Edge
from benchmarks.mayhem import wait_until
from cloud.db import LastingConnection, in_transaction
from cloud.documents.import_file import ImportPaper
from cloud.documents.service import import_all
from cloud.lots import dating
from cloud.lots.domain import UnknownLotError
from cloud.lots.resolver import RESOLVER, resolve
from contracts.records import LabelDates
from tests.acceptance.test_picks_by_task import EACH, KEEPER, answer, plugged_in
from tests.patience import PATIENCE_S

LABEL = f"]C101{EACH}11260203" + "1527060017270831" + "10L-7"
DATES = LabelDates(produced_on=date(2026, 2, 3), best_before=date(2027, 6, 30), use_by=date(2027, 8, 31))


def test_a_scanned_label_dates_its_lot_through_a_dead_broker_and_a_killed_agent(
    system: Callable[..., Any],
) -> None:
    running = system(ingest_workers=1)
    stage = running.stage
    edge = Edge(stage, next(each for each in stage.gateways if each.name == "edge-1"), "edge-1")
    with closing(LastingConnection(stage.dsn("dockledger_app"), "test-office")) as office:

        def story() -> dating.DatesStory | None:
            resolve(office, RESOLVER, datetime.now(UTC))
            asked = {"item": "TEA", "lot": "L-7", "limit": 10}
            try:
                return in_transaction(office, lambda conn: dating.story(conn, KEEPER, **asked))
            except UnknownLotError:
                return None

        def said() -> int:
            found = story()
            return sum(label.said for label in found.labels) if found else 0

        item = {"code": "TEA", "levels": [{"gtin": EACH, "base_units": 1}]}
        papers = ImportPaper.model_validate({"items": [item]})
        now = datetime.now(UTC)
        in_transaction(office, lambda conn: import_all(conn, KEEPER, papers, now=now))
        with plugged_in(edge) as scanner:
            edge.start()
            scanner.scan("$BADGE/demo-operator")
            os.read(scanner.master, 4096)
            assert "1 x" in answer(scanner, "$RECEIVE/DN-1", LABEL)
            wait_until(lambda: said() == 1, within_s=PATIENCE_S, what="the first label is known")
            stage.parts["broker"].kill()
            assert "1 x" in answer(scanner, LABEL)
            stage.parts[edge.name].kill()
            stage.start_broker_anew()
            edge.start()
            scanner.hear(b"resume")
            wait_until(lambda: said() == 2, within_s=PATIENCE_S, what="the second is, once")
            assert "element_string" in answer(scanner, f"]C101{EACH}1727023110L-8"), "30 February is told"
        found = story()
        assert found is not None
        (label,) = found.labels
        dates = {name: getattr(label, name) for name in LabelDates.model_fields}
        assert LabelDates.model_validate(dates) == DATES
        assert (found.lot.expires_on, found.lot.produced_on) == (date(2027, 9, 1), DATES.produced_on)
        assert (found.lot.expires_by, label.gateway, said()) == ("label", "edge-1", 2)
    running.verify()
