"""First expired, first out, from the ledger to a handheld and back: told, asked about, picked, told."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from cloud.db import LastingConnection
from cloud.labels import references
from cloud.labels.pickable import fitting_lots
from cloud.lots.expiry import WATCH
from cloud.lots.left_expired import tell_left
from cloud.recipes.papers import RecipePaper
from cloud.recipes.service import put_recipes
from contracts.offline import PickableItem, PickableLot
from contracts.records import Identifier, Movement
from edge_agent.clock import Stamp
from edge_agent.decode.barcode import decode_barcode
from edge_agent.workflows.engine import Engine
from edge_agent.workflows.reference import ReferenceBook
from edge_agent.workflows.state import State
from tests.integration.documents.test_scanned_receipts import SCANNER
from tests.integration.labels.test_labels import sent
from tests.integration.ledger.scenario import SITE, at
from tests.integration.lots.floor import GTINS, NET, PALLET, Floor, goes, open_floor, stands

NAMES = (Identifier(scheme="gtin", value=GTINS["MILK"]),)
OLD, NEW, UNDATED, GONE = "OLD", "NEW", "UNDATED", "GONE"


@pytest.fixture
def floor(database: object) -> Iterator[Floor]:
    with open_floor(database, "MILK", "BOX", gateways=("gw-1",)) as floor:
        floor.ledger.query(
            "INSERT INTO gateway_config_report (gateway_id, site_id, revision, outcome, settings, origins, "
            "errors, reported_at, heard_at) SELECT gateway_id, %s, 0, 'applied', "
            """'{"workflow": {"staging": "STAGE-1", "returns": "RETURNS"}}', '{}', '[]', now(), now() """
            "FROM gateway WHERE name = 'gw-1' RETURNING 1",
            SITE,
        )
        floor.orders("SO-1", "MILK", 3, "ACME")
        floor.moves(
            goes("MILK", 5, "@supplier", "A-02", OLD),
            goes("MILK", 5, "@supplier", "STAGE-1", OLD),
            goes("MILK", 5, "@supplier", "A-01", NEW),
            goes("MILK", 5, "@supplier", PALLET, NEW),
            stands(PALLET, "B-01"),
            goes("MILK", 5, "@supplier", "A-01", UNDATED),
            goes("MILK", 5, "@supplier", "A-01", GONE),
            goes("MILK", 5, "@supplier", "A-01"),
            goes("MILK", 5, "@supplier", "A-03", "BAD", into="damaged"),
            goes("BOX", 5, "@supplier", "A-01", "B1"),
        )
        for lot, month, day in ((OLD, 6, 1), (NEW, 9, 1), (GONE, 3, 2), ("BAD", 4, 1)):
            floor.dates("MILK", lot, date(2026, month, day))
        yield floor


def published(floor: Floor) -> None:
    """Let ingest have published all there is."""
    floor.ledger.as_owner(lambda conn: conn.execute("UPDATE gateway_message SET published_at = now()"))


def told(floor: Floor) -> int:
    with closing(LastingConnection(floor.ledger.app_dsn, "test-lots")) as source:
        return int(references.follow_lots(source, references.JOB, at(1))["told"])


def test_gateways_are_told_which_lots_could_be_picked_when_these_are_others(floor: Floor) -> None:
    assert told(floor) == 1
    assert told(floor) == 0, "it knows"
    (message,) = sent(floor.ledger)
    assert message.pickable == (
        PickableItem(
            names=NAMES,
            lots=(
                PickableLot(lot=OLD, expires_on=date(2026, 6, 1), places=("A-02",)),
                PickableLot(lot=NEW, expires_on=date(2026, 9, 1), places=("A-01", "B-01")),
                PickableLot(lot=UNDATED, places=("A-01",)),
            ),
        ),
    ), "neither expired nor damaged goods, what lies where picks are brought to, or what never expires"
    floor.moves(goes("MILK", 1, "A-02", "A-01", OLD, minute=1))
    assert told(floor) == 1, "it lies in another place, too"
    floor.claims("SO-1")
    floor.moves(*(goes("MILK", 1, place, "@scrap", OLD, minute=2) for place in ("A-01", "A-02")))
    assert told(floor) == 1
    assert sent(floor.ledger)[-1].pickable[0].lots[0].lot == NEW, "the rest is somebody's"


def test_only_a_gateway_with_handhelds_is_told_and_whatever_else_it_is_told_says_the_same_of_lots(
    floor: Floor,
) -> None:
    floor.ledger.query(
        "INSERT INTO gateway (name, kind, site_id) VALUES ('door-1', 'edge', %s) RETURNING 1", SITE
    )
    settings = '{"workflow": null, "readers": []}'
    floor.ledger.query(
        "INSERT INTO gateway_config_report (gateway_id, site_id, revision, outcome, settings, origins, "
        "errors, reported_at, heard_at) "
        "SELECT gateway_id, site_id, 0, 'applied', %s, '{}', '[]', now(), now() "
        "FROM gateway WHERE name = 'door-1' RETURNING 1",
        settings,
    )
    assert told(floor) == 1
    assert sent(floor.ledger, "door-1") == []
    recipe = {"code": "K", "kind": "kit", "inputs": [{"item": "BOX", "quantity": "1"}]}
    stated = RecipePaper.model_validate(recipe | {"outputs": [{"item": "MILK", "quantity": "1"}]})
    floor.ledger.as_app(lambda conn: put_recipes(conn, NET, [stated], now=at(0)))
    floor.moves(goes("MILK", 1, "A-02", "A-01", OLD, minute=1))
    with closing(LastingConnection(floor.ledger.app_dsn, "test-lots")) as source:
        references.follow(source, references.JOB, at(1))
    first, second = sent(floor.ledger)
    assert (len(second.recipes), second.pickable) == (1, first.pickable), "as it was told last"
    assert [each.pickable for each in sent(floor.ledger, "door-1")] == [()]
    assert told(floor) == 1


def test_a_message_that_a_published_one_supersedes_is_forgotten_and_no_other(floor: Floor) -> None:
    def changes(minute: int) -> None:
        before, place = "A-02" if minute == 1 else f"C-{minute - 1:02}", f"C-{minute:02}"
        floor.moves(goes("MILK", 5, before, place, OLD, minute=minute))
        assert told(floor) == 1

    changes(1)
    changes(2)
    assert len(sent(floor.ledger)) == 2, "neither is published"
    published(floor)
    first, second = sent(floor.ledger)
    changes(3)
    assert sent(floor.ledger)[0] == second, "until the third is published, it is the newest there is"
    assert len(sent(floor.ledger)) == 2
    changes(4)
    assert [each.revision > second.revision for each in sent(floor.ledger)] == [False, True, True]
    published(floor)
    changes(5)
    assert len(sent(floor.ledger)) == 2
    assert first.revision < second.revision < sent(floor.ledger)[0].revision


def test_an_items_gtin_is_told_whatever_its_other_names_are(floor: Floor) -> None:
    floor.ledger.query(
        "INSERT INTO identifier (scheme, value, item_id) SELECT 'local', lpad(n::text, 5, '0'), i.item_id "
        "FROM item i, generate_series(1, 60) n WHERE i.code = 'MILK' RETURNING 1"
    )
    assert told(floor) == 1
    names = sent(floor.ledger)[0].pickable[0].names
    assert (names[:1], len(names)) == (NAMES, 50)


def test_a_message_holds_as_many_items_as_a_publish(floor: Floor) -> None:
    assert told(floor) == 1
    (message,) = sent(floor.ledger)
    cut = fitting_lots(message.model_copy(update={"pickable": ()}), message.pickable * 5000)
    assert 500 < len(cut.pickable) < 5000
    assert len(cut.model_dump_json().encode()) < 256 * 1024


def test_a_handheld_asks_what_the_ledger_said_and_a_ticket_tells_what_it_passed_over(
    floor: Floor, tmp_path: Path
) -> None:
    assert told(floor) == 1
    book = ReferenceBook(tmp_path / "reference.json", SITE)
    assert book.take(sent(floor.ledger)[0].model_dump_json().encode())
    engine, state, said, moved = Engine("scanner-1", SCANNER, lots=book.lots_of), State(), [], []
    new, old = (f"]C101{GTINS['MILK']}10{lot}" for lot in (NEW, OLD))
    for number, text in enumerate(("]C0$PICK/SO-1", "]C0A-01", "]C0$QTY/2", new, new, new, "]C0A-02", old)):
        now = Stamp(at(2 + number / 100), number, "boot", clock_ok=True)
        outcome = engine.take(state, decode_barcode(text), now)
        state = outcome.state
        said.append(outcome.feedback.text)
        moved += [each.record for each in outcome.drafts if isinstance(each.record, Movement)]
    floor.moves(*moved)
    assert said[3] == (
        "earlier_lot: lot OLD at A-02 expires earlier (2026-06-01): take it, or scan this again to pick it "
        "anyway"
    )
    with closing(LastingConnection(floor.ledger.app_dsn, "test-left")) as source:
        assert tell_left(source, WATCH) == {"shipped": 0, "picked": 0, "short": 0, "later": 1}
        assert tell_left(source, WATCH)["later"] == 0
    (ticket,) = floor.tickets("later_lot_picked")
    assert ticket.severity == "warning"
    assert ticket.summary == (
        "3 each of MILK lot NEW, which expires on 2026-09-01, was picked into STAGE-1 by handheld though lot "
        "OLD expires earlier (pick/SO-1)"
    )
